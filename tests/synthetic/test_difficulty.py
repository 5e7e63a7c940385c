"""How hard the reference world is, pinned: nobody improves a model by making the world easier.

A(x) = (AUROC(x) - 0.5) / (AUROC(p_reachable) - 0.5) on the last fifth of the original lines in the target.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from data.synthetic import Generated

CATEGORIES = (
    "payer_id",
    "hcpcs_code",
    "modifiers",
    "diagnosis_code_1",
    "rendering_npi",
    "place_of_service_code",
    "service_state",
)
PARAMETERS = {
    "objective": "binary", "learning_rate": 0.08, "num_leaves": 31, "min_data_in_leaf": 60, "feature_fraction": 0.7,
    "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 5.0, "cat_smooth": 20, "cat_l2": 20, "verbose": -1,
    "num_threads": 1, "seed": 1, "deterministic": True,
}  # fmt: skip


@dataclass(frozen=True)
class Task:
    """Arrays of one entry a line; days are day numbers."""

    categories: dict[str, np.ndarray]
    numbers: list[np.ndarray]
    sent: np.ndarray
    known: np.ndarray
    denied: np.ndarray
    reachable: np.ndarray

    @property
    def cut(self) -> int:
        return int(np.quantile(self.sent, 0.8))


@pytest.fixture(scope="module")
def task(reference: Generated) -> Task:
    truth = reference.truth
    keep = (truth["kind"] == "original") & (truth["target"] == 1) & (truth["answered"] == 1)
    modifiers = pl.concat_str([f"hcpcs_modifier_{i}" for i in range(1, 5)], separator="-", ignore_nulls=True)
    lines, truth = reference.lines.filter(keep).with_columns(modifiers=modifiers), truth.filter(keep)
    day = {n: lines[n].cast(pl.Int32).to_numpy().astype(np.int64) for n in ("submitted_date", "claim_line_start_date")}
    birth = lines["patient_birth_date"].cast(pl.Int32).to_numpy()
    return Task(
        {n: lines[n].fill_null("").rank("dense").to_numpy().astype(np.int64) for n in CATEGORIES},
        [
            lines["service_unit_quantity"].to_numpy(), lines["charge_amount"].cast(pl.Float64).to_numpy(),
            day["claim_line_start_date"] - birth, (lines["patient_sex"] == "F").to_numpy(),
            day["submitted_date"] - day["claim_line_start_date"], lines["prior_authorization_number"].is_not_null().to_numpy(),
        ],
        day["submitted_date"], truth["known_date"].cast(pl.Int32).to_numpy().astype(np.int64),
        truth["denied"].to_numpy(), truth["p_reachable"].to_numpy(),
    )  # fmt: skip


def past_rate(key: np.ndarray, at: Any, task: Task, prior: Any, weight: float = 20.0) -> np.ndarray:
    """Smoothed denial rate of the key among outcomes known strictly before the day `at`."""
    packed = key * 100_000 + task.known
    order = np.argsort(packed)
    total = np.r_[0, np.cumsum(task.denied[order])]
    low, high = (np.searchsorted(packed[order], key * 100_000 + x) for x in (0, at))
    return np.asarray((total[high] - total[low] + weight * prior) / (high - low + weight))


def achieved(task: Task, score: np.ndarray) -> float:
    test = task.sent >= task.cut
    best = roc_auc_score(task.denied[test], task.reachable[test])
    return float((roc_auc_score(task.denied[test], score[test]) - 0.5) / (best - 0.5))


def pair(task: Task) -> np.ndarray:
    return np.asarray(task.categories["payer_id"] * 1000 + task.categories["hcpcs_code"])


def plain(task: Task) -> np.ndarray:
    """LightGBM on the line's own categories and past-only rates of payer, code, provider, payer x code."""
    one = np.zeros(len(task.sent), dtype=np.int64)
    overall = past_rate(one, task.sent, task, 0.13)
    rates = [
        past_rate(task.categories[n], task.sent, task, overall) for n in ("payer_id", "hcpcs_code", "rendering_npi")
    ]
    rates.append(past_rate(pair(task), task.sent, task, rates[1]))
    X = np.column_stack([*task.categories.values(), *task.numbers, *rates]).astype(float)
    train = (task.sent < task.cut) & (task.known < task.cut)
    data = lgb.Dataset(X[train], task.denied[train], categorical_feature=list(range(len(task.categories))))
    return np.asarray(lgb.train(PARAMETERS, data, 120).predict(X))


def test_the_line_denial_rate_is_between_ten_and_twenty_percent(task: Task) -> None:
    assert 0.10 <= task.denied.mean() <= 0.20


def test_the_reachable_ceiling_is_between_080_and_089(task: Task) -> None:
    test = task.sent >= task.cut
    assert 0.80 <= roc_auc_score(task.denied[test], task.reachable[test]) <= 0.89


def test_a_table_of_payer_and_code_reaches_at_most_060(task: Task) -> None:
    assert achieved(task, past_rate(pair(task), np.full(len(task.sent), task.cut), task, 0.13)) <= 0.60


def test_plain_lightgbm_reaches_075_to_085(task: Task) -> None:
    assert 0.75 <= achieved(task, plain(task)) <= 0.85
