"""A patient's earlier services as the kinds of rules ask for them: of other claims, and of a claim's own earlier days.

Services of one day are one session. What other claims hold counts as Sheet.before says it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from claims.texts import Texts, distinct
from rules.encode import DAY_BITS
from rules.sheet import NO, YES, Pairs, Sheet


@dataclass(frozen=True)
class Sessions:
    """at, past: pairs (place in the rows asked, past service) in order of place and day; own_at, own: (place, line)."""

    sheet: Sheet
    at: np.ndarray
    past: np.ndarray
    own_at: np.ndarray
    own: np.ndarray

    @classmethod
    def before(cls, sheet: Sheet, rows: np.ndarray, days: int | np.ndarray) -> Sessions:
        """All services 1 to `days` days before the rows' own."""
        return cls(sheet, *sheet.before(rows, days), *sheet.earlier_beside(rows, days))

    @classmethod
    def upto(cls, sheet: Sheet, rows: np.ndarray, days: int) -> Sessions:
        """Those, and what else was done on the rows' own day."""
        beside, earlier = sheet.beside(rows), sheet.earlier_beside(rows, days)
        own_at, own = (np.append(mine, before) for mine, before in zip(beside, earlier, strict=True))
        return cls(sheet, *sheet.before(rows, days, same_day=True), own_at, own)

    def of(self, past: np.ndarray, own: np.ndarray) -> Sessions:
        """Those services of other claims, and those of the own ones, that are kept (bool each)."""
        kept = (self.at[past], self.past[past], self.own_at[own], self.own[own])
        return replace(self, **dict(zip(("at", "past", "own_at", "own"), kept, strict=True)))

    def coded(self, codes: frozenset[str]) -> Sessions:
        """Those with one of these codes."""
        return self.of(self.sheet.past_coded(codes, self.past), self.sheet.coded(codes)[self.own])

    def with_one_of(self, modifiers: frozenset[str]) -> Sessions:
        """Those on which one of the modifiers stood."""
        own = self.sheet.modified(modifiers)[self.own] == YES
        return self.of(self.sheet.past_modified(modifiers, self.past), own)

    def with_none_of(self, modifiers: frozenset[str]) -> Sessions:
        """Those on which none of them stood, as far as is known."""
        own = self.sheet.modified(modifiers)[self.own] <= NO
        return self.of(~self.sheet.past_modified(modifiers, self.past), own)

    def days(self) -> Pairs:
        """Pairs (place, day) of the sessions, each once, in order."""
        key = self.at << DAY_BITS | self.sheet.past_days(self.past)
        if len(self.own):
            own = self.own_at << DAY_BITS | self.sheet.service[self.own]
            key = np.sort(np.append(key, own))
        new = np.ones(len(key), bool)
        new[1:] = key[1:] != key[:-1]
        at = key[new] >> DAY_BITS
        return at, key[new] - (at << DAY_BITS)

    def count(self, size: int) -> np.ndarray:
        """(size,) int64: the sessions of each place."""
        return np.bincount(self.days()[0], minlength=size)

    def places(self) -> np.ndarray:
        """(services,) place in the rows of each service, those of other claims first."""
        return np.append(self.at, self.own_at)

    def on(self) -> np.ndarray:
        """(services,) days of service, in the same order."""
        return np.append(self.sheet.past_days(self.past), self.sheet.service[self.own])

    def codes(self) -> Texts:
        """(services,) procedure codes, in the same order."""
        first, at = distinct(theirs := self.sheet.past.services.code[self.past])
        words, own = self.sheet.past_words, self.sheet.lines.code
        levels = [words[code] if code < len(words) else None for code in theirs[first].tolist()]
        return Texts([*levels, *own.levels], np.append(at, own.at[self.own] + len(levels)))
