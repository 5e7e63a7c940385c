"""Audit readiness: would a claim survive a post-payment review, apart from whether it would be paid.

Over the rules that a review would look at (`audit: true`): broken is worse than not known, and a procedure or visit of
which no rule is met is not known. A claim whose payer no book covers is never ready.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from claims.texts import Level
from rules.check import Part
from rules.encode import Lines
from rules.findings import Findings, not_covered
from rules.gaps import COVERED
from rules.verdict import BROKEN, MET, UNKNOWN

READY, NOT_READY, NOT_KNOWN = "ready", "not ready", "not known"
SUPPLIES = tuple("ABEJKLQ")  # first letters of HCPCS codes of transport, supplies, drugs and devices
Ids = list[dict[str, None]]  # of each claim, in order of rules


class Readiness(NamedTuple):
    """audit: ready, not ready or not known; ids of the rules that are broken, and of those that cannot be told."""

    audit: str
    broken: tuple[str, ...]
    unknown: tuple[str, ...]


def readiness(found: Findings, lines: Lines) -> list[Readiness]:
    """(claims,) one of each claim of the lines that were judged."""
    claim, claims = lines.claim, lines.claims
    met = np.zeros(len(lines), bool)
    told: dict[int, Ids] = {outcome: [{} for _ in range(claims)] for outcome in (BROKEN, UNKNOWN)}
    for row in np.flatnonzero(found.coverage != COVERED).tolist():
        told[UNKNOWN][claim[row]][not_covered(int(found.coverage[row]))["rule_id"]] = None
    for one in found.judged:
        if one.now and one.period.rule.audit:
            outcome = one.verdict.outcome
            met[one.rows[outcome == MET]] = True
            for kind, ids in told.items():
                for place in np.unique(claim[one.rows[outcome == kind]]).tolist():
                    ids[place][one.period.rule.id] = None
    return [_answer(*three) for three in zip(_each_met(lines, met), told[BROKEN], told[UNKNOWN], strict=True)]


def _each_met(lines: Lines, met: np.ndarray) -> list[bool]:
    """(claims,) whether a claim has procedures or visits, and each of them met a rule. met: (lines,)."""
    service = lines.code.flags(_is_service)
    services, passed = (np.bincount(lines.claim, where, minlength=lines.claims) for where in (service, service & met))
    every: list[bool] = ((services > 0) & (services == passed)).tolist()
    return every


def _is_service(code: Level) -> bool:
    return not (code or "").startswith(SUPPLIES)


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
        told = readiness(part.found, part.lines)
        self.answers.update(one.audit for one in told)
        for one in told:
            self.broken.update(one.broken)
            self.unknown.update(one.unknown)
        unready = ((name, one) for name, one in zip(part.claim_ids(), told, strict=True) if one.audit != READY)
        ranked = sorted([*self.worst, *unready], key=lambda claim: (-len(claim[1].broken), -len(claim[1].unknown)))
        self.worst = ranked[: self.most]
