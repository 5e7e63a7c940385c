"""The peer of our model: LightGBM on the line's own categories and past-only rates, parameters fixed here.

It sees no other line of the claim, no authorizations table and none of the patient's history. tests/synthetic pins the
difficulty of the world with it: nobody improves a model by making the world easier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import polars as pl

from data.synthetic import Generated

CATEGORIES = (
    "payer_id", "hcpcs_code", "modifiers", "diagnosis_code_1", "rendering_npi", "place_of_service_code",
    "service_state",
)  # fmt: skip
PARAMETERS = {
    "objective": "binary", "learning_rate": 0.08, "num_leaves": 31, "min_data_in_leaf": 60, "feature_fraction": 0.7,
    "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 5.0, "cat_smooth": 20, "cat_l2": 20, "verbose": -1,
    "num_threads": 1, "seed": 1, "deterministic": True,
}  # fmt: skip
ROUNDS = 120
KEY = ("claim_id", "claim_line_number", "submitted_date", "payer_id")
PRIOR, WEIGHT = 0.13, 20.0


@dataclass(frozen=True)
class Task:
    """Original lines in the target, arrays of one entry a line; days are day numbers. keys: columns KEY."""

    keys: pl.DataFrame
    categories: dict[str, np.ndarray]
    numbers: list[np.ndarray]
    sent: np.ndarray
    known: np.ndarray
    denied: np.ndarray
    reachable: np.ndarray

    @classmethod
    def of(cls, made: Generated) -> Task:
        """Of a generated world."""
        truth = made.truth
        keep = (truth["kind"] == "original") & (truth["target"] == 1) & (truth["answered"] == 1)
        modifiers = pl.concat_str([f"hcpcs_modifier_{i}" for i in range(1, 5)], separator="-", ignore_nulls=True)
        lines, truth = made.lines.filter(keep).with_columns(modifiers=modifiers), truth.filter(keep)
        sent, service, birth = (
            _days(lines[n]) for n in ("submitted_date", "claim_line_start_date", "patient_birth_date")
        )
        authorized = lines["prior_authorization_number"].is_not_null().to_numpy()
        numbers = [
            lines["service_unit_quantity"].to_numpy(), lines["charge_amount"].cast(pl.Float64).to_numpy(),
            service - birth, (lines["patient_sex"] == "F").to_numpy(), sent - service, authorized,
        ]  # fmt: skip
        categories = {n: lines[n].fill_null("").rank("dense").to_numpy().astype(np.int64) for n in CATEGORIES}
        return cls(lines.select(KEY), categories, numbers, sent, _days(truth["known_date"]),
                   truth["denied"].to_numpy(), truth["p_reachable"].to_numpy())  # fmt: skip

    @property
    def cut(self) -> int:
        """The first day of the last fifth of the lines."""
        return int(np.quantile(self.sent, 0.8))

    @property
    def later(self) -> np.ndarray:
        """(lines,) whether a line is asked about, not learned from."""
        return self.sent >= self.cut

    @property
    def seen(self) -> np.ndarray:
        """(lines,) whether a line may be learned from."""
        return ~self.later & (self.known < self.cut)


def _days(dates: pl.Series) -> np.ndarray:
    return dates.cast(pl.Int32).to_numpy().astype(np.int64)


def past_rate(key: np.ndarray, at: Any, task: Task, prior: Any) -> np.ndarray:
    """(lines,) smoothed denial rate of the key among outcomes known strictly before the day `at`."""
    packed = key * 100_000 + task.known
    order = np.argsort(packed)
    total = np.r_[0, np.cumsum(task.denied[order])]
    low, high = (np.searchsorted(packed[order], key * 100_000 + x) for x in (0, at))
    return np.asarray((total[high] - total[low] + WEIGHT * prior) / (high - low + WEIGHT))


def table(task: Task) -> np.ndarray:
    """(lines,) the rate of payer x code known by the cut."""
    return past_rate(_pair(task), np.full(len(task.sent), task.cut), task, PRIOR)


def _pair(task: Task) -> np.ndarray:
    return np.asarray(task.categories["payer_id"] * 1000 + task.categories["hcpcs_code"])


def plain(task: Task) -> np.ndarray:
    """(lines,) probabilities of the plain model."""
    overall = past_rate(np.zeros(len(task.sent), np.int64), task.sent, task, PRIOR)
    single = ("payer_id", "hcpcs_code", "rendering_npi")
    rates = [past_rate(task.categories[n], task.sent, task, overall) for n in single]
    rates.append(past_rate(_pair(task), task.sent, task, rates[1]))
    X = np.column_stack([*task.categories.values(), *task.numbers, *rates]).astype(float)
    data = lgb.Dataset(X[task.seen], task.denied[task.seen], categorical_feature=list(range(len(task.categories))))
    return np.asarray(lgb.train(PARAMETERS, data, ROUNDS).predict(X))
