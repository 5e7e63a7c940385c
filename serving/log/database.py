"""The score log's database, SQLite or PostgreSQL: rows go in once, whoever brings them how often.

Every method raises OutOfReachError, without the URL's password, where the database cannot be reached, is locked, or has
no room; UsageError for one that a later version of the program has migrated.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from claims.errors import OutOfReachError, UsageError
from claims.private import narrow
from claims.settings import Settings
from serving.log.migrate import latest, migrate, version_of
from serving.log.record import Row, Rows
from serving.log.tables import DECISIONS, LINES, SCORES

CONNECT = 5  # seconds for a connection, and for a lock of SQLite
WRITING = {"begin": "BEGIN IMMEDIATE"}  # SQLite: wait for other writers at the start, not in the middle
BATCH = 500  # rows of one statement


class Database:
    """Safe to use from several threads and processes."""

    def __init__(self, url: sa.URL) -> None:
        self.url = url
        self._engine = _engine(url)
        self._prepared = False

    @classmethod
    def of(cls, settings: Settings) -> Database:
        """The database of denials.toml. Raises UsageError for a URL that is none, or of another kind."""
        return cls(url_of(settings))

    @property
    def file(self) -> Path | None:
        """Where SQLite keeps it."""
        return Path(self.url.database) if self.url.database and self.url.get_backend_name() == "sqlite" else None

    def migrate(self) -> tuple[str | None, str]:
        """Bring the tables to the latest version; the one before (None: there were none) and the one now."""
        with self._reached():
            if self.file:
                _make_private(self.file)
            with self._engine.execution_options(**WRITING).begin() as connection:
                versions = migrate(connection)
        self._prepared = True
        return versions

    def version(self) -> tuple[str | None, str]:
        """The version of its tables (None: there are none), and the one that this program expects; changes nothing."""
        if self.file and not self.file.exists():
            return None, latest()
        with self._reached(), self._engine.connect() as connection:
            return version_of(connection), latest()

    def add(self, rows: Rows) -> None:
        """Insert what is not there yet, in one transaction."""
        with self._begun(writing=True) as connection:
            for table, new in ((SCORES, rows.scores), (LINES, rows.lines), (DECISIONS, rows.decisions)):
                for start in range(0, len(new), BATCH):
                    connection.execute(self._insert(table), new[start : start + BATCH])

    def select(self, query: sa.Select[Any]) -> list[Row]:
        """The rows of a query."""
        with self._begun() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def forget(self, before: datetime) -> int:
        """Delete scores of before that moment with their lines and decisions; how many scores."""
        old = sa.select(SCORES.c.score_id).where(SCORES.c.scored_at < before)
        with self._begun(writing=True) as connection:
            for table in (LINES, DECISIONS):
                connection.execute(sa.delete(table).where(table.c.score_id.in_(old)))
            return connection.execute(sa.delete(SCORES).where(SCORES.c.scored_at < before)).rowcount

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    def _insert(self, table: sa.Table) -> sa.Insert:
        if self.url.get_backend_name() == "sqlite":
            return sqlite.insert(table).on_conflict_do_nothing()
        return postgresql.insert(table).on_conflict_do_nothing()

    @contextmanager
    def _begun(self, writing: bool = False) -> Iterator[sa.Connection]:
        if not self._prepared:
            self.migrate()
        engine = self._engine.execution_options(**WRITING) if writing else self._engine
        with self._reached(), engine.begin() as connection:
            yield connection

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.DataError, sa.exc.IntegrityError):
            raise
        except (sa.exc.DBAPIError, sa.exc.TimeoutError, sqlite3.Error, OSError) as error:
            self._prepared = False  # it may be another one when it is back
            where = self.url.render_as_string(hide_password=True)
            kind = type(getattr(error, "orig", error)).__name__
            raise OutOfReachError(f"the score log's database {where} does not answer ({kind})") from error


def url_of(settings: Settings) -> sa.URL:
    """The URL of denials.toml with the driver that is here; a relative path of SQLite under the home."""
    try:
        url = sa.make_url(settings.score_log.url)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise UsageError("score_log.url is no database URL; see denials.toml") from error
    kind = url.get_backend_name()
    if kind == "sqlite" and url.database not in (None, "", ":memory:"):
        return url.set(drivername="sqlite", database=str(settings.home / str(url.database)))
    if kind == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    raise UsageError("score_log.url names neither a file of SQLite nor a database of PostgreSQL; see denials.toml")


def _make_private(database: Path) -> None:
    """The file, readable by its owner alone: SQLite gives the files beside it the same mode."""
    database.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.close(os.open(database, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:  # not opened: to close it would drop the locks that this process has on it
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                narrow(database.with_name(database.name + ending), 0o600)


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() == "postgresql":
        told = {"connect_timeout": CONNECT, "application_name": "denials"}
        return sa.create_engine(url, connect_args=told, pool_size=2, pool_pre_ping=True, pool_timeout=CONNECT)
    # without a pool: a file that was moved away is met anew, and not written to where nobody finds it
    engine = sa.create_engine(url, connect_args={"timeout": CONNECT}, poolclass=sa.pool.NullPool)
    sa.event.listen(engine, "connect", _durable)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _durable(connection: Any, _: Any) -> None:
    """FULL: what is committed survives a loss of power, as the journal is removed then."""
    connection.isolation_level = None  # SQLAlchemy's transactions, not those of Python's module
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def within(column: sa.Column[Any], since: datetime | None, until: datetime | None) -> Sequence[sa.ColumnElement[bool]]:
    """since <= column < until, either of which may be open."""
    told = [column >= since] if since else []
    return [*told, *([column < until] if until else [])]
