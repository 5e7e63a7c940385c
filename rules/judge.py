"""Every rule asked about every line that is its business: `judge(lines, past, rules)`, the same for one claim and many.

Rules are dated by the day of service. A finding counts as a feature only from the day on which its value could be
known; `check` may use all that is known today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from claims.pairs import expand
from claims.texts import SMALL, Texts, distinct
from rules.encode import Lines
from rules.findings import Findings, Judged
from rules.kinds import JUDGES
from rules.past import Past
from rules.ruleset import NOW, Chosen, Payer, RuleSet
from rules.sheet import NO, NOT_KNOWN, YES, Sheet
from rules.verdict import NONE, UNKNOWN, Asked, Period, Told, Verdict

PAYER_COLUMNS = ("payer_id", "payer_name", "claim_filing_indicator_code", "service_state")
PLACE, EMPTY = "place_of_service_code", frozenset({""})
_FIELDS = {
    PLACE: "the place of service", "service_state": "the state of the service",
    "claim_filing_indicator_code": "the kind of plan",
}  # fmt: skip


def judge(lines: pl.DataFrame | Lines, past: Past, rules: RuleSet) -> Findings:
    """What the rules say of (n,) lines, every one with a submitted_date. A claim must come with all its lines."""
    return judge_sheet(Sheet(lines if isinstance(lines, Lines) else Lines(lines), past), rules)


def judge_sheet(sheet: Sheet, rules: RuleSet) -> Findings:
    """What the rules say of the lines of a sheet, as `judge`."""
    cells, cell = _cells(sheet, rules)
    coverage = np.array([one.coverage for one in cells], np.int8)[cell] if len(sheet) else np.zeros(0, np.int8)
    return Findings(len(sheet), tuple(_judged(sheet, rules, cells, cell)), coverage)


def _cells(sheet: Sheet, rules: RuleSet) -> tuple[list[Chosen], np.ndarray]:
    """The distinct payers and codes with the rules they are asked, and (lines,) the cell of each line."""
    columns = [sheet.lines.text(name) for name in PAYER_COLUMNS]
    key = np.zeros(len(sheet), np.int64)
    for column in (*columns, sheet.lines.code):
        key = key * len(column.levels) + column.at
    first, cell = distinct(key)
    told = zip(*(_levels(column, first) for column in (*columns, sheet.lines.code)), strict=True)
    return [rules.chosen(Payer(*payer), code) for *payer, code in told], cell


def _levels(column: Texts, rows: np.ndarray) -> list[str | None]:
    return [column.levels[place] for place in column.at[rows].tolist()]


def _judged(sheet: Sheet, rules: RuleSet, cells: list[Chosen], cell: np.ndarray) -> Iterator[Judged]:
    for place, rows in _asked(cells, cell):
        period = rules.periods[place]
        service = sheet.service[rows]
        rows = rows[(service >= period.begin) & (service < period.end)]
        submitted = sheet.submitted[rows]
        counts = (submitted >= period.known_from) & (submitted < period.known_to)
        now = period.known_from <= NOW < period.known_to
        if not now:
            rows, counts = rows[counts], counts[counts]
        if len(rows):
            verdict = _verdict(sheet, rows, period, rules)
            if verdict.known is not None:
                counts = counts & (verdict.known <= sheet.submitted[rows])
            yield Judged(period, rows, verdict, counts, now)


def _asked(cells: list[Chosen], cell: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each period that some cell is asked, with the rows of those cells in order."""
    if len(cell) <= SMALL:
        yield from _asked_of_few(cells, cell)
        return
    order = np.argsort(cell, kind="stable")
    sizes = np.array([len(one.periods) for one in cells], np.int64)
    if not sizes.sum():
        return
    period, of = np.concatenate([one.periods for one in cells]), np.repeat(np.arange(len(cells)), sizes)
    grouped = np.argsort(period, kind="stable")
    period, of = period[grouped], of[grouped]
    ordered = cell[order]
    begin, end = ordered.searchsorted(of), ordered.searchsorted(of, side="right")
    starts = np.flatnonzero(np.diff(period, prepend=-1))
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(period)], strict=True):
        rows = order[expand(of[start:stop], begin[start:stop], end[start:stop])[1]]
        yield int(period[start]), np.sort(rows) if stop - start > 1 else rows


