"""One small synthetic practice, read into a store of its own, for the tests about time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from practices import CLAIMS, Practice, read

from claims.settings import load_settings
from claims.snapshot import Snapshot
from claims.store import Store
from data.synthetic import Generated, generate, load_world
from features import History


@pytest.fixture(scope="session")
def made() -> Generated:
    return generate(load_world("small"), CLAIMS)


@pytest.fixture(scope="session")
def practice(made: Generated, tmp_path_factory: pytest.TempPathFactory) -> Practice:
    settings = load_settings(tmp_path_factory.mktemp("home"))
    snapshot = read(made, settings)
    return Practice(settings, made, Store.open(settings), snapshot, History.of(snapshot))


@pytest.fixture(scope="session")
def reread(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Generated], Snapshot]:
    """Reads changed frames into a fresh store with the same secret key, so that keys stay comparable."""

    def again(changed: Generated) -> Snapshot:
        home = tmp_path_factory.mktemp("again")
        (home / "secret.key").write_text("ab" * 32)
        return read(changed, load_settings(home))

    return again
