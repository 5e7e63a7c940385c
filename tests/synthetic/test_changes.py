"""The worlds in which something happens on a day: one cell changes and no other, one payer begins and no sooner."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from data.synthetic import Generated, generate, load_world

CHANGE, BEGIN = date(2026, 2, 2), date(2026, 7, 1)


def originals(name: str) -> pl.DataFrame:
    made: Generated = generate(load_world(name), 3_000, seed=2)
    told = made.truth.select("kind", "p_reachable", "mechanism", "denied")
    return made.lines.hstack(told).filter(kind="original")


@pytest.fixture(scope="module")
def changed() -> pl.DataFrame:
    cell = (pl.col("payer_id") == "SYN02") & (pl.col("hcpcs_code") == "99214")
    late = pl.col("claim_line_start_date").cast(pl.Date) >= CHANGE
    return originals("policy_change").with_columns(cell=cell, late=late)


def test_the_changed_cell_was_paid_and_is_denied_from_the_day_on(changed: pl.DataFrame) -> None:
    means = dict(changed.filter("cell").group_by("late").agg(pl.col("p_reachable").mean()).iter_rows())
    assert means[False] < 0.12 and means[True] > 0.55


def test_nothing_else_changes_on_that_day(changed: pl.DataFrame) -> None:
    others = changed.filter(~pl.col("cell"))
    means = dict(others.group_by("late").agg(pl.col("p_reachable").mean()).iter_rows())
    assert abs(means[True] - means[False]) < 0.02
    world = load_world("policy_change")
    dated = [habit for payer in world.payers for habit in payer.habits if habit.first or habit.last < 10**6]
    assert len(dated) == 1 and not any(payer.changes for payer in world.payers)


def test_a_new_payer_sends_nothing_before_it_begins() -> None:
    lines = originals("new_payer").with_columns(day=pl.col("claim_line_start_date").cast(pl.Date))
    new = lines.filter(payer_id="SYN12")
    first = new["day"].min()
    assert isinstance(first, date) and BEGIN <= first < date(2026, 7, 20)
    late = lines.filter(pl.col("day") >= BEGIN)
    assert 0.02 < len(new) / len(late) < 0.15


def test_the_other_worlds_know_nothing_of_it() -> None:
    assert all(payer.begins == 0 and not payer.instead for payer in load_world("base").payers)
