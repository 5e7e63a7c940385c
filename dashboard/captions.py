"""The sentence beside each chart: what it says, for those who do not see it and those who have no time."""

from __future__ import annotations

from typing import Any

import polars as pl

from dashboard import words
from dashboard.drivers import Drivers
from dashboard.facts import RECENT_DAYS
from dashboard.views import FEW, Overview


def months(table: pl.DataFrame) -> str:
    """Of the rates by month."""
    settled, still_open = table.filter(pl.col("settled") & (pl.col("lines") > 0)), table.filter(~pl.col("settled"))
    said = "No month is settled yet."
    if len(settled):
        last = settled.row(-1, named=True)
        low, high = (settled.sort("rate", "month").row(i, named=True) for i in (0, -1))
        said = (
            f"{words.percent(last['rate'])} of the lines of {words.month(last['month'])}, the last settled month, were "
            f"denied. Settled months lie between {words.percent(low['rate'])} ({words.month(low['month'])}) and "
            f"{words.percent(high['rate'])} ({words.month(high['month'])})."
        )
    if not len(still_open):
        return said
    waiting = int(still_open["waiting"].sum()) / int(still_open["sent"].sum())
    return (
        f"{said} From {words.month(still_open['month'][0])} on the months are still open: {words.percent(waiting, 0)} "
        "of their lines wait for an answer, so their rates are not final."
    )


def dollars(table: pl.DataFrame) -> str:
    """Of the dollars by month."""
    settled = table.filter("settled")
    if settled.is_empty():
        return "No month is settled yet; what is shown will grow."
    top = settled.sort("denied_cents", "month").row(-1, named=True)
    return (
        f"Settled months shown: {words.dollars(int(settled['denied_cents'].sum()))} denied; the most in "
        f"{words.month(top['month'])}, {words.dollars(top['denied_cents'])}. Grey months will still grow."
    )


def rates(table: pl.DataFrame, labels: list[str], what: str, overall: float | None, total: int) -> str:
    """Of rates by payer, family or code. labels: of the rows; what: singular; total: denied cents of the practice."""
    named = table.with_columns(name=pl.Series(labels, dtype=pl.String))
    first = named.row(0, named=True)
    said = [f"Most denied dollars: {first['name']}, {_money(first['denied_cents'], total)}."]
    supported = named.filter(~pl.col("few")).sort("rate", "lines")
    if len(supported) > 1:
        high = supported.row(-1, named=True)
        said.append(
            f"The highest rate of any {what} with at least {FEW} lines: {high['name']}, {words.percent(high['rate'])} "
            f"({words.between(high['low'], high['high'])})."
        )
    said.append(f"Dashed: the practice's rate, {words.percent(overall)}. Bars: 95% range.")
    return " ".join(said)


def reasons(table: pl.DataFrame, total: int) -> str:
    """Of the dollars by category."""
    totals = table.filter(pl.col("carc").is_null())
    first = totals.row(0, named=True)
    said = f"{words.plain(first['category']).capitalize()} costs most: {_money(first['denied_cents'], total)}"
    if len(totals) == 1:
        return f"{said}."
    second = totals.row(1, named=True)
    return f"{said}; then {words.plain(second['category'])}, {words.dollars(second['denied_cents'])}."


def concepts(found: Drivers) -> str:
    """Of the weights of concepts."""
    named = [
        f"{row['concept']} ({words.percent(row['share'], 0)})" for row in found.concepts.head(3).iter_rows(named=True)
    ]
    return (
        f"On a sample of {words.count(found.lines)} lines sent {words.day(found.first)} to {words.day(found.last)} the "
        f"risk is moved most by {', '.join(named)}. Weight says how much the model uses it, not that changing it "
        "would change the payer's answer."
    )


def reliability(table: pl.DataFrame) -> str:
    """Of the risks told and the shares denied; table: rows of Quality.reliability, the riskiest first."""
    first, last = table.row(0, named=True), table.row(-1, named=True)
    within = table.filter(pl.col("mean_risk").is_between("low", "high"))
    gaps = table.with_columns(gap=(pl.col("rate") - pl.col("mean_risk")).abs())
    widest = gaps.sort("gap", descending=True).row(0, named=True)
    if len(table) == 1:
        return f"Later lines, all in one group: {_told(first)}. Dashed: told and denied alike."
    return " ".join([
        f"Later lines in {len(table)} equal groups by the risk told.",
        f"The riskiest: {_told(first)}; the least risky: {_told(last)}.",
        f"The widest gap, {100 * widest['gap']:.1f} points: {_told(widest)}.",
        f"The risk told lies within the 95% range of the rate in {len(within)} of {len(table)}.",
        "Dashed: told and denied alike; dots above it: denied more often than told.",
    ])  # fmt: skip


def _told(row: dict[str, Any]) -> str:
    return f"told {words.percent(row['mean_risk'])}, denied {words.percent(row['rate'])}"


def combinations(table: pl.DataFrame, total: int) -> str:
    """Of the hot combinations."""
    if table.is_empty():
        return f"No combination of payer, code and diagnosis with at least {FEW} lines is above the practice's rate."
    return (
        f"The costliest combinations of at least {FEW} lines whose rate is above the practice's: {len(table)}, in all "
        f"{_money(int(table['denied_cents'].sum()), total)} denied dollars; {int(table['sure'].sum())} surely above it."
    )


def first_looks(
    seen: Overview, payers: pl.DataFrame, codes: pl.DataFrame, hot: pl.DataFrame, reasons_: pl.DataFrame
) -> list[str]:
    """What to look at first this morning: at most five short sentences, the costliest first."""
    looks = []
    for row in hot.filter("sure").head(2).iter_rows(named=True):
        diagnosis = f" with {words.diagnosis(row['diagnosis'])}" if row["diagnosis"] else ""
        looks.append(
            f"{row['label']} denied {words.percent(row['rate'], 0)} of {words.count(row['lines'])} lines of "
            f"{row['code']}{diagnosis}: {words.dollars(row['denied_cents'])}."
        )
    looks += [_rise(row, row["label"]) for row in _risen(payers)]
    looks += [_rise(row, f"Code {row['code']}") for row in _risen(codes)]
    if len(reasons_):
        looks.append(reasons(reasons_, seen.denied_cents))
    return looks[:5]


def _risen(table: pl.DataFrame) -> list[dict[str, Any]]:
    risen = table.filter(pl.col("clear") & (pl.col("change") > 0))
    return list(risen.head(2).iter_rows(named=True))


def _rise(row: dict[str, Any], name: str) -> str:
    change = 100 * row["change"]
    return f"{name}: the rate of the last {RECENT_DAYS} days is {change:.1f} points above that of the months before."


def _money(cents: int, total: int) -> str:
    return words.dollars(cents) + (f", {words.percent(cents / total, 0)} of all" if total > 0 else "")
