"""Migrations of the score log's database: alembic's scripts in serving/log/versions, run by this program itself."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError

from claims.errors import UsageError

ONE_AT_A_TIME = 0x64656E69616C73  # of PostgreSQL's advisory locks: "denials"


def migrate(connection: sa.Connection) -> tuple[str | None, str]:
    """Bring the database to the latest version; the version that it had (None: empty) and the one it has.

    The connection stands in a transaction that keeps others from doing the same. Raises UsageError for a database that
    a later version of the program has migrated.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ONE_AT_A_TIME)))
    script, before, head = _scripts(), version_of(connection), latest()
    if before != head:
        _known(script, before)
        with EnvironmentContext(
            Config(), script, fn=lambda revision, _: script._upgrade_revs(head, revision), destination_rev=head
        ) as environment:
            environment.configure(connection=connection)
            environment.run_migrations()
    return before, head


def latest() -> str:
    """The version that this program brings."""
    head = _scripts().get_current_head()
    assert head is not None
    return head


def version_of(connection: sa.Connection) -> str | None:
    """The version of a database; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent))


def _known(script: ScriptDirectory, version: str | None) -> None:
    try:
        if version is not None:
            script.get_revision(version)
    except (ResolutionError, CommandError) as error:
        raise UsageError(
            f"the score log's database has version {version}, which this program does not know: update the program"
        ) from error
