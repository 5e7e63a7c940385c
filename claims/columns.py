"""A frame of rows and columns, of a file or handed over, to a Batch: which tables it holds its columns tell."""

from __future__ import annotations

import polars as pl

from claims.batch import Batch, batch_of
from claims.cells import Memo
from claims.errors import UnreadableFileError
from claims.events import RECORDS
from claims.fields import of_a_person
from claims.identity import file_digest
from claims.kinds import tables_of, used_by
from claims.mapping import Mapping
from claims.records import Records, extra_text
from claims.rows import Cells, Source, source_of
from claims.settings import Settings
from claims.tabular import CHUNK, is_opaque

PLAIN_NUMBER = r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?$"  # 007 is a code, not a number


def read_columns(frame: pl.DataFrame, settings: Settings, mapping: Mapping | None, name: str, content: bytes) -> Batch:
    """The batch of a frame with tidy column names; `content` is what its id is made of. Raises UnreadableFileError."""
    if frame.is_empty():
        raise UnreadableFileError(f"{name} holds no rows of data; check the export")
    used = mapping if mapping and mapping.applies_to(frame.columns) else None
    mapped, hidden = (used.apply(frame, name), used.unused(frame.columns)) if used else (frame, [])
    tables = tables_of(mapped.columns, name)
    source = source_of(settings, file_digest(content, used.digest if used else ""))
    readings = [_records(mapped, table, source, name) for table in tables]
    carried = {column for table in tables for column in used_by(table, mapped.columns)}
    carried |= set(_site_columns(mapped.columns) if "lines" in tables else [])
    unknown = (*(column for column in mapped.columns if column not in carried), *hidden)
    return batch_of(readings, source, name, [c for c in mapped.columns if c in carried], unknown)


def _records(frame: pl.DataFrame, table: str, source: Source, name: str) -> Records:
    records = RECORDS[table](source, columnwise=True)
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
