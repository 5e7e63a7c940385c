"""Contributions of one line, of 256 and of 10,000, beside LightGBM's own and public packages, in one run.

Three models: the base world's at 20,000 claims, and two of 300 trees with 63 leaves and depth 8, the second without
categories and gaps since the packages fail on them. One line: many lines, one by one, each asked of both in turn. One
thread in seconds of the processor, which other work on the machine moves less; two threads in seconds of the clock.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from typing import Any

import lightgbm as lgb
import numpy as np

from benchmarks.feature_speed import best
from benchmarks.results import record
from benchmarks.world_gap import stored
from data.synthetic import generate, load_world
from training.contributions import Contributions
from training.evaluate import learn_as_of
from training.fit import Recipe

Work = Callable[[np.ndarray], Any]
CLAIMS, MANY, SOME, SINGLE, PEERS = 20_000, 10_000, 256, 200, 2_000
SHAPE = {
    "objective": "binary", "num_leaves": 63, "max_depth": 8, "learning_rate": 0.05, "verbosity": -1, "seed": 1,
    "deterministic": True, "num_threads": 1,
}  # fmt: skip


def main() -> None:
    """Measure, print and record."""
    record("contributions", _compared("300 trees", *_trained(mixed=True)))
    booster, X = _trained(mixed=False)
    record("contributions", _peers(booster, X[:PEERS]))
    record("contributions", _compared("champion", *_champion()))


def _trained(mixed: bool) -> tuple[lgb.Booster, np.ndarray]:
    """300 trees on 40 columns: numbers, or numbers with gaps and 8 categories."""
    random = np.random.default_rng(3)
    X = random.normal(size=(CLAIMS, 40))
    if mixed:
        X[:, :8] = random.integers(0, 30, (CLAIMS, 8))
        X[random.random(X.shape) < 0.1] = np.nan
    known = np.nan_to_num(X)
    odds = known[:, 20] * known[:, 21] + np.isin(X[:, 0], [1, 4, 9, 20]) * known[:, 22] + np.sin(2 * known[:, 23])
    odds += known[:, 24:] @ random.normal(0, 0.3, 16)
    y = random.random(CLAIMS) < 1 / (1 + np.exp(-odds))
    data = lgb.Dataset(X, y, categorical_feature=list(range(8)) if mixed else [], params={"verbosity": -1})
    return lgb.train(SHAPE, data, 300), X[:MANY]


def _champion() -> tuple[lgb.Booster, np.ndarray]:
    """What training on the base world's last day makes, and lines of its cohort."""
    cut, last, settings = stored(generate(load_world("base"), CLAIMS))
    learned = learn_as_of(cut, last + timedelta(days=1), settings, Recipe(seed=settings.training.seed))
    X = learned.model.matrix(learned.material.found.table)
    return lgb.Booster(model_str=learned.model.booster_text), X[:MANY]


def _compared(name: str, booster: lgb.Booster, X: np.ndarray) -> dict[str, tuple[float, str]]:
    explains, started = Contributions(booster), time.perf_counter()
    size = explains.nbytes
    built = time.perf_counter() - started
    explains.warm()
    measures = {
        "trees": (float(booster.num_trees()), ""), "tables built in": (built, "s"), "tables": (size / 1e6, "MB"),
        "most that differs from LightGBM's": (_gap(booster, explains, X[:SOME]), "log-odds"),
    }  # fmt: skip
    for threads in (1, 2):
        for lines in (1, SOME, MANY):
            ours, theirs = _times(
                lambda part, threads=threads: explains.of(part, threads),
                lambda part, threads=threads: booster.predict(part, pred_contrib=True, num_threads=threads),
                X, lines, time.process_time if threads == 1 else time.perf_counter,
            )  # fmt: skip
            told = f"lines: {lines:,}, threads: {threads}"
            measures |= {
                f"{told}, one": (ours / lines * 1e6, "us"),
                f"{told}, LightGBM / ours": (theirs / ours, "x"),
            }
    return {f"{name}: {measure}": value for measure, value in measures.items()}


def _gap(booster: lgb.Booster, explains: Contributions, X: np.ndarray) -> float:
    return float(np.abs(explains.of(X) - np.asarray(booster.predict(X, pred_contrib=True))).max())


def _times(ours: Work, theirs: Work, X: np.ndarray, lines: int, clock: Callable[[], float]) -> tuple[float, float]:
    """Seconds of both, asked in turn: the median over single lines, the best of some runs of more."""
    parts = [X[i : i + 1] for i in range(SINGLE)] if lines == 1 else [X[:lines]] * (1 if lines == MANY else 5)
    pairs = np.array([[_seconds(partial(work, part), clock) for work in (ours, theirs)] for part in parts])
    found = np.median(pairs, axis=0) if lines == 1 else pairs.min(axis=0)
    return float(found[0]), float(found[1])


def _seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    started = clock()
    work()
    return clock() - started


def _peers(booster: lgb.Booster, X: np.ndarray) -> dict[str, tuple[float, str]]:
    """Public packages on numbers without gaps; all threads that each takes by itself. shap asks LightGBM."""
    measures: dict[str, tuple[float, str]] = {}
    explains = Contributions(booster)
    expected = explains.of(X)[:, :-1]
    for name, make in {"shap": _shap, "woodelf": _woodelf, "fasttreeshap_fixed": _fasttreeshap}.items():
        if not find_spec(name):
            print(f"contributions: {name} is left out, it is not installed; pip install -r requirements-bench.lock")
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = make(booster)
            gap = float(np.abs(values(X) - expected).max())
            theirs, ours = best(partial(values, X), 2), best(partial(explains.of, X), 3)
        measures[f"peer {name}: {len(X):,} lines, its time / ours"] = (theirs / ours, "x")
        measures[f"peer {name}: most that differs"] = (gap, "log-odds")
    return measures


def _shap(booster: lgb.Booster) -> Callable[[np.ndarray], np.ndarray]:
    import shap

    explainer = shap.TreeExplainer(booster)
    return lambda X: np.asarray(explainer.shap_values(X))


def _woodelf(booster: lgb.Booster) -> Callable[[np.ndarray], np.ndarray]:
    import pandas as pd
    import woodelf

    explainer = woodelf.WoodelfExplainer(booster)
    return lambda X: np.asarray(explainer.shap_values(pd.DataFrame(X, columns=booster.feature_name()), verbose=False))


def _fasttreeshap(booster: lgb.Booster) -> Callable[[np.ndarray], np.ndarray]:
    import fasttreeshap_fixed

    explainer = fasttreeshap_fixed.TreeExplainer(booster, algorithm="v2")
    return lambda X: np.asarray(explainer(X, check_additivity=False).values)


if __name__ == "__main__":
    main()
