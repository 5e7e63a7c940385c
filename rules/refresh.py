"""CMS's quarterly files into a site's bulk tables: recognised, read row by row, written whole or not at all.

All files of a call are read first; a file that is not understood leaves the tables as they were. The same file twice
changes nothing; other releases stay beside it. Rows read = rows accepted + rows rejected, each with a reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from claims.archive import entries_of, found
from claims.errors import RuleBookError
from claims.settings import IngestSettings
from rules.cms_file import CmsFile, Progress, recognised, unknown
from rules.cms_release import Quarter, part_of, quarter_of, remedy, table_of
from rules.manifest import Entry, read_manifest, write_manifest

MOST_REJECTED = 0.001  # share of the rows of a file: what cannot be read of a table is a hole in it


@dataclass(frozen=True)
class Loaded:
    """What became of one file: new, replaced (another file of the release) or unchanged. Rows of the file."""

    source: str
    table: str
    release: str
    part: str
    what: str
    accepted: int
    rejected: dict[str, int]

    @property
    def rows(self) -> int:
        """Rows below the header."""
        return self.accepted + sum(self.rejected.values())


@dataclass(frozen=True)
class _Staged:
    """A file read into a draft, and what would be entered for it."""

    loaded: Loaded
    draft: Path
    entries: tuple[Entry, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        return self.loaded.table, self.loaded.release, self.loaded.part


def refresh(
    paths: Sequence[Path],
    folder: Path,
    limits: IngestSettings,
    release: str | None = None,
    progress: Progress | None = None,
) -> list[Loaded]:
    """Files of CMS (also zipped, or in folders) into the site's folder of tables; one answer a file.

    release: of all the files, such as 2026Q4 or RVU26D, where they do not tell it. progress hears of a file and the
    share of it that is read. Raises RuleBookError, UsageError or UnreadableFileError, and then has changed nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as drafts:
        staged: list[_Staged] = []
        for path in paths:
            staged += _of_path(path, Path(drafts), len(staged), limits, release, progress)
        _refuse_two_of_a_kind(staged)
        return _commit(folder, staged)


def _of_path(
    path: Path, drafts: Path, count: int, limits: IngestSettings, release: str | None, progress: Progress | None
) -> list[_Staged]:
    """The files of a path, read; beside one that is known, unknown ones (CMS zips notes with them) are passed over."""
    staged: list[_Staged] = []
    others: list[RuleBookError] = []
    for file, name in found([path]):
        for source in entries_of(file, name, limits):
            known, delimiter = recognised(source)
            if known is None:
                others.append(unknown(source))
                staged.append(_Staged(Loaded(source.name, "", "", "", "passed over", 0, {}), drafts))
                continue
            reader = CmsFile(source, known, delimiter, progress)
            staged.append(_stage(reader, drafts / str(count + len(staged)), release))
    if len(others) == len(staged):
        raise others[0]
    return staged


def _stage(reader: CmsFile, draft: Path, release: str | None) -> _Staged:
    """One recognised file into a draft of its table."""
    known, name = reader.known, reader.source.name
    table = table_of(known.layout.table, known.header, name, known.preamble)
    quarter = quarter_of(table, name, known.preamble, release)
    reader.write(draft)
    _check(reader, quarter)
    whole = table != "ncci_ptp"
    scope = ("listed" if reader.unplaced else "complete") if whole else f"{reader.lowest}-{reader.highest}"
    with draft.open("rb") as content:
        checksum = hashlib.file_digest(content, "sha256").hexdigest()
    part = "" if whole else part_of(name)
    told = quarter.name(table)
    file = "-".join(filter(None, (table, told, part, checksum[:8]))) + ".csv"
    entries = tuple(
        Entry.model_validate({
            "table": table, "release": told, "part": part, "file": file, "effective_from": first,
            "effective_to": last, "published": quarter.first, "scope": scope, "standing": standing, "sha256": checksum,
            "source": f"{known.layout.title}, file {name} of CMS", "checked_on": date.today(),
            "unread": " ".join(sorted(reader.unread)),
        })
        for first, last, standing in quarter.periods(table)
    )  # fmt: skip
    return _Staged(Loaded(name, table, told, part, "new", reader.accepted, dict(reader.rejected)), draft, entries)


def _check(reader: CmsFile, quarter: Quarter) -> None:
    """Raises RuleBookError for a file whose rows say that it is not what it seemed."""
    name, table = reader.source.name, reader.known.layout.table
    rejected = reader.rejected.total()
    if not reader.accepted or rejected > MOST_REJECTED * (reader.accepted + rejected):
        reasons = "; ".join(f"{count} {reason}" for reason, count in reader.rejected.most_common())
        raise RuleBookError(f"{name}: {rejected} rows cannot be read ({reasons or 'no rows'}). Nothing was changed")
    if table != "ncci_ptp":
        return
    if quarter.inferred and reader.newest != str(quarter.first):
        raise RuleBookError(
            f"{name} seems to be of {quarter.name(table)} by its version, but its newest edits are of {reader.newest}; "
            f"nothing was changed. {remedy(table)}"
        )
    if reader.newest > str(quarter.last):
        raise RuleBookError(
            f"{name} holds edits from {reader.newest}, after {quarter.name(table)}. Nothing was changed"
        )


def _refuse_two_of_a_kind(staged: Iterable[_Staged]) -> None:
    seen: dict[tuple[str, str, str], _Staged] = {}
    for one in staged:
        other = seen.setdefault(one.key, one)
        if one.entries and one.entries[0].content != other.entries[0].content:
            raise RuleBookError(
                f"{other.loaded.source} and {one.loaded.source} are both {' '.join(filter(None, one.key))} and differ; "
                "nothing was changed. Give one of them"
            )


def _commit(folder: Path, staged: Sequence[_Staged]) -> list[Loaded]:
    """Put the drafts in place, then the manifest, then away what it no longer names."""
    before = read_manifest(folder)
    held: dict[tuple[str, str, str], object] = {(one.table, one.release, one.part): one.content for one in before}
    fresh: dict[tuple[str, str, str], _Staged] = {}
    for one in staged:
        if one.entries and held.get(one.key) != one.entries[0].content:
            fresh.setdefault(one.key, one)
    for one in fresh.values():
        one.draft.replace(folder / one.entries[0].file)
    if fresh:
        kept = [one for one in before if (one.table, one.release, one.part) not in fresh]
        after = [*kept, *(entry for one in fresh.values() for entry in one.entries)]
        write_manifest(folder, after)
        for file in {one.file for one in before} - {one.file for one in after}:
            (folder / file).unlink(missing_ok=True)
    return [_what(one, fresh, held) for one in staged]


def _what(one: _Staged, fresh: dict[tuple[str, str, str], _Staged], held: Container[tuple[str, str, str]]) -> Loaded:
    if not one.entries:
        return one.loaded
    what = "unchanged" if fresh.get(one.key) is not one else "replaced" if one.key in held else "new"
    return replace(one.loaded, what=what)
