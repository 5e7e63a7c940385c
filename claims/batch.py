"""What one source gave: the accepted rows of each table and the rejected ones, counted so that none is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from claims.fields import SCHEMAS, STORED
from claims.nested import Request
from claims.records import Lines, Records, empty
from claims.rows import Rejected, Rows, Source, columns_of, constant
from claims.table import Reject, SourceFile

REJECTS: dict[str, Any] = {name: column.dtype for name, column in Reject.columns().items()}
REJECTS |= {"claim_id": pl.String(), "claim_line_number": pl.String()}
FILES: dict[str, Any] = {name: column.dtype for name, column in SourceFile.columns().items()}
PLACES: dict[str, Any] = {"claim_index": pl.Int64(), "line_index": pl.Int64()}  # in a request, from 0


@dataclass(frozen=True)
class Batch:
    """What one source gave. `row` counts from 1: rows of data of a file, lines of a request.

    lines, outcomes, authorizations: the stored columns (lines without `version`) and `row`. rejects: those of Reject,
    with the raw claim_id and claim_line_number for the answer to the user; `field` joins the faulty fields by ';' and
    `reason` their words by '; ', in one order. file: one row; a source of lines and outcomes counts each of its rows
    once for either table. A request has claim_index (lines and rejects) and line_index (rejects) besides.
    """

    lines: pl.DataFrame
    outcomes: pl.DataFrame
    authorizations: pl.DataFrame
    rejects: pl.DataFrame
    file: pl.DataFrame
    unknown_columns: tuple[str, ...]


class RequestLines(Lines):
    """Lines of a request: a line number may stand once in a claim; equal claims may stand side by side."""

    def __init__(self, source: Source, request: Request) -> None:
        super().__init__(source, False)
        self.request = request

    def sameness(self, rows: Rows) -> Iterator[Any]:
        """The claim (of flat lines: the submission) and the line number."""
        ids, numbers = rows.values["submission_id"], rows.values["claim_line_number"]
        for row, submission, number in zip(rows.numbers, ids, numbers, strict=True):
            flat = self.request.lines[row - 1] is None
            yield (submission if flat else self.request.claims[row - 1], number)

    def repeated(self, first: int) -> tuple[str, str]:
        """The line number is at fault."""
        return "claim_line_number", f"repeats that of row {first}"


def batch_of(
    readings: list[Records],
    source: Source,
    name: str,
    carried: list[str],
    unknown: tuple[str, ...],
    request: Request | None = None,
) -> Batch:
    """The batch of what was read into each table. Every row is accepted or rejected: that is asserted."""
    frames = {table: empty(table) for table in SCHEMAS}
    for records in readings:
        frames[records.table] = records.frame() if request else conforming(records)
        accepted, rejected = len(frames[records.table]), len(records.rejected)
        assert records.rows == accepted + rejected, f"{records.table}: {records.rows} rows, {accepted} + {rejected}"
    rejects = [reject for records in readings for reject in records.rejected]
    rows, kind = sum(records.rows for records in readings), "+".join(records.table for records in readings)
    told = [source.file_id, name, kind, ";".join(carried), rows, rows - len(rejects), len(rejects)]
    lines = _with_claims(frames["lines"], request) if request else frames["lines"]
    return Batch(
        lines,
        frames["outcomes"],
        frames["authorizations"],
        _rejects(rejects, source, request),
        _table([[value] for value in told], FILES, source),
        unknown,
    )


def _with_claims(lines: pl.DataFrame, request: Request) -> pl.DataFrame:
    """claim_index: the position of the claim; of flat lines, the position of the first line of their submission."""
    first: dict[str, int] = {}
    places = []
    for row, submission in zip(lines["row"].to_list(), lines["submission_id"].to_list(), strict=True):
        claim, flat = request.claims[row - 1], request.lines[row - 1] is None
        places.append(first.setdefault(submission, claim) if flat else claim)
    return lines.hstack([pl.Series("claim_index", places, pl.Int64)])


def conforming(records: Records) -> pl.DataFrame:
    """The accepted rows that also keep every rule of their schema; the others go to the rejects, in the rule's words.

    `Records` checks the same on the way in, so this finds a row only where a rule was added to claims/table.py alone.
    """
    schema, frame = SCHEMAS[records.table], records.frame()
    if records.table == "lines":  # the same key again, with other content, is a later version (claims/store.py)
        number = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("submission_id", "claim_line_number")
        frame = frame.with_columns(version=number)
    good, failure = schema.filter(frame.select(list(STORED[records.table])))
    if len(good) < len(frame):
        keys = schema.primary_key()
        bad = failure.details().join(frame.select(*keys, "row"), on=keys, how="left", nulls_equal=True)
        records.rejected += [_broken(records.table, row) for row in bad.sort("row").to_dicts()]
        frame = frame.join(bad.select("row"), on="row", how="anti", maintain_order="left")
    return frame.drop("version", strict=False)


def _broken(table: str, row: dict[str, Any]) -> Rejected:
    rules = [str(name) for name, state in row.items() if state == "invalid" and name not in STORED[table]]
    fields = ";".join(rule.split("|")[0] if "|" in rule else "" for rule in rules)
    words = "; ".join(f"breaks the rule '{rule.replace('|', ': ').replace('_', ' ')}'" for rule in rules)
    number = row.get("claim_line_number")
    return Rejected(table, row["row"], fields, words, row.get("claim_id"), None if number is None else str(number))


def _rejects(rejected: list[Rejected], source: Source, request: Request | None) -> pl.DataFrame:
    schema = REJECTS | PLACES if request else REJECTS
    if not rejected:
        return _no_rows(tuple(schema.items()))
    count = len(rejected)
    table, rows, fields, reasons, claims, numbers = (list(column) for column in zip(*rejected, strict=True))
    columns = [[source.file_id] * count, table, rows, fields, reasons, claims, numbers]
    if request:
        at = [row - 1 for row in rows]
        columns[3] = [
            ";".join(request.place(position, name) for name in told.split(";"))
            for position, told in zip(at, fields, strict=True)
        ]
        columns += [[request.claims[position] for position in at], [request.lines[position] for position in at]]
    columns[3] = [told or None for told in columns[3]]
    return _table(columns, schema, source)


def _table(columns: list[list[Any]], schema: dict[str, Any], source: Source) -> pl.DataFrame:
    """The columns of the schema but for loaded_at, which is the source's."""
    count = len(columns[0])
    values = dict(zip((name for name in schema if name != "loaded_at"), columns, strict=True))
    made = {column.name: column for column in columns_of(values, schema, count)}
    made["loaded_at"] = constant("loaded_at", source.loaded_at, schema["loaded_at"], count)
    return pl.DataFrame([made[name] for name in schema])


@cache
def _no_rows(schema: tuple[tuple[str, Any], ...]) -> pl.DataFrame:
    return pl.DataFrame(schema=dict(schema))
