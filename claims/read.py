"""Files, frames and requests to a Batch: accepted rows, and rejected rows with their reasons. Nothing is lost.

What a source is, its bytes and columns tell, never its name.
"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from claims.batch import Batch as Batch
from claims.batch import RequestLines, batch_of
from claims.cells import Memo
from claims.errors import UnreadableFileError, UsageError
from claims.events import RECORDS
from claims.fields import of_a_person
from claims.identity import Keys, file_digest
from claims.kinds import tables_of, used_by
from claims.mapping import Mapping, mapping_of
from claims.nested import plain, spread_claims
from claims.records import Records, extra_text
from claims.rows import Cells, Source
from claims.settings import Settings
from claims.tabular import CHUNK, is_opaque, named, read_table

PLAIN_NUMBER = r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?$"  # 007 is a code, not a number


def read_file(path: Path, settings: Settings, mapping: Mapping | None = None) -> Batch:
    """The batch of a delimited text, parquet or JSON file. Raises UnreadableFileError; UsageError for a mapping."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"{path.name} cannot be opened: {error.strerror}") from error
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        if mapping:
            raise UsageError(f"{path.name} is JSON; a mapping is for files of columns")
        return _read_request(plain(_claims_of(content, path.name)), settings, path.name, file_digest(content))
    site = mapping or _site_mapping(settings)
    frame = read_table(path, content, site.source_names if site else frozenset())
    return _read_columns(frame, settings, site, path.name, content)


def read_frame(frame: pl.DataFrame, settings: Settings, mapping: Mapping | None = None, name: str = "frame") -> Batch:
    """The batch of a frame, its columns typed or text. Raises UnreadableFileError when a column is missing."""
    content = io.BytesIO()
    frame.select(~cs.by_dtype(pl.Object)).rechunk().write_ipc(content)  # Python objects have no bytes of their own
    return _read_columns(named(frame, name), settings, mapping or _site_mapping(settings), name, content.getvalue())


def read_claims(claims: list[dict[str, Any]], settings: Settings) -> Batch:
    """The batch of claims as JSON gives them: nested with `lines`, or flat, one a line. UsageError for no list."""
    if not isinstance(claims, list):
        raise UsageError("claims must be a list of objects")
    told = plain(claims)
    return _read_request(told, settings, "request", file_digest(repr(told).encode(errors="replace")))


def _site_mapping(settings: Settings) -> Mapping | None:
    return mapping_of(settings.map, "denials.toml [map]", strict=False) if settings.map else None


def _source(settings: Settings, file_id: str) -> Source:
    return Source(file_id, settings.ingest.source_system, datetime.now(UTC), Keys(settings.home))


# Columns


def _read_columns(frame: pl.DataFrame, settings: Settings, mapping: Mapping | None, name: str, content: bytes) -> Batch:
    if frame.is_empty():
        raise UnreadableFileError(f"{name} holds no rows of data; check the export")
    used = mapping if mapping and mapping.applies_to(frame.columns) else None
    mapped, hidden = (used.apply(frame, name), used.unused(frame.columns)) if used else (frame, [])
    tables = tables_of(mapped.columns, name)
    source = _source(settings, file_digest(content, used.digest if used else ""))
    readings = [_read_table(mapped, table, source, name) for table in tables]
    carried = {column for table in tables for column in used_by(table, mapped.columns)}
    carried |= set(_site_columns(mapped.columns) if "lines" in tables else [])
    unknown = (*(column for column in mapped.columns if column not in carried), *hidden)
    return batch_of(readings, source, name, [c for c in mapped.columns if c in carried], unknown)


def _read_table(frame: pl.DataFrame, table: str, source: Source, name: str) -> Records:
    records = RECORDS[table](source, True)
    columns = _plain(frame.select(used_by(table, frame.columns)), name)
    extra = _numbers(_plain(frame.select(_site_columns(frame.columns)), name)) if table == "lines" else pl.DataFrame()
    if extra.width:
        records.memos["extra"] = Memo(lambda row: extra_text(dict(zip(extra.columns, row, strict=True))))
    for start in range(0, len(frame), CHUNK):
        cells: Cells = {column.name: column.to_list() for column in columns.slice(start, CHUNK)}
        if extra.width:
            cells["extra"] = extra.slice(start, CHUNK).rows()
        count = min(CHUNK, len(frame) - start)
        records.take(cells, list(range(start + 1, start + 1 + count)))
    return records


def _site_columns(columns: list[str]) -> list[str]:
    return [column for column in columns if column.startswith("x_") and len(column) > 2 and not of_a_person(column)]


def _plain(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Columns of single values; a column of lists, bytes, spans or objects is refused by its name."""
    for column, dtype in frame.schema.items():
        if is_opaque(dtype):
            raise UnreadableFileError(f"{name}: the column {column} holds {dtype} where one value a row is expected")
    odd = [c for c, dtype in frame.schema.items() if dtype in (pl.Categorical, pl.Enum, pl.Time, pl.Null)]
    return frame.with_columns(pl.col(odd).cast(pl.String)) if odd else frame


def _numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """The site's columns: a text column that holds numbers alone becomes one of numbers, its empty cells null."""
    return pl.DataFrame([_number_column(column) if column.dtype == pl.String else column for column in frame])


def _number_column(column: pl.Series) -> pl.Series:
    stripped = column.str.strip_chars()
    told = stripped.filter(stripped != "")
    if told.is_empty() or not told.str.contains(PLAIN_NUMBER).all():
        return column.fill_null("")
    whole = not told.str.contains(".", literal=True).any()
    return stripped.replace("", None).cast(pl.Int64 if whole else pl.Float64)


# Requests


def _claims_of(content: bytes, name: str) -> list[Any]:
    try:
        told = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(f"{name} begins like JSON but is not valid JSON; export it anew") from error
    claims = told.get("claims") if isinstance(told, dict) else told
    if not isinstance(claims, list) or not claims:
        raise UnreadableFileError(
            f'{name} is JSON but no score request: expected {{"claims": [...]}}, one claim or more'
        )
    return claims


def _read_request(claims: list[Any], settings: Settings, name: str, file_id: str) -> Batch:
    request = spread_claims(claims)
    source = _source(settings, file_id)
    records = RequestLines(source, request)
    cells = request.cells()
    if request.rows:
        records.take(cells, list(range(1, len(request.rows) + 1)), request.faults())
    carried = [name for name in cells if name != "extra"]
    carried += sorted({name for row in request.rows for name in row.extra})
    return batch_of([records], source, name, carried, tuple(sorted(request.unknown)), request)
