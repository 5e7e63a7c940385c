"""Rows of a bulk table as sorted arrays: codes and pairs of codes as numbers, and the row that holds on a day.

Codes are numbers in base 36, so that they sort as their texts do; a pair is one int64. Days are days since 1970-01-01.
A row holds from its own effective date to its own last day, inclusive; without dates, always.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claims.texts import Level, Texts

NONE, NOT_LISTED, NOT_LOADED = -1, -2, -3  # speaks of it and has nothing; cannot say; no release speaks for the day
SHIFT = 26  # bits of a code: 36 ** 5 < 2 ** 26
ALWAYS, NO_LAST_DAY = np.iinfo(np.int32).min, np.iinfo(np.int32).max


def code_number(code: Level) -> int:
    """The number of a code of five letters or digits; -1 for anything else."""
    return int(code, 36) if code and len(code) == 5 and code.isascii() and code.isalnum() else -1


def code_of(number: int) -> str:
    """The code of a number."""
    return np.base_repr(number, 36).zfill(5)


def numbers(texts: Texts) -> np.ndarray:
    """(levels,) int64: the number of each level's code."""
    return np.array([code_number(level) for level in texts.levels], np.int64)


@dataclass(frozen=True)
class Scope:
    """Of which codes a release can speak.

    ranges: (low, high) numbers of the codes in the first place of a pair, inclusive; listed: sorted numbers of the
    only codes that it knows, None = all within the ranges; unread: sorted numbers of codes that it does not know all
    the same. second_listed: the code in the second place of a pair is judged alike.
    """

    ranges: tuple[tuple[int, int], ...] = ((0, 1 << SHIFT),)
    listed: np.ndarray | None = None
    second_listed: bool = True
    unread: np.ndarray | None = None

    def knows(self, number: np.ndarray) -> np.ndarray:
        """(n,) bool, of numbers of codes, in the first place of a pair or alone."""
        within: np.ndarray
        if self.listed is not None:
            within = _among(self.listed, number)
        else:
            within = np.any([(number >= low) & (number <= high) for low, high in self.ranges], axis=0)
        return within if self.unread is None else within & ~_among(self.unread, number)

    def knows_second(self, number: np.ndarray) -> np.ndarray:
        """(n,) bool, of numbers of codes in the second place of a pair."""
        if not self.second_listed:
            return number >= 0
        known = _among(self.listed, number) if self.listed is not None else number >= 0
        return known if self.unread is None else known & ~_among(self.unread, number)


def _among(known: np.ndarray, number: np.ndarray) -> np.ndarray:
    found: np.ndarray = known.take(known.searchsorted(number), mode="clip") == number
    return found


@dataclass(frozen=True)
class Rows:
    """Sorted rows of int64 keys with the days in which each holds (int32) and columns of small integers."""

    key: np.ndarray
    first: np.ndarray
    last: np.ndarray
    values: dict[str, np.ndarray]
    most: int  # rows of one key

    @classmethod
    def of(cls, key: np.ndarray, first: np.ndarray, last: np.ndarray, values: dict[str, np.ndarray]) -> Rows:
        """From rows in any order; of those that hold on one day the one with the latest first day counts."""
        order = np.lexsort((first, key))
        key = key[order]
        most = int(np.bincount(np.cumsum(np.diff(key, prepend=-1) > 0)).max(initial=0)) if len(key) else 0
        return cls(key, first[order], last[order], {name: column[order] for name, column in values.items()}, most)

    def start(self, key: np.ndarray) -> np.ndarray:
        """(n,) int64: the first row of each key, -1 where there is none."""
        place = self.key.searchsorted(key)
        if not len(self.key):
            return np.full(len(key), -1)
        place[self.key.take(place, mode="clip") != key] = -1
        return place

    def in_force(self, start: np.ndarray, day: np.ndarray) -> np.ndarray:
        """(n,) int64: of the rows that begin at `start`, the one that holds on the day; -1 for none."""
        held = np.full(len(start), -1)
        asked = np.flatnonzero(start >= 0)
        begin, on = start[asked], day[asked]
        for step in range(self.most):
            row = np.minimum(begin + step, len(self.key) - 1)
            holds = (self.first[row] <= on) & (on <= self.last[row])
            if step:
                holds &= self.key[row] == self.key[begin]
            held[asked[holds]] = row[holds]
        return held
