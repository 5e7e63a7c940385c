"""What the rules found in many claims, counted as it comes, and the worst of them; findings are not kept.

Worst first: what a payer states before what is assumed, then the charges of the lines concerned, then how many rules.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from claims.texts import Level
from rules.check import Part
from rules.findings import ASSUMED
from rules.gaps import COVERED, NO_BOOK
from rules.verdict import MET, UNKNOWN

STATES = ("broken", "unknown", "met", "unasked")  # of a claim; the first that holds


class Worst(NamedTuple):
    """A claim by how bad it is (smallest first), and its (n,) rows among all lines. stake: USD cents."""

    rank: tuple[float, ...]
    rows: np.ndarray
    stake: int


@dataclass(frozen=True)
class Counts:
    """(claims,) of one part: findings, and the cents of the lines with a broken one."""

    stated: np.ndarray
    assumed: np.ndarray
    unknown: np.ndarray
    met: np.ndarray
    stake: np.ndarray
    coverage: np.ndarray

    @classmethod
    def of(cls, part: Part) -> Counts:
        """Claims in order of first sight."""
        lines, found = part.lines, part.found
        counts = np.zeros((4, lines.claims), np.int64)
        broken = np.zeros(len(lines), bool)
        for one in found.judged:
            if one.now:
                outcome, claim = one.verdict.outcome, lines.claim[one.rows]
                wrong = np.flatnonzero(one.broken)
                broken[one.rows[wrong]] = True
                assumed = one.assumed(wrong)
                of = (claim[wrong[~assumed]], claim[wrong[assumed]], claim[outcome == UNKNOWN], claim[outcome == MET])
                counts += np.stack([np.bincount(claims, minlength=lines.claims) for claims in of])
        cents = np.where(broken, np.nan_to_num(lines.cents), 0)
        stake = np.bincount(lines.claim, cents, minlength=lines.claims).astype(np.int64)
        stated, assumed, unknown, met = counts
        return cls(stated, assumed, unknown, met, stake, found.coverage_of(lines.claim))

    @property
    def state(self) -> np.ndarray:
        """(claims,) place in STATES."""
        known = (self.unknown == 0) & (self.coverage == COVERED)
        return np.select([self.stated + self.assumed > 0, ~known, self.met > 0], [0, 1, 2], 3)


@dataclass
class Tally:
    """most: how many claims are kept, of those with something broken or without a book; every: of all.

    states, coverage: claims; payers: claims without a book by payer_id and payer_name; kinds: by kind and what:
    claims (with a broken one), stated, assumed (broken), unknown, met (findings).
    """

    most: int
    every: bool = False
    claims: int = 0
    lines: int = 0
    told: int = 0  # claims that could be kept
    states: Counter[str] = field(default_factory=Counter)
    coverage: Counter[int] = field(default_factory=Counter)
    payers: Counter[tuple[Level, Level]] = field(default_factory=Counter)
    kinds: dict[str, Counter[str]] = field(default_factory=dict)
    worst: list[Worst] = field(default_factory=list)

    def add(self, part: Part) -> None:
        """Count one part more."""
        counts = Counts.of(part)
        self.claims += part.lines.claims
        self.lines += len(part.lines)
        self.states.update(STATES[place] for place in counts.state.tolist())
        self.coverage.update(counts.coverage.tolist())
        self._add_payers(part, counts)
        self._add_kinds(part)
        self._keep(part, counts)

    def _add_payers(self, part: Part, counts: Counts) -> None:
        rows = np.flatnonzero(counts.coverage[part.lines.claim] == NO_BOOK)
        first = rows[np.unique(part.lines.claim[rows], return_index=True)[1]]
        names = (part.lines.text(name).take(first) for name in ("payer_id", "payer_name"))
        self.payers.update(zip(*names, strict=True))

    def _add_kinds(self, part: Part) -> None:
        broken: dict[str, np.ndarray] = {}
        for one in (one for one in part.found.judged if one.now):
            rule, outcome = one.period.rule, one.verdict.outcome
            counter = self.kinds.setdefault(rule.kind, Counter())
            assumed = one.assumed(np.flatnonzero(one.broken))
            counter[ASSUMED] += int(assumed.sum())
            counter["stated"] += int((~assumed).sum())
            counter["unknown"] += int((outcome == UNKNOWN).sum())
            counter["met"] += int((outcome == MET).sum())
            claims = broken.setdefault(rule.kind, np.zeros(part.lines.claims, bool))
            claims[part.lines.claim[one.rows[one.broken]]] = True
        for kind, claims in broken.items():
            self.kinds[kind]["claims"] += int(claims.sum())

    def _keep(self, part: Part, counts: Counts) -> None:
        broken = counts.stated + counts.assumed
        kept = np.flatnonzero(self.every | (broken > 0) | (counts.coverage != COVERED))
        self.told += len(kept)
        keys = np.stack([counts.stated == 0, broken == 0, -counts.stake, -broken, -counts.unknown])[:, kept]
        chosen = np.lexsort(keys[::-1])[: self.most]
        order = np.argsort(part.lines.claim, kind="stable")
        ordered = part.lines.claim[order]
        for place in chosen.tolist():
            begin, end = ordered.searchsorted([kept[place], kept[place] + 1])
            rows = part.rows[order[begin:end]]
            rank = (*keys[:, place].tolist(), int(rows[0]))
            self.worst.append(Worst(rank, rows, int(counts.stake[kept[place]])))
        self.worst = sorted(self.worst, key=lambda one: one.rank)[: self.most]
