"""Outcomes that come over HTTP: read at once, safe on this disk when acknowledged, in the store some seconds later.

What waits is what the store will hold (no names, no births), and lies beside its tables. Many small posts become one
commit of the store; the same outcome twice is there once. The scorer sees the commit and reads its history anew.
"""

from __future__ import annotations

import io
import json
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl
from deltalake.exceptions import DeltaError
from pydantic_core import from_json

from claims.batch import Batch, joined
from claims.errors import DenialsError, UnreadableFileError, UsageError
from claims.fields import SCHEMAS
from claims.read import read_bytes, read_outcomes
from claims.records import empty
from claims.report import FileReport
from claims.settings import Settings
from claims.store import TABLES, Store
from serving.answer import errors_of
from serving.spool import Spool

log = logging.getLogger(__name__)
TAKEN = ("outcomes", "rejections", "provider_adjustments")  # what payers say; claims come by `denials ingest`
FRAMES = (*TAKEN, "rejects", "quality", "file")
TOLD = 1_000  # rejected rows that a report lists one by one
TIDY = 100  # deliveries after which the store's small files are joined
Json = dict[str, Any]


class Outcomes:
    """Takes remittances; safe to use from several threads, and by several processes at once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._delivered = 0
        self._folder, self._opening = settings.store / "incoming", threading.Lock()
        self._spool: Spool | None = None
        if self._folder.exists():
            self._opened()

    @classmethod
    def open(cls, settings: Settings) -> Outcomes:
        """The way in of a site. Raises JournalError when its journal cannot be written."""
        return cls(settings)

    def accept(self, kind: str, body: bytes) -> Mapping[str, Any]:
        """Keep the outcomes of a body; when this returns they survive a crash. The report: counts and reasons.

        kind: application/json (a list of objects with the columns of the outcomes table), or another for X12 (835,
        277CA, 999) and FHIR, told apart by their bytes. Raises UsageError for what is no JSON, UnreadableFileError for
        a body of anything else than outcomes, JournalError when it cannot be kept.
        """
        batch = self._read(kind, body)
        if batch.lines.height or batch.authorizations.height or not set(batch.rejects["table"]) <= set(TAKEN):
            raise UnreadableFileError("the body holds claims or authorizations: denials ingest takes them")
        report = FileReport("body")
        report.add(batch)
        if not report.accepted + report.rejected:
            raise UnreadableFileError("the body holds no outcomes")
        self._opened().append(_packed(batch), report.accepted)
        return _report(batch, report)

    def drain(self) -> None:
        """Bring all that waits into the store now. Raises OutOfReachError."""
        if self._spool:
            self._spool.drain()

    def status(self) -> Mapping[str, Any]:
        """For /ready: reachable (as the last delivery found the store), rows waiting, since when, why, damaged."""
        if self._spool is None:
            return {"reachable": True, "waiting": 0, "bytes": 0, "since": None, "trouble": None, "damaged": 0}
        told = self._spool.waiting()
        since = told.since and datetime.fromtimestamp(told.since, UTC).isoformat(timespec="seconds")
        return {"reachable": told.reached, "waiting": told.records, "bytes": told.bytes, "since": since,
                "trouble": told.trouble, "damaged": told.damaged}  # fmt: skip

    def close(self) -> None:
        """Deliver what waits, or leave it for the next start."""
        with self._opening:
            if self._spool:
                self._spool.close()

    def _opened(self) -> Spool:
        """The journal, which no site has before its first outcome: its folder would look like a store."""
        said = self.settings.outcomes
        with self._opening:
            if self._spool is None:
                self._spool = Spool(self._folder, self._deliver, said.every_seconds, said.max_journal_bytes)
            return self._spool

    def _read(self, kind: str, body: bytes) -> Batch:
        if kind != "application/json":
            return read_bytes(body, self.settings, "the body")
        try:
            told = from_json(body)
        except ValueError as error:
            raise UsageError("the body is not valid JSON in UTF-8") from error
        rows = told.get("outcomes") if isinstance(told, dict) else told
        if not isinstance(rows, list):
            raise UnreadableFileError('expected a list of outcomes, or {"outcomes": [...]}')
        return read_outcomes(rows, self.settings)

    def _deliver(self, payloads: Sequence[bytes]) -> None:
        """When it returns the store's files survive a loss of power: what was kept of them here is removed then.

        Delta writes without a sync, as may have a process that died, or another one that brought the same rows: so
        all of the disk, not some files.
        """
        if not payloads:
            return
        store = Store.open(self.settings)
        added = store.add(joined([_unpacked(payload) for payload in payloads]))
        log.info("outcomes: %d new, %d known", sum(added.new.values()), sum(added.present.values()))
        self._delivered += 1
        if self._delivered % TIDY == 0:
            try:
                store.maintain()
            except (DenialsError, DeltaError) as error:  # another process does the same: the next time, then
                log.info("outcomes: the store was not tidied: %s", type(error).__name__)
        os.sync()


def _report(batch: Batch, report: FileReport) -> Json:
    rejects = batch.rejects.head(TOLD).select("row", "field", "reason").iter_rows()
    counts = {name: getattr(report, name) for name in (
        "outcomes_accepted", "outcomes_rejected", "rejections", "rejections_rejected", "provider_adjustments",
        "provider_adjustments_rejected",
    )}  # fmt: skip
    return {
        "receipt": batch.file_id, "kind": report.kind, "accepted": report.accepted, "rejected": report.rejected,
        **counts, "reasons": report.reasons, "quality": report.quality,
        "rejects": [{"row": row, "errors": errors_of(field, reason)} for row, field, reason in rejects],
    }  # fmt: skip


def _packed(batch: Batch) -> bytes:
    """What the store takes of a batch: the sizes of its frames in a line of JSON, then the frames."""
    frames = {name: getattr(batch, name) for name in FRAMES}
    frames["rejects"] = frames["rejects"].select(list(TABLES["rejects"].columns()))
    written = {name: _ipc(frame) for name, frame in frames.items() if frame.height}
    head = {"file_id": batch.file_id, "frames": {name: len(content) for name, content in written.items()}}
    return json.dumps(head).encode() + b"\n" + b"".join(written.values())


def _unpacked(payload: bytes) -> Batch:
    line, _, rest = payload.partition(b"\n")
    head, at = json.loads(line), 0
    frames: dict[str, pl.DataFrame] = {}
    for name, size in head["frames"].items():
        frames[name] = pl.read_ipc(io.BytesIO(rest[at : at + size]))
        at += size
    nothing = {name: _empty(name) for name in (*SCHEMAS, *FRAMES)}
    return Batch(
        file_id=head["file_id"], **(nothing | frames), unknown_columns=(), claims_accepted=0, claims_rejected=0
    )


def _empty(name: str) -> pl.DataFrame:
    if name in SCHEMAS:
        return empty(name)
    return pl.DataFrame(schema={n: c.dtype for n, c in TABLES["files" if name == "file" else name].columns().items()})


def _ipc(frame: pl.DataFrame) -> bytes:
    content = io.BytesIO()
    frame.write_ipc(content, compression="zstd")
    return content.getvalue()
