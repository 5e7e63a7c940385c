"""`denials migrate`: the tables of the score log's database and the store, brought to what this program expects."""

from __future__ import annotations

from contextlib import closing

from claims.settings import Settings, load_settings
from claims.store import SCHEMA_VERSION, Store
from pipelines.arguments import Json
from pipelines.terminal import dump, say


def migrate(as_json: Json = False) -> None:
    """Bring the score log's database to this version's tables.

    The service does the same by itself; here it can be done before it starts, by somebody who may create tables. The
    store is looked at as well. Exit 15 when the database is out of reach.
    """
    told = migrated(load_settings())
    if as_json:
        dump(told)
        return
    for name, versions in told.items():
        before, now = versions["before"], versions["now"]
        say(f"{name}: " + (f"version {now}" if before == now else f"from {before or 'nothing'} to version {now}"))


def migrated(settings: Settings) -> dict[str, dict[str, str | None]]:
    """What was found and what is there now: score_log (where it is on) and store (where there is one).

    Raises UsageError for what a later version of the program made, OutOfReachError.
    """
    from serving.log.database import Database

    told: dict[str, dict[str, str | None]] = {}
    if settings.score_log.enabled:
        with closing(Database.of(settings)) as database:
            before, now = database.migrate()
        told["score_log"] = {"before": before, "now": now}
    if settings.store.exists():
        Store.open(settings)  # refuses any other version; there has been none before the first
        told["store"] = {"before": str(SCHEMA_VERSION), "now": str(SCHEMA_VERSION)}
    return told
