"""The manager's tables as polars frames, from Facts. Shares lie between 0 and 1, money is integer cents.

Every table of rates has lines, denied, rate with the ends low and high of its 95 % Wilson interval, denied_cents,
unpriced (denied lines without an amount), few (too few lines to read as a rate) and change: recent minus earlier rate,
with clear where that is more than chance explains.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from importlib.resources import files

import polars as pl

from dashboard.facts import COUNTED, WAITING, Facts

FEW = 30
Z = 1.959964
Z_CLEAR = 2.575829  # 99 %: many cells are looked at together
LEAN = 20.0  # lines' worth of belief in the rate that a small cell leans on
YOUNG_ALLOWED = 0.05  # a month with a larger share of lines younger than their payer's lag is not settled
MONTHS = 24
NO_REASON = "not stated"


@dataclass(frozen=True)
class Overview:
    """The practice as a whole: the mature lines of the period, and what is open since its first day."""

    first: date | None  # None: no line is mature
    last: date | None
    lines: int
    denied: int
    rate: float | None
    low: float | None
    high: float | None
    denied_cents: int
    unpriced: int
    claims: int
    denied_claims: int
    sent: int  # originals since the first day, answered or not
    pending: int
    no_response: int


def overview(facts: Facts) -> Overview:
    """Counts, rates and money of the period."""
    mature = facts.mature
    row = rated(mature.select(*_sums())).row(0, named=True)
    claims = mature.group_by("submission").agg(pl.col("y").max())["y"]
    first = mature["submitted_date"].min()
    assert first is None or isinstance(first, date)
    since = pl.lit(True) if first is None else pl.col("submitted_date") >= first
    sent = facts.lines.filter(pl.col("state").is_in(COUNTED) & since)["state"]
    names = ("lines", "denied", "rate", "low", "high", "denied_cents", "unpriced")
    return Overview(
        first=first, last=facts.through, **{name: row[name] for name in names},
        claims=len(claims), denied_claims=int((claims == 1).sum()),
        sent=len(sent), pending=int((sent == "pending").sum()), no_response=int((sent == "no_response").sum()),
    )  # fmt: skip


def by_month(facts: Facts) -> pl.DataFrame:
    """The last MONTHS months of submission: month, sent, answered, waiting, waiting_share, settled, rates, money.

    A settled month counts its mature lines; another one whatever is answered, which is not what it will come to.
    """
    sent = facts.lines.filter(pl.col("state").is_in(COUNTED))
    months = sent.group_by("month").agg(
        sent=pl.len(),
        waiting=pl.col("state").is_in(WAITING).sum(),
        settled=pl.col("young").mean() <= YOUNG_ALLOWED,
    )
    answered = sent.filter(pl.col("y").is_not_null()).group_by("month").agg(*_sums(trend=False))
    table = months.join(answered, on="month", how="left").sort("month").tail(MONTHS)
    table = table.with_columns(pl.col("lines", "denied", "denied_cents", "unpriced").fill_null(0))
    return rated(table.with_columns(waiting_share=pl.col("waiting") / pl.col("sent")), trend=False)


def by_payer(facts: Facts) -> pl.DataFrame:
    """Payers by denied dollars: label, days (its remittance lag), rates, money, change."""
    table = _tally(facts.mature, ["payer_id"]).join(facts.payers, on="payer_id", how="left")
    return table.sort("denied_cents", "lines", "payer_id", descending=[True, True, False])


def by_family(facts: Facts) -> pl.DataFrame:
    """Families of procedures by denied dollars."""
    return _ranked(_tally(facts.mature, ["family"]), "family")


def by_code(facts: Facts) -> pl.DataFrame:
    """Procedure codes, with their family, by denied dollars."""
    return _ranked(_tally(facts.mature, ["family", "code"]), "code")


def by_category(facts: Facts) -> pl.DataFrame:
    """Why lines were denied: category, carc (null: the category's total), meaning, share of the denied lines.

    The rate is that of denials for this reason among all mature lines. Totals by dollars, their codes beneath them.
    """
    mature = facts.mature
    denied = mature.filter(pl.col("y") == 1).with_columns(pl.col("category", "carc").fill_null(NO_REASON))
    total = denied.group_by("category").agg(*_reasons()).with_columns(carc=pl.lit(None, pl.String))
    codes = denied.group_by("category", "carc").agg(*_reasons())
    table = pl.concat([total, codes.select(total.columns)])
    ends = _wilson(pl.col("denied"), pl.lit(len(mature)))
    weight = pl.col("denied_cents").max().over("category")
    return (
        table.with_columns(share=pl.col("denied") / len(denied), rate=pl.col("denied") / len(mature), **ends)
        .sort(
            weight, "category", pl.col("carc").is_not_null(), "denied_cents", "carc",
            descending=[True, False, False, True, False],
        )
        .join(_meanings(), on="carc", how="left", maintain_order="left")
    )  # fmt: skip


def hot_combinations(facts: Facts, limit: int = 25) -> pl.DataFrame:
    """Payer, code and diagnosis with at least FEW lines and a leaned rate above the practice's, by denied dollars.

    leaned: the rate leaning with LEAN lines on the payer's rate for the code, and that on the payer's. sure: the whole
    interval of the plain rate is above the practice's rate too.
    """
    mature = facts.mature
    overall = pl.lit(mature.select(pl.col("y").mean()).item(), pl.Float64)
    payer, code = ["payer_id"], ["payer_id", "code"]
    parents = mature.group_by(payer).agg(payer_rate=_leaning(overall))
    cells = mature.join(parents, on=payer).group_by(code).agg(parent=_leaning(pl.col("payer_rate").first()))
    table = _tally(mature, [*code, "diagnosis"]).join(cells, on=code).join(facts.payers, on=payer, how="left")
    leaned = (pl.col("denied") + LEAN * pl.col("parent")) / (pl.col("lines") + LEAN)
    table = table.with_columns(leaned=leaned, sure=pl.col("low") > overall)
    table = table.filter((pl.col("lines") >= FEW) & (pl.col("leaned") > overall))
    return table.sort("denied_cents", *code, "diagnosis", descending=[True, *[False] * 3]).head(limit)


def coverage(facts: Facts) -> pl.DataFrame:
    """Every line of the store by what became of it: state, outcome (of lines out of the target), lines."""
    states = facts.lines.group_by("state").len("lines").filter(pl.col("state") != "out_of_target")
    states = states.select("state", "lines", outcome=pl.lit(None, pl.String)).sort("lines", "state", descending=True)
    outside = [("out_of_target", count, outcome) for outcome, count in sorted(facts.out_of_target.items())]
    return pl.concat([states, pl.DataFrame(outside, schema=states.schema, orient="row")])


def rated(table: pl.DataFrame, trend: bool = True) -> pl.DataFrame:
    """Adds rate, low, high, few and, with trend, change and clear; null where there are no (or too few) lines.

    table: lines and denied; for the trend also those of its recent lines, recent_lines and recent_denied.
    """
    lines, denied = pl.col("lines"), pl.col("denied")
    table = table.with_columns(rate=pl.when(lines > 0).then(denied / lines), few=lines < FEW, **_wilson(denied, lines))
    if not trend:
        return table
    recent, before = pl.col("recent_lines"), lines - pl.col("recent_lines")
    enough = (recent >= FEW) & (before >= FEW)
    change = pl.col("recent_denied") / recent - (denied - pl.col("recent_denied")) / before
    spread = (pl.col("rate") * (1 - pl.col("rate")) * (1 / recent + 1 / before)).sqrt()
    table = table.with_columns(change=pl.when(enough).then(change))
    return table.with_columns(clear=(pl.col("change").abs() > Z_CLEAR * spread).fill_null(False))


def _sums(trend: bool = True) -> list[pl.Expr]:
    """Aggregates of a group of labelled lines; with trend those of its recent lines too."""
    recent = [
        pl.col("recent").sum().alias("recent_lines"),
        pl.col("y").filter("recent").sum().cast(pl.Int64).alias("recent_denied"),
    ]
    return [
        pl.len().cast(pl.Int64).alias("lines"),
        pl.col("y").sum().cast(pl.Int64).alias("denied"),
        pl.col("denied_cents").sum(),
        ((pl.col("y") == 1) & pl.col("denied_cents").is_null()).sum().alias("unpriced"),
        *(recent if trend else []),
    ]


def _reasons() -> list[pl.Expr]:
    return [
        pl.len().cast(pl.Int64).alias("denied"),
        pl.col("denied_cents").sum(),
        pl.col("denied_cents").is_null().sum().alias("unpriced"),
    ]


def _tally(mature: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    return rated(mature.group_by(keys).agg(*_sums()))


def _wilson(denied: pl.Expr, lines: pl.Expr) -> dict[str, pl.Expr]:
    """Ends of the 95 % Wilson interval; null without lines."""
    rate, weight = denied / lines, Z * Z / lines
    centre = (rate + weight / 2) / (1 + weight)
    half = Z * (rate * (1 - rate) / lines + weight / (4 * lines)).sqrt() / (1 + weight)
    some = pl.when(lines > 0)
    return {"low": some.then((centre - half).clip(0, 1)), "high": some.then((centre + half).clip(0, 1))}


def _leaning(parent: pl.Expr) -> pl.Expr:
    return (pl.col("y").sum() + LEAN * parent) / (pl.len() + LEAN)


def _ranked(table: pl.DataFrame, key: str) -> pl.DataFrame:
    return table.sort("denied_cents", "lines", key, descending=[True, True, False])


def _meanings() -> pl.DataFrame:
    """carc, meaning: our own words for each adjustment code, whatever its group."""
    table = pl.read_csv((files("claims") / "carc_classes.csv").read_bytes(), infer_schema=False).fill_null("")
    listed = table.filter(pl.col("carc") != "*").sort("group").unique("carc", keep="first", maintain_order=True)
    return listed.select("carc", "meaning")
