"""The site's own columns (x_*) of lines: kept as JSON, read when a model asks for them.

A model's folder says which columns it takes, as numbers or as categories with frozen levels. Empty, absent and not of
the column's type are alike: not known. Values are doubles; a text that spells a number is that number.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from claims.texts import SMALL

PART = 50_000  # texts opened at a time
NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?")  # 007 is a code, not a number
TRUTHS = frozenset({"True", "False", "TRUE", "FALSE"})
Judge = Callable[[Any], float]
Fields = dict[str, Any]


class Extra:
    """Columns of (rows,) lines. `levels`: JSON texts; `at`: (rows,) the place of each row's own among them."""

    __slots__ = ("_at", "_levels")

    def __init__(self, levels: pl.Series, at: np.ndarray) -> None:
        self._levels = levels
        self._at = at

    @classmethod
    def of(cls, column: pl.Series) -> Extra | None:
        """From the column `extra` of lines; None where no line has a column of the site."""
        if column.null_count() == len(column):
            return None
        if len(column) <= SMALL:
            return cls(column, np.arange(len(column)))
        coded = column.to_arrow().dictionary_encode(null_encoding="encode")
        return cls(pl.Series(coded.dictionary), coded.indices.to_numpy())

    def __len__(self) -> int:
        return len(self._at)

    def take(self, rows: np.ndarray) -> Extra:
        """These rows, in this order."""
        return Extra(self._levels, self._at[rows])

    def texts(self) -> pl.Series:
        """(rows,) the JSON texts."""
        return self._levels.gather(self._at)

    def counted(self) -> Iterator[tuple[Fields, int]]:
        """Each different set of columns with its number of rows."""
        lines = np.bincount(self._at, minlength=len(self._levels))
        for start, fields in _opened(self._levels):
            yield from zip(fields, lines[start : start + len(fields)].tolist(), strict=True)

    def read(self, judges: Mapping[str, Judge]) -> np.ndarray:
        """(rows, columns) float64: what each judge says of its column's values, nan where it is empty or absent."""
        used, at = np.arange(len(self)), self._at
        if len(self) > SMALL:
            used, at = np.unique(self._at, return_inverse=True)
        told = np.full((len(used), len(judges)), np.nan)
        for start, fields in _opened(self._levels.gather(used if len(self) > SMALL else at)):
            told[start : start + len(fields)] = [
                [judge(value) if filled(value := one.get(name)) else math.nan for name, judge in judges.items()]
                for one in fields
            ]
        return told if len(self) <= SMALL else np.asarray(told[at])


def opened(text: str | None) -> Fields:
    """The columns that one JSON text holds."""
    return dict(json.loads(text)) if text else {}


def _opened(texts: pl.Series) -> Iterator[tuple[int, list[Fields]]]:
    """Parts of a column of JSON texts, with the place of the first of each."""
    for start in range(0, len(texts), PART):
        yield start, [opened(text) for text in texts.slice(start, PART).to_list()]


def filled(value: Any) -> bool:
    """Whether a cell says anything."""
    return value is not None and value != ""


def number(value: Any) -> float:
    """The number of a cell, also of one that arrived as text; nan where it is none."""
    if isinstance(value, str):
        return float(value) if NUMBER.fullmatch(value) else math.nan
    if isinstance(value, bool):
        return math.nan
    try:
        told = float(value)
    except (OverflowError, TypeError, ValueError):
        return math.nan
    return told if math.isfinite(told) else math.nan


def text(value: Any) -> str:
    """The level of a cell: 3, 3.0 and "3" are one, true and "True" too, however a file was read."""
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    told = str(value)
    return told.lower() if told in TRUTHS else told


def level_judge(levels: Sequence[str]) -> Judge:
    """Codes of a model's levels in their order; one more for all others."""
    codes, other = {level: float(code) for code, level in enumerate(levels)}, float(len(levels))
    return lambda value: codes.get(text(value), other)


@dataclass
class Tally:
    """Of one column, the rows that are filled, those that hold a number, and those that spell a day."""

    filled: int = 0
    numbers: int = 0
    days: int = 0


def tallied(extra: Extra, is_day: Callable[[str], object]) -> dict[str, Tally]:
    """What each column holds, by its name."""
    found: dict[str, Tally] = {}
    for fields, rows in extra.counted():
        for name, value in fields.items():
            if not filled(value):
                continue
            tally = found.get(name) or found.setdefault(name, Tally())
            tally.filled += rows
            if not isinstance(value, str):
                tally.numbers += 0 if isinstance(value, bool) else rows
                continue
            tally.numbers += rows if NUMBER.fullmatch(value) else 0
            tally.days += rows if is_day(value) else 0
    return found
