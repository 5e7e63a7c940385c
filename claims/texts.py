"""Columns of text as distinct levels and the place of each row's level among them: what is judged, is judged once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import numpy as np
import polars as pl
import pyarrow as pa

Level = str | None
SMALL = 256  # rows up to which arrow and sorting cost more than a dictionary


class Texts(Sequence[Level]):
    """A sequence of texts. levels: the distinct ones; at: (rows,) the place of each row's own among them."""

    __slots__ = ("at", "levels")

    def __init__(self, levels: list[Level], at: np.ndarray) -> None:
        self.levels = levels
        self.at = at

    @classmethod
    def of(cls, values: Sequence[Level]) -> Texts:
        """From one text a row; levels in order of first sight."""
        seen: dict[Level, int] = {}
        at = [seen.setdefault(value, len(seen)) for value in values]
        return cls(list(seen), np.array(at, np.int64))

    @classmethod
    def of_column(cls, column: pl.Series) -> Texts:
        """From a column of text; levels in order of first sight."""
        if len(column) <= SMALL:
            return cls.of(column.to_list())
        coded = _coded(column)
        return cls(coded.dictionary.to_pylist(), coded.indices.to_numpy())

    def __len__(self) -> int:
        return len(self.at)

    @overload
    def __getitem__(self, row: int) -> Level: ...
    @overload
    def __getitem__(self, row: slice) -> Texts: ...
    def __getitem__(self, row: int | slice) -> Level | Texts:
        return Texts(self.levels, self.at[row]) if isinstance(row, slice) else self.levels[self.at[row]]

    def __iter__(self) -> Iterator[Level]:
        return map(self.levels.__getitem__, self.at.tolist())

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    def take(self, rows: np.ndarray) -> Texts:
        """These rows, in this order."""
        return Texts(self.levels, self.at[rows])

    def each(self, judge: Callable[[Any], Level]) -> Texts:
        """Every text replaced by what `judge` makes of it."""
        made = Texts.of([judge(level) for level in self.levels])
        return Texts(made.levels, made.at[self.at])

    def numbers(self, judge: Callable[[Any], float]) -> np.ndarray:
        """(rows,) float64: what `judge` says of each text."""
        return placed(np.array([judge(level) for level in self.levels], np.float64), self.at)

    def codes(self, code: Callable[[Any], int]) -> np.ndarray:
        """(rows,) int64: the code of each text."""
        return placed(np.array([code(level) for level in self.levels], np.int64), self.at)

    def flags(self, holds: Callable[[Any], object]) -> np.ndarray:
        """(rows,) bool: whether something holds of each text."""
        return placed(np.array([bool(holds(level)) for level in self.levels], bool), self.at)

    def counts(self) -> Iterator[tuple[Level, int]]:
        """Each level with its number of rows."""
        return zip(self.levels, np.bincount(self.at, minlength=len(self.levels)).tolist(), strict=True)

    def overlaid(self, other: Texts, rows: np.ndarray) -> Texts:
        """With the texts of `other` in the rows (bool, rows) given."""
        if not rows.any():
            return self
        places = {level: place for place, level in enumerate(self.levels)}
        theirs = np.array([places.setdefault(level, len(places)) for level in other.levels], np.int64)
        at = self.at.astype(np.int64)
        at[rows] = theirs[other.at[rows]]
        return Texts(list(places), at)


def first_sights(column: pl.Series) -> np.ndarray:
    """(rows,) int64: 0, 1, ... a number each distinct text, in order of first sight."""
    at = Texts.of(column.to_list()).at if len(column) <= SMALL else _coded(column).indices.to_numpy()
    return at.astype(np.int64)


def _coded(column: pl.Series) -> pa.DictionaryArray:
    return column.to_arrow().dictionary_encode(null_encoding="encode")


def release_arrow() -> None:
    """Give back what arrow keeps for later: after a million lines a tenth of a gigabyte."""
    pa.default_memory_pool().release_unused()


def placed(of_levels: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(rows, ...) what was judged of each level, for the rows at their places."""
    of_rows: np.ndarray = of_levels[at]
    return of_rows


def together(columns: Sequence[Texts], judge: Callable[[tuple[Level, ...]], Level]) -> Texts:
    """What `judge` makes of the texts of several columns, row by row; each combination is judged once."""
    key = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        key = key * len(column.levels) + column.at
    first, at = distinct(key)
    made = Texts.of([judge(row) for row in zip(*(column.take(first) for column in columns), strict=True)])
    return Texts(made.levels, made.at[at])


def distinct(key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(k,) a row of each distinct key, and (rows,) which of them each row's key is."""
    if len(key) > SMALL:
        values, at = np.unique(key, return_inverse=True)
        first = np.empty(len(values), np.int64)
        first[at] = np.arange(len(key))  # return_index would need a stable sort
        return first, at
    seen: dict[int, int] = {}
    places = [seen.setdefault(one, len(seen)) for one in key.tolist()]
    rows = [places.index(place) for place in range(len(seen))]
    return np.array(rows, np.int64), np.array(places, np.int64)


class Gathered:
    """Texts that come in parts, put together."""

    def __init__(self, rows: int) -> None:
        self._places: dict[Level, int] = {}
        self._at = np.empty(rows, np.int16)

    def put(self, rows: slice | np.ndarray, part: Texts) -> None:
        """The texts of some rows."""
        places = [self._places.setdefault(level, len(self._places)) for level in part.levels]
        if len(self._places) > np.iinfo(self._at.dtype).max:
            self._at = self._at.astype(np.int32)
        self._at[rows] = np.array(places, self._at.dtype)[part.at]

    def texts(self) -> Texts:
        """All of them."""
        return Texts(list(self._places), self._at)
