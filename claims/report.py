"""What became of the files of one ingest: the answer of `denials ingest`, in counts and reasons, never in content."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field

from claims.batch import Batch
from claims.errors import TooManyRejectsError, UnreadableFileError
from claims.fields import SCHEMAS
from claims.settings import Settings


@dataclass
class FileReport:
    """What became of one file. kind None: it could not be read, reasons says why. reasons: text -> rows.

    kind: tables (lines, lines+outcomes), transaction sets (837P, 837P+835) or fhir. A claim is a CLM of an 837, a CLP
    of an 835, a resource of FHIR, a claim_id of a table of lines. matched, unmatched: outcomes first seen in this file
    that belong, or not, to a claim of the store once all files are in. quality: flag -> count.
    """

    file: str
    kind: str | None = None
    claims_accepted: int = 0
    claims_rejected: int = 0
    lines_accepted: int = 0
    lines_rejected: int = 0
    outcomes_accepted: int = 0
    outcomes_rejected: int = 0
    authorizations_accepted: int = 0
    authorizations_rejected: int = 0
    rejections: int = 0
    rejections_rejected: int = 0
    provider_adjustments: int = 0
    provider_adjustments_rejected: int = 0
    matched: int = 0
    unmatched: int = 0
    new: int = 0
    already_present: int = 0
    new_versions: int = 0
    unknown_columns: list[str] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    quality: dict[str, int] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        """Rows of all tables."""
        told = self.lines_accepted + self.outcomes_accepted + self.authorizations_accepted
        return told + self.rejections + self.provider_adjustments

    @property
    def rejected(self) -> int:
        """Rows of all tables."""
        return sum(getattr(self, f"{table}_rejected") for table in SCHEMAS)

    def add(self, batch: Batch) -> None:
        """Count a batch of the file; the last one says what the file is."""
        refused = Counter(batch.rejects.get_column("table").to_list())
        for table in SCHEMAS:
            accepted = f"{table}_accepted" if hasattr(self, f"{table}_accepted") else table
            self._count(accepted, getattr(batch, table).height)
            self._count(f"{table}_rejected", refused[table])
        self._count("claims_accepted", batch.claims_accepted)
        self._count("claims_rejected", batch.claims_rejected)
        reasons = Counter(self.reasons) + Counter(batch.rejects.get_column("reason").to_list())
        self.reasons = dict(reasons.most_common())
        self.quality = dict(batch.quality.select("flag", "count").iter_rows())
        self.unknown_columns = list(batch.unknown_columns)
        for kind in batch.file.get_column("kind"):
            self.kind = kind

    def _count(self, name: str, count: int) -> None:
        setattr(self, name, getattr(self, name) + count)


@dataclass(frozen=True)
class IngestReport:
    """One entry for every file found."""

    files: list[FileReport]

    def as_json(self) -> dict[str, object]:
        """The answer of `denials ingest --json`."""
        return {"files": [asdict(file) for file in self.files]}

    @property
    def unread(self) -> list[FileReport]:
        """The files that could not be read."""
        return [file for file in self.files if file.kind is None]

    @property
    def rejected_share(self) -> float:
        """Rejected rows of all rows that were read."""
        rejected = sum(file.rejected for file in self.files)
        rows = rejected + sum(file.accepted for file in self.files)
        return rejected / rows if rows else 0.0

    def raise_for_faults(self, settings: Settings) -> None:
        """UnreadableFileError when no file could be read; TooManyRejectsError when more of the files could not, or
        more of the rows were rejected, than the site allows.
        """
        unread, allowed = self.unread, settings.ingest.max_reject_share
        if len(unread) == len(self.files):
            raise UnreadableFileError("; ".join(next(iter(file.reasons)) for file in unread))
        told = f"the site allows {allowed:.0%} (ingest.max_reject_share). What was good is in the store; the reasons "
        if len(unread) / len(self.files) > allowed:
            raise TooManyRejectsError(
                f"{len(unread):,} of {len(self.files):,} files could not be read; {told}stand in the report."
            )
        if self.rejected_share > allowed:
            raise TooManyRejectsError(
                f"{self.rejected_share:.0%} of the rows were rejected; {told}stand in the report and in the table of "
                "rejects. Most often a mapping is wrong."
            )
