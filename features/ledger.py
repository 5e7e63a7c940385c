"""Ledgers: what was known of a key before a day, found by binary search.

A ledger is one sorted int64 array of (key << 16 | day) with running totals before each position. Days are days since
1970-01-01 and fit 16 bits until 2149. A window is the difference of two running totals; its end is the day of
submission with the search going left, so a window never holds what became known on that day or later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DAY_BITS = 16
KEY_BITS = 46
NEVER = (1 << DAY_BITS) - 1


@dataclass(frozen=True)
class Ledger:
    """stamp: (events,) key << 16 | day, sorted, unique. totals: (events + 1, k) before each position.

    last: (events + 1,) stamp of the latest event before each position whose second total rose, or -1.
    """

    stamp: np.ndarray
    totals: np.ndarray
    last: np.ndarray


def ledger(key: np.ndarray, day: np.ndarray, amounts: np.ndarray) -> Ledger:
    """From events in any order; key, day: (events,) int64, amounts: (events, k) of a whole type that holds their sums.

    Equal stamps are summed.
    """
    stamp = key << DAY_BITS | day
    order = np.argsort(stamp, kind="stable")
    stamp, running = stamp[order], np.cumsum(amounts[order], axis=0, dtype=np.int64)
    end = np.flatnonzero(np.append(stamp[1:] != stamp[:-1], True)) if len(stamp) else np.zeros(0, np.int64)
    totals = np.zeros((len(end) + 1, amounts.shape[1]), amounts.dtype)
    totals[1:] = running[end]
    stamp = stamp[end]
    last = np.full(len(stamp) + 1, -1, np.int64)
    if amounts.shape[1] > 1:
        last[1:] = np.maximum.accumulate(np.where(np.diff(totals[:, 1]) > 0, stamp, -1))
    return Ledger(stamp, totals, last)


def positions(book: Ledger, key: np.ndarray, day: np.ndarray, windows: tuple[int, ...]) -> np.ndarray:
    """(1 + windows, lines) places in the ledger: before `day`, and where each window of so many days begins."""
    edges = np.array((0, *windows))[:, None]
    places: np.ndarray = book.stamp.searchsorted(key << DAY_BITS | np.maximum(day - edges, 0))
    return places


def between(book: Ledger, places: np.ndarray) -> np.ndarray:
    """(windows, lines, k) totals of each window."""
    found: np.ndarray = book.totals[places]
    inside: np.ndarray = found[0] - found[1:]
    return inside


def days_since(book: Ledger, key: np.ndarray, day: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(lines,) days since the second total last rose for this key before `day`; nan = never."""
    last = book.last[place]
    return np.where((last >= 0) & (last >> DAY_BITS == key), (day - (last & NEVER)).astype(np.float64), np.nan)
