"""Parsed rows on their way into a table, and what becomes of the faulty ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import compress
from typing import Any, NamedTuple

import polars as pl

from claims.cells import CellError
from claims.identity import Keys
from claims.settings import Settings

Cells = dict[str, list[Any]]  # column -> one value a row
SMALL = 64  # rows up to which the making of a column costs more than its filling


@dataclass(frozen=True)
class Source:
    """Where rows come from: what every row of a reading shares."""

    file_id: str
    source_system: str
    loaded_at: datetime  # UTC
    keys: Keys


def source_of(settings: Settings, file_id: str) -> Source:
    """What is read now, at this site."""
    return Source(file_id, settings.ingest.source_system, datetime.now(UTC), Keys(settings.home))


class Rejected(NamedTuple):
    """One row that was not accepted. `fields` and `reason` list its faults in one order, joined by ';' and '; '."""

    table: str
    row: int
    fields: str
    reason: str
    claim_id: str | None
    claim_line_number: str | None


@dataclass
class Rows:
    """Parsed columns of some rows, with the faults found so far by position."""

    numbers: list[int]
    values: Cells
    faults: dict[int, list[tuple[str, str]]] = field(default_factory=dict)

    def blame(self, position: int, name: str, words: str) -> None:
        """Note that a row will be rejected, and why."""
        self.faults.setdefault(position, []).append((name, words))

    def settle(self, name: str) -> None:
        """Turn the errors of a column into faults of its rows."""
        column = self.values[name]
        for position in [i for i, value in enumerate(column) if type(value) is CellError]:
            self.blame(position, name, str(column[position]))
            column[position] = None

    def demand(self, name: str, misshapen: frozenset[int]) -> None:
        """Blame the rows without a value, but for the `misshapen`, which hold no cells to look for."""
        column = self.values[name]
        if None not in column and "" not in column:
            return
        for position in [i for i, value in enumerate(column) if value is None or value == ""]:
            if position not in misshapen and name not in (told for told, _ in self.faults.get(position, ())):
                self.blame(position, name, "is missing")

    def split(self, table: str) -> list[Rejected]:
        """Take the faulty rows out and return them as rejects."""
        if not self.faults:
            return []
        rejected = [self._reject(table, position) for position in sorted(self.faults)]
        keep = [position not in self.faults for position in range(len(self.numbers))]
        self.numbers = list(compress(self.numbers, keep))
        self.values = {name: list(compress(column, keep)) for name, column in self.values.items()}
        self.faults = {}
        return rejected

    def _reject(self, table: str, position: int) -> Rejected:
        faults = self.faults[position]
        fields = ";".join(name for name, _ in faults)
        reason = "; ".join(f"{name} {words}".strip() for name, words in faults)
        claim, line = (self._told(name, position) for name in ("claim_id", "claim_line_number"))
        return Rejected(table, self.numbers[position], fields, reason, claim, line)

    def _told(self, name: str, position: int) -> str | None:
        value = self.values[name][position] if name in self.values else None
        return None if value is None else str(value)


def constant(name: str, value: Any, dtype: pl.DataType, count: int) -> pl.Series:
    """A column of one value. A time goes by way of its microseconds: several times faster than as a datetime."""
    if isinstance(value, datetime):
        one = pl.Series(name, [round(value.timestamp() * 1e6)], pl.Int64).cast(dtype)
    else:
        one = pl.Series(name, [value], dtype)
    return one.new_from_index(0, count)


@cache
def _no_values(name: str, dtype: pl.DataType) -> pl.Series:
    return pl.Series(name, [None] * SMALL, dtype)


def nulls(name: str, dtype: pl.DataType, count: int) -> pl.Series:
    """A column of nulls; ready-made for the few rows of a request."""
    return _no_values(name, dtype).head(count) if count <= SMALL else pl.Series(name, [None] * count, dtype)


def columns_of(values: Cells, schema: dict[str, pl.DataType], count: int) -> Iterator[pl.Series]:
    """Columns of parsed values. Those of one type are made at once and cut apart: with few rows, making is all."""
    by_type: dict[int, list[str]] = {}
    for name in values:
        by_type.setdefault(id(schema[name]), []).append(name)  # types are shared; to compare them takes long
    for names in by_type.values():
        whole = pl.Series("", [value for name in names for value in values[name]], schema[names[0]])
        for place, name in enumerate(names):
            yield whole.slice(place * count, count).alias(name)
