"""Rows of cells to rows of a table: parsed, checked, given their ids; each row is accepted or rejected with a reason.

The one way in for files, frames and requests. Cells: column -> one raw value a row; None = not known. Here what all
tables share, and the lines; claims/events.py has what payers say.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from decimal import Decimal
from functools import cache, partial
from typing import Any

import polars as pl

from claims.cells import CellError, Memo, attempt, text
from claims.fields import MADE, PARSERS, STORED
from claims.identity import age_on, names_member, row_digests, submission_id
from claims.rows import SMALL, Cells, Rejected, Rows, Source, columns_of, constant, nulls
from claims.table import REQUIRED

REMEMBERED = 20_000  # values of a column, or members, of a stream that are kept at a time


class Records:
    """Collects the rows of one table. Subclasses say what is derived and how a row gets its id."""

    table: str

    def __init__(self, source: Source, columnwise: bool = False, streamed: bool = False) -> None:
        """`columnwise`: cells come from typed columns, many equal ones; a null among them is an empty cell.

        `streamed`: cells come from a stream that may be longer than the memory: what is remembered of earlier rows is
        bounded, a row that repeats an earlier one is left for the store to find, and a null cell stays not known.
        """
        self.source = source
        self.streamed = streamed
        self.parsers = PARSERS[self.table] | {"extra": extra_text}
        memo = partial(Memo, null=None, limit=REMEMBERED) if streamed else Memo
        kept = PARSERS[self.table] if columnwise or streamed else {}
        self.memos = {name: memo(parse) for name, parse in kept.items()}
        self.frames: list[pl.DataFrame] = []
        self.rejected: list[Rejected] = []
        self.rows = 0

    def take(self, cells: Cells, numbers: list[int], faults: dict[int, list[tuple[str, str]]] | None = None) -> None:
        """Read rows with their row numbers; `faults` by position were found before their cells were looked at."""
        self.rows += len(numbers)
        rows = Rows(numbers, self._parsed(cells, len(numbers)), faults or {})
        misshapen, required = frozenset(rows.faults), REQUIRED[self.table]
        for name in rows.values:
            if name not in self.memos or self.memos[name].faulty:
                rows.settle(name)
        for name in required:
            rows.demand(name, misshapen)
        self.rejected += rows.split(self.table)
        for step in (self.derive, self.identify):
            step(rows)
            self.rejected += rows.split(self.table)
        if rows.numbers:
            self.frames.append(self._frame(rows))

    def refuse(self, number: int, faults: list[tuple[str, str]]) -> None:
        """Reject what has a place in the source but no rows that could be read."""
        self.rows += 1
        self.rejected += Rows([number], {}, {0: faults}).split(self.table)

    def clear(self) -> None:
        """Forget the rows, which have been handed on; ids go on where they were."""
        self.frames, self.rejected, self.rows = [], [], 0

    def _parsed(self, cells: Cells, count: int) -> Cells:
        """Every column that was carried, and the required ones whether carried or not."""
        parsed = {name: [None] * count for name in REQUIRED[self.table] if name not in cells}
        for name, column in cells.items():
            if name in self.memos:
                memo = self.memos[name]
                parsed[name] = [memo[cell] for cell in column]
            else:
                parse, first = self.parsers[name], next(iter(column), None)
                if all(cell is first for cell in column):  # what a claim says of all its lines is read once
                    parsed[name] = [attempt(parse, first)] * count
                else:
                    parsed[name] = [attempt(parse, cell) for cell in column]
        return parsed

    def derive(self, rows: Rows) -> None:
        """Columns made from others, and checks that need more than one column."""

    def identify(self, rows: Rows) -> None:
        """Ids of the rows; rows that repeat an earlier one are blamed."""

    def _frame(self, rows: Rows) -> pl.DataFrame:
        count, source, stored = len(rows.numbers), self.source, STORED[self.table]
        shared = {"source_system": source.source_system, "file_id": source.file_id, "loaded_at": source.loaded_at}
        columns = {name: constant(name, value, stored[name], count) for name, value in shared.items()}
        if count <= SMALL:
            columns |= {column.name: column for column in columns_of(rows.values, stored, count)}
        else:
            columns |= {name: pl.Series(name, values, stored[name]) for name, values in rows.values.items()}
        whole = [
            columns[name] if name in columns else nulls(name, dtype, count)
            for name, dtype in stored.items()
            if name not in ("version", "row")
        ]
        return pl.DataFrame([*whole, pl.Series("row", rows.numbers, pl.Int64)])

    def frame(self) -> pl.DataFrame:
        """All accepted rows: the stored columns (no version) and `row`."""
        if len(self.frames) > 1:
            self.frames = [pl.concat(self.frames, rechunk=True)]
        return self.frames[0] if self.frames else empty(self.table)

    def _reject_repeats(self, rows: Rows, ids: Iterable[Any], seen: dict[Any, int]) -> None:
        if self.streamed:
            return
        for position, (number, key) in enumerate(zip(rows.numbers, ids, strict=True)):
            first = seen.setdefault(key, number)
            if first != number:
                rows.blame(position, *self.repeated(first))

    def repeated(self, first: int) -> tuple[str, str]:
        """The field and words that reject a row which repeats the row `first`."""
        return "", f"duplicate of row {first}"


class Lines(Records):
    """Service lines."""

    table = "lines"
    content = tuple(n for n in STORED["lines"] if n not in MADE or n in ("member_key", "patient_id", "extra"))

    def __init__(self, source: Source, columnwise: bool = False, streamed: bool = False) -> None:
        super().__init__(source, columnwise, streamed)
        self.seen: dict[Any, int] = {}
        self.members: dict[Any, tuple[str | None, str | None]] = {}

    def derive(self, rows: Rows) -> None:
        """Age from birth, keys from the member id; the raw values go."""
        values = rows.values
        starts = values["claim_line_start_date"]
        births = values.pop("patient_birth_date", None) or [None] * len(starts)
        if any(births):
            told = values.get("patient_age") or [None] * len(starts)
            given = zip(births, starts, told, strict=True)
            values["patient_age"] = [self._age(rows, position, *ages) for position, ages in enumerate(given)]
        if "member_id" in values:
            members = values.pop("member_id")
            if "plan_id" in values:  # on claims the number of the policy may stand there
                pairs = zip(values["plan_id"], members, strict=True)
                values["plan_id"] = ["" if names_member(plan, member) else plan for plan, member in pairs]
            keys = [self._keys(member, birth) for member, birth in zip(members, births, strict=True)]
            values["member_key"], values["patient_id"] = [k[0] for k in keys], [k[1] for k in keys]
        for position, end in enumerate(values.get("claim_line_end_date", ())):
            if end is not None and end < starts[position]:
                rows.blame(position, "claim_line_end_date", "lies before claim_line_start_date")

    def _age(self, rows: Rows, position: int, birth: Any, start: Any, told: int | None) -> int | None:
        if birth is None:
            return told
        try:
            return age_on(birth, start)
        except CellError as fault:
            rows.blame(position, "patient_birth_date", str(fault))
            return None

    def _keys(self, member: str | None, birth: Any) -> tuple[str | None, str | None]:
        known = self.members.get((member, birth))
        if known is None:
            keys = self.source.keys
            if self.streamed and len(self.members) >= REMEMBERED:
                self.members.clear()
            known = self.members[member, birth] = keys.member(member), keys.patient(member, birth)
        return known

    def identify(self, rows: Rows) -> None:
        """submission_id and row_hash; an exact repeat of an earlier row is rejected."""
        values, count = rows.values, len(rows.numbers)
        optional = ("billing_npi", "claim_id", "submitted_date", "claim_frequency_code", "payer_responsibility_code")
        parts = zip(values["payer_id"], *(values.get(name) or [None] * count for name in optional), strict=True)
        known: dict[Any, str] = {}
        values["submission_id"] = [
            known.get(part) or known.setdefault(part, submission_id(self.source.source_system, *part)) for part in parts
        ]
        values["row_hash"] = row_digests([values.get(name) for name in self.content], count, "line")
        self._reject_repeats(rows, self.sameness(rows), self.seen)

    def sameness(self, rows: Rows) -> Iterable[Any]:
        """What two rows of one source must share for the second to be a repeat."""
        return zip(rows.values["submission_id"], rows.values["row_hash"], strict=True)


def extra_text(raw: dict[str, Any]) -> str | None:
    """The site's own columns of one row as JSON, keys sorted; numbers stay numbers; None where there are none."""
    told = {name: _extra_value(value) for name, value in sorted(raw.items()) if value is not None}
    return json.dumps(told, ensure_ascii=False) if told else None


def _extra_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise CellError("holds a number that is not finite")
    return value if isinstance(value, bool | int | float) else text(value)


@cache
def empty(table: str) -> pl.DataFrame:
    """No accepted rows: the columns that `frame` has."""
    stored = {name: dtype for name, dtype in STORED[table].items() if name != "version"}
    return pl.DataFrame(schema={**stored, "row": pl.Int64()})
