"""Taking a claim's own chain out of its history: the events of a claim and of what it is sent again for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claims.pairs import expand
from rules.encode import NEVER


@dataclass(frozen=True)
class ChainEvents:
    """order: events sorted by chain; start: (chains + 1,) offsets into it; first_day: (chains,) earliest event."""

    order: np.ndarray
    start: np.ndarray
    first_day: np.ndarray
    day: np.ndarray

    @classmethod
    def of(cls, chain: np.ndarray, day: np.ndarray, chains: int) -> ChainEvents:
        """From (events,) chain codes 0 .. chains - 1 and the days on which the events became known."""
        order = np.argsort(chain, kind="stable")
        start = np.searchsorted(chain[order], np.arange(chains + 1))
        first = np.full(chains, NEVER, np.int64)
        np.minimum.at(first, chain, day)
        return cls(*(part.astype(np.int32) for part in (order, start, first, day)))

    def pairs(self, chain: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (line, event) of (lines,) queries and the events of their own chain known before their day.

        A chain of -1, or one that only the request knows, has no events.
        """
        held = np.flatnonzero((chain >= 0) & (chain < len(self.first_day)))
        held = held[self.first_day[chain[held]] < day[held]]
        begin, end = self.start[chain[held]], self.start[chain[held] + 1]
        lines, places = expand(held, begin, end)
        events = self.order[places]
        before = self.day[events] < day[lines]
        return lines[before], events[before]
