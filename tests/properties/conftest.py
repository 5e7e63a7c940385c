"""One small synthetic practice, read into a store of its own, for the tests about time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from claims.read import read_frame
from claims.settings import Settings, load_settings
from claims.snapshot import Snapshot, take_snapshot
from claims.store import Store
from data.synthetic import Generated, generate, load_world
from features import FeatureTable, History

CLAIMS = 2_500


@dataclass(frozen=True)
class Practice:
    """The files of a practice and what the system makes of them."""

    settings: Settings
    made: Generated
    store: Store
    snapshot: Snapshot
    history: History


def read(made: Generated, settings: Settings) -> Snapshot:
    """The generated frames through the reader and the store."""
    store = Store.open(settings)
    for frame in (made.lines, made.outcomes, made.authorizations):
        store.add(read_frame(frame, settings))
    return take_snapshot(store)


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


def assert_same(one: FeatureTable, other: FeatureTable, rows: np.ndarray | None = None) -> None:
    """Equal to the last bit; rows: of `other`, in the order of `one`."""
    if rows is not None:
        other = other.take(rows)
    differing = [
        name
        for at, name in enumerate(one.number_names)
        if not np.array_equal(one.numbers[:, at], other.numbers[:, at], equal_nan=True)
    ]
    differing += [name for name, values in one.categories.items() if values != other.categories[name]]
    assert not differing
