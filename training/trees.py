"""The trees of a LightGBM model, read from its text: splits, leaves, and how many training lines went each way.

`read_trees` refuses, with the reason, the models that training/contributions.py has no arithmetic for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ZERO = float(np.float32(1e-35))  # LightGBM takes values up to this size for zero
_CATEGORICAL, _DEFAULT_LEFT = 1, 2  # bits of decision_type; the two above them tell what counts as missing
_MISSING_ZERO, _MISSING_NAN = 1, 2


class UnsupportedModelError(ValueError):
    """A model of another sort; the message says which."""


@dataclass(frozen=True)
class Tree:
    """A tree of n splits and n + 1 leaves, the root first, parents before their children; n may be 0.

    Arrays of n: kind; feature; threshold; word and words (where the category bits of a split begin in Trees.bits, and
    how many words they are); left and right (a split, or ~leaf); cover (n, 2) the training lines that went left and
    right. expected: log-odds, the mean over training lines. value (n + 1,): log-odds.
    """

    feature: np.ndarray
    threshold: np.ndarray
    floor: np.ndarray
    default: np.ndarray
    word: np.ndarray
    words: np.ndarray
    left: np.ndarray
    right: np.ndarray
    cover: np.ndarray
    value: np.ndarray
    expected: float


@dataclass(frozen=True)
class Trees:
    """All trees of a model over `features` columns. bits (uint32): the categories that go left, of every split."""

    features: int
    trees: tuple[Tree, ...]
    bits: np.ndarray


def read_trees(text: str) -> Trees:
    """Read a model's text. UnsupportedModelError for several scores a line, averaged or linear trees, odd counts."""
    head, *blocks = text.split("\nend of trees", 1)[0].split("\nTree=")
    settings = _fields(head)
    if settings.get("num_tree_per_iteration") != "1":
        raise UnsupportedModelError("it gives several scores a line")
    if "\naverage_output" in head:
        raise UnsupportedModelError("it takes the mean of its trees")
    bits = [np.zeros(1, np.uint32)]
    trees = tuple(_tree(_fields(block), bits) for block in blocks)
    return Trees(int(settings["max_feature_idx"]) + 1, trees, np.concatenate(bits))


def _fields(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.split("\n") if "=" in line)


def _tree(fields: dict[str, str], bits: list[np.ndarray]) -> Tree:
    """One tree; the words of its category splits are added to `bits`."""
    if fields.get("is_linear", "0") != "0":
        raise UnsupportedModelError("it has linear trees")
    splits = int(fields["num_leaves"]) - 1
    names = ("split_feature", "decision_type", "left_child", "right_child", "internal_count")
    feature, decision, left, right, count = (_array(fields, name, splits, np.int64) for name in names)
    value = _array(fields, "leaf_value", splits + 1, np.float64)
    leaves = _array(fields, "leaf_count", splits + 1, np.int64) if splits else np.ones(1, np.int64)
    counts = np.concatenate((count, leaves[::-1]))  # of split i at i, of leaf j at ~j
    cover = np.column_stack((counts[left], counts[right]))
    if (cover.sum(axis=1) != count).any() or (cover <= 0).any():
        raise UnsupportedModelError("the numbers of training lines in its trees do not add up")
    place = np.arange(splits)
    if any(((child >= 0) & (child <= place)).any() for child in (left, right)):
        raise UnsupportedModelError("its trees name children before their parents")
    threshold = _array(fields, "threshold", splits, np.float64)
    snapped, floor, default = _numbers(decision, threshold)
    word, words = _categories(fields, np.where(decision & _CATEGORICAL, threshold, -1).astype(np.int64), bits)
    expected = float((leaves / leaves.sum()) @ value)
    return Tree(feature, snapped, floor, default, word, words, left, right, cover, value, expected)


def _array(fields: dict[str, str], name: str, size: int, dtype: type) -> np.ndarray:
    found: np.ndarray = np.array(fields.get(name, "").split()[:size], dtype=dtype)
    if len(found) != size:
        raise UnsupportedModelError(f"its trees do not tell {name}")
    return found


def _numbers(decision: np.ndarray, threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every split: threshold, floor and default. LightGBM rounds tiny values to zero, and reads nan as zero."""
    missing, left = (decision >> 2) & 3, (decision & _DEFAULT_LEFT) > 0
    default = np.where((missing == _MISSING_ZERO) | (missing == _MISSING_NAN), left, threshold >= 0)
    inside = np.where(threshold >= 0, ZERO, np.nextafter(-ZERO, -1.0))
    return (
        np.where(np.abs(threshold) <= ZERO, inside, threshold),
        np.where(missing == _MISSING_ZERO, ZERO, -1.0),
        default,
    )


def _categories(
    fields: dict[str, str], which: np.ndarray, bits: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """(splits,) first word and number of words of each category split, from which (splits,): its set, -1 for none."""
    if (which < 0).all():
        return np.zeros_like(which), np.zeros_like(which)
    bounds = np.array(fields["cat_boundaries"].split(), dtype=np.int64)
    start = _total(bits)
    bits.append(np.array(fields["cat_threshold"].split(), dtype=np.uint32))
    first, last = bounds[which], bounds[which + 1]
    return np.where(which >= 0, start + first, 0), np.where(which >= 0, last - first, 0)


def _total(arrays: Sequence[np.ndarray]) -> int:
    return sum(len(array) for array in arrays)
