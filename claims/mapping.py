"""A foreign export in our terms: its columns renamed, its values translated, dates derived, constants added.

[columns]            canonical = "THEIR NAME"
[constants]          canonical = "value for every row"
[values.denied]      A = "false", "*" = "true"          (* = any other value that is not empty)
[days_after.known_date]  from = "claim_line_start_date", days = 15
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from claims.cells import CellError, text
from claims.errors import UnreadableFileError, UsageError
from claims.fields import CANONICAL, is_canonical, near
from claims.quantities import day
from claims.tabular import is_opaque

Plain = str | int | float | bool


class DaysAfter(BaseModel):
    """A date that lies a fixed number of days after another."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(alias="from")
    days: int = Field(ge=-36_500, le=36_500)


class _Written(BaseModel):
    """A mapping as its TOML says it."""

    model_config = ConfigDict(extra="forbid")

    columns: dict[str, str] = {}
    constants: dict[str, Plain | date] = {}
    values: dict[str, dict[str, Plain]] = {}
    days_after: dict[str, DaysAfter] = {}


@dataclass(frozen=True)
class Mapping:
    """How to read a foreign export; `name` is told in errors. Not `strict`: only where its columns are present."""

    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    days_after: dict[str, DaysAfter] = field(default_factory=dict)
    name: str = "mapping"
    strict: bool = True

    @property
    def source_names(self) -> frozenset[str]:
        """The columns of the foreign export."""
        return frozenset(self.columns.values())

    @property
    def digest(self) -> str:
        """Tells two readings of the same bytes apart."""
        told = [self.columns, self.constants, self.values, {k: [v.source, v.days] for k, v in self.days_after.items()}]
        return hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=16).hexdigest()

    def applies_to(self, columns: list[str]) -> bool:
        """Whether to use it: always when it was asked for, else when all of its columns are there."""
        told = {*columns, *(source for source in self.source_names if _as_read(source) in columns)}
        return self.strict or (bool(self.columns) and self.source_names.issubset(told))

    def apply(self, frame: pl.DataFrame, name: str) -> pl.DataFrame:
        """The frame with canonical columns; columns that are not mapped stay, unless a mapped one takes their name.

        Raises UnreadableFileError naming the columns that the source lacks.
        """
        unread = [source for source in self.source_names if source not in frame.columns]
        frame = frame.rename({_as_read(s): s for s in unread if _as_read(s) in frame.columns})
        lacking = [source + near(source, frame.columns) for source in self.source_names if source not in frame.columns]
        if lacking:
            raise UnreadableFileError(f"{name} lacks columns that {self.name} maps: {', '.join(sorted(lacking))}")
        mapped = [frame[source].alias(canonical) for canonical, source in self.columns.items()]
        rest = [c for c in frame.columns if c not in self.source_names and c not in self._made()]
        mapped += [
            pl.Series(c, [value], pl.String).new_from_index(0, len(frame)) for c, value in self.constants.items()
        ]
        whole = pl.DataFrame([*mapped, *(frame[c] for c in rest)])
        whole = whole.with_columns([_translated(whole[c], table) for c, table in self.values.items()])
        return whole.with_columns([_later(whole[d.source], d.days, c) for c, d in self.days_after.items()])

    def unused(self, columns: list[str]) -> list[str]:
        """Columns of the source that the mapping hides: their canonical name is given to something else."""
        read = {*self.source_names, *map(_as_read, self.source_names)}
        return [c for c in columns if c in self._made() and c not in read]

    def _made(self) -> set[str]:
        return {*self.columns, *self.constants, *self.days_after}


def _as_read(source: str) -> str:
    """A column of theirs as reading leaves it: a name that is also one of ours, such as Status, in lower case."""
    return source.lower() if is_canonical(source.lower()) else source


def load_mapping(path: Path) -> Mapping:
    """The mapping of a TOML file. Raises UsageError naming the file and what is wrong in it."""
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read as a mapping: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path.name} cannot be read as a mapping (TOML): {error}") from error
    return mapping_of(written, path.name)


def mapping_of(written: dict[str, Any], name: str, strict: bool = True) -> Mapping:
    """The mapping that a dict says, such as Settings.map. Raises UsageError."""
    try:
        told = _Written.model_validate(written)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UsageError(f"{name} is not a valid mapping: {faults}") from error
    given = {*told.columns, *told.constants}
    needed = {*told.values, *(d.source for d in told.days_after.values())}
    for canonical in sorted(given | needed | {*told.days_after}):
        if not is_canonical(canonical):
            raise UsageError(f"{name}: {canonical} is not one of our columns{near(canonical, CANONICAL)}")
    twice = sorted((set(told.columns) & set(told.constants)) | (given & set(told.days_after)))
    if twice:
        raise UsageError(f"{name} says twice where {twice[0]} comes from")
    if needed - given:
        raise UsageError(f"{name} uses {sorted(needed - given)[0]} but does not say which column it is")
    constants = {c: _plain(value) for c, value in told.constants.items()}
    values = {c: {k: _plain(v) for k, v in table.items()} for c, table in told.values.items()}
    return Mapping(told.columns, constants, values, told.days_after, name, strict)


def _plain(value: Plain | date) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _translated(series: pl.Series, table: dict[str, str]) -> pl.Series:
    """Values by the table; "*" stands for any other that is not empty, "" for an empty cell.

    What is no text or number is passed on, so that its row (or an opaque column as a whole) is refused with the reason.
    """
    if is_opaque(series.dtype):
        return series

    def translate(raw: Any) -> str:
        try:
            told = text("" if raw is None else _plain(raw) if isinstance(raw, bool) else raw)
        except CellError:
            return str(raw)
        return table.get(told, table.get("*", told) if told else told)

    return _each(series, translate)


def _later(series: pl.Series, days: int, name: str) -> pl.Series:
    """Days after another date; what is not a date is passed on, so that its row is rejected with the reason."""
    if is_opaque(series.dtype):
        return series.alias(name)

    def shift(raw: Any) -> str:
        told = "" if raw is None else raw
        try:
            start = day(told)
        except CellError:
            return str(told)
        return (start + timedelta(days=days)).isoformat() if start else ""

    return _each(series, shift).alias(name)


def _each(series: pl.Series, told: Callable[[Any], str]) -> pl.Series:
    """What is told of each cell, asked once of equal ones; nan is an empty cell."""
    filled = series.fill_nan(None) if series.dtype.is_float() else series
    known = {raw: told(raw) for raw in filled.unique().to_list()}
    return pl.Series(series.name, [known[raw] for raw in filled.to_list()], pl.String)
