"""How much each feature moved a line's raw score: exact path-dependent Shapley values, in log-odds.

The values of a line and the base value add up to its raw score, to within 1e-9.
"""

from __future__ import annotations

import re

import lightgbm as lgb
import numpy as np

FEW = 32  # up to this many lines one thread is quicker than waking the others


def threads(lines: int) -> int:
    """Threads for this many lines: LightGBM's 0 means all. The numbers do not depend on it."""
    return 1 if lines <= FEW else 0


def steps(booster_text: str) -> int:
    """The sum over all leaves of their depth squared: what the work of one line's contributions grows with.

    On one idle core of 2026 LightGBM took 4.7 to 5.8 ns a step, from 50 to 600 trees and 5 to 12 levels.
    """
    sides = (re.findall(rf"^{side}_child=(.*)$", booster_text, re.M) for side in ("left", "right"))
    return sum(_squares(*(list(map(int, side.split())) for side in tree)) for tree in zip(*sides, strict=True))


def _squares(left: list[int], right: list[int]) -> int:
    """Of one tree. A child below zero is a leaf; a parent stands before its children."""
    depth, total = [1] * len(left), 0
    for node, children in enumerate(zip(left, right, strict=True)):
        for child in children:
            if child < 0:
                total += depth[node] ** 2
            else:
                depth[child] = depth[node] + 1
    return total


def contributions(booster: lgb.Booster, X: np.ndarray) -> np.ndarray:
    """(lines, features + 1) float64: a column a feature of X, the last one the base value."""
    if not len(X):
        return np.zeros((0, X.shape[1] + 1))
    return np.asarray(booster.predict(X, pred_contrib=True, num_threads=threads(len(X))), dtype=np.float64)
