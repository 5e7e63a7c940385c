"""The trees of a model laid out for contribution_kernels.py.

For a feature that is split on once on every path, a split needs one number: its share of training lines. Only a split
below another on the same feature gets rows of its own, in `repeats`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from training.contribution_kernels import NODES
from training.trees import Tree, Trees, UnsupportedModelError

TABLE_BYTES = 150_000_000  # a model that needs more is left to LightGBM
TEST = np.dtype([
    ("threshold", "f8"), ("floor", "f8"), ("default", "f8"),  # as in Tree
    ("feature", "u4"), ("split", "u4"), ("word", "u4"), ("words", "u4"),
])  # fmt: skip
SPLIT = np.dtype([
    ("share", "f8"),  # of the split's training lines, those that went left
    ("gap", "f8"), ("low", "f8"),  # of a split above two leaves: left less right, and right
    ("feature", "u4"), ("test", "u4"),
    ("left", "u4"), ("right", "u4"),  # of an inner split: places in its tree, first the splits, then `leaves`
    ("repeat", "i4"),  # first row of `repeats`; -1 where no split above is on the same feature
    ("prior", "u4"), ("side", "i4"),  # the nearest such split, by its place in the tree, and the way here: 1 left
], align=True)  # fmt: skip
TREE = np.dtype([
    ("first", "u4"), ("inner", "u4"), ("splits", "u4"),  # inner splits come first, upper before lower; then those
    ("leaf", "u4"), ("leaves", "u4"), ("rule", "u4"), ("rules", "u4"),  # above two leaves
])  # fmt: skip


class Tables(NamedTuple):
    """What the kernels take. tests: those on numbers (`numbers` of them) come first. leaves: of inner splits.

    rules (rows, 12): NODES weights of the quadrature, its points from 1, and from 0. repeats (rows, 3, 8): for a line
    that goes left, right, or has left the path at an earlier split: NODES factors and their slopes. room: the most
    splits of a tree. bits: as in Trees.
    """

    trees: np.ndarray
    splits: np.ndarray
    tests: np.ndarray
    leaves: np.ndarray
    repeats: np.ndarray
    rules: np.ndarray
    bits: np.ndarray
    numbers: int
    room: int

    @property
    def nbytes(self) -> int:
        """Of all arrays."""
        return sum(part.nbytes for part in self if isinstance(part, np.ndarray))


def tables_of(model: Trees) -> Tables:
    """Lay out a model. UnsupportedModelError where that would take more than TABLE_BYTES."""
    parts = _Parts()
    for tree in model.trees:
        if len(tree.feature):
            parts.add(tree)
        if parts.nbytes + model.bits.nbytes > TABLE_BYTES:
            raise UnsupportedModelError(f"its tables would take more than {TABLE_BYTES:,} bytes")
    return parts.joined(model.bits)


class _Parts:
    """Tables of the trees so far."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, ...]] = []
        self._splits, self._tests = [np.zeros(0, SPLIT)], [np.zeros(0, TEST)]
        self._leaves, self._repeats = [np.zeros(0)], [np.zeros((0, 3, 2 * NODES))]
        self._rules: list[np.ndarray] = []
        self._rule_of: dict[int, int] = {}  # points of the quadrature -> first row of rules
        self._ends = {"splits": 0, "leaves": 0, "repeats": 0}
        self.nbytes = 0

    def add(self, tree: Tree) -> None:
        """One tree that has splits."""
        paths = _Paths(tree)
        points = (paths.most + 1) // 2  # exact for polynomials of a degree below twice that
        if points not in self._rule_of:
            self._rule_of[points] = len(self._rules)
            self._rules.extend(_rules(points))
        rule, many = self._rule_of[points], -(-points // NODES)
        above = (tree.left < 0) & (tree.right < 0)
        order = np.lexsort((paths.depth, above))
        inner, first = int((~above).sum()), self._ends["splits"]
        splits, leaves = _layout(tree, order, inner)
        again = np.flatnonzero(paths.prior[order] >= 0)
        old = order[again]
        splits["repeat"][again] = self._ends["repeats"] + many * np.arange(len(again))
        splits["prior"][again], splits["side"][again] = np.argsort(order)[paths.prior[old]], paths.side[old]
        repeats = _repeats(paths.before[old], splits["share"][again], np.array(self._rules[rule : rule + many]))
        tests = np.zeros(len(order), TEST)
        for name in ("threshold", "floor", "default", "feature", "word", "words"):
            tests[name] = getattr(tree, name)[order]
        tests["split"] = first + np.arange(len(order))
        self._rows.append((first, inner, len(order), self._ends["leaves"], len(leaves), rule, many))
        for name, part in {"splits": splits, "tests": tests, "leaves": leaves, "repeats": repeats}.items():
            getattr(self, f"_{name}").append(part)
            self.nbytes += part.nbytes
            if name in self._ends:
                self._ends[name] += len(part)

    def joined(self, bits: np.ndarray) -> Tables:
        """All of them; the tests on numbers before those on categories."""
        trees = np.array(self._rows, dtype=TREE)
        tests, splits = np.concatenate(self._tests), np.concatenate(self._splits)
        order = np.argsort(tests["words"] > 0, kind="stable")
        splits["test"][order] = np.arange(len(order))
        rules = np.array(self._rules).reshape(-1, 3 * NODES)
        return Tables(
            trees, splits, tests[order], np.concatenate(self._leaves), np.concatenate(self._repeats), rules, bits,
            int((tests["words"] == 0).sum()), int(max(trees["splits"], default=0)),
        )  # fmt: skip


class _Paths:
    """Of every split: its depth; prior, side: the nearest split above on its feature, the way from there.

    before: the share of training lines that this feature lets through to here. most: features on the longest path.
    """

    def __init__(self, tree: Tree) -> None:
        count = len(tree.feature)
        self.depth, self.side = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self.prior, self.before = np.full(count, -1), np.ones(count)
        self.most = 1
        known: list[dict[int, tuple[int, int, float]]] = [{} for _ in range(count)]
        shares = (tree.cover / tree.cover.sum(axis=1, keepdims=True)).tolist()
        children = np.column_stack((tree.left, tree.right)).tolist()
        for i, feature in enumerate(tree.feature.tolist()):
            path = known[i]
            if feature in path:
                self.prior[i], self.side[i], self.before[i] = path[feature]
            self.most = max(self.most, len(path) + (feature not in path))
            for child, side, share in zip(children[i], (1, 0), shares[i], strict=True):
                if child >= 0:
                    known[child] = path | {feature: (i, side, self.before[i] * share)}
                    self.depth[child] = self.depth[i] + 1
            known[i] = {}


def _layout(tree: Tree, order: np.ndarray, inner: int) -> tuple[np.ndarray, np.ndarray]:
    """The splits in their order, and the values of the leaves of inner ones."""
    splits = np.zeros(len(order), SPLIT)
    splits["share"], splits["feature"] = (tree.cover[:, 0] / tree.cover.sum(axis=1))[order], tree.feature[order]
    child = np.column_stack((tree.left, tree.right))[order]
    leaf = child[:inner] < 0
    places = np.where(leaf, len(order) - 1 + np.cumsum(leaf).reshape(leaf.shape), np.argsort(order)[child[:inner]])
    splits["left"][:inner], splits["right"][:inner] = places.T
    left, right = tree.value[~child[inner:]].T
    splits["gap"][inner:], splits["low"][inner:] = left - right, right
    splits["repeat"] = -1
    return splits, tree.value[~child[:inner][leaf]]


def _rules(points: int) -> list[np.ndarray]:
    """Gauss-Legendre on (0, 1), NODES points a row; those that fill the last row weigh nothing."""
    x, weight = np.polynomial.legendre.leggauss(points)
    spare = -points % NODES
    x, weight = np.append((x + 1) / 2, np.full(spare, 0.5)), np.append(weight / 2, np.zeros(spare))
    rows = [part.reshape(-1, NODES) for part in (weight, 1 - x, x)]
    return list(np.hstack(rows))


def _repeats(before: np.ndarray, share: np.ndarray, rules: np.ndarray) -> np.ndarray:
    """(splits x rows of rules, 3, 2 x NODES) factors and slopes: see contributions.py."""
    z, left = before[:, None, None], (before * share)[:, None, None]
    back, t = rules[None, :, NODES : 2 * NODES], rules[None, :, 2 * NODES :]
    old = z * back + t
    found = np.zeros((len(before), len(rules), 3, 2 * NODES))
    for state, went in enumerate((1.0, 0.0)):
        factor = (left * back + went * t) / old
        found[:, :, state, :NODES] = factor
        found[:, :, state, NODES:] = ((went - left) - (1 - z) * factor) / old
    found[:, :, 2, :NODES] = share[:, None, None]
    return found.reshape(-1, 3, 2 * NODES)
