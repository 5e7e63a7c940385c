"""The recipe of a model and its fitting: LightGBM, deterministic; the latest fifth of the cohort chooses the rounds.

Rows come in the order of training.cohort.ORDER; the result depends on the data, the recipe and the seed, not on the
number of threads. The balance of the classes is left alone, so that scores can be calibrated.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
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

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Recipe:
        """The recipe that a model folder keeps; what this version of the code does not know is left out."""
        return cls(**{known.name: found[known.name] for known in fields(cls) if known.name in found})

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


def threads_for(lines: int) -> int:
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
    return cut if 0 < cut < len(days) - 1 else wanted  # two rows at least validate: calibration halves them


def fit(X: np.ndarray, y: np.ndarray, features: Sequence[Feature], recipe: Recipe, rounds: int) -> Fitted:
    """Fit X (lines, features) to y (lines,) for that many rounds. UsageError when y holds one class only."""
    parameters, data = _prepared(X, y, features, recipe)
    booster = lgb.train(parameters, data, num_boost_round=rounds)
    return Fitted(plain_text(booster), booster.current_iteration())


@dataclass(frozen=True)
class Later:
    """Lines that the trees are not fitted on: X, y, and half (lines,) 0 or 1, both occurring, one value a claim."""

    X: np.ndarray
    y: np.ndarray
    half: np.ndarray


@dataclass(frozen=True)
class Stopped:
    """The rounds that later lines chose, and raw (lines,), their scores after the rounds that the other half chose."""

    rounds: int
    raw: np.ndarray


def stop_early(
    X: np.ndarray, y: np.ndarray, features: Sequence[Feature], recipe: Recipe, later: Later
) -> Stopped:  # fmt: skip
    """Fit X to y until the log loss of the later lines stops falling.

    Neither the trees nor the number of rounds behind a score in `raw` have seen its claim. UsageError as in `fit`.
    """
    parameters, data = _prepared(X, y, features, recipe)
    rows = [np.flatnonzero(later.half == half) for half in (0, 1)]
    sets = [lgb.Dataset(later.X[at], later.y[at], reference=data, params={"verbosity": -1}) for at in rows]
    watch = Watch(recipe.patience, np.array([len(at) for at in rows]) / len(later.y))
    booster = lgb.train(parameters, data, recipe.max_rounds, valid_sets=sets, callbacks=[watch])
    raw = np.empty(len(later.y))
    for at, rounds in zip(rows, reversed(watch.own_best), strict=True):
        raw[at] = booster.predict(later.X[at], raw_score=True, num_iteration=rounds)
    return Stopped(watch.best, raw)


class Watch:
    """Ends a fit when the log loss over both halves has not fallen for `patience` rounds; remembers each half's own."""

    def __init__(self, patience: int, shares: np.ndarray) -> None:
        self._patience, self._shares = patience, shares
        self._losses: list[list[float]] = []

    def __call__(self, round_: lgb.callback.CallbackEnv) -> None:
        """Called by LightGBM after each round."""
        results = round_.evaluation_result_list or []
        self._losses.append([result[2] for result in results])
        if len(self._losses) - self.best >= self._patience:
            raise lgb.callback.EarlyStopException(self.best - 1, results)

    @property
    def best(self) -> int:
        """The rounds with the lowest log loss over all the later lines; the first of equals."""
        return int(np.argmin(np.einsum("ij,j->i", np.array(self._losses), self._shares))) + 1

    @property
    def own_best(self) -> list[int]:
        """The rounds with the lowest log loss of either half."""
        return [int(best) + 1 for best in np.array(self._losses).argmin(axis=0)]


def _prepared(
    X: np.ndarray, y: np.ndarray, features: Sequence[Feature], recipe: Recipe
) -> tuple[dict[str, Any], lgb.Dataset]:
    if y.min() == y.max():
        raise UsageError("the earlier part of the mature lines is all paid or all denied: load a longer history")
    return recipe.parameters(features) | {"num_threads": threads_for(len(X))}, dataset(X, y, features)


def dataset(X: np.ndarray, y: np.ndarray, features: Sequence[Feature]) -> lgb.Dataset:
    """X (lines, features) and y (lines,) as LightGBM takes them."""
    categories = [i for i, f in enumerate(features) if f.dtype == "category"]
    plain = re.compile(r"\w+", re.ASCII)  # LightGBM takes no names with brackets, quotes, commas or colons
    names = [f.name if plain.fullmatch(f.name) else f"column_{i}" for i, f in enumerate(features)]
    return lgb.Dataset(X, y, feature_name=names, categorical_feature=categories, params={"verbosity": -1})


def plain_text(booster: lgb.Booster) -> str:
    """The booster as text without the one line that depends on the machine."""
    return re.sub(r"\[num_threads: \d+\]\n", "", booster.model_to_string())