def _asked_of_few(cells: list[Chosen], cell: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The same without sorting, which costs more than a few rows do."""
    asked: dict[int, list[int]] = {}
    for row, place in enumerate(cell.tolist()):
        for period in cells[place].periods.tolist():
            asked.setdefault(period, []).append(row)
    for period in sorted(asked):
        yield period, np.array(asked[period], np.int64)


def _verdict(sheet: Sheet, rows: np.ndarray, period: Period, rules: RuleSet) -> Verdict:
    """The kind's answer where the rule's conditions hold; unknown where they are not known, none where they do not."""
    holds, missing = _conditions(sheet, rows, period)
    if holds is None:
        return JUDGES[period.rule.kind](Asked(sheet, rows, period, rules.tables))
    inner = np.flatnonzero(holds > NO)
    outcome = np.where(holds == NOT_KNOWN, UNKNOWN, NONE).astype(np.int8)
    if not len(inner):
        return Verdict(outcome, why=missing)
    verdict = JUDGES[period.rule.kind](Asked(sheet, rows[inner], period, rules.tables))
    outcome[inner] = verdict.outcome
    return _widened(verdict, outcome, inner, missing)


def _widened(verdict: Verdict, outcome: np.ndarray, inner: np.ndarray, missing: Callable[[int], str]) -> Verdict:
    """A verdict of some rows as one of all of them."""
    place = np.full(len(outcome), -1)
    place[inner] = np.arange(len(inner))

    def why(i: int) -> str:
        if place[i] < 0:
            return missing(i)
        told = verdict.why
        return told(int(place[i])) if callable(told) else told or ""

    def assumed(places: np.ndarray) -> np.ndarray:
        found, judged = np.zeros(len(places), bool), place[places]
        if verdict.assumed:
            found[judged >= 0] = verdict.assumed(judged[judged >= 0])
        return found

    told = {name: _moved(told, place) for name, told in verdict.told.items()}
    suggested = None if verdict.suggested is None else _moved(verdict.suggested, place)
    lapsed, known = (_spread(one, place) for one in (verdict.lapsed, verdict.known))
    return Verdict(outcome, told, why, suggested, lapsed, known, assumed)


def _spread(values: np.ndarray | None, place: np.ndarray) -> np.ndarray | None:
    """What some rows have, by the place of each among all; nothing (0) for the others."""
    return None if values is None else np.where(place < 0, np.zeros((), values.dtype), values[place])


def _moved(told: Told, place: np.ndarray) -> Told:
    """What was told of some rows, asked by the place of each among all."""
    return told[place] if isinstance(told, np.ndarray) else lambda i: told(int(place[i]))


def _of_a_place(sheet: Sheet, rows: np.ndarray, held: np.ndarray) -> np.ndarray:
    """(rows,) int8 whether a place is one that is asked for: not known of an institutional claim, which has none."""
    if not sheet.institutional.any():
        return held
    none = sheet.institutional[rows] & (sheet.has(PLACE, EMPTY)[rows] == YES)
    return np.where(none, NOT_KNOWN, held).astype(np.int8)


def _conditions(sheet: Sheet, rows: np.ndarray, period: Period) -> tuple[np.ndarray | None, Callable[[int], str]]:
    """(rows,) int8 whether a rule's conditions hold (NOT_KNOWN, NO, YES), None without any; what is not known."""
    when, told = period.rule.when, []
    missing = []
    for column, words in _FIELDS.items():
        values = getattr(when, column)
        if values:
            held = sheet.has(column, frozenset(values))[rows]
            told.append(_of_a_place(sheet, rows, held) if column == PLACE else held)
            missing.append(words)
    if when.in_network_flag is not None:
        flag = sheet.lines.number("in_network_flag")[rows]
        told.append(np.where(np.isnan(flag), NOT_KNOWN, flag == when.in_network_flag).astype(np.int8))
        missing.append("whether the provider is in the payer's network")
    if when.modifiers:
        told.append(sheet.modified(frozenset(when.modifiers))[rows])
        missing.append("the modifiers")
    if when.no_modifiers:
        held = sheet.modified(frozenset(when.no_modifiers))[rows]
        told.append(np.where(held == NOT_KNOWN, NOT_KNOWN, 1 - held).astype(np.int8))
        missing.append("the modifiers")
    if not told:
        return None, str
    every = np.min(np.stack([np.where(one == NO, -2, one) for one in told]), axis=0)  # a plain no settles it

    def why(i: int) -> str:
        if len(missing) == 1 and when.place_of_service_code and sheet.institutional[rows[i]]:
            return "An institutional claim has a type of bill and no place of service, which this rule goes by."
        return f"The claim does not say {' or '.join(missing)}."

    return np.where(every == -2, NO, every).astype(np.int8), why
