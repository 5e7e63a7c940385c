"""What one source gave: the accepted rows of each table and the rejected ones, counted so that none is lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from claims.errors import UnreadableFileError
from claims.fields import SCHEMAS, STORED, types_of
from claims.nested import Request
from claims.records import Lines, Records, empty
from claims.rows import Rejected, Rows, Source, columns_of, constant
from claims.table import Quality, Reject, SourceFile

REJECTS: dict[str, Any] = types_of(Reject)
REJECTS |= {"claim_id": pl.String(), "claim_line_number": pl.String()}
QUALITY: dict[str, Any] = types_of(Quality)
FILES: dict[str, Any] = types_of(SourceFile)
PLACES: dict[str, Any] = {"claim_index": pl.Int64(), "line_index": pl.Int64()}  # in a request, from 0


@dataclass(frozen=True)
class Batch:
    """What one source gave, or a part of it. `row` counts from 1: rows of data of a file, lines of a request, segments.

    lines, outcomes, authorizations, rejections, provider_adjustments: the stored columns (lines without `version`) and
    `row`. rejects: those of Reject, with the raw claim_id and claim_line_number for the answer to the user; `field`
    joins the faulty fields by ';' and `reason` their words by '; ', in one order. file: one row (of a part that is not
    the last: none); a source of lines and outcomes counts each of its rows once for either table. quality: flags of
    the file and their counts. Requests, X12 and FHIR have claim_index (lines and rejects) and line_index (rejects)
    besides. file_id: of several sources joined, the first's. claims_accepted, claims_rejected: claims with and without
    an accepted row.
    """

    file_id: str
    lines: pl.DataFrame
    outcomes: pl.DataFrame
    authorizations: pl.DataFrame
    rejections: pl.DataFrame
    provider_adjustments: pl.DataFrame
    rejects: pl.DataFrame
    quality: pl.DataFrame
    file: pl.DataFrame
    unknown_columns: tuple[str, ...]
    claims_accepted: int
    claims_rejected: int


class RequestLines(Lines):
    """Lines of a request: a line number may stand once in a claim; equal claims may stand side by side."""

    def __init__(self, source: Source, request: Request) -> None:
        super().__init__(source)
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
    frames = accepted_rows(readings, checked=request is None)
    rejected = [reject for records in readings for reject in records.rejected]
    rows, kind = sum(records.rows for records in readings), "+".join(records.table for records in readings)
    lines = _with_claims(frames["lines"], request) if request else frames["lines"]
    sent = set(lines.get_column("claim_id").to_list())
    refused = {told.claim_id for told in rejected if told.table == "lines" and told.claim_id} - sent
    return Batch(
        file_id=source.file_id,
        **(frames | {"lines": lines}),
        rejects=_request_rejects(rejected, source, request) if request else rejects_of(rejected, source),
        quality=quality_of({}, source),
        file=file_of(source, name, kind, carried, rows, len(rejected)),
        unknown_columns=unknown,
        claims_accepted=len(sent),
        claims_rejected=len(refused),
    )


def accepted_rows(readings: Iterable[Records], checked: bool = True) -> dict[str, pl.DataFrame]:
    """The accepted rows of every table; `checked` against the rules of its schema."""
    frames = {table: empty(table) for table in SCHEMAS}
    for records in readings:
        frames[records.table] = conforming(records) if checked else records.frame()
        accepted, rejected = len(frames[records.table]), len(records.rejected)
        assert records.rows == accepted + rejected, f"{records.table}: {records.rows} rows, {accepted} + {rejected}"
    return frames


def file_of(source: Source, name: str, kind: str, carried: Iterable[str], rows: int, rejected: int) -> pl.DataFrame:
    """The one row of a file, all of which has been read."""
    told = [source.file_id, name, kind, ";".join(carried), rows, rows - rejected, rejected]
    return _table([[value] for value in told], FILES, source)


def no_file() -> pl.DataFrame:
    """In place of `file_of` while more of the file comes."""
    return _no_rows(tuple(FILES.items()))


def quality_of(flags: Mapping[str, int], source: Source) -> pl.DataFrame:
    """Flags of a file and their counts."""
    if not flags:
        return _no_rows(tuple(QUALITY.items()))
    return _table([[source.file_id] * len(flags), list(flags), list(flags.values())], QUALITY, source)


def joined(batches: Sequence[Batch]) -> Batch:
    """Parts of one source, or several sources, as one batch."""
    if len(batches) == 1:
        return batches[0]
    frames = (*SCHEMAS, "rejects", "quality", "file")
    return Batch(
        file_id=batches[0].file_id,
        **{name: pl.concat([getattr(batch, name) for batch in batches], how="diagonal") for name in frames},
        unknown_columns=tuple(dict.fromkeys(column for batch in batches for column in batch.unknown_columns)),
        claims_accepted=sum(batch.claims_accepted for batch in batches),
        claims_rejected=sum(batch.claims_rejected for batch in batches),
    )


def check_lines(batch: Batch) -> None:
    """Raises UnreadableFileError for what holds no claim lines, but outcomes or authorizations.

    Of a table or a list the kind says what it holds, even when it is empty; of X12 and FHIR what was found.
    """
    name, kind = (batch.file.get_column(column)[0] for column in ("name", "kind"))
    if not ("lines" in kind or len(batch.lines) or "lines" in batch.rejects.get_column("table")):
        raise UnreadableFileError(f"{name} holds no claim lines; denials ingest takes what else it holds")


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
    keys = schema.primary_key()
    if records.table == "lines":  # the same key again, with other content, is a later version (claims/store.py)
        number = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("submission_id", "claim_line_number")
        frame = frame.with_columns(version=number)
    once = frame.unique(keys, keep="first", maintain_order=True)  # an event that came again is left for the store
    good, failure = schema.filter(once.select(list(STORED[records.table])))
    if len(good) < len(once):
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


def rejects_of(rejected: list[Rejected], source: Source, *places: list[Any]) -> pl.DataFrame:
    """Rejected rows as a frame; `places`: their claim_index and line_index, where the source has claims."""
    schema = REJECTS | PLACES if places else REJECTS
    if not rejected:
        return _no_rows(tuple(schema.items()))
    table, rows, named, reasons, claims, numbers = (list(column) for column in zip(*rejected, strict=True))
    named = [told or None for told in named]
    columns = [[source.file_id] * len(rejected), table, rows, named, reasons, claims, numbers, *places]
    return _table(columns, schema, source)


def _request_rejects(rejected: list[Rejected], source: Source, request: Request) -> pl.DataFrame:
    """Each field is told with its place in the request."""
    at = [reject.row - 1 for reject in rejected]
    told = [
        reject._replace(fields=";".join(request.place(reject.row - 1, name) for name in reject.fields.split(";")))
        for reject in rejected
    ]
    claims, lines = ([where[position] for position in at] for where in (request.claims, request.lines))
    return rejects_of(told, source, claims, lines)


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
