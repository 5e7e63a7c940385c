"""Bulk tables: what pairs of codes, units, fee-schedule indicators and add-on lists say on a day of service.

Each release speaks for its own days alone; a day that none speaks for is NOT_LOADED, and beside it stands what the
last release before it says, else the latest of all (`lapsed`). Tables are packaged with the rules; a site's folder is
laid over them. Days are int64 days since 1970-01-01.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from claims.texts import Texts
from rules.edits import NONE, NOT_LISTED, NOT_LOADED, SHIFT, code_number, code_of
from rules.manifest import Entry, changed, layered
from rules.release import Release
from rules.timeline import Timeline

__all__ = ["NONE", "NOT_LISTED", "NOT_LOADED", "BulkTables", "PairAnswer", "UnitAnswer"]

TITLES = {
    "ncci_ptp": "NCCI practitioner pairs", "ncci_mue": "NCCI practitioner unit limits",
    "medicaid_mue": "Medicaid NCCI unit limits", "mpfs": "Medicare physician fee schedule",
    "add_on": "NCCI add-on codes",
}  # fmt: skip
PACKAGED = Path(__file__).with_name("tables")
Judge = Callable[[Release, np.ndarray | slice], np.ndarray]


@dataclass(frozen=True)
class PairAnswer:
    """(rows,) int8 each. indicator: what the table says on the day, or NONE, NOT_LISTED, NOT_LOADED.

    lapsed: the same, but for a day that no release speaks for what the last one says.
    """

    indicator: np.ndarray
    lapsed: np.ndarray


@dataclass(frozen=True)
class UnitAnswer:
    """(rows,) limit int64 and adjudication int8 (1 line, 2 day by policy, 3 day clinical, 0 not told).

    Both hold NONE, NOT_LISTED or NOT_LOADED where there is no limit to tell; lapsed_*: as in PairAnswer.
    """

    limit: np.ndarray
    adjudication: np.ndarray
    lapsed_limit: np.ndarray
    lapsed_adjudication: np.ndarray


@dataclass(frozen=True)
class BulkTables:
    """All tables of the packaged folder and a site's; files are read, and checked, when they are first asked."""

    entries: tuple[tuple[Path, Entry], ...]
    _releases: dict[tuple[str, int], Release] = field(default_factory=dict, compare=False)
    _timelines: dict[str, Timeline] = field(default_factory=dict, compare=False)

    @classmethod
    def load(cls, site: Path | None = None) -> BulkTables:
        """The packaged tables with a site's folder (which may be absent) over them. Raises RuleBookError."""
        return _loaded(*((folder, changed(folder)) for folder in (PACKAGED, site) if folder is not None))

    @cached_property
    def digest(self) -> str:
        """Of all that the tables say and when, for the version of the rules."""
        told = "\n".join(sorted(entry.model_dump_json(exclude={"checked_on"}) for _, entry in self.entries))
        return hashlib.sha256(told.encode()).hexdigest()

    def verify(self) -> None:
        """Read every file now. Raises RuleBookError for the first one that is damaged."""
        for table in TITLES:
            for one in range(len(self._timeline(table).names)):
                self._release(table, one)

    def pairs(self, column2: Texts, column1: Texts, day: np.ndarray) -> PairAnswer:
        """Row i: what the table of pairs says of code column2[i] beside column1[i] on day[i]: 0 never, 1, 9."""

        def judge(release: Release, rows: np.ndarray | slice) -> np.ndarray:
            held = release.pair_rows(_take(column1, rows), _take(column2, rows), day[rows])
            return _told(held, release.pairs.values["kind"])[None]

        said, lapsed = self._ask("ncci_ptp", day, judge, 1)
        return PairAnswer(said[0].astype(np.int8), lapsed[0].astype(np.int8))

    def units(self, table: str, code: Texts, day: np.ndarray) -> UnitAnswer:
        """The limit of each code on its day, by table ncci_mue or medicaid_mue."""

        def judge(release: Release, rows: np.ndarray | slice) -> np.ndarray:
            held = release.code_rows(_take(code, rows), day[rows])
            return np.stack([_told(held, release.codes.values[name]) for name in ("limit", "adjudication")])

        said, lapsed = self._ask(table, day, judge, 2)
        return UnitAnswer(said[0], said[1].astype(np.int8), lapsed[0], lapsed[1].astype(np.int8))

    def indicator(self, name: str, code: Texts, day: np.ndarray) -> Texts:
        """(rows,) bilateral, global_days, multiple_procedure or status of each code; None where no release speaks.

        "" where the release does not list the code.
        """
        return self._words(name, code, day)[0]

    def last_indicator(self, name: str, code: Texts, day: np.ndarray) -> Texts:
        """As `indicator`, but for a day that no release speaks for what the last one says."""
        return self._words(name, code, day)[1]

    def _words(self, name: str, code: Texts, day: np.ndarray) -> tuple[Texts, Texts]:
        places: dict[str | None, int] = {None: 0, "": 1}

        def judge(release: Release, rows: np.ndarray | slice) -> np.ndarray:
            held = release.code_rows(_take(code, rows), day[rows])
            words = (release.words or {})[name]
            place = np.array([places.setdefault(word, len(places)) for word in words], np.int64)
            found: np.ndarray = np.where(held < 0, 1, place[release.codes.values[name].take(held, mode="clip")])
            return found[None]

        said, lapsed = self._ask("mpfs", day, judge, 1)
        levels = list(places)
        return Texts(levels, np.maximum(said[0], 0)), Texts(levels, np.maximum(lapsed[0], 0))

    def add_ons(self, code: Texts, day: np.ndarray) -> PairAnswer:
        """Whether each code is an add-on: 1 with a list of primaries, 2 whose contractor may name others; else NONE."""

        def judge(release: Release, rows: np.ndarray | slice) -> np.ndarray:
            held = release.code_rows(_take(code, rows), day[rows])
            return _told(held, release.codes.values["open"] + 1)[None]

        said, lapsed = self._ask("add_on", day, judge, 1)
        return PairAnswer(said[0].astype(np.int8), lapsed[0].astype(np.int8))

    def parents(self, add_on: Texts, other: Texts, day: np.ndarray) -> PairAnswer:
        """Row i: 1 = other[i] is a primary of add_on[i] on day[i], NONE = it is not.

        NOT_LISTED: add_on[i] is none that the release knows, or its contractor may name other primaries.
        """

        def judge(release: Release, rows: np.ndarray | slice) -> np.ndarray:
            held = release.pair_rows(_take(add_on, rows), _take(other, rows), day[rows])
            code = release.code_rows(_take(add_on, rows), day[rows])
            open_ended = (held == NONE) & (code >= 0) & release.codes.values["open"].take(code, mode="clip")
            return np.where(held >= 0, 1, np.where(open_ended, NOT_LISTED, held))[None]

        said, lapsed = self._ask("add_on", day, judge, 1)
        return PairAnswer(said[0].astype(np.int8), lapsed[0].astype(np.int8))

    def primaries(self, add_on: str, day: int) -> tuple[str, ...]:
        """The primaries of an add-on code by the day's release, else the last; none for a code that is no add-on."""
        release = self._release("add_on", self._timeline("add_on").release_of(day))
        number = code_number(add_on)
        begin, end = release.pairs.key.searchsorted([number << SHIFT, (number + 1) << SHIFT])
        held = slice(begin, end)
        on = (release.pairs.first[held] <= day) & (day <= release.pairs.last[held])
        return tuple(code_of(int(key) & ((1 << SHIFT) - 1)) for key in np.unique(release.pairs.key[held][on]))

    def assumed(self, table: str, code: Texts, day: np.ndarray) -> np.ndarray:
        """(rows,) bool: whether what the table says of the code on the day is our reading, not CMS's word."""

        def judge(release: Release, rows: np.ndarray | slice) -> np.ndarray:
            if table == "ncci_ptp":
                return np.zeros((1, len(day[rows])), np.int64)
            held = release.code_rows(_take(code, rows), day[rows])
            found: np.ndarray = (held >= 0) & release.codes.values["assumed"].take(held, mode="clip")
            return found[None]

        said, _ = self._ask(table, day, judge, 1)
        timeline = self._timeline(table)
        assumed: np.ndarray = (said[0] == 1) | timeline.assumed[timeline.stretch(day)]
        return assumed

    def known(self, table: str, day: np.ndarray) -> np.ndarray:
        """(rows,) int64: when the release was published that speaks for a day, or was the last to; else NEVER."""
        timeline = self._timeline(table)
        known: np.ndarray = timeline.known[timeline.stretch(day)]
        return known

    def citation(self, table: str, day: int) -> str:
        """The table and the release that speaks for a day, else the last that did: "NCCI practitioner pairs 2024Q3"."""
        timeline = self._timeline(table)
        release = timeline.release_of(day)
        return f"{TITLES[table]} {timeline.names[release]}" if release >= 0 else TITLES[table]

    def _ask(self, table: str, day: np.ndarray, judge: Judge, width: int) -> tuple[np.ndarray, np.ndarray]:
        """(width, rows) int64 what the day's release says, and the same with the last one where none speaks."""
        timeline = self._timeline(table)
        stretch = timeline.stretch(day)
        lapsed = np.full((width, len(day)), NOT_LOADED, np.int64)
        if not timeline.names or not len(day):
            return lapsed, lapsed
        asked = timeline.last[stretch]
        present = np.flatnonzero(np.bincount(asked)).tolist()
        for one in present:
            rows = slice(None) if len(present) == 1 else np.flatnonzero(asked == one)
            lapsed[:, rows] = judge(self._release(table, one), rows)
        return np.where(timeline.speaks[stretch] < 0, NOT_LOADED, lapsed), lapsed

    def _timeline(self, table: str) -> Timeline:
        if table not in self._timelines:
            self._timelines[table] = Timeline.of([entry for _, entry in self.entries if entry.table == table])
        return self._timelines[table]

    def _release(self, table: str, release: int) -> Release:
        known = self._releases.get((table, release))
        if known is None:
            name = self._timeline(table).names[release]
            own = [one for one in self.entries if (one[1].table, one[1].release) == (table, name)]
            files_of = {entry.file: entry for _, entry in own}
            known = self._releases[table, release] = Release.read(own[0][0], list(files_of.values()))
        return known


def _take(texts: Texts, rows: np.ndarray | slice) -> Texts:
    return Texts(texts.levels, texts.at[rows])


def _told(held: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n,) int64: the value of each row, and what stands in place of a row."""
    return np.where(held < 0, held, values.take(held, mode="clip"))


@lru_cache(maxsize=2)
def _loaded(*folders: tuple[Path, int]) -> BulkTables:
    """The tables of the folders, later ones laid over earlier ones; each folder comes with when it was changed."""
    return BulkTables(layered([folder for folder, _ in folders]))
