"""Many lines taken in parts of whole claims, so that the memory of a million lines is that of one part."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from rules.encode import Lines

BLOCK = 24_576  # lines of a part


def blocks(lines: Lines) -> list[slice | np.ndarray]:
    """The rows of whole claims, about BLOCK lines at a time."""
    if len(lines) <= BLOCK:
        return [slice(None)]
    order = np.argsort(lines.claim, kind="stable")
    together = bool((np.diff(order) == 1).all())  # the usual case: each claim's lines stand in one stretch
    first = np.searchsorted(lines.claim[order], np.arange(lines.claims))
    cuts = first[np.searchsorted(first, np.arange(0, len(lines), BLOCK))[1:].clip(max=lines.claims - 1)]
    stretches = pairwise([0, *np.unique(cuts).tolist(), len(lines)])
    return [slice(begin, end) if together else order[begin:end] for begin, end in stretches]
