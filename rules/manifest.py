"""The manifest of a folder of bulk tables: which file says what, of which release, for which days, and its checksum.

A row is one file of one release in one period; several files of a release (CMS splits its pairs) are its parts. Dates
are inclusive; an empty effective_to has no end; published: when CMS put the release out, else its first day. scope:
listed = the file knows only the codes it holds; complete = all codes; a range such as 0001A-25999 = all pairs whose
column 1 lies within. unread: codes that the file has rows of that could not be read, and so does not know.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from claims.errors import RuleBookError
from rules.book import Standing

NAME = "manifest.csv"
NO_END = date.max
Table = Literal["ncci_ptp", "ncci_mue", "medicaid_mue", "mpfs", "add_on"]


def _end(told: Any) -> Any:
    return told or NO_END


class Entry(BaseModel):
    """One row: one file of a release, for one period. See the module for scope."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: Table
    release: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+$")]
    part: str = ""
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+\.csv$")]
    effective_from: date
    effective_to: Annotated[date, BeforeValidator(_end)]
    published: date
    scope: Annotated[str, Field(pattern=r"^(listed|complete|[0-9A-Z]{5}-[0-9A-Z]{5})$")]
    standing: Standing
    source: Annotated[str, Field(min_length=1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    checked_on: date
    unread: Annotated[str, Field(pattern=r"^([0-9A-Z]{5}( [0-9A-Z]{5})*)?$")] = ""

    @model_validator(mode="before")
    @classmethod
    def _published(cls, told: dict[str, Any]) -> dict[str, Any]:
        return told | {"published": told.get("published") or told.get("effective_from")}

    @property
    def content(self) -> tuple[str, str, str]:
        """What makes two files of one release the same: what was read, and what of it could not be."""
        return self.sha256, self.scope, self.unread

    def cells(self) -> dict[str, str]:
        """The row as it is written."""
        told = {name: str(value) for name, value in self}
        return told | {"effective_to": "" if self.effective_to == NO_END else str(self.effective_to)}


def read_manifest(folder: Path) -> tuple[Entry, ...]:
    """The rows of a folder's manifest; none where the folder has no manifest. Raises RuleBookError with the row."""
    path = folder / NAME
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as rows:
        return tuple(_entry(path, number, row) for number, row in enumerate(csv.DictReader(rows), start=2))


def _entry(path: Path, line: int, row: dict[str, Any]) -> Entry:
    try:
        return Entry(**row)
    except (ValidationError, TypeError) as error:
        told = error.errors() if isinstance(error, ValidationError) else []
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in told)
        raise RuleBookError(f"{path}, line {line}: {faults or 'cells beyond the header'}") from error


def write_manifest(folder: Path, entries: Iterable[Entry]) -> None:
    """Write the rows, in order of table, first day and part; the file changes whole or not at all."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(Entry.model_fields), lineterminator="\n")
    writer.writeheader()
    for entry in sorted(entries, key=lambda one: (one.table, one.effective_from, one.part)):
        writer.writerow(entry.cells())
    draft = folder / f"{NAME}.{os.getpid()}.part"
    draft.write_text(text.getvalue(), encoding="utf-8")
    draft.replace(folder / NAME)


def changed(folder: Path) -> int:
    """When a folder's manifest was last changed; 0 where it has none."""
    path = folder / NAME
    return path.stat().st_mtime_ns if path.is_file() else 0


def layered(folders: Iterable[Path]) -> tuple[tuple[Path, Entry], ...]:
    """The rows of several folders with their folders; of one table and release only those of the last folder count."""
    rows: list[tuple[Path, Entry]] = []
    for folder in folders:
        own = read_manifest(folder)
        theirs = {(entry.table, entry.release) for entry in own}
        kept = [(other, entry) for other, entry in rows if (entry.table, entry.release) not in theirs]
        rows = [*((folder, entry) for entry in own), *kept]
    return tuple(rows)


def checked(folder: Path, entry: Entry) -> Path:
    """The path of an entry's file. Raises RuleBookError where it is gone or is not the file that was entered."""
    path = folder / entry.file
    remedy = "load the release again with `denials rules refresh`, or delete its row of the manifest"
    if not path.is_file():
        raise RuleBookError(f"{path} is named by the manifest and is not there; {remedy}")
    with path.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != entry.sha256:
        raise RuleBookError(f"{path} is not the file that the manifest entered (its checksum differs); {remedy}")
    return path
