"""A small synthetic practice as the tests about time use it, and the comparison that is exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claims.read import read_frame
from claims.settings import Settings
from claims.snapshot import Snapshot, take_snapshot
from claims.store import Store
from data.synthetic import Generated
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
