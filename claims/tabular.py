"""A file of rows and columns to a frame: delimited text (every cell as text) or parquet (cells as they are typed).

What cannot be trusted as a whole (another kind of file, shifted cells, a repeated column) is refused as a whole; what
is wrong with one cell is left for claims/records.py to reject with its row.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import islice

import polars as pl

from claims.errors import UnreadableFileError
from claims.fields import is_canonical

CHUNK = 20_000  # rows turned to columns at a time
DELIMITERS = ",;\t|"
WANTED = "expected X12, FHIR, or a CSV, parquet or JSON file of claim lines, outcomes or authorizations"
_KNOWN_BYTES = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive; save the sheet as CSV, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file; save it as CSV"),
    (b"%PDF", "a PDF; export the data as CSV"),
    (b"\x1f\x8b", "compressed with gzip twice; unpack it first"),
    (b"ISA", "an X12 interchange whose ISA segment cannot be read; export it anew"),
    (b"<", "XML or HTML; export the data as CSV"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def read_parquet(content: bytes, name: str) -> pl.DataFrame:
    """The frame of a parquet file. Raises UnreadableFileError when it is damaged, which may upset polars itself."""
    try:
        return pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise UnreadableFileError(f"{name} begins like parquet but is damaged or cut short; export it anew") from error


def read_delimited(content: bytes, name: str, source_names: frozenset[str] = frozenset()) -> pl.DataFrame:
    """The frame of a delimited text file, every cell a String; `source_names` are column names a mapping knows.

    Raises UnreadableFileError for what is not such a file, naming the row where cells have shifted.
    """
    for magic, what in _KNOWN_BYTES:
        if content.startswith(magic):
            raise UnreadableFileError(f"{name} is {what} ({WANTED})")
    written = io.TextIOWrapper(io.BytesIO(content), _encoding(content), errors="replace", newline="")
    header = next((line for line in written if line.strip()), None)
    if header is None:
        raise UnreadableFileError(f"{name} is empty ({WANTED})")
    if _CONTROL.search(header):
        raise UnreadableFileError(f"{name} is not text ({WANTED})")
    written.seek(0)
    return _frame(written, _delimiter(header, source_names), name)


def _encoding(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def _delimiter(header: str, source_names: frozenset[str]) -> str:
    """The one under which the header holds the most known columns, or else the most columns."""

    def worth(delimiter: str) -> tuple[int, int]:
        names = [_tidy(cell.strip().strip('"')) for cell in header.split(delimiter)]
        return sum(is_canonical(cell) or cell in source_names for cell in names), len(names)

    return max(DELIMITERS, key=worth)


def _tidy(name: str) -> str:
    """A column name without blanks around it; a canonical one in lower case."""
    stripped = name.strip()
    return stripped.lower() if is_canonical(stripped.lower()) else stripped


def is_opaque(dtype: pl.DataType) -> bool:
    """Whether a column of this type holds something else than one text, number, day or yes and no a row."""
    return dtype.is_nested() or dtype in (pl.Binary, pl.Object, pl.Duration)


def named(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """The frame with tidy column names. Raises UnreadableFileError when two columns then share one."""
    names = [_tidy(column) for column in frame.columns]
    _refuse_repeats(names, name)
    return frame.rename(dict(zip(frame.columns, names, strict=True)))


def _refuse_repeats(names: list[str], name: str) -> None:
    """A name that is not one of ours is told by its places: in a file without a header it is a cell of a claim."""
    repeated = next((column for column in names if names.count(column) > 1), None)
    if repeated is not None:
        places = " and ".join(str(place) for place, column in enumerate(names, 1) if column == repeated)
        told = f"the column {repeated!r} twice" if is_canonical(repeated) else "one name for two columns"
        raise UnreadableFileError(f"{name} carries {told} (columns {places}); remove or rename one, or add a header")


def _frame(written: Iterable[str], delimiter: str, name: str) -> pl.DataFrame:
    reader = csv.reader(written, delimiter=delimiter, strict=True)
    try:
        first = next((row for row in reader if not _blank(row)), None)
        if first is None:
            raise UnreadableFileError(f"{name} is empty ({WANTED})")
        header = _header(first, name)
        rows = _even(reader, len(header), name)
        chunks = list(_chunks(rows, header))
    except csv.Error as error:
        where = f"{name} cannot be read from line {reader.line_num} on"
        raise UnreadableFileError(f"{where}: a quote may be left open there ({error})") from error
    if not chunks:
        raise UnreadableFileError(f"{name} holds a header and no rows of data; check the export")
    return pl.concat(chunks)


def _header(cells: list[str], name: str) -> list[str]:
    names = [_tidy(cell) or f"(column {number})" for number, cell in enumerate(cells, 1)]
    _refuse_repeats(names, name)
    return names


def _blank(row: list[str]) -> bool:
    return not row or (len(row) == 1 and not row[0].strip())


def _even(reader: Iterator[list[str]], width: int, name: str) -> Iterator[list[str]]:
    """Rows of exactly `width` cells; blank lines are skipped, empty cells beyond the header are dropped."""
    number = 0
    for row in reader:
        if _blank(row):
            continue
        number += 1
        if len(row) > width and not any(row[width:]):
            del row[width:]
        if len(row) != width:
            raise UnreadableFileError(
                f"{name}: row {number} has {len(row)} cells where the header has {width}; "
                "quote the cells that hold the delimiter, and leave no cell out"
            )
        yield row


def _chunks(rows: Iterator[list[str]], header: list[str]) -> Iterator[pl.DataFrame]:
    while chunk := list(islice(rows, CHUNK)):
        columns = zip(header, zip(*chunk, strict=True), strict=True)
        yield pl.DataFrame([pl.Series(name, cells, pl.String) for name, cells in columns])


def read_table(content: bytes, name: str, source_names: frozenset[str] = frozenset()) -> pl.DataFrame:
    """The frame of a file, parquet or text, told apart by its bytes."""
    if content.startswith(b"PAR1"):
        return named(read_parquet(content, name), name)
    return read_delimited(content, name, source_names)
