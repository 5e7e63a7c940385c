"""How payers answered before: smoothed denial rates, counts and days since the last denial, per kind of key.

Only first outcomes of original submissions count, each from the day after it became known. The outcomes of a claim's
own chain (itself and what it is sent again for) never count for that claim.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claims.label import CATEGORIES
from features.catalog import (
    ALL_TIME,
    CATEGORY_KINDS,
    CATEGORY_WINDOW,
    KINDS,
    WEIGHT,
    Kind,
    category_name,
    count_name,
    rate_name,
    since_name,
)
from features.chain import ChainEvents
from features.encode import MISS, pack
from features.ledger import DAY_BITS, NEVER, Ledger, between, days_since, ledger, positions
from rules.reference import base_rate

IN_CACHE = 1 << 16  # stamps; half a megabyte


@dataclass(frozen=True)
class Outcomes:
    """Ledgers per kind, and the events themselves, so that a claim's own can be taken out.

    codes: column -> (events,); amounts: (events, 2 + categories) of outcomes, denials, denials by category.
    """

    ledgers: dict[str, Ledger]
    category_ledgers: dict[str, Ledger]
    codes: dict[str, np.ndarray]
    amounts: np.ndarray
    own: ChainEvents

    @classmethod
    def of(
        cls, codes: dict[str, np.ndarray], day: np.ndarray, denied: np.ndarray, category: np.ndarray,
        chain: np.ndarray, chains: int,
    ) -> Outcomes:  # fmt: skip
        """From (events,) arrays: codes per column, day known, denied 0 or 1, category -1 or its number, chain."""
        amounts = np.zeros((len(day), 2 + len(CATEGORIES)), np.int32)
        amounts[:, 0], amounts[:, 1] = 1, denied
        given = np.flatnonzero(category >= 0)
        amounts[given, 2 + category[given]] = 1
        keyed = {kind.name: _events(kind, codes) for kind in KINDS}
        by_category = np.delete(amounts, 1, axis=1)
        return cls(
            {name: ledger(key[ok], day[ok], amounts[ok, :2]) for name, (key, ok) in keyed.items()},
            {name: ledger(keyed[name][0][ok], day[ok], by_category[ok])
             for name in CATEGORY_KINDS for ok in [keyed[name][1]]},
            {name: values.astype(np.int32) for name, values in codes.items()}, amounts,
            ChainEvents.of(chain, day, chains),
        )  # fmt: skip

    def features(self, codes: dict[str, np.ndarray], day: np.ndarray, chain: np.ndarray) -> dict[str, np.ndarray]:
        """All history features of (lines,) queries: codes per column, day submitted, chain (-1 = none of its own)."""
        block = _Block(codes, day, *self.own.pairs(chain, day))
        keys: dict[str, np.ndarray] = {}
        longest: dict[str, np.ndarray] = {}
        found: dict[str, np.ndarray] = {}
        for kind in KINDS:
            keys[kind.name] = pack(kind.columns, codes, len(day))
            totals, found[since_name(kind.name)] = self._look_up(kind, keys[kind.name], block)
            lean: np.ndarray | float = longest[kind.parent] if kind.parent else base_rate("initial_denial_rate")
            for at in reversed(range(len(kind.windows))):
                n, denied = totals[at, :, 0], totals[at, :, 1]
                lean = (denied + WEIGHT * lean) / (n + WEIGHT)
                found[rate_name(kind.name, kind.windows[at])] = lean
                found[count_name(kind.name, kind.windows[at])] = n
                if kind.windows[at] == ALL_TIME:
                    longest[kind.name] = lean
        return found | self._category_rates(keys, block)

    def _look_up(self, kind: Kind, key: np.ndarray, block: _Block) -> tuple[np.ndarray, np.ndarray]:
        """(windows, lines, 2) outcomes and denials, and (lines,) days since the last denial, without one's own."""
        book = self.ledgers[kind.name]
        totals, place, order = _sorted_totals(book, key, block.day, kind.windows)
        since = np.empty(len(key))
        since[order] = days_since(book, key[order], block.day[order], place)
        lines, events = self._matching(kind, key, block)
        if not len(lines):
            return totals, since
        for at, back in enumerate(kind.windows):
            inside = self.own.day[events] >= block.day[lines] - back
            np.subtract.at(totals[at], lines[inside], self.amounts[events[inside], :2])
        mine = self.amounts[events, 1] > 0
        if mine.any():
            places = np.empty(len(key), np.int64)
            places[order] = place
            own = lines[mine] << DAY_BITS | self.own.day[events[mine]]
            held = np.unique(lines[mine])
            since[held] = _since_others(book, key[held], block.day[held], places[held], held, own)
        return totals, since

    def _matching(self, kind: Kind, key: np.ndarray, block: _Block) -> tuple[np.ndarray, np.ndarray]:
        """The block's own pairs whose event stands in this kind's ledger under the line's key."""
        if not len(block.lines):
            return block.lines, block.events
        theirs, counted = _events(kind, {c: self.codes[c][block.events] for c in kind.columns}, len(block.events))
        same = counted & (theirs == key[block.lines])
        return block.lines[same], block.events[same]

    def _category_rates(self, keys: dict[str, np.ndarray], block: _Block) -> dict[str, np.ndarray]:
        lean = np.full((len(block.day), len(CATEGORIES)), base_rate("initial_denial_rate") / len(CATEGORIES))
        by_name = {kind.name: kind for kind in KINDS}
        for name in CATEGORY_KINDS:
            totals = _sorted_totals(self.category_ledgers[name], keys[name], block.day, (CATEGORY_WINDOW,))[0][0]
            lines, events = self._matching(by_name[name], keys[name], block)
            inside = self.own.day[events] >= block.day[lines] - CATEGORY_WINDOW
            own = np.delete(self.amounts[events[inside]], 1, axis=1)
            np.subtract.at(totals, lines[inside], own)
            lean = (totals[:, 1:] + WEIGHT * lean) / (totals[:, :1] + WEIGHT)
        return {category_name(category): lean[:, i] for i, category in enumerate(CATEGORIES)}


