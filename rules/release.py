"""One release of a bulk table: read from its files, and what it says of codes and of pairs of codes on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from claims.errors import RuleBookError
from claims.texts import Texts, distinct, placed
from rules.edits import ALWAYS, NO_LAST_DAY, NOT_LISTED, SHIFT, Rows, Scope, code_number, numbers
from rules.manifest import Entry, checked

COLUMNS = {
    "ncci_ptp": ("column_1", "column_2", "indicator"),
    "ncci_mue": ("code", "limit", "adjudication"),
    "medicaid_mue": ("code", "limit", "adjudication"),
    "mpfs": ("code", "modifier", "status", "bilateral", "global_days", "multiple_procedure"),
    "add_on": ("add_on", "primary", "type"),
}
OPTIONAL = ("effective_from", "effective_to", "standing")
OPEN_TYPES = ("2", "3")  # add-ons whose primaries the contractor may define
_WORDS = ("status", "bilateral", "global_days", "multiple_procedure")
_NOTHING = np.zeros(0, np.int64)
_NO_ROWS = Rows.of(_NOTHING, _NOTHING, _NOTHING, {})


@dataclass(frozen=True)
class Release:
    """What one release says of pairs and of single codes; words: texts behind integer columns of `codes`."""

    scope: Scope
    pairs: Rows = _NO_ROWS
    codes: Rows = _NO_ROWS
    words: dict[str, list[str]] | None = None

    @classmethod
    def read(cls, folder: Path, entries: Sequence[Entry]) -> Release:
        """The release that the files of these entries of one folder hold. Raises RuleBookError for damage."""
        table = entries[0].table
        frame = pl.concat([_frame(table, checked(folder, entry)) for entry in entries])
        if table in ("ncci_ptp", "add_on"):
            return _of_pairs(table, frame, entries)
        return _of_codes(frame, entries)

    def code_rows(self, code: Texts, day: np.ndarray) -> np.ndarray:
        """(n,) int64: the row of `codes` of each code and day, or NONE or NOT_LISTED."""
        number = numbers(code)
        held = self.codes.in_force(placed(self.codes.start(number), code.at), day)
        held[~placed(self.scope.knows(number), code.at)] = NOT_LISTED
        return held

    def pair_rows(self, one: Texts, two: Texts, day: np.ndarray) -> np.ndarray:
        """(n,) int64: the row of `pairs` of each (column 1, column 2) and day, or NONE or NOT_LISTED."""
        first, second = numbers(one), numbers(two)
        if len(first) * len(second) <= len(day):  # each pair of levels is sought once
            start = self.pairs.start(((first[:, None] << SHIFT) | second).ravel())[one.at * len(second) + two.at]
        else:
            key = (first[one.at] << SHIFT) | second[two.at]
            sought, at = distinct(key)
            start = self.pairs.start(key[sought])[at]
        held = self.pairs.in_force(start, day)
        held[~(self.scope.knows(first)[one.at] & self.scope.knows_second(second)[two.at])] = NOT_LISTED
        return held


def _frame(table: str, path: Path) -> pl.DataFrame:
    """The rows of one file as text and dates."""
    frame = pl.read_csv(path, infer_schema=False, null_values="")
    missing = set(COLUMNS[table]) - set(frame.columns)
    if missing:
        raise RuleBookError(f"{path} is no table {table}: without {', '.join(sorted(missing))}")
    absent = [pl.lit(None, pl.String).alias(name) for name in OPTIONAL if name not in frame.columns]
    return frame.with_columns(absent).select(*COLUMNS[table], *OPTIONAL)


def _codes(frame: pl.DataFrame, column: str) -> np.ndarray:
    """(rows,) int64 numbers. Raises RuleBookError for what is no code."""
    found = Texts.of_column(frame[column]).codes(code_number)
    if (found < 0).any():
        raise RuleBookError(f"{column} holds {int((found < 0).sum())} cells that are no codes of five characters")
    return found


def _days(frame: pl.DataFrame, column: str, empty: int) -> np.ndarray:
    """(rows,) int32 days of a column of dates; `empty` where there is none."""
    days: np.ndarray = frame[column].str.to_date("%Y-%m-%d").to_physical().fill_null(empty).to_numpy()
    return days


def _integers(frame: pl.DataFrame, column: str) -> np.ndarray:
    """(rows,) int32; 0 for an empty cell."""
    return frame[column].cast(pl.Int32).fill_null(0).to_numpy()


def _held(frame: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return _days(frame, "effective_from", ALWAYS), _days(frame, "effective_to", NO_LAST_DAY)


def _assumed(frame: pl.DataFrame) -> np.ndarray:
    return (frame["standing"] == "assumed").fill_null(False).to_numpy()


def _of_pairs(table: str, frame: pl.DataFrame, entries: Sequence[Entry]) -> Release:
    one, two = (_codes(frame, column) for column in COLUMNS[table][:2])
    first, last = _held(frame)
    add_on = table == "add_on"
    values = {"kind": _integers(frame, COLUMNS[table][2]).astype(np.int8)}
    pairs = Rows.of((one << SHIFT) | two, first, last, values)
    codes = _add_ons(frame, one, first, last) if add_on else _NO_ROWS
    scope = _scope(entries, [one] if add_on else [one, two])
    return Release(replace(scope, second_listed=not add_on), pairs, codes)


def _add_ons(frame: pl.DataFrame, code: np.ndarray, first: np.ndarray, last: np.ndarray) -> Rows:
    """One row an add-on code: from the first day of any of its primaries to the last."""
    known, at = np.unique(code, return_inverse=True)
    begin, end = np.full(len(known), NO_LAST_DAY), np.full(len(known), ALWAYS)
    np.minimum.at(begin, at, first)
    np.maximum.at(end, at, last)
    flags = {"open": frame["type"].is_in(OPEN_TYPES).fill_null(False).to_numpy(), "assumed": _assumed(frame)}
    values = {name: np.bincount(at[flag], minlength=len(known)) > 0 for name, flag in flags.items()}
    return Rows.of(known, begin, end, values)


def _of_codes(frame: pl.DataFrame, entries: Sequence[Entry]) -> Release:
    words: dict[str, list[str]] = {}
    if "modifier" in frame.columns:  # the indicators stand in the code's own row, not in those of 26, TC or 53
        frame = frame.filter(pl.col("modifier").is_null())
    code = _codes(frame, "code")
    values = {"assumed": _assumed(frame)}
    for column in frame.columns:
        if column in _WORDS:
            texts = Texts.of(frame[column].fill_null("").to_list())
            words[column], values[column] = [str(level) for level in texts.levels], texts.at
        elif column in ("limit", "adjudication"):
            values[column] = _integers(frame, column)
    return Release(_scope(entries, [code]), codes=Rows.of(code, *_held(frame), values), words=words)


def _scope(entries: Sequence[Entry], codes: Sequence[np.ndarray]) -> Scope:
    """What the files know together, but for the codes of rows that could not be read."""
    unread = sorted({code_number(code) for entry in entries for code in entry.unread.split()})
    scope = _whole(entries, codes)
    return replace(scope, unread=np.array(unread, np.int64)) if unread else scope


def _whole(entries: Sequence[Entry], codes: Sequence[np.ndarray]) -> Scope:
    """What the files name. Of two parts that follow each other, nothing lies between the two ranges."""
    scopes = {entry.scope for entry in entries}
    if "complete" in scopes:
        return Scope()
    if "listed" in scopes:
        return Scope(listed=np.unique(np.concatenate(codes)))
    parts = {int(entry.part or 0): tuple(code_number(end) for end in entry.scope.split("-")) for entry in entries}
    return Scope(ranges=tuple((0 if part == 1 else _after(parts, part), parts[part][1]) for part in parts))


def _after(parts: dict[int, tuple[int, ...]], part: int) -> int:
    return parts[part - 1][1] if part - 1 in parts else parts[part][0]
