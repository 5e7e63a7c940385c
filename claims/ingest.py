"""Files, folders and archives into the store, and a report of what became of every row.

One unreadable file never keeps the others out; the report names it with its reason. Small files go into the store
together, large ones in parts: memory does not grow with either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from claims.adjustments import load_classes
from claims.archive import Entry, entries_of, found
from claims.batch import Batch, joined
from claims.errors import UnreadableFileError
from claims.fields import SCHEMAS
from claims.mapping import Mapping
from claims.matched import matched_by_file
from claims.read import read_batches
from claims.report import FileReport as FileReport
from claims.report import IngestReport as IngestReport
from claims.settings import Settings
from claims.store import Store
from claims.tabular import CHUNK

Progress = Callable[[str, float], None]
MOST_FILES = 200  # that go into the store together: what an interruption may cost


def ingest(
    paths: Sequence[Path], settings: Settings, mapping: Mapping | None = None, progress: Progress | None = None
) -> IngestReport:
    """Read every file of the paths into the store; the same file twice changes nothing.

    Folders are walked, gzip and zip are unpacked; `progress` hears of each file and of the share of all bytes.
    Raises UnreadableFileError for a path that does not exist or a folder without a file.
    """
    files = found(paths)
    total = sum(path.stat().st_size for path, _ in files) or 1
    intake, done = _Intake(Store.open(settings)), 0
    for path, name in files:
        before = done
        for entry in entries_of(path, name, settings.ingest):
            report = intake.opened(entry.name)
            if progress:
                progress(entry.name, min(1.0, done / total))
            try:
                for batch in read_batches(entry, settings, mapping):
                    if progress:
                        progress(entry.name, min(1.0, (done + _read_bytes(entry)) / total))
                    intake.take(batch, report)
            except UnreadableFileError as error:
                report.kind, report.reasons = None, {str(error): 1}
            done = min(done + entry.weight, before + path.stat().st_size)
        done = before + path.stat().st_size
    return intake.closed(settings)


def _read_bytes(entry: Entry) -> float:
    """Of the bytes that an entry has on the disk, those that were read."""
    return entry.weight * entry.position / entry.size if entry.size else 0


@dataclass
class _Intake:
    """Batches on their way into the store."""

    store: Store
    reports: list[FileReport] = field(default_factory=list)
    held: list[Batch] = field(default_factory=list)
    rows: int = 0
    owners: dict[str, FileReport] = field(default_factory=dict)  # of the files whose batches are held, by file_id
    remittances: dict[str, FileReport] = field(default_factory=dict)  # files with outcomes, by file_id

    def opened(self, name: str) -> FileReport:
        """The report of the next file."""
        self.reports.append(FileReport(name))
        return self.reports[-1]

    def take(self, batch: Batch, report: FileReport) -> None:
        """One more batch of a file; it goes into the store with others, as soon as these are enough."""
        if self.owners.get(batch.file_id, report) is not report:
            self._flush()  # the same file again, whose rows are known then
        report.add(batch)
        self.owners[batch.file_id] = report
        if batch.outcomes.height:
            self.remittances.setdefault(batch.file_id, report)
        self.held.append(batch)
        self.rows += sum(getattr(batch, table).height for table in SCHEMAS) + batch.rejects.height
        if self.rows >= CHUNK or len(self.held) >= MOST_FILES:
            self._flush()

    def _flush(self) -> None:
        if self.held:
            added = self.store.add(joined(self.held))
            for file_id, counts in added.files.items():
                report = self.owners[file_id]
                report.new += counts["new"]
                report.already_present += counts["present"]
                report.new_versions += counts["versions"]
        self.held, self.rows, self.owners = [], 0, {}

    def closed(self, settings: Settings) -> IngestReport:
        """The report, once all files are in: what then matches is counted."""
        self._flush()
        self._match(load_classes(settings.ingest.carc_classes))
        if any(report.new or report.new_versions for report in self.reports):
            self.store.maintain()
        return IngestReport(self.reports)

    def _match(self, classes: pl.DataFrame) -> None:
        outcomes = sum(report.outcomes_accepted for report in self.remittances.values())
        if outcomes:
            found = matched_by_file(self.store, self.remittances, classes, outcomes)
            for file_id, (matched, unmatched) in found.items():
                report = self.remittances[file_id]
                report.matched, report.unmatched = matched, unmatched
