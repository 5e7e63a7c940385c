"""Blocks are an affair of memory alone: however many lines are made at a time, the features are the same."""

import sys

import ascii_table
import numpy as np
import polars as pl
import pytest

from claims.snapshot import snapshot_of
from features import History, build

MANY = 200


@pytest.mark.parametrize("size", [1, 2, 7, 1_000])
def test_the_size_of_a_block_changes_nothing(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    claims = pl.Series(rng.integers(0, 60, MANY).astype(str))
    one = ascii_table.lines("claim_id | submitted_date | patient_id | charge\nA | 2026-01-10 | p | 10.00")
    lines = pl.concat([one] * MANY).with_columns(
        submission_id=claims,
        claim_id=claims,
        claim_line_number=pl.int_range(1, MANY + 1, dtype=pl.Int32),
        hcpcs_code=pl.Series(rng.choice(["64483", "62323", "99213", "77003"], MANY)),
    )
    whole = build(lines, History.empty())
    monkeypatch.setattr(sys.modules["rules.blocks"], "BLOCK", size)
    parts = build(lines, History.empty())
    assert np.array_equal(whole.numbers, parts.numbers, equal_nan=True)
    assert whole.categories == parts.categories
    assert whole.column("claim_lines").max() > 2


def test_lines_without_a_day_of_submission_have_no_place_in_a_history() -> None:
    lines = ascii_table.lines("claim_id | submitted_date | charge\nA |  | 10.00")
    outcomes = ascii_table.outcomes(
        "claim_id | line | known_date | charge | paid | adjustments\nA | 1 | 2026-02-01 | 10.00 | 0.00 | CO-29:10.00"
    )
    history = History.of(snapshot_of(lines, outcomes, ascii_table.authorizations("prior_authorization_number")))
    assert history.snapshot.outcomes.height == 1
    assert history.outcomes.ledgers["all"].stamp.tolist() == []
