"""How much work one line's contributions are: a count, since a clock would judge a model by how busy the day is."""

from __future__ import annotations

import re


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
