"""From a smoothed rate back to what was counted: denied of n."""

from __future__ import annotations

import numpy as np

from features.catalog import WEIGHT


def denied_of(rate: np.ndarray | float, n: np.ndarray | float, lean: np.ndarray | float) -> np.ndarray:
    """How many of n lines were denied, from the smoothed rate and the rate that it leans on; elementwise."""
    counted = np.rint(np.asarray(rate, np.float64) * (n + WEIGHT) - WEIGHT * np.asarray(lean, np.float64))
    return np.asarray(np.clip(counted, 0, n))
