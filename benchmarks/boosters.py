"""Peers of our learner: XGBoost and CatBoost on our features, on the lines that our model learned from.

Their parameters are fixed here, near ours. The later fifth chooses the rounds, then all lines are fitted, as ours are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from features import catalog
from training.evaluate import Replay
from training.fit import Recipe, split, threads_for
from training.matrix import usable

ROUNDS, PATIENCE, RATE = 1_000, 40, 0.05


@dataclass(frozen=True)
class Lines:
    """X (lines, features) with categories as codes, y (lines,); rows before `cut` are fitted, the others choose."""

    X: np.ndarray
    y: np.ndarray
    cut: int
    categories: tuple[int, ...]

    @classmethod
    def of(cls, done: Replay) -> Lines:
        """What the model of the replay learned from."""
        found, model = done.learned.material.found, done.learned.model
        categories = tuple(i for i, f in enumerate(usable(catalog.CATALOG)) if f.dtype == "category")
        return cls(model.matrix(found.table), found.y, split(found.days, Recipe().validation_share), categories)


def peers() -> dict[str, Callable[[Lines, np.ndarray], np.ndarray]]:
    """Those that are installed, by name: each gives (lines,) probabilities of a matrix that it did not see."""
    known = {"xgboost": _xgboost, "catboost": _catboost}
    return {name: scores for name, scores in known.items() if find_spec(name)}


def _xgboost(seen: Lines, later: np.ndarray) -> np.ndarray:
    import xgboost as xgb

    kinds = ["c" if i in seen.categories else "q" for i in range(seen.X.shape[1])]

    def data(X: np.ndarray, y: np.ndarray | None = None) -> xgb.DMatrix:
        return xgb.DMatrix(X, y, feature_types=kinds, enable_categorical=True)

    parameters = {
        "objective": "binary:logistic", "eval_metric": "logloss", "eta": RATE, "max_depth": 7, "min_child_weight": 5,
        "lambda": 2.0, "colsample_bynode": 0.6, "subsample": 0.8, "tree_method": "hist", "seed": 1,
        "nthread": threads_for(len(seen.y)),
    }  # fmt: skip
    first, last = data(seen.X[: seen.cut], seen.y[: seen.cut]), data(seen.X[seen.cut :], seen.y[seen.cut :])
    tried = xgb.train(
        parameters, first, ROUNDS, evals=[(last, "later")], early_stopping_rounds=PATIENCE, verbose_eval=False
    )
    whole = xgb.train(parameters, data(seen.X, seen.y), tried.best_iteration + 1)
    return np.asarray(whole.predict(data(later)))


def _catboost(seen: Lines, later: np.ndarray) -> np.ndarray:
    from catboost import CatBoost, FeaturesData, Pool

    places = list(seen.categories)

    def data(X: np.ndarray, y: np.ndarray | None = None) -> Pool:
        codes = np.nan_to_num(X[:, places], nan=-1).astype(np.int64).astype("S").astype(object)
        numbers = np.delete(X, places, axis=1).astype(np.float32)
        return Pool(FeaturesData(num_feature_data=numbers, cat_feature_data=codes), y)

    parameters = {
        "loss_function": "Logloss", "learning_rate": 2 * RATE, "depth": 6, "l2_leaf_reg": 3.0, "random_seed": 1,
        "max_ctr_complexity": 1,  # pairs of categories are among our features, and cost most of its time
        "allow_writing_files": False, "verbose": False, "thread_count": threads_for(len(seen.y)),
    }  # fmt: skip
    tried = CatBoost(parameters | {"iterations": ROUNDS, "od_type": "Iter", "od_wait": PATIENCE})
    first, last = data(seen.X[: seen.cut], seen.y[: seen.cut]), data(seen.X[seen.cut :], seen.y[seen.cut :])
    tried.fit(first, eval_set=last)
    whole = CatBoost(parameters | {"iterations": tried.get_best_iteration() + 1})
    whole.fit(data(seen.X, seen.y))
    return np.asarray(whole.predict(data(later), prediction_type="Probability"))[:, 1]
