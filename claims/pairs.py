"""Rows and the stretches of a sorted array that belong to them, as pairs."""

from __future__ import annotations

import numpy as np


def expand(rows: np.ndarray, begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each row repeated once for every place in its stretch [begin, end), and those places."""
    sizes: np.ndarray = end - begin
    repeated: np.ndarray = rows.repeat(sizes)
    first = begin - (sizes.cumsum() - sizes)
    return repeated, np.arange(len(repeated)) + first.repeat(sizes)
