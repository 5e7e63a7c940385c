"""A request of several days = the same lines in the store: earlier ones of a call are history of later ones."""

from datetime import timedelta

import ascii_table
import numpy as np
import polars as pl
from practices import Practice, assert_same

from claims.snapshot import snapshot_of
from features import History, build


def test_lines_of_a_request_count_as_if_they_were_stored(practice: Practice) -> None:
    stored = practice.store.lines()
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


def test_a_later_claim_of_a_call_changes_nothing_for_an_earlier_one() -> None:
    """R2 repeats R1's line under S1's account number: R1 is of no chain of S1's, alone or in R2's company."""
    stored = ascii_table.lines("""
        submission_id | claim_id | submitted_date | claim_line_start_date | hcpcs_code | patient_id | rendering_npi
        S1            | A        | 2026-01-06     | 2026-01-05            | 62323      | p          | 1
    """)
    request = ascii_table.lines("""
        submission_id | claim_id | submitted_date | claim_line_start_date | hcpcs_code | patient_id | rendering_npi
        R1            | B        | 2026-02-05     | 2026-02-04            | 62323      | p          | 1
        R2            | A        | 2026-02-10     | 2026-02-04            | 62323      | p          | 1
    """)
    nothing = ascii_table.outcomes("claim_id"), ascii_table.authorizations("payer_id")
    history = History.of(snapshot_of(stored, *nothing))
    alone, together = build(request[:1], history), build(request, history)
    assert_same(alone, together, np.array([0]))
    assert alone.column("esi_sessions__365d")[0] == 1
