"""Ledgers: what was known of a key before a day, found by binary search.

A ledger is one sorted int64 array of (key << 16 | day) with running totals before each position. Days are days since
1970-01-01 and fit 16 bits until 2149. A window is the difference of two running totals; its end is the day of
submission with the search going left, so a window never holds what became known on that day or later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rules.encode import BITS, DAY_BITS, NEVER

KEY_BITS = 46


@dataclass(frozen=True)
class Ledger:
    """stamp: (events,) key << 16 | day, sorted, unique. totals: (events + 1, ...) before each position."""

    stamp: np.ndarray
    totals: np.ndarray

    @classmethod
    def of(cls, stamp: np.ndarray, amounts: np.ndarray) -> Ledger:
        """From events in any order; amounts: (events, ...) of a whole type that holds their sums. Equals add up."""
        order = np.argsort(stamp, kind="stable")
        stamp, running = stamp[order], np.cumsum(amounts[order], axis=0, dtype=np.int64)
        end = np.flatnonzero(np.append(stamp[1:] != stamp[:-1], True)) if len(stamp) else np.zeros(0, np.int64)
        totals = np.zeros((len(end) + 1, *amounts.shape[1:]), amounts.dtype)
        totals[1:] = running[end]
        return cls(stamp[end], totals)

    def within(self, stamp: np.ndarray, windows: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """(windows, asked, ...) totals of so many days up to the day before each stamp; (asked,) places before it."""
        back = np.minimum.outer((0, *windows), stamp & NEVER)  # not before 1970
        places = self.stamp.searchsorted(stamp - back)
        found = self.totals[places]
        return found[0] - found[1:], places[0]


def stamps(key: np.ndarray, day: np.ndarray) -> np.ndarray:
    """(n,) int64 of keys and days."""
    stamped: np.ndarray = key << DAY_BITS | day
    return stamped


def pack(columns: tuple[str, ...], codes: dict[str, np.ndarray], size: int) -> np.ndarray:
    """(lines,) int64 key of several columns."""
    assert sum(BITS[c] for c in columns) <= KEY_BITS, f"{columns} do not fit into {KEY_BITS} bits"
    key = np.zeros(size, np.int64)
    for column in columns:
        key = key << BITS[column] | codes[column]
    return key
