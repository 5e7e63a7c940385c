"""Tables written to a file part by part: csv, parquet or json (one array of objects), by the file's ending.

The file appears under its name when it is whole; until then it stands beside it under another.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

import polars as pl
import pyarrow.parquet as pq

from claims.errors import UsageError


class _Writer(Protocol):
    def write(self, part: pl.DataFrame) -> None: ...
    def close(self) -> None: ...


class _Csv:
    def __init__(self, path: Path, empty: pl.DataFrame) -> None:
        self._file: IO[bytes] = path.open("wb")
        empty.write_csv(self._file)

    def write(self, part: pl.DataFrame) -> None:
        part.write_csv(self._file, include_header=False)

    def close(self) -> None:
        self._file.close()


class _Json:
    def __init__(self, path: Path, empty: pl.DataFrame) -> None:
        self._file: IO[bytes] = path.open("wb")
        self._before = b"["

    def write(self, part: pl.DataFrame) -> None:
        if not part.is_empty():
            self._file.write(self._before + part.write_json().encode()[1:-1])
            self._before = b","

    def close(self) -> None:
        self._file.write(b"[]\n" if self._before == b"[" else b"]\n")
        self._file.close()


class _Parquet:
    def __init__(self, path: Path, empty: pl.DataFrame) -> None:
        self._schema = empty.to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        self._writer = pq.ParquetWriter(path, self._schema)

    def write(self, part: pl.DataFrame) -> None:
        self._writer.write_table(part.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(self._schema))

    def close(self) -> None:
        self._writer.close()


WRITERS: dict[str, type[_Csv] | type[_Json] | type[_Parquet]] = {".csv": _Csv, ".json": _Json, ".parquet": _Parquet}


def check_ending(path: Path) -> None:
    """Raises UsageError when the ending of a file names none of the formats, or it cannot be written."""
    if path.suffix.lower() not in WRITERS:
        raise UsageError(f"{path.name} must end in {', '.join(WRITERS)}: the ending says what is written")
    if not path.parent.is_dir():
        raise UsageError(f"the folder of {path.name} does not exist")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise UsageError(f"{path} cannot be written: name a file in a folder of your own")


class Sink:
    """A table that is being written; use it as a context."""

    def __init__(self, path: Path, schema: dict[str, pl.DataType]) -> None:
        check_ending(path)
        self.path = path
        self._draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            self._writer: _Writer = WRITERS[path.suffix.lower()](self._draft, pl.DataFrame(schema=schema))
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from error

    def write(self, part: pl.DataFrame) -> None:
        """Append rows."""
        self._writer.write(part)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        if kind is None:
            os.replace(self._draft, self.path)
        else:
            self._draft.unlink(missing_ok=True)
