"""The recipe of a model and its fitting: LightGBM, deterministic, stopped early on the latest fifth of the cohort.

Rows come in the order of training.cohort.ORDER; the result depends on the data, the recipe and the seed, not on the
number of threads. The balance of the classes is left alone, so that scores can be calibrated.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

from claims.errors import UsageError
from features.catalog import Feature

FEW_LINES = 20_000
MOST_THREADS = 8


@dataclass(frozen=True)
class Recipe:
    """Parameters of a fit. Trees of at most 8 levels and 48 leaves: exact contributions stay quick."""

    seed: int = 20260101
    max_rounds: int = 600
    patience: int = 40
    learning_rate: float = 0.05
    num_leaves: int = 48
    max_depth: int = 8
    min_data_in_leaf: int = 40
    lambda_l2: float = 2.0
    feature_fraction: float = 0.6
    cat_smooth: float = 20.0
    cat_l2: float = 20.0
    max_cat_threshold: int = 24
    min_data_per_group: int = 50
    validation_share: float = 0.2
    min_level_rows: int = 20

    def parameters(self, features: Sequence[Feature]) -> dict[str, Any]:
        """LightGBM's parameters; the monotone directions come from the catalog."""
        own = {"max_rounds", "patience", "validation_share", "min_level_rows"}
        shared = {name: value for name, value in asdict(self).items() if name not in own}
        return shared | {
            "objective": "binary",
            "metric": "binary_logloss",
            "deterministic": True,
            "force_row_wise": True,
            "monotone_constraints": [f.monotone if f.dtype == "number" else 0 for f in features],
            "monotone_constraints_method": "intermediate",
            "verbosity": -1,
        }


def _threads(lines: int) -> int:
    """How many are worth it; the result is the same with any number of them.

    GNU OpenMP's threads wait by spinning, which made a fit on two busy cores ten times slower than on one of them. So
    all cores are taken only where OMP_WAIT_POLICY=PASSIVE was set before the start, else half of them.
    """
    cores = os.cpu_count() or 1
    patient = os.environ.get("OMP_WAIT_POLICY", "").upper() == "PASSIVE"
    return 1 if lines < FEW_LINES else min(cores if patient else max(1, cores // 2), MOST_THREADS)


@dataclass(frozen=True)
class Fitted:
    """A booster as text, and the number of its rounds."""

    text: str
    rounds: int


def split(days: np.ndarray, share: float) -> int:
    """Rows before this position are fitted, the rest validates: a cut between two days near the last `share` of rows.

    days: (lines,) sorted. All rows of one day stay together; on a single day the cut goes by count.
    """
    wanted = int(len(days) * (1 - share))
    cut = int(np.searchsorted(days, days[wanted], side="left"))
    if cut == 0:
        cut = int(np.searchsorted(days, days[wanted], side="right"))
    return cut if 0 < cut < len(days) else wanted


def fit(
    X: np.ndarray, y: np.ndarray, features: Sequence[Feature], recipe: Recipe,
    *, validation: tuple[np.ndarray, np.ndarray] | None = None, rounds: int | None = None,
) -> Fitted:  # fmt: skip
    """Fit X (lines, features) to y (lines,): until the log loss of `validation` stops falling, or for `rounds` rounds.

    UsageError when y holds one class only.
    """
    if y.min() == y.max():
        raise UsageError("the earlier part of the mature lines is all paid or all denied: load a longer history")
    data = _dataset(X, y, features)
    parameters = recipe.parameters(features) | {"num_threads": _threads(len(X))}
    if validation is None:
        booster = lgb.train(parameters, data, num_boost_round=rounds or recipe.max_rounds)
        return Fitted(plain_text(booster), booster.current_iteration())
    later = lgb.Dataset(*validation, reference=data, params={"verbosity": -1})
    stop = lgb.early_stopping(recipe.patience, verbose=False)
    booster = lgb.train(parameters, data, recipe.max_rounds, valid_sets=[later], callbacks=[stop])
    best = max(1, booster.best_iteration)
    return Fitted(plain_text(booster, best), best)


def _dataset(X: np.ndarray, y: np.ndarray, features: Sequence[Feature]) -> lgb.Dataset:
    categories = [i for i, f in enumerate(features) if f.dtype == "category"]
    names = [f.name for f in features]
    return lgb.Dataset(X, y, feature_name=names, categorical_feature=categories, params={"verbosity": -1})


def plain_text(booster: lgb.Booster, rounds: int | None = None) -> str:
    """The booster as text without the one line that depends on the machine."""
    text = booster.model_to_string(num_iteration=rounds or -1)
    return re.sub(r"\[num_threads: \d+\]\n", "", text)
