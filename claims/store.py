"""The store: Delta tables lines, outcomes, authorizations, rejects and files under DENIALS_HOME/store.

A row is written once. What a later source says differently about the same line is kept beside it as the next version;
the first sight is what training and histories see. Two processes may add at once.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from claims.batch import Batch
from claims.errors import OutOfReachError, UsageError
from claims.fields import SCHEMAS
from claims.settings import Settings
from claims.table import Reject, SourceFile

SCHEMA_VERSION = 1
TABLES: dict[str, type[dy.Schema]] = {**SCHEMAS, "rejects": Reject, "files": SourceFile}
VERSIONED = ("lines", "outcomes", "authorizations")
ATTEMPTS = 20  # of a write that met another writer's


@dataclass(frozen=True)
class Added:
    """Rows by table (lines, outcomes, authorizations): new keys, rows already there, and later versions of a key."""

    new: dict[str, int]
    present: dict[str, int]
    versions: dict[str, int]


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
            folder.mkdir(parents=True, exist_ok=True)
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
        lines = self._append("lines", batch.lines, _versions)
        outcomes = self._append("outcomes", batch.outcomes, _unseen("outcome_id"))
        grants = self._append("authorizations", batch.authorizations, _unseen("authorization_id"))
        self._append("rejects", batch.rejects, _unseen("file_id", "table", "row"))
        self._append("files", batch.file, _unseen("file_id"))  # last: a file is listed once all of it is in
        counts = dict(zip(VERSIONED, (lines, outcomes, grants), strict=True))
        return Added(*({table: count[i] for table, count in counts.items()} for i in range(3)))

    def lines(self) -> pl.DataFrame:
        """Every line as it was first seen (version 1); the columns of Line."""
        return self._read("lines", pl.col("version") == 1)

    def outcomes(self) -> pl.DataFrame:
        """Every adjudication event; the columns of Outcome."""
        return self._read("outcomes")

    def authorizations(self) -> pl.DataFrame:
        """Every state of an authorization; the columns of Authorization."""
        return self._read("authorizations")

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
            delta.optimize.compact()
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
            return self._scan(table).filter(*which).collect()
        except (OSError, DeltaError, pl.exceptions.PolarsError) as error:
            raise OutOfReachError(
                f"the table {table} of the store at {self.folder} cannot be read ({type(error).__name__}): files of it "
                "are missing or damaged; restore them from a backup"
            ) from error

    def _scan(self, table: str, delta: DeltaTable | None = None) -> pl.LazyFrame:
        return pl.scan_delta(delta or self._table(table)).select(_columns(TABLES[table]))

    def _append(self, table: str, rows: pl.DataFrame, choose: _Choice) -> tuple[int, int, int]:
        """Write the rows that `choose` keeps, seeing what others wrote meanwhile; (new, present, later versions)."""
        if rows.is_empty():
            return 0, 0, 0
        for _ in range(ATTEMPTS):
            delta = self._table(table)
            kept, keys = choose(rows, self._scan(table, delta))
            if not kept.is_empty():
                try:
                    _insert(delta, kept.select(_columns(TABLES[table])), keys)
                except CommitFailedError:
                    continue  # another writer came first: look again at what is there
            later = int((kept["version"] > 1).sum()) if "version" in kept.columns else 0
            return len(kept) - later, len(rows) - len(kept), later
        raise OutOfReachError(f"the table {table} is written by others all the time; try again later")


_Choice = Callable[[pl.DataFrame, pl.LazyFrame], tuple[pl.DataFrame, list[str]]]


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


def _insert(delta: DeltaTable, rows: pl.DataFrame, keys: list[str]) -> None:
    """A merge that only inserts: unlike an append, it fails when the table has changed since `delta` was read."""
    predicate = " AND ".join(f't."{key}" = s."{key}"' for key in keys)
    source = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    merger = delta.merge(source, predicate, source_alias="s", target_alias="t")
    merger.when_not_matched_insert_all().execute()


def _unseen(*keys: str) -> _Choice:
    """Keep the rows whose key is not in the table."""

    def choose(rows: pl.DataFrame, there: pl.LazyFrame) -> tuple[pl.DataFrame, list[str]]:
        seen = there.select(keys).collect()
        fresh = rows.unique(keys, keep="first", maintain_order=True)
        return fresh.join(seen, on=keys, how="anti", maintain_order="left"), list(keys)

    return choose


LINE_KEY = ["submission_id", "claim_line_number"]


def _versions(rows: pl.DataFrame, there: pl.LazyFrame) -> tuple[pl.DataFrame, list[str]]:
    """Keep the rows whose content is new for their line, numbered after the versions that are there."""
    seen = there.select(*LINE_KEY, "version", "row_hash").collect().join(rows, on=LINE_KEY, how="semi")
    fresh = rows.unique([*LINE_KEY, "row_hash"], keep="first", maintain_order=True)
    fresh = fresh.join(seen, on=[*LINE_KEY, "row_hash"], how="anti", maintain_order="left")
    last = seen.group_by(LINE_KEY).agg(last=pl.col("version").max())
    numbered = fresh.join(last, on=LINE_KEY, how="left", maintain_order="left").with_columns(
        version=pl.col("last").fill_null(0) + pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(LINE_KEY)
    )
    return numbered, [*LINE_KEY, "version"]


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
