"""Plotly figures of aggregates, quiet and without a template; a caption and a table always stand beside them.

Plotly reads some markup in text: every name that comes from outside is escaped here.
"""

from __future__ import annotations

import html
from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from dashboard import words
from dashboard.drivers import Drivers

INK, QUIET, GRID = "#1b2733", "#5b6875", "#e3e7eb"
MAIN, MARK, OPEN = "#1f5f8b", "#b3541e", "#9aa5b1"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"
BARS = 12
LONGEST = 24


def months(table: pl.DataFrame) -> go.Figure:
    """Denial rate by month with its interval; open months hollow and grey; beneath, the share still waiting."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.7, 0.3], vertical_spacing=0.08)
    settled, still_open = table.filter("settled"), table.filter(~pl.col("settled"))
    for part, name, colour, symbol in (
        (settled, "settled month", MAIN, "circle"),
        (still_open, "still open", OPEN, "circle-open"),
    ):
        figure.add_trace(_dots(part, name, colour, symbol), row=1, col=1)
    waiting = go.Bar(
        x=_dates(table), y=_percents(table, "waiting_share"), name="waiting for an answer", marker_color=OPEN,
        showlegend=False, hovertemplate="%{x|%b %Y}: %{y:.0f}% waiting<extra></extra>",
    )  # fmt: skip
    figure.add_trace(waiting, row=2, col=1)
    figure.update_yaxes(title_text="lines denied", ticksuffix="%", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title_text="waiting", ticksuffix="%", range=[0, 105], nticks=3, row=2, col=1)
    return _quiet(figure, 380)


def _dots(part: pl.DataFrame, name: str, colour: str, symbol: str) -> go.Scatter:
    rate = _percents(part, "rate")
    return go.Scatter(
        x=_dates(part), y=rate, mode="lines+markers", name=name, connectgaps=False,
        line={"color": colour, "width": 2, "dash": "solid" if symbol == "circle" else "dot"},
        marker={"symbol": symbol, "size": 8, "color": colour},
        error_y=_ends(part, colour),
        hovertemplate="%{x|%b %Y}: %{y:.1f}% denied<extra></extra>",
    )  # fmt: skip


def dollars(table: pl.DataFrame) -> go.Figure:
    """Denied dollars by month; open months grey."""
    figure = go.Figure(layout={"barmode": "overlay"})
    for part, name, colour in (
        (table.filter("settled"), "settled month", MAIN),
        (table.filter(~pl.col("settled")), "still open", OPEN),
    ):
        figure.add_bar(
            x=_dates(part), y=_dollars(part), name=name, marker_color=colour,
            hovertemplate="%{x|%b %Y}: $%{y:,.0f}<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(tickprefix="$", title_text="denied", rangemode="tozero")
    return _quiet(figure, 260)


def rates(table: pl.DataFrame, labels: list[str], overall: float | None) -> go.Figure:
    """Denial rates as dots with intervals, the practice's own as a line; at most BARS rows, in the table's order."""
    shown = table.head(BARS).reverse()
    names = [_name(label) for label in labels[:BARS]][::-1]
    few = shown["few"].to_list()
    figure = go.Figure(
        go.Scatter(
            x=_percents(shown, "rate"), y=list(range(len(names))), mode="markers", showlegend=False,
            marker={
                "size": 9,
                "color": [OPEN if f else MAIN for f in few],
                "symbol": ["circle-open" if f else "circle" for f in few],
            },
            error_x=_ends(shown, QUIET), customdata=list(zip(names, shown["lines"].to_list(), strict=True)),
            hovertemplate="%{customdata[0]}: %{x:.1f}% of %{customdata[1]:,} lines<extra></extra>",
        )
    )  # fmt: skip
    if overall is not None:
        figure.add_vline(x=100 * overall, line={"color": MARK, "width": 1.5, "dash": "dash"})
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=names, range=[-0.6, len(names) - 0.4], gridcolor="white"
    )
    figure.update_xaxes(ticksuffix="%", rangemode="tozero", title_text="lines denied")
    return _quiet(figure, 90 + 26 * max(3, len(names)))


def reasons(table: pl.DataFrame) -> go.Figure:
    """Denied dollars by category."""
    totals = table.filter(pl.col("carc").is_null()).reverse()
    return _bars(
        [words.plain(c) for c in totals["category"]], _dollars(totals), "denied", "$", "%{y}: $%{x:,.0f}<extra></extra>"
    )


def concepts(found: Drivers) -> go.Figure:
    """Weight of each billing concept as its share of all."""
    table = found.concepts.head(BARS).reverse()
    return _bars(
        table["concept"].to_list(),
        _percents(table, "share"),
        "share of the weight",
        "",
        "%{y}: %{x:.0f}%<extra></extra>",
        "%",
    )


def reliability(table: pl.DataFrame) -> go.Figure:
    """Risks as they were told against shares denied, a dot a group of lines; dashed where the two are equal."""
    risks = _percents(table, "mean_risk")
    top = 2 + max(percent for percent in (*risks, *_percents(table, "high")) if percent is not None)
    figure = go.Figure(
        go.Scatter(
            x=risks, y=_percents(table, "rate"), mode="lines+markers", showlegend=False,
            line={"color": MAIN, "width": 1}, marker={"size": 9, "color": MAIN}, error_y=_ends(table, QUIET),
            customdata=table["lines"].to_list(),
            hovertemplate="told %{x:.1f}%, denied %{y:.1f}% of %{customdata:,} lines<extra></extra>",
        )
    )  # fmt: skip
    figure.add_shape(type="line", x0=0, y0=0, x1=top, y1=top, line={"color": MARK, "width": 1.5, "dash": "dash"})
    figure.update_xaxes(ticksuffix="%", title_text="risk told", range=[0, top])
    figure.update_yaxes(ticksuffix="%", title_text="lines denied", range=[0, top])
    return _quiet(figure, 340)


def _bars(
    names: list[str], values: list[float | None], title: str, prefix: str, hover: str, suffix: str = ""
) -> go.Figure:
    figure = go.Figure(
        go.Bar(x=values, y=[_name(n) for n in names], orientation="h", marker_color=MAIN, hovertemplate=hover)
    )
    figure.update_xaxes(tickprefix=prefix, ticksuffix=suffix, title_text=title, rangemode="tozero")
    return _quiet(figure, 90 + 26 * max(3, len(names)))


def _quiet(figure: go.Figure, height: int) -> go.Figure:
    """The shared look: white, thin grid, no decoration."""
    axis = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": GRID, "automargin": True, "fixedrange": True}
    figure.update_layout(
        template=None, height=height, margin={"l": 8, "r": 16, "t": 28, "b": 8}, bargap=0.35,
        paper_bgcolor="white", plot_bgcolor="white", font={"family": FONT, "size": 13, "color": INK},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}, hoverlabel={"font": {"family": FONT}},
    )  # fmt: skip
    own = figure.layout.yaxis.gridcolor
    figure.update_xaxes(axis, title_font_size=13).update_yaxes(axis, title_font_size=13)
    if own:
        figure.update_yaxes(gridcolor=own)
    return figure


def _name(text: str) -> str:
    """A label: shortened, then escaped."""
    return html.escape(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")


def _dates(table: pl.DataFrame) -> list[str]:
    return table["month"].cast(pl.String).to_list()


def _dollars(table: pl.DataFrame) -> list[float | None]:
    return (table["denied_cents"] / 100).round(0).to_list()


def _percents(table: pl.DataFrame, column: str) -> list[float | None]:
    return (100 * table[column]).round(2).to_list()


def _ends(table: pl.DataFrame, colour: str) -> dict[str, Any]:
    """Error bars from rate to low and high."""
    above, below = 100 * (table["high"] - table["rate"]), 100 * (table["rate"] - table["low"])
    return {
        "type": "data", "symmetric": False, "array": above.round(2).to_list(), "arrayminus": below.round(2).to_list(),
        "color": colour, "thickness": 1, "width": 0,
    }  # fmt: skip
