"""How much each feature moved a line's raw score: exact path-dependent Shapley values, in log-odds.

The values of a line and the base value add up to its raw score, to within 1e-9.
"""

from __future__ import annotations

import lightgbm as lgb
import numpy as np

FEW = 32  # up to this many lines one thread is quicker than waking the others


def threads(lines: int) -> int:
    """Threads for this many lines: LightGBM's 0 means all. The numbers do not depend on it."""
    return 1 if lines <= FEW else 0


def contributions(booster: lgb.Booster, X: np.ndarray) -> np.ndarray:
    """(lines, features + 1) float64: a column a feature of X, the last one the base value."""
    if not len(X):
        return np.zeros((0, X.shape[1] + 1))
    return np.asarray(booster.predict(X, pred_contrib=True, num_threads=threads(len(X))), dtype=np.float64)
