"""Files and folders into the store, and a report of what became of every row.

One unreadable file never keeps the others out; the report names it with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from claims.batch import Batch
from claims.errors import TooManyRejectsError, UnreadableFileError
from claims.mapping import Mapping
from claims.read import read_file
from claims.settings import Settings
from claims.store import Added, Store

Progress = Callable[[str, float], None]
SUFFIXES = {".csv", ".tsv", ".txt", ".parquet", ".json"}


@dataclass(frozen=True)
class FileReport:
    """What became of one file. kind None: it could not be read, reasons says why. reasons: text -> rows."""

    file: str
    kind: str | None
    claims_accepted: int = 0
    claims_rejected: int = 0
    lines_accepted: int = 0
    lines_rejected: int = 0
    outcomes_accepted: int = 0
    outcomes_rejected: int = 0
    authorizations_accepted: int = 0
    authorizations_rejected: int = 0
    new: int = 0
    already_present: int = 0
    new_versions: int = 0
    unknown_columns: list[str] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        """Rows of all tables."""
        return self.lines_accepted + self.outcomes_accepted + self.authorizations_accepted

    @property
    def rejected(self) -> int:
        """Rows of all tables."""
        return self.lines_rejected + self.outcomes_rejected + self.authorizations_rejected


@dataclass(frozen=True)
class IngestReport:
    """One entry for every file found."""

    files: list[FileReport]

    def as_json(self) -> dict[str, object]:
        """The answer of `denials ingest --json`."""
        return {"files": [asdict(file) for file in self.files]}

    @property
    def rejected_share(self) -> float:
        """Rejected rows of all rows that were read."""
        rejected = sum(file.rejected for file in self.files)
        rows = rejected + sum(file.accepted for file in self.files)
        return rejected / rows if rows else 0.0

    def raise_for_faults(self, settings: Settings) -> None:
        """UnreadableFileError when no file could be read, TooManyRejectsError above the site's limit."""
        unread = [file for file in self.files if file.kind is None]
        if len(unread) == len(self.files):
            raise UnreadableFileError("; ".join(next(iter(file.reasons)) for file in unread))
        if self.rejected_share > settings.ingest.max_reject_share:
            raise TooManyRejectsError(
                f"{self.rejected_share:.0%} of the rows were rejected; the site allows "
                f"{settings.ingest.max_reject_share:.0%} (ingest.max_reject_share). What was good is in the store; "
                "the reasons stand in the report and in the table of rejects. Most often a mapping is wrong."
            )


def ingest(
    paths: Sequence[Path], settings: Settings, mapping: Mapping | None = None, progress: Progress | None = None
) -> IngestReport:
    """Read every file of the paths (folders are walked) into the store; the same file twice changes nothing.

    Raises UnreadableFileError for a path that does not exist or a folder without a file that could be one of ours.
    """
    files = list(_files(paths))
    store = Store.open(settings)
    reports = []
    for done, path in enumerate(files):
        if progress:
            progress(path.name, done / len(files))
        reports.append(_take(path, store, settings, mapping))
    if any(report.new or report.new_versions for report in reports):
        store.maintain()
    return IngestReport(reports)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.is_file() and p.suffix.lower() in SUFFIXES)
            if not found:
                raise UnreadableFileError(f"no file to read in {path}; expected {', '.join(sorted(SUFFIXES))}")
            yield from found
        elif path.exists():
            yield path
        else:
            raise UnreadableFileError(f"there is no {path}")


def _take(path: Path, store: Store, settings: Settings, mapping: Mapping | None) -> FileReport:
    try:
        batch = read_file(path, settings, mapping)
    except UnreadableFileError as error:
        return FileReport(path.name, None, reasons={str(error): 1})
    added = store.add(batch)
    return _report(path.name, batch, added)


def _report(name: str, batch: Batch, added: Added) -> FileReport:
    refused = Counter(batch.rejects.get_column("table").to_list())
    accepted_claims = set(batch.lines.get_column("claim_id"))
    touched = batch.rejects.filter(table="lines").get_column("claim_id").drop_nulls().unique()
    return FileReport(
        file=name,
        kind=batch.file.item(0, "kind"),
        claims_accepted=len(accepted_claims),
        claims_rejected=sum(claim not in accepted_claims for claim in touched),
        lines_accepted=batch.lines.height,
        lines_rejected=refused["lines"],
        outcomes_accepted=batch.outcomes.height,
        outcomes_rejected=refused["outcomes"],
        authorizations_accepted=batch.authorizations.height,
        authorizations_rejected=refused["authorizations"],
        new=sum(added.new.values()),
        already_present=sum(added.present.values()),
        new_versions=sum(added.versions.values()),
        unknown_columns=list(batch.unknown_columns),
        reasons=dict(Counter(batch.rejects.get_column("reason").to_list()).most_common()),
    )
