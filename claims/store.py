"""The store: Delta tables of what was accepted, what was rejected and what files were read, under DENIALS_HOME/store.

A row is written once. What a later source says differently about the same line is kept beside it as the next version;
the first sight is what training and histories see. Two processes may add at once. What adding costs in memory depends
on what is added, not on what is there.
"""

from __future__ import annotations

import json
import os
import secrets
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from claims.batch import Batch
from claims.errors import OutOfReachError, UsageError
from claims.fields import SCHEMAS
from claims.private import private_folder
from claims.settings import Settings
from claims.table import Quality, Reject, SourceFile
from claims.unseen import CHOICES, parts_of

UNREADABLE = (OSError, DeltaError, pl.exceptions.PolarsError)

SCHEMA_VERSION = 1
TABLES: dict[str, type[dy.Schema]] = {**SCHEMAS, "rejects": Reject, "quality": Quality, "files": SourceFile}
VERSIONED = ("lines", "outcomes", "authorizations")  # what training and scoring read
FILE = 16 << 20  # bytes to which small files are joined: some 400,000 lines
ATTEMPTS = 20  # of a write that met another writer's


@dataclass(frozen=True)
class Added:
    """Rows by table (lines, outcomes, ...): new keys, rows already there, and later versions of a key.

    files: the same three counts by file_id, for a batch of several files.
    """

    new: dict[str, int]
    present: dict[str, int]
    versions: dict[str, int]
    files: dict[str, Counter[str]]


