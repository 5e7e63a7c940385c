"""What drives the risk: weights by concept and feature, and directions."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from claims.settings import Settings
from claims.snapshot import take_snapshot
from claims.store import Store
from claims.texts import Texts
from dashboard.drivers import SAMPLE, concepts, drivers_of, features, recent
from features.history import History
from features.table import FeatureTable
from training.model import DenialModel

NAMES = ("days_to_submit", "claim_lines", "payer_id", "visit_without_25")
VALUES = np.array([[1.0, -2.0, 0.5, 0.0], [-1.0, -2.0, -0.5, 0.3]])


def test_a_concept_weighs_as_the_sum_of_its_features_on_each_line() -> None:
    both = ("claim_lines", "line_position")  # of one concept: +1 and -1 cancel
    assert concepts(both, np.array([[1.0, -1.0], [2.0, 0.0]]))["weight"].to_list() == [1.0]
    table = concepts(NAMES, VALUES)
    assert table.select("concept", "weight", "raises").row(0) == ("claim context", 2.0, 0.0)
    assert table["share"].sum() == pytest.approx(1)


def test_no_contribution_at_all_is_no_division_by_zero() -> None:
    assert concepts(NAMES, np.zeros((3, 4)))["share"].to_list() == [0.0] * 4


def test_directions() -> None:
    rows = 60
    rising = np.linspace(-1, 1, rows)
    levels: list[str | None] = ["P1"] * 30 + ["P2"] * 30
    table = FeatureTable(
        ("days_to_submit", "claim_lines", "visit_without_25"),
        np.column_stack([rising, rising, np.arange(rows) % 2]),
        {"payer_id": Texts.of(levels)},
    )
    moved = np.column_stack([rising, -rising, np.where(np.arange(rows) < 30, -1, 1), np.arange(rows) % 2])
    found = {
        row["name"]: row["direction"] for row in features(NAMES, moved, table, {"P1": "One"}).iter_rows(named=True)
    }
    assert found == {
        "days_to_submit": "higher values raise the risk",
        "claim_lines": "lower values raise the risk",
        "payer_id": "raised most by P2, lowered most by One",
        "visit_without_25": "raises the risk where it is so",
    }


def test_sample_takes_whole_recent_original_claims_and_the_same_ones_each_time() -> None:
    lines = pl.DataFrame(
        {
            "submission_id": ["D", "C", "B", "B", "A", "A", "E"],
            "submitted_date": [date(2026, 3, 1), date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 2)]
            + [date(2026, 5, 29)] * 2 + [None],
            "is_original": [True, False, True, True, True, True, True],
        }
    )  # fmt: skip
    assert sorted(recent(lines, 5)["submission_id"]) == ["A", "A", "B", "B", "D"]
    assert sorted(recent(lines, 4)["submission_id"]) == ["A", "A", "B", "B"]
    assert sorted(recent(lines, 3)["submission_id"]) == ["A", "A"]
    later = lines.with_columns(
        pl.when(pl.col("submission_id") == "A")
        .then(date(2026, 5, 30))
        .otherwise("submitted_date")
        .alias("submitted_date")
    )
    assert sorted(recent(later, 5)["submission_id"]) == ["A", "A", "B", "B"]


def test_contributions_of_a_real_model(site: Settings) -> None:
    snapshot = take_snapshot(Store.open(site))
    model = DenialModel.load(site.models / "champion")
    found = drivers_of(snapshot.lines, History.of(snapshot), model, {})
    assert found is not None and 0 < found.lines <= SAMPLE
    assert found.concepts["weight"].is_sorted(descending=True) and found.features["weight"].is_sorted(descending=True)
    assert drivers_of(snapshot.lines.clear(), History.empty(), model, {}) is None
