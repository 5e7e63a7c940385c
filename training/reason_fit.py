"""How reasons are learned: from denied lines alone, the latest fifth of them choosing rounds and sharpness.

Paid lines say nothing of a category once a line is denied; what to learn from a hundred of them is in no booster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import polars as pl

from claims.label import CATEGORIES
from features.catalog import Feature
from training.fit import Watch, dataset, plain_text, threads_for
from training.frequencies import Frequencies, Keys, LikelyCarcs
from training.reasons import Reasons, sharpened

FEW = 100  # denied lines below which frequencies answer alone
LATEST = 30_000  # denied lines that a booster is fitted on, at most
ROUNDS, PATIENCE = 40, 20  # more than 40 gain little and cost every line that is scored: docs/experiments.md
PRIOR = 10.0  # weight of the pull of the sharpness toward 1
PARAMETERS: dict[str, Any] = {
    "objective": "multiclass", "metric": "multi_logloss", "learning_rate": 0.15, "num_leaves": 8, "max_depth": 4,
    "min_data_in_leaf": 20, "lambda_l2": 5.0, "cat_smooth": 20.0, "cat_l2": 20.0, "max_cat_threshold": 24,
    "min_data_per_group": 50, "deterministic": True, "force_row_wise": True, "verbosity": -1,
}  # fmt: skip


@dataclass(frozen=True)
class Denied:
    """Denied lines by time: X of the model, keys, the number of each one's category in CATEGORIES, CARC or null."""

    X: np.ndarray
    keys: Keys
    category: np.ndarray
    carc: pl.Series

    def __len__(self) -> int:
        """Lines."""
        return len(self.category)


@dataclass(frozen=True)
class ReasonPlan:
    """What later denied lines chose."""

    rounds: int
    sharpness: float


def plan_reasons(
    earlier: Denied | None, later: Denied | None, features: Sequence[Feature], seed: int
) -> ReasonPlan | None:  # fmt: skip
    """Fit on the earlier denied lines until the log loss of the later ones stops falling; then sharpen the shares.

    None where they are too few for a booster, or of one category.
    """
    if earlier is None or later is None:
        return None
    shared = np.isin(later.category, earlier.category)
    if min(len(earlier), 4 * int(shared.sum())) < FEW or _one_class(earlier):
        return None
    rounds, text, classes = _stopped(earlier, later, features, seed)
    known = _reasons(earlier, text, classes, 1.0)
    return ReasonPlan(rounds, sharpness_of(known.mixed(later.X, later.keys), later.category))


def learn_reasons(
    denied: Denied | None, chosen: ReasonPlan | None, features: Sequence[Feature], seed: int
) -> Reasons | None:  # fmt: skip
    """From all denied lines, as planned; without a plan by frequencies alone. None where no categories are known."""
    if denied is None or not len(denied):
        return None
    if chosen is None or _one_class(denied):
        return _reasons(denied, "", (), 1.0)
    data, classes = _prepared(denied, features)
    booster = lgb.train(_parameters(classes, seed, denied), data, chosen.rounds)
    return _reasons(denied, plain_text(booster), _names(classes), chosen.sharpness)


def _one_class(denied: Denied) -> bool:
    """Whether a booster would have nothing to tell apart."""
    return len(np.unique(denied.category[-LATEST:])) < 2


def _reasons(denied: Denied, text: str, classes: tuple[str, ...], sharpness: float) -> Reasons:
    frequencies = Frequencies.of(denied.keys, denied.category)
    carcs = LikelyCarcs.of(denied.keys, denied.category, denied.carc)
    return Reasons(text, classes, sharpness, len(denied), frequencies, carcs)


def _stopped(
    earlier: Denied, later: Denied, features: Sequence[Feature], seed: int
) -> tuple[int, str, tuple[str, ...]]:
    """The rounds of the least log loss, the booster after them, and its classes; lines of other classes do not vote."""
    data, classes = _prepared(earlier, features)
    voting = np.isin(later.category, classes)
    numbers = np.searchsorted(classes, later.category[voting])
    watched = lgb.Dataset(later.X[voting], numbers, reference=data, params={"verbosity": -1})
    watch = Watch(PATIENCE, np.ones(1))
    booster = lgb.train(_parameters(classes, seed, earlier), data, ROUNDS, valid_sets=[watched], callbacks=[watch])
    return watch.best, booster.model_to_string(num_iteration=watch.best), _names(classes)


def _prepared(denied: Denied, features: Sequence[Feature]) -> tuple[lgb.Dataset, np.ndarray]:
    """The latest lines as LightGBM takes them, their categories numbered anew, and those that occur."""
    latest = slice(max(0, len(denied) - LATEST), None)
    classes, numbers = np.unique(denied.category[latest], return_inverse=True)
    return dataset(denied.X[latest], numbers, features), classes


def _parameters(classes: np.ndarray, seed: int, denied: Denied) -> dict[str, Any]:
    return PARAMETERS | {"num_class": len(classes), "seed": seed, "num_threads": threads_for(len(denied))}


def _names(classes: np.ndarray) -> tuple[str, ...]:
    return tuple(CATEGORIES[number] for number in classes.tolist())


def sharpness_of(shares: np.ndarray, category: np.ndarray) -> float:
    """The power of (lines, categories) shares under which the lines' categories are likeliest, pulled toward 1.

    The log loss is convex in it, so that its slope is followed to zero by halving.
    """
    logs = np.log(shares)
    told = float(logs[np.arange(len(category)), category].sum())
    low, high = 0.1, 5.0
    for _ in range(50):
        middle = (low + high) / 2
        slope = float((sharpened(shares, middle) * logs).sum()) - told + PRIOR * (middle - 1)
        low, high = (low, middle) if slope > 0 else (middle, high)
    return (low + high) / 2
