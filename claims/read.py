"""Files, frames, requests and bodies to batches: accepted rows, and rejected rows with their reasons. Nothing is lost.

What a source is, its bytes and columns tell, never its name. X12 and FHIR are streamed, other files read as a whole.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from claims.archive import BUFFER, Entry, file_entry
from claims.batch import Batch as Batch
from claims.batch import RequestLines, batch_of, joined
from claims.chunks import Chunks
from claims.columns import read_columns
from claims.edi import Feed, form_of
from claims.errors import UnreadableFileError, UsageError
from claims.events import RECORDS
from claims.fields import PARSERS
from claims.identity import file_digest
from claims.mapping import Mapping, mapping_of
from claims.nested import plain, spread_claims
from claims.rows import source_of
from claims.settings import Settings
from claims.tabular import named, read_table

JSON = (b"{", b"[")
BLANKS = b"\xef\xbb\xbf \t\r\n"  # a byte order mark among them


def read_batches(source: Path | Entry, settings: Settings, mapping: Mapping | None = None) -> Iterator[Batch]:
    """The batches of an X12 or FHIR file, of about 20,000 rows each, the last with the row of the file; or the one
    batch of a delimited text, parquet or JSON file. Memory does not grow with an X12 file or FHIR NDJSON.

    `mapping`: for files of columns; X12 and FHIR need none. Raises UnreadableFileError before the first batch.
    """
    entry = source if isinstance(source, Entry) else file_entry(source, source.name, settings.ingest)
    form = _form(entry)
    if form is None:
        with entry.open() as stream:
            yield _read_whole(stream.read(), settings, mapping, entry.name)
        return
    made = source_of(settings, entry.digest())
    with entry.open() as stream:
        yield from Chunks(form(stream), made, entry.name).batches()


def read_file(path: Path, settings: Settings, mapping: Mapping | None = None) -> Batch:
    """The batch of any file. Raises UnreadableFileError; UsageError for a mapping of JSON."""
    return joined(list(read_batches(path, settings, mapping)))


def read_bytes(content: bytes, settings: Settings, name: str = "request") -> Batch:
    """The batch of the X12 or FHIR in a body. Raises UnreadableFileError for anything else."""
    form = form_of(content[:BUFFER])
    if form is None:
        raise UnreadableFileError(f"{name} is neither X12 nor FHIR")
    chunks = Chunks(form(io.BytesIO(content)), source_of(settings, file_digest(content)), name, checked=False)
    return joined(list(chunks.batches()))


def _form(entry: Entry) -> type[Feed] | None:
    with entry.open() as stream:
        return form_of(stream.peek())


def _read_whole(content: bytes, settings: Settings, mapping: Mapping | None, name: str) -> Batch:
    """A file of columns, or the JSON of a score request."""
    if content.lstrip(BLANKS)[:1] in JSON:
        if mapping:
            raise UsageError(f"{name} is JSON; a mapping is for files of columns")
        return _read_request(plain(_claims_of(content, name)), settings, name, file_digest(content))
    site = mapping or _site_mapping(settings)
    return read_columns(
        read_table(content, name, site.source_names if site else frozenset()), settings, site, name, content
    )


def read_frame(frame: pl.DataFrame, settings: Settings, mapping: Mapping | None = None, name: str = "frame") -> Batch:
    """The batch of a frame, its columns typed or text. Raises UnreadableFileError when a column is missing."""
    content = io.BytesIO()
    frame.select(~cs.by_dtype(pl.Object)).rechunk().write_ipc(content)  # Python objects have no bytes of their own
    return read_columns(named(frame, name), settings, mapping or _site_mapping(settings), name, content.getvalue())


def read_claims(claims: list[dict[str, Any]], settings: Settings) -> Batch:
    """The batch of claims as JSON gives them: nested with `lines`, or flat, one a line. UsageError for no list."""
    if not isinstance(claims, list):
        raise UsageError("claims must be a list of objects")
    told = plain(claims)
    return _read_request(told, settings, "request", file_digest(repr(told).encode(errors="replace")))


def read_outcomes(told: list[Any], settings: Settings) -> Batch:
    """The batch of outcomes as JSON gives them: objects with the columns of the outcomes table.

    What an entry does not name is not known, what it leaves empty is not present; unknown names are told, not kept.
    """
    rows = [row if isinstance(row, dict) else {} for row in plain(told)]
    source = source_of(settings, file_digest(repr(told).encode(errors="replace")))
    records = RECORDS["outcomes"](source)
    names = dict.fromkeys(name for row in rows for name in row)
    carried = [name for name in names if name in PARSERS["outcomes"]]
    faults = {at: [("", "is no object")] for at, row in enumerate(told) if not isinstance(row, dict)}
    if rows:
        cells = {name: [row.get(name) for row in rows] for name in carried}
        records.take(cells, list(range(1, len(rows) + 1)), faults)
    return batch_of([records], source, "request", carried, tuple(sorted(names.keys() - set(carried))))


def _site_mapping(settings: Settings) -> Mapping | None:
    return mapping_of(settings.map, "denials.toml [map]", strict=False) if settings.map else None


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
    source = source_of(settings, file_id)
    records = RequestLines(source, request)
    cells = request.cells()
    if request.rows:
        records.take(cells, list(range(1, len(request.rows) + 1)), request.faults())
    carried = [name for name in cells if name != "extra"]
    carried += sorted({name for row in request.rows for name in row.extra})
    return batch_of([records], source, name, carried, tuple(sorted(request.unknown)), request)
