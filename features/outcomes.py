"""How payers answered before: smoothed denial rates, counts and days since the last denial, per kind of key.

Only first outcomes of original submissions count, each from the day after it became known. The outcomes of a claim's
own chain (itself and what it is sent again for) never count for that claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

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
from features.ledger import Ledger, pack, stamps
from rules.encode import DAY_BITS, MISS, NEVER
from rules.reference import base_rate

COUNT = np.int64(
    1 << 32
)  # one outcome; a denial adds 1 to it: sums of both in one number, so that one look-up finds both
DENIALS = COUNT - 1
FEW = 256  # lines up to which sorting costs more than looking up unsorted


@dataclass(frozen=True)
class Outcomes:
    """Ledgers per kind, and the events themselves, so that a claim's own can be taken out.

    codes: column -> (events,); denied: (events,) 0 or 1; category: (events,) the place of the denial's
    category among the totals of the category ledgers (outcomes, denials by category), 0 = none; last: per kind the
    stamp of the latest denial before each position of its ledger, or -1.
    """

    ledgers: dict[str, Ledger]
    last: dict[str, np.ndarray]
    category_ledgers: dict[str, Ledger]
    codes: dict[str, np.ndarray]
    denied: np.ndarray
    category: np.ndarray
    own: ChainEvents

    @classmethod
    def of(
        cls, codes: dict[str, np.ndarray], day: np.ndarray, denied: np.ndarray, category: np.ndarray,
        chain: np.ndarray, chains: int,
    ) -> Outcomes:  # fmt: skip
        """From (events,) arrays: codes per column, day known, denied 0 or 1, category -1 or its number, chain."""
        category = (category + 1).astype(np.int8)
        books, by_kind = {}, {}
        for kind in KINDS:
            key, ok = _events(kind, codes)
            stamp = stamps(key[ok], day[ok])
            books[kind.name] = Ledger.of(stamp, COUNT + denied[ok])
            if kind.name in CATEGORY_KINDS:
                by_kind[kind.name] = Ledger.of(stamp, _by_category(category[ok]))
        return cls(
            books, {name: _last_denials(book) for name, book in books.items()}, by_kind,
            {name: values.astype(np.int32) for name, values in codes.items()}, denied.astype(np.int8), category,
            ChainEvents.of(chain, day, chains),
        )  # fmt: skip

    def features(self, codes: dict[str, np.ndarray], day: np.ndarray, chain: np.ndarray) -> dict[str, np.ndarray]:
        """All history features of (lines,) queries: codes per column, day submitted, chain (-1 = none of its own)."""
        block = _Block(codes, day, *self.own.pairs(chain, day))
        longest: dict[str, np.ndarray] = {}
        found: dict[str, np.ndarray] = {}
        lean_by_category = np.full((len(day), len(CATEGORIES)), base_rate("initial_denial_rate") / len(CATEGORIES))
        for kind in KINDS:
            asked = _Asked.of(pack(kind.columns, codes, len(day)), day)
            own = self._own(kind, asked.key, block)
            totals, found[since_name(kind.name)] = self._look_up(kind, asked, own)
            lean = longest[kind.parent] if kind.parent else np.full(len(day), base_rate("initial_denial_rate"))
            known, denied = totals >> 32, totals & DENIALS
            weighed = known + WEIGHT
            for at, (rate, count) in reversed(list(enumerate(_names(kind)))):
                lean = (denied[at] + WEIGHT * lean) / weighed[at]
                found[rate], found[count] = lean, known[at]
                if kind.windows[at] == ALL_TIME:
                    longest[kind.name] = lean
            if kind.name in CATEGORY_KINDS:
                lean_by_category = self._category_rates(kind, asked, own, lean_by_category)
        return found | {category_name(name): lean_by_category[:, i] for i, name in enumerate(CATEGORIES)}

    def _own(self, kind: Kind, key: np.ndarray, block: _Block) -> Pairs:
        """The block's own pairs whose event stands in this kind's ledger under the line's key."""
        if not len(block.lines):
            return block.lines, block.events
        theirs, counted = _events(kind, {c: self.codes[c][block.events] for c in kind.columns}, len(block.events))
        same = counted & (theirs == key[block.lines])
        return block.lines[same], block.events[same]

    def _look_up(self, kind: Kind, asked: _Asked, own: Pairs) -> tuple[np.ndarray, np.ndarray]:
        """(windows, lines) outcomes and denials, and (lines,) days since the last denial, without one's own."""
        book, last = self.ledgers[kind.name], self.last[kind.name]
        inside, place = book.within(asked.stamp, kind.windows)
        totals = inside[:, asked.at]
        since = _days_since(last[place], asked.stamp)[asked.at]
        lines, events = own
        if len(lines):
            for at, back in enumerate(kind.windows):
                recent = self.own.day[events] >= asked.day[lines] - back
                np.subtract.at(totals[at], lines[recent], COUNT + self.denied[events[recent]])
            mine = self.denied[events] > 0
            held = np.unique(lines[mine])
            denials = stamps(lines[mine], self.own.day[events[mine]])
            since[held] = _since_others(book, last, asked, place, held, denials)
        return totals, since

    def _category_rates(self, kind: Kind, asked: _Asked, own: Pairs, lean: np.ndarray) -> np.ndarray:
        """(lines, categories) rates of denials of each category, smoothed toward `lean`."""
        totals = self.category_ledgers[kind.name].within(asked.stamp, (CATEGORY_WINDOW,))[0][0][asked.at]
        lines, events = own
        recent = self.own.day[events] >= asked.day[lines] - CATEGORY_WINDOW
        np.subtract.at(totals, lines[recent], _by_category(self.category[events[recent]]))
        rates: np.ndarray = (totals[:, 1:] + WEIGHT * lean) / (totals[:, :1] + WEIGHT)
        return rates


