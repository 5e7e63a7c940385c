"""What the rules say of some lines: outcomes as arrays, words only for those that are read.

The words and names of a finding are the contract of `denials check` and of the scorer's answer.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from rules.gaps import COVERED, GAPS
from rules.verdict import BROKEN, OUTCOMES, UNKNOWN, Period, Told, Verdict

Finding = dict[str, Any]
ASSUMED = "assumed"
NOT_COVERED = "no_book"  # the kind of what is said of a claim that no book covers


@dataclass(frozen=True)
class Judged:
    """One period of a rule, the (rows,) lines it was asked about, what it says; counts: as known when submitted.

    now: whether it is among what is known today (a value that has been superseded since is not).
    """

    period: Period
    rows: np.ndarray
    verdict: Verdict
    counts: np.ndarray
    now: bool

    @property
    def broken(self) -> np.ndarray:
        """(rows,) whether the rule is broken."""
        broken: np.ndarray = self.verdict.outcome == BROKEN
        return broken

    def assumed(self, places: np.ndarray) -> np.ndarray:
        """(places,) whether the rule, or what a table says of those of the rows, is assumed and not stated."""
        if self.period.rule.standing == ASSUMED:
            return np.ones(len(places), bool)
        return np.zeros(len(places), bool) if self.verdict.assumed is None else self.verdict.assumed(places)


@dataclass(frozen=True)
class Findings:
    """size: lines; coverage: (lines,) whether the payer has a book (rules/ruleset.py)."""

    size: int
    judged: tuple[Judged, ...]
    coverage: np.ndarray

    def counted(self) -> dict[str, np.ndarray]:
        """Kind -> (lines,) int64 broken rules whose value was known when the line was submitted; kinds with any."""
        totals: dict[str, np.ndarray] = {}
        for one in self.judged:
            rows = one.rows[one.broken & one.counts]
            if len(rows):
                kind = one.period.rule.kind
                total = np.bincount(rows, minlength=self.size)
                totals[kind] = totals[kind] + total if kind in totals else total
        return totals

    def lapsed(self) -> np.ndarray:
        """(lines,) int64: edits that no table speaks for on the day, and that the last one that spoke would break."""
        total = np.zeros(self.size, np.int64)
        for one in self.judged:
            if one.verdict.lapsed is not None:
                total += np.bincount(one.rows[one.verdict.lapsed & one.counts], minlength=self.size)
        return total

    def told(self, outcomes: Collection[int] = (BROKEN,)) -> list[list[Finding]]:
        """(lines,) lists of findings as of today, broken first; a claim without a book is told as unknown."""
        found: list[list[tuple[int, str, Finding]]] = [[] for _ in range(self.size)]
        for one in self.judged:
            if one.now:
                for i in np.flatnonzero(_among(one.verdict.outcome, outcomes)).tolist():
                    told = _finding(one, i)
                    found[one.rows[i]].append((-int(one.verdict.outcome[i]), told["rule_id"], told))
        if UNKNOWN in outcomes:
            for row in np.flatnonzero(self.coverage != COVERED).tolist():
                told = not_covered(int(self.coverage[row]))
                found[row].append((-UNKNOWN, "", told))
        return [[told for *_, told in sorted(line, key=lambda entry: entry[:2])] for line in found]

    def coverage_of(self, claim: np.ndarray) -> np.ndarray:
        """(claims,) how far each claim is covered: what is gravest among its lines. claim: (lines,) 0, 1, ..."""
        none = max(GAPS) + 1
        gravest = np.full(int(claim.max(initial=-1)) + 1, none)
        gaps = np.flatnonzero(self.coverage != COVERED)
        np.minimum.at(gravest, claim[gaps], self.coverage[gaps])
        return np.where(gravest == none, COVERED, gravest)


def _among(outcome: np.ndarray, outcomes: Collection[int]) -> np.ndarray:
    """(rows,) whether each is one of a few; numpy's isin costs 30 us on a few rows."""
    found: np.ndarray = np.any([outcome == wanted for wanted in outcomes], axis=0)
    return found


def _finding(one: Judged, i: int) -> Finding:
    rule, outcome = one.period.rule, int(one.verdict.outcome[i])
    return {
        "rule_id": rule.id,
        "kind": rule.kind,
        "outcome": OUTCOMES[outcome],
        "message": _message(one, i, outcome),
        "remedy": _filled(one, i, rule.remedy or "") if outcome == BROKEN else None,
        "field": rule.field,
        "suggested": _suggested(one, i) if outcome == BROKEN else None,
        "carc": rule.carc,
        "citation": rule.citation,
        "standing": ASSUMED if one.assumed(np.array([i]))[0] else rule.standing,
        "checked_on": rule.checked_on.isoformat(),
    }


def _message(one: Judged, i: int, outcome: int) -> str:
    title = one.period.rule.title
    if outcome == BROKEN:
        return _filled(one, i, one.period.rule.message)
    if outcome == UNKNOWN:
        why = one.verdict.why
        return f"{title}: not known. {why(i) if callable(why) else why or ''}".strip()
    return f"Met: {title}."


def _filled(one: Judged, i: int, words: str) -> str:
    return words.format_map({name: _said(told, i) for name, told in one.verdict.told.items()})


def _suggested(one: Judged, i: int) -> str | None:
    """What could stand in the field; nothing where the record alone decides (DESIGN section 8: review)."""
    if one.verdict.suggested is None or one.period.rule.correction == "review":
        return None
    told = _said(one.verdict.suggested, i)
    return str(told) if told else None


def _said(told: Told, i: int) -> object:
    value = told(i) if callable(told) else told[i]
    return value.item() if isinstance(value, np.generic) else value


def not_covered(coverage: int) -> Finding:
    """What is said of a line whose payer (or its contractor) no book is for; its rule_id is no rule's."""
    gap = GAPS[coverage]
    nothing = dict.fromkeys(("suggested", "carc", "citation"))
    return {
        "rule_id": gap.rule_id, "kind": NOT_COVERED, "outcome": "unknown", "message": gap.message,
        "remedy": gap.remedy, "field": gap.field, **nothing, "standing": "assumed", "checked_on": None,
    }  # fmt: skip
