"""What `denials doctor` looks at: each finding is a name, whether it is well, what is there, and the remedy."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

from claims.errors import DenialsError
from claims.private import others_may
from claims.settings import Settings
from claims.store import Store


class Check(NamedTuple):
    """well None: nothing to judge yet."""

    name: str
    well: bool | None
    found: str
    remedy: str = ""


def examine(settings: Settings) -> list[Check]:
    """All checks, in the order in which a newcomer meets them."""
    return [
        check
        for look in (_site, _secret, _modes, _rules, _store, _score_log, _champion, _registry)
        for check in _safely(look, settings)
    ]


def _safely(look: Callable[[Settings], Iterator[Check]], settings: Settings) -> list[Check]:
    try:
        return list(look(settings))
    except DenialsError as error:
        return [Check(look.__name__.strip("_"), False, type(error).__name__, str(error))]


def _site(settings: Settings) -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("python", sys.version_info >= (3, 11), version, "Python 3.11 or newer is needed")
    toml = settings.home / "denials.toml"
    well = settings.home.is_dir() or (None if not settings.home.exists() else False)
    yield Check("home", well, str(settings.home), "set DENIALS_HOME to a folder; the first ingest makes a new one")
    yield Check("settings", True, "denials.toml" if toml.exists() else "defaults (no denials.toml)")
    yield Check("today", True, f"{settings.today()} in {settings.timezone}")


def _secret(settings: Settings) -> Iterator[Check]:
    key = settings.home / "secret.key"
    if not key.exists():
        yield Check("secret.key", None, "not made yet", "the first ingest makes it; keep a copy in a safe place")
        return
    mode = stat.S_IMODE(key.stat().st_mode)
    yield Check("secret.key", mode == 0o600, f"mode {mode:o}", f"chmod 600 {key}")


def _modes(settings: Settings) -> Iterator[Check]:
    """Whether others on this machine can read what claims say."""
    from serving.log.database import Database

    paths = [(settings.store, "700"), (settings.home / settings.score_log.journal, "700")]
    if settings.score_log.enabled and (database := Database.of(settings).file):
        paths.append((database, "600"))
    for path, mode in paths:
        if path.exists() and (wide := others_may(path)) is not None:
            yield Check("modes", False, f"others may read {path.name}: mode {wide:o}", f"chmod {mode} {path}")


def _rules(settings: Settings) -> Iterator[Check]:
    from rules.ruleset import rules_of

    held = rules_of(settings)
    own = len(list(settings.books.glob("payers/*.yaml")))
    rules = sum(1 for _ in held.rules())
    yield Check("rules", True, f"{rules} rules in {len(held.books)} books, {own} of them the site's own")


def _store(settings: Settings) -> Iterator[Check]:
    if not settings.store.exists():
        yield Check("store", None, "empty", "denials ingest PATH")
        return
    store = Store.open(settings)
    lines, outcomes, rejects = store.lines().height, store.outcomes().height, store.rejects().height
    yield Check("store", True, f"{lines:,} lines, {outcomes:,} outcomes ({store.data_version()})")
    yield Check("rejects", rejects == 0 or None, f"{rejects:,} rows", "their reasons stand in the table store/rejects")


def _score_log(settings: Settings) -> Iterator[Check]:
    from serving.log.database import Database

    if not settings.score_log.enabled:
        yield Check("score log", None, "off (score_log.enabled)")
        return
    database = Database.of(settings)
    try:
        version, latest = database.version()
    finally:
        database.close()
    if version is None:
        yield Check("score log", None, "no tables yet", "the service makes them, or denials migrate")
        return
    yield Check("score log", version == latest, f"version {version}", "denials migrate")
    waiting = sum(path.stat().st_size for path in (settings.home / settings.score_log.journal).glob("*/*/*.segment"))
    yield Check("journal", None if waiting else True, f"{waiting:,} bytes wait", "the running service delivers them")


def _champion(settings: Settings) -> Iterator[Check]:
    from training.model import DenialModel
    from training.promotion import unfinished

    if unfinished(settings):
        yield Check("promotion", False, "cut off", "ask again for what was asked: denials promote or denials rollback")
    if not (settings.models / "champion").exists():
        yield Check("champion", None, "none: the starting model answers", "denials train, then denials promote")
        return
    model = DenialModel.load(settings.models / "champion")
    model.check_golden()
    yield Check("champion", True, f"version {model.version}, trained through {model.trained_through}")


def _registry(settings: Settings) -> Iterator[Check]:
    if not (settings.mlruns / "mlflow.db").exists() and not settings.mlruns.is_file():
        yield Check("mlflow", None, "no runs yet", "denials train")
        return
    from training.registry import aliases

    yield Check("mlflow", True, ", ".join(f"{name}: {at}" for name, at in aliases(settings).items()) or "no aliases")