@dataclass(frozen=True)
class _Block:
    """Some lines to look up; lines and events are the pairs of a line and an event of its own chain."""

    codes: dict[str, np.ndarray]
    day: np.ndarray
    lines: np.ndarray
    events: np.ndarray


def _events(kind: Kind, codes: dict[str, np.ndarray], size: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(events,) keys, and whether each counts: no history is kept under a value that is not known."""
    size = len(next(iter(codes.values()))) if size is None else size
    counted = np.ones(size, bool)
    for column in kind.columns:
        counted &= codes[column] != MISS[column]
    return pack(kind.columns, codes, size), counted


def _sorted_totals(
    book: Ledger, key: np.ndarray, day: np.ndarray, windows: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray | slice]:
    """(windows, lines, k) totals; the place before the day in a sorted order; that order (neighbours in memory).

    A ledger that fits into the processor's cache is asked in the order of the lines.
    """
    if len(book.stamp) < IN_CACHE:
        places = positions(book, key, day, windows)
        return between(book, places), places[0], slice(None)
    order = np.argsort(key)
    places = positions(book, key[order], day[order], windows)
    totals = np.empty((len(windows), len(key), book.totals.shape[1]), book.totals.dtype)
    totals[:, order] = between(book, places)
    return totals, places[0], order


def _since_others(
    book: Ledger, key: np.ndarray, day: np.ndarray, place: np.ndarray, line: np.ndarray, own: np.ndarray
) -> np.ndarray:
    """(lines,) days since the last denial that is not the claim's own: step back past days that hold only its own.

    own: line << 16 | day known, one for each denial of the line's own chain under its key.
    """
    since = np.full(len(key), np.nan)
    stamps, counts = np.unique(own, return_counts=True)
    open_ = np.arange(len(key))
    while len(open_):
        last = book.last[place[open_]]
        of_key = (last >= 0) & (last >> DAY_BITS == key[open_])
        open_, last = open_[of_key], last[of_key]
        at, known = np.searchsorted(book.stamp, last), last & NEVER
        wanted = line[open_] << DAY_BITS | known
        found = np.minimum(np.searchsorted(stamps, wanted), len(stamps) - 1)
        mine = np.where(stamps[found] == wanted, counts[found], 0)
        others = book.totals[at + 1, 1] - book.totals[at, 1] > mine
        since[open_[others]] = day[open_[others]] - known[others]
        place[open_] = at
        open_ = open_[~others]
    return since
