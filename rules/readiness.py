"""Audit readiness: would a claim survive a post-payment review, apart from whether it would be paid.

Over the rules that a review would look at (`audit: true`): broken is worse than not known, and what no rule asks about
is not known. A claim whose payer no book covers is never ready.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from rules.check import Part
from rules.findings import Findings, not_covered
from rules.gaps import COVERED
from rules.verdict import BROKEN, MET, UNKNOWN

READY, NOT_READY, NOT_KNOWN = "ready", "not ready", "not known"
Ids = list[dict[str, None]]  # of each claim, in order of rules


class Readiness(NamedTuple):
    """audit: ready, not ready or not known; ids of the rules that are broken, and of those that cannot be told."""

    audit: str
    broken: tuple[str, ...]
    unknown: tuple[str, ...]


def readiness(found: Findings, claim: np.ndarray) -> list[Readiness]:
    """(claims,) one of each claim. claim: (lines,) the claim of each line, 0, 1, ..."""
    claims = int(claim.max(initial=-1)) + 1
    met = np.zeros(claims, bool)
    told: dict[int, Ids] = {outcome: [{} for _ in range(claims)] for outcome in (BROKEN, UNKNOWN)}
    for row in np.flatnonzero(found.coverage != COVERED).tolist():
        told[UNKNOWN][claim[row]][not_covered(int(found.coverage[row]))["rule_id"]] = None
    for one in found.judged:
        if one.now and one.period.rule.audit:
            outcome = one.verdict.outcome
            met[claim[one.rows[outcome == MET]]] = True
            for kind, ids in told.items():
                for place in np.unique(claim[one.rows[outcome == kind]]).tolist():
                    ids[place][one.period.rule.id] = None
    return [_answer(*three) for three in zip(met.tolist(), told[BROKEN], told[UNKNOWN], strict=True)]


def _answer(met: bool, broken: dict[str, None], unknown: dict[str, None]) -> Readiness:
    audit = NOT_READY if broken else READY if met and not unknown else NOT_KNOWN
    return Readiness(audit, tuple(broken), tuple(unknown))


@dataclass
class Reviews:
    """Many claims' readiness, counted as it comes. most: how many claims are kept, the most broken first.

    answers: claims; broken, unknown: claims by rule id; worst: (claim_id, readiness) of claims that are not ready, or
    of which it is not known.
    """

    most: int
    answers: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    worst: list[tuple[str, Readiness]] = field(default_factory=list)

    def add(self, part: Part) -> None:
        """Count one part more."""
        told = readiness(part.found, part.lines.claim)
        self.answers.update(one.audit for one in told)
        for one in told:
            self.broken.update(one.broken)
            self.unknown.update(one.unknown)
        unready = ((name, one) for name, one in zip(part.claim_ids(), told, strict=True) if one.audit != READY)
        ranked = sorted([*self.worst, *unready], key=lambda claim: (-len(claim[1].broken), -len(claim[1].unknown)))
        self.worst = ranked[: self.most]