class Store:
    """The tables of one site. Open it with `Store.open`."""

    def __init__(self, folder: Path, ident: str, held: dict[str, DeltaTable] | None = None) -> None:
        """`ident`: as in store.json. `held`: tables at the version to read, in place of the latest."""
        self.folder = folder
        self.ident = ident
        self._held = held or {}

    @classmethod
    def open(cls, settings: Settings) -> Store:
        """The site's store, made empty where there is none.

        Raises UsageError for a store of another schema version, OutOfReachError for one that cannot be written.
        """
        folder = settings.store
        try:
            private_folder(folder)
            ident = _identified(folder / "store.json")
            for table, schema in TABLES.items():
                if not DeltaTable.is_deltatable(str(folder / table)):
                    _create(folder / table, schema)
        except (OSError, DeltaError) as error:
            raise OutOfReachError(
                f"the store at {folder} cannot be opened ({type(error).__name__}): DENIALS_HOME must name a folder "
                "that can be written"
            ) from error
        return cls(folder, ident)

    def add(self, batch: Batch) -> Added:
        """Add what is not there yet; the same batch twice changes nothing. OutOfReachError after 20 conflicts."""
        added = Added({}, {}, {}, {})
        for table in SCHEMAS:
            rows: pl.DataFrame = getattr(batch, table)
            _count(added, table, rows, self._append(table, rows))
        self._append("rejects", batch.rejects)
        self._append("quality", batch.quality)
        self._append("files", batch.file)  # last: a file is listed once all of it is in
        return added

    def lines(self, *which: pl.Expr) -> pl.DataFrame:
        """Every line as it was first seen (version 1), or those that `which` tells; the columns of Line."""
        return self._read("lines", pl.col("version") == 1, *which)

    def outcomes(self, *which: pl.Expr) -> pl.DataFrame:
        """Every adjudication event, or those that `which` tells; the columns of Outcome."""
        return self._read("outcomes", *which)

    def authorizations(self) -> pl.DataFrame:
        """Every state of an authorization; the columns of Authorization."""
        return self._read("authorizations")

    def rejections(self) -> pl.DataFrame:
        """Every refusal before adjudication; the columns of Rejection."""
        return self._read("rejections")

    def provider_adjustments(self) -> pl.DataFrame:
        """Every adjustment of a payment beside its claims; the columns of ProviderAdjustment."""
        return self._read("provider_adjustments")

    def quality(self) -> pl.DataFrame:
        """What was odd in files and kept nothing out, by file and flag; the columns of Quality."""
        return self._read("quality")

    def rejects(self) -> pl.DataFrame:
        """Every row that was not accepted; the columns of Reject."""
        return self._read("rejects")

    def files(self) -> pl.DataFrame:
        """Every file that was read; the columns of SourceFile."""
        return self._read("files")

    def versions(self) -> pl.DataFrame:
        """What was said later about lines already seen (version 2 and up); the columns of Line."""
        return self._read("lines", pl.col("version") > 1)

    def data_version(self) -> str:
        """The store and the Delta versions of its data, such as 3f2a91c0:lines@3,outcomes@2,authorizations@1."""
        return f"{self.ident}:" + ",".join(f"{table}@{self._table(table).version()}" for table in VERSIONED)

    def as_it_is(self) -> Store:
        """This store with its three data tables as they are now, whatever is added later; to read, not to add to."""
        return Store(self.folder, self.ident, {table: self._table(table) for table in VERSIONED})

    def maintain(self) -> None:
        """Compact small files, and delete files that no version of the last seven days needs."""
        for table in TABLES:
            delta = self._table(table)
            delta.optimize.compact(target_size=FILE)
            delta.vacuum(dry_run=False)

    def _table(self, table: str) -> DeltaTable:
        if table in self._held:
            return self._held[table]
        try:
            return DeltaTable(str(self.folder / table))
        except (OSError, DeltaError) as error:
            raise OutOfReachError(f"the table {table} of the store at {self.folder} cannot be opened") from error

    def _read(self, table: str, *which: pl.Expr) -> pl.DataFrame:
        try:
            return pl.scan_delta(self._table(table)).select(_columns(TABLES[table])).filter(*which).collect()
        except UNREADABLE as error:
            raise self._damaged(table, error) from error

    def _damaged(self, table: str, error: Exception) -> OutOfReachError:
        return OutOfReachError(
            f"the table {table} of the store at {self.folder} cannot be read ({type(error).__name__}): files of it "
            "are missing or damaged; restore them from a backup"
        )

    def _append(self, table: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Write the rows that are not there yet, seeing what others wrote meanwhile; the rows that were written."""
        if rows.is_empty():
            return rows
        for _ in range(ATTEMPTS):
            delta = self._table(table)
            try:
                kept = CHOICES[table](rows, parts_of(delta, self.folder / table, TABLES[table]))
            except UNREADABLE as error:
                raise self._damaged(table, error) from error
            if not kept.is_empty():
                try:
                    _insert(delta, kept.select(_columns(TABLES[table])))
                except CommitFailedError:
                    continue  # another writer came first: look again at what is there
                except (OSError, DeltaError) as error:
                    raise OutOfReachError(
                        f"the table {table} of the store at {self.folder} cannot be written ({type(error).__name__}): "
                        "make room on its disk, and see that DENIALS_HOME may be written"
                    ) from error
            return kept
        raise OutOfReachError(f"the table {table} is written by others all the time; try again later")


def _columns(schema: type[dy.Schema]) -> list[pl.Expr]:
    return [pl.col(name).cast(column.dtype) for name, column in schema.columns().items()]


def _create(path: Path, schema: type[dy.Schema]) -> None:
    """An empty table; another process that makes it first is no error."""
    empty = pl.DataFrame(schema={name: column.dtype for name, column in schema.columns().items()})
    try:
        DeltaTable.create(str(path), _arrow_schema(empty), mode="ignore")
    except DeltaError:
        if not DeltaTable.is_deltatable(str(path)):
            raise


def _arrow_schema(frame: pl.DataFrame) -> Any:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest()).schema


def _count(added: Added, table: str, rows: pl.DataFrame, kept: pl.DataFrame) -> None:
    """Note what became of the rows, of which `kept` were written."""
    later = kept.filter(pl.col("version") > 1) if "version" in kept.columns else kept.clear()
    given, written, again = (Counter(frame.get_column("file_id").to_list()) for frame in (rows, kept, later))
    counts = {"new": written - again, "present": given - written, "versions": again}
    for name, files in counts.items():
        getattr(added, name)[table] = files.total()
        for file, count in files.items():
            added.files.setdefault(file, Counter())[name] += count


def _insert(delta: DeltaTable, rows: pl.DataFrame) -> None:
    """An append that fails when the table has changed since `delta` was read: a plain one would be tried again."""
    source = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    write_deltalake(delta, source, mode="append", commit_properties=CommitProperties(max_commit_retries=0))


def _identified(path: Path) -> str:
    """The id of the store, whose schema version is checked."""
    if not path.exists():
        _write_identity(path)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        version, ident = told["schema_version"], told.get("store_id")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError("store.json of the store is damaged: it should say its schema_version") from error
    if type(version) is not int:
        raise UsageError("store.json of the store is damaged: its schema_version is not a whole number")
    if version > SCHEMA_VERSION:
        raise UsageError(f"the store has schema version {version}, newer than {SCHEMA_VERSION}: update the program")
    if version < SCHEMA_VERSION:
        raise UsageError(f"the store has schema version {version}, older than {SCHEMA_VERSION}: run `denials migrate`")
    if not isinstance(ident, str) or not ident:
        raise UsageError("store.json of the store is damaged: it should say its store_id")
    return ident


def _write_identity(path: Path) -> None:
    """Linked into place whole, so that two processes that open a new store at once agree."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    told = {"schema_version": SCHEMA_VERSION, "store_id": secrets.token_hex(4)}
    draft.write_text(json.dumps(told) + "\n", encoding="utf-8")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
