"""Units of an X12 or FHIR source to batches: about CHUNK rows each, a claim never cut apart.

Nothing is kept from one batch to the next but counts and what claims/records.py remembers, which is bounded. Every row,
and every unit, is accepted or rejected with a reason; that is asserted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

import polars as pl

from claims.batch import Batch, accepted_rows, file_of, no_file, quality_of, rejects_of
from claims.edi import Feed, Told
from claims.errors import UnreadableFileError
from claims.events import RECORDS, Events
from claims.fields import PARSERS, SCHEMAS
from claims.records import Records
from claims.rows import Cells, Rejected, Source
from claims.tabular import CHUNK
from claims.unit import Fault, Row

CLAIMS = frozenset({"lines", "outcomes"})  # tables whose units are claims
NOTHING: Fault = ("", "holds nothing that can be read")
Place = tuple[int | None, int | None]  # claim_index and line_index of a row


class Chunks:
    """The batches of one source. The last has the row of the file, with the totals."""

    def __init__(self, feed: Feed, source: Source, name: str, checked: bool = True) -> None:
        """`checked`: see accepted_rows; a body that is waited for does without, as a request does."""
        self.feed, self.source, self.name, self.checked = feed, source, name, checked
        self.records: dict[str, Records] = {}
        self.carried: set[str] = set()
        self.rows = self.rejected = self.units = 0
        self.claims = 0  # units of table lines so far

    def batches(self) -> Iterator[Batch]:
        """Raises UnreadableFileError for a source that holds no unit and breaks; one that breaks later is flagged."""
        held: list[Told] = []
        rows = 0
        for told in self._told():
            held.append(told)
            rows += len(told.unit.rows) or 1
            if rows >= CHUNK:
                yield self._batch(held, last=False)
                held, rows = [], 0
        yield self._batch(held, last=True)

    def _told(self) -> Iterator[Told]:
        try:
            for told in self.feed.units():
                self.units += 1
                yield told
        except UnreadableFileError as error:
            if not self.units:
                words = str(error)
                raise UnreadableFileError(words if self.name in words else f"{self.name}: {words}") from error
            self.feed.flags["broken_off"] += 1

    def _batch(self, held: Sequence[Told], last: bool) -> Batch:
        tables = {table: [told for told in held if told.unit.table == table] for table in SCHEMAS}
        assert sum(map(len, tables.values())) == len(held), "a unit of no known table"
        readings = [self._taken(table, units) for table, units in tables.items() if units]
        frames = accepted_rows(readings, self.checked)
        rejected = [reject for records in readings for reject in records.rejected]
        for records in readings:
            self.rows += records.rows
            records.clear()
        self.rejected += len(rejected)
        accepted, refused = self._claims(held, rejected)
        places = self._places(tables["lines"])
        numbers = frames["lines"].get_column("row").to_list()
        index = pl.Series("claim_index", [places[number][0] for number in numbers], pl.Int64)
        return Batch(
            file_id=self.source.file_id,
            **(frames | {"lines": frames["lines"].with_columns(index)}),
            rejects=_placed(rejected, places, self.source),
            quality=quality_of(self.feed.flags if last else {}, self.source),
            file=self._file() if last else no_file(),
            unknown_columns=(),
            claims_accepted=accepted,
            claims_rejected=refused,
        )

    def _taken(self, table: str, units: Sequence[Told]) -> Records:
        """The records of a table with the rows of these units."""
        records = self.records.setdefault(table, RECORDS[table](self.source, streamed=True))
        rows: list[Row] = []
        numbers: list[int] = []
        scopes: list[int] = []
        faults: dict[int, list[Fault]] = {}
        for scope, unit in units:
            whole = unit.faults.get(-1, [])
            if not unit.rows:
                records.refuse(unit.place, whole or [NOTHING])
            for index in range(len(unit.rows)) if whole else unit.faults:
                faults[len(rows) + index] = whole + unit.faults.get(index, [])
            rows += unit.rows
            numbers += unit.at
            scopes += [scope] * len(unit.rows)
        if rows:
            cells = columns_of(rows)
            self.carried |= cells.keys()
            records.take(cells | {"scope": scopes} if isinstance(records, Events) else cells, numbers, faults)
        return records

    @staticmethod
    def _claims(held: Sequence[Told], rejected: Sequence[Rejected]) -> tuple[int, int]:
        """Claims with and without an accepted row."""
        refused = {(reject.table, reject.row) for reject in rejected}
        claims = [unit for _, unit in held if unit.table in CLAIMS and not unit.beside]
        accepted = sum(any((unit.table, at) not in refused for at in unit.at) for unit in claims)
        return accepted, len(claims) - accepted

    def _places(self, units: Sequence[Told]) -> dict[int, Place]:
        """Where each row of the lines stood: its claim among all of the source, its line in the claim."""
        places: dict[int, Place] = {}
        for index, (_, unit) in enumerate(units, self.claims):
            places[unit.place] = index, None
            places |= {at: (index, line) for line, at in enumerate(unit.at)}
        self.claims += len(units)
        return places

    def _file(self) -> pl.DataFrame:
        kind = "+".join(self.feed.kinds) or self.feed.form
        names = (name for table in SCHEMAS for name in PARSERS[table] if name in self.carried)
        return file_of(self.source, self.name, kind, dict.fromkeys(names), self.rows, self.rejected)


def _placed(rejected: list[Rejected], places: dict[int, Place], source: Source) -> pl.DataFrame:
    at = [places.get(reject.row, (None, None)) if reject.table == "lines" else (None, None) for reject in rejected]
    return rejects_of(rejected, source, [claim for claim, _ in at], [line for _, line in at])


def columns_of(rows: Sequence[Row]) -> Cells:
    """Rows as columns; a column that a row does not carry is None there. Rows are mostly all of one shape."""
    names = list(rows[0])
    if len(names) > 1 and all(len(row) == len(names) for row in rows):
        try:
            return dict(zip(names, map(list, zip(*map(itemgetter(*names), rows), strict=True)), strict=True))
        except KeyError:
            pass  # as many columns, but others
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells: dict[str, list[Any]] = {name: [row.get(name) for row in rows] for name in names}
    return cells