Pairs = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class _Block:
    """Some lines to look up; lines and events are the pairs of a line and an event of its own chain."""

    codes: dict[str, np.ndarray]
    day: np.ndarray
    lines: np.ndarray
    events: np.ndarray


@dataclass(frozen=True)
class _Asked:
    """(lines,) keys and days to look up; stamp: the distinct ones, sorted where they are many; at: each line's own."""

    key: np.ndarray
    day: np.ndarray
    stamp: np.ndarray
    at: np.ndarray | slice

    @classmethod
    def of(cls, key: np.ndarray, day: np.ndarray) -> _Asked:
        """Lines of one key and day are looked up once, and neighbours in order: both keep to the processor's cache."""
        stamp = stamps(key, day)
        at: np.ndarray | slice = slice(None)
        if len(stamp) > FEW:
            stamp, at = np.unique(stamp, return_inverse=True)
        return cls(key, day, stamp, at)


@cache
def _names(kind: Kind) -> list[tuple[str, str]]:
    """Of each window the names of its rate and its count."""
    return [(rate_name(kind.name, days), count_name(kind.name, days)) for days in kind.windows]


def _events(kind: Kind, codes: dict[str, np.ndarray], size: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(events,) keys, and whether each counts: no history is kept under a value that is not known."""
    size = len(next(iter(codes.values()))) if size is None else size
    counted = np.ones(size, bool)
    for column in kind.columns:
        counted &= codes[column] != MISS[column]
    return pack(kind.columns, codes, size), counted


def _by_category(category: np.ndarray) -> np.ndarray:
    """(events, 1 + categories) outcomes, and denials of each category, from places in a row of it."""
    amounts = np.zeros((len(category), 1 + len(CATEGORIES)), np.int32)
    amounts[np.arange(len(category)), category] = 1
    amounts[:, 0] = 1
    return amounts


def _last_denials(book: Ledger) -> np.ndarray:
    """(events + 1,) the stamp of the latest event with a denial before each position of the ledger, or -1."""
    last = np.full(len(book.stamp) + 1, -1, np.int64)
    denials = book.totals & DENIALS
    last[1:] = np.maximum.accumulate(np.where(denials[1:] > denials[:-1], book.stamp, -1))
    return last


def _days_since(last: np.ndarray, stamp: np.ndarray) -> np.ndarray:
    """Days from `last` to `stamp` where both are of one key; nan where not."""
    same = (last >= 0) & (last >> DAY_BITS == stamp >> DAY_BITS)
    return np.where(same, (stamp - last).astype(np.float64), np.nan)


def _since_others(
    book: Ledger, last: np.ndarray, asked: _Asked, place: np.ndarray, line: np.ndarray, own: np.ndarray
) -> np.ndarray:
    """Days since the last denial not of one's own: step back past days that hold only one's own.

    line: the lines that have denials of their own under their key; own: stamps of line and day known, one a denial.
    """
    since = np.full(len(line), np.nan)
    mine, counts = np.unique(own, return_counts=True)
    stamp, place = (values[asked.at][line] for values in (asked.stamp, place))
    open_ = np.arange(len(line))
    while len(open_):
        latest = last[place[open_]]
        days = _days_since(latest, stamp[open_])
        told = ~np.isnan(days)
        open_, latest, days = open_[told], latest[told], days[told]
        at = np.searchsorted(book.stamp, latest)
        wanted = stamps(line[open_], latest & NEVER)
        found = np.minimum(np.searchsorted(mine, wanted), len(mine) - 1)
        theirs = np.where(mine[found] == wanted, counts[found], 0)
        others = (book.totals[at + 1] & DENIALS) - (book.totals[at] & DENIALS) > theirs
        since[open_[others]] = days[others]
        place[open_] = at
        open_ = open_[~others]
    return since
