"""Which release of a bulk table speaks for a day, and whether CMS says so or we read it so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from rules.manifest import Entry

_EPOCH = date(1970, 1, 1)
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Timeline:
    """The releases of one table.

    starts: (stretches,) int64 first days of the stretches of time that follow each other. Of each stretch, the first
    being all time before (stretches + 1,): speaks: its release, -1 = none; assumed: bool, its standing; last: where
    none speaks, the last that did, else the latest of all, -1 = none; known: the day on which `last` was published,
    NEVER where it speaks for later days only.
    """

    starts: np.ndarray
    speaks: np.ndarray
    assumed: np.ndarray
    last: np.ndarray
    known: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Timeline:
        """From the entries of one table; of those that hold on one day see `_newest`."""
        names = tuple(dict.fromkeys(entry.release for entry in entries))
        starts = sorted({_day(entry.effective_from) for entry in entries} | {_day(e.effective_to) + 1 for e in entries})
        held = [None, *(_newest([one for one in entries if _holds(one, day)]) for day in starts)]
        ended = [None, *(_newest([one for one in entries if _day(one.effective_to) < day]) for day in starts)]
        last = [one or other for one, other in zip(held, ended, strict=True)]
        latest = _newest(entries)
        return cls(
            starts=np.array(starts, np.int64),
            speaks=np.array([names.index(one.release) if one else -1 for one in held], np.int64),
            assumed=np.array([one is not None and one.standing == "assumed" for one in held], bool),
            last=np.array([names.index(one.release) if (one := told or latest) else -1 for told in last], np.int64),
            known=np.array([_day(one.published) if one else NEVER for one in last], np.int64),
            names=names,
        )

    def stretch(self, day: np.ndarray) -> np.ndarray:
        """(n,) int64 place of each day in what is told of stretches."""
        return self.starts.searchsorted(day, side="right")

    def release_of(self, day: int) -> int:
        """The release that speaks for a day, else the last that did, else the latest; -1 where there is none."""
        return int(self.last[self.starts.searchsorted(day, side="right")])


def _day(when: date) -> int:
    return (when - _EPOCH).days


def _holds(entry: Entry, day: int) -> bool:
    return _day(entry.effective_from) <= day <= _day(entry.effective_to)


def _newest(entries: Sequence[Entry]) -> Entry | None:
    """The entry whose days begin last; of several what is not assumed, then what comes first."""
    return max(entries, key=lambda one: (one.effective_from, one.standing != "assumed"), default=None)
