"""Rows and the stretches of a sorted array that belong to them, as pairs."""

from __future__ import annotations

import numpy as np


def expand(rows: np.ndarray, begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each row repeated once for every place in its stretch [begin, end), and those places."""
    sizes = end - begin
    repeated = np.repeat(rows, sizes)
    offset = np.arange(len(repeated)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return repeated, np.repeat(begin, sizes) + offset
