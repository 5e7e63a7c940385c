"""What is said of reasons on later lines: right or wrong, beside a table, and whether shares hold by category."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from claims.label import CATEGORIES
from features.table import FeatureTable
from training.examples import Examples
from training.reason_report import category_shares, measure_reasons, most_frequent

K = len(CATEGORIES)
Row = tuple[str, str, str | None]  # payer, code, category of the denial


def lines_of(rows: list[Row], *, categories: bool = True) -> Examples:
    """Lines, two a claim."""
    payer, code, category = (list(column) for column in zip(*rows, strict=True))
    lines = pl.DataFrame({"payer_id": payer, "hcpcs_code": code}).with_columns(
        submission_id=pl.Series([f"S{i // 2:05}" for i in range(len(rows))]), submitted_date=pl.lit(date(2026, 1, 1)),
        charge_amount=pl.lit(100.0),
    )  # fmt: skip
    y = np.array([told is not None for told in category], np.float64)
    reasons = pl.DataFrame(
        {"category": category, "carc": [None] * len(rows)}, schema=dict.fromkeys(("category", "carc"), pl.String)
    )
    return Examples(lines, FeatureTable((), np.zeros((len(rows), 0)), {}), y, y, reasons if categories else None)


def one_hot(names: list[str], sure: float = 0.8) -> np.ndarray:
    shares = np.full((len(names), K), (1 - sure) / (K - 1))
    shares[np.arange(len(names)), [CATEGORIES.index(name) for name in names]] = sure
    return shares


SEEN = lines_of(
    [("A", "1", "coding")] * 3 + [("A", "1", "bundling")] * 2 + [("A", "2", "bundling")] * 4 + [("A", "3", None)] * 9
    + [("B", "1", "provider")] * 2 + [("B", "1", "coding")] * 2 + [("B", "2", "other")] * 5
)  # fmt: skip


def test_the_table_says_the_most_frequent_category_of_payer_and_code() -> None:
    asked = lines_of(
        [("A", "1", None), ("A", "2", None), ("A", "3", None), ("B", "1", None), ("B", "3", None), ("C", "1", None)]
    )
    table, majority = most_frequent(SEEN, asked.lines)
    said = [CATEGORIES[place] for place in table]
    # never denied: the payer's most frequent; of equals the first in order; no such payer: the most frequent of all
    assert (
        said == ["coding", "bundling", "bundling", "coding", "other", "bundling"] and CATEGORIES[majority] == "bundling"
    )


def test_accuracy_counts_denied_lines_alone_beside_the_table() -> None:
    later = lines_of(
        [("A", "1", "coding"), ("A", "1", None), ("A", "1", "bundling"), ("A", "2", "other"), ("B", "2", "other")]
    )
    shares = one_hot(["coding", "provider", "bundling", "bundling", "other"])
    own, table = measure_reasons(later, shares, SEEN, 1)
    assert (own["reason_top1"], table["reason_top1"], own["reason_top1_majority"]) == (0.75, 0.5, 0.25)
    assert own["reason_top1_gain"] == 0.25
    assert own["reason_log_loss"] == pytest.approx(-(3 * np.log(0.8) + np.log(0.02)) / 4)
    low, high = own["reason_top1_low"], own["reason_top1_high"]
    assert low is not None and high is not None and 0 <= low < 0.75 < high <= 1


def test_the_interval_is_over_claims() -> None:
    rows: list[Row] = [("A", "1", "coding" if i // 2 % 4 else "other") for i in range(400)]  # both lines alike
    later = lines_of(rows)
    own, _ = measure_reasons(later, one_hot(["coding"] * 400), SEEN, 1)
    low, high = own["reason_top1_low"], own["reason_top1_high"]
    assert low is not None and high is not None
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.25 * 0.75 / 200), rel=0.25)  # 200 claims, not 400 lines


def test_nothing_is_measured_where_nothing_is_known() -> None:
    paid = lines_of([("A", "1", None)] * 4)
    untold = lines_of([("A", "1", "coding")] * 4, categories=False)
    denied = lines_of([("A", "1", "coding")] * 4)
    assert measure_reasons(paid, one_hot(["coding"] * 4), SEEN, 1) == ({}, {})
    assert measure_reasons(untold, one_hot(["coding"] * 4), SEEN, 1) == ({}, {})
    assert (
        measure_reasons(denied, np.zeros((4, 0)), SEEN, 1) == ({}, {})
        and category_shares(denied, np.zeros((4, 0))) == {}
    )


def test_shares_by_category_are_those_of_all_lines() -> None:
    later = lines_of([("A", "1", "coding" if i % 10 == 0 else None) for i in range(200)])
    p = np.zeros((200, K))
    p[:, CATEGORIES.index("coding")], p[:, CATEGORIES.index("other")] = 0.25, 0.1
    found = category_shares(later, p)
    assert list(found) == list(CATEGORIES)
    assert found["coding"] == pytest.approx({"denied": 20, "mean_probability": 0.25, "share": 0.1, "ece": 0.15})
    assert found["other"] == pytest.approx({"denied": 0, "mean_probability": 0.1, "share": 0.0, "ece": 0.1})
