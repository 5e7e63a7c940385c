"""A request of several days = the same lines in the store: earlier ones of a call are history of later ones."""

from datetime import timedelta

import numpy as np
import polars as pl
from conftest import Practice, assert_same

from claims.snapshot import snapshot_of
from claims.table import Line
from features import History, build


def test_lines_of_a_request_count_as_if_they_were_stored(practice: Practice) -> None:
    snapshot = practice.snapshot
    stored = snapshot.lines.select(Line.column_names())
    last = stored["submitted_date"].max() - timedelta(days=60)
    early, request = stored.filter(pl.col("submitted_date") < last), stored.filter(pl.col("submitted_date") >= last)
    assert request["submitted_date"].n_unique() > 20
    outcomes = practice.store.outcomes().filter(pl.col("known_date") < last)
    grants = practice.store.authorizations()
    apart = build(request, History.of(snapshot_of(early, outcomes, grants)))
    together = build(request, History.of(snapshot_of(stored, outcomes, grants)))
    assert_same(apart, together)
    alone = build(request, History.of(snapshot_of(early.clear(), outcomes.clear(), grants.clear())))
    assert not np.array_equal(alone.numbers, together.numbers, equal_nan=True)
