"""Claims about to be sent, asked by every rule: no model, and a store only as far as there is one.

The lines of a file count for each other by date of service, whatever day they are sent on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import polars as pl

from claims.label import load_classes
from claims.settings import Settings
from claims.snapshot import take_snapshot
from claims.store import Store
from rules.blocks import blocks
from rules.encode import Lines
from rules.findings import Findings
from rules.judge import judge
from rules.past import Past
from rules.ruleset import RuleSet, rules_of


class Part(NamedTuple):
    """Some whole claims: their (n,) rows among all lines, the lines, and what the rules say of them."""

    rows: np.ndarray
    lines: Lines
    found: Findings

    def first_of_claims(self) -> np.ndarray:
        """(claims,) the first row of each claim among these lines, in order of first sight."""
        return np.unique(self.lines.claim, return_index=True)[1]

    def claim_ids(self) -> list[str]:
        """(claims,) in order of first sight."""
        return self.lines.frame.get_column("claim_id").gather(self.first_of_claims()).to_list()


@dataclass(frozen=True)
class Checker:
    """Rules, and the past that they look back on."""

    rules: RuleSet
    past: Past

    @classmethod
    def load(cls, settings: Settings) -> Checker:
        """A site's rules and what its store holds. Raises RuleBookError (exit code 12) for books that are not valid."""
        return cls(rules_of(settings), past_of(settings))

    def beside(self, lines: pl.DataFrame) -> Checker:
        """With all lines of a file as part of the past: each earlier service counts for the later ones."""
        return replace(self, past=self.past.beside(lines))

    def judge(self, lines: pl.DataFrame) -> Findings:
        """What the rules say of (n,) lines, every one with a submitted_date; claims with all their lines."""
        return judge(Lines(lines), self.past, self.rules)

    def parts(self, lines: pl.DataFrame) -> Iterator[Part]:
        """What they say of many, some thousand lines at a time."""
        for chosen in blocks(Lines(lines)):
            some = Lines(lines[chosen])
            yield Part(np.arange(len(lines))[chosen], some, judge(some, self.past, self.rules))


def past_of(settings: Settings) -> Past:
    """What the site's store knows; nothing where there is no store yet (none is made)."""
    if not settings.store.exists():
        return Past.empty()
    return Past.of(take_snapshot(Store.open(settings), classes=load_classes(settings.ingest.carc_classes)))[0]
