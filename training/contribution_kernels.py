"""Compiled arithmetic of contributions.py (decision 13 derives it): one line at a time, and blocks of lines.

Both do the same operations in the same order, so that a line has the same contributions, to the last bit, alone and
among many. Neither holds Python's lock. Arrays are those of contribution_tables.Tables, side is 1 left, 0 right or
APART. numba keeps what it compiled beside this file or in the user's cache, and notices changes of this file alone.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import njit

from training.kept_kernels import Kept

NODES = 4  # of the quadrature, worked on together: what follows writes all four out
APART = -1  # an earlier split on the same feature sent the line elsewhere
Array: TypeAlias = np.ndarray
_UINT = np.uint64  # for places known not to be negative: numba's care for negative ones forbids vector instructions


@njit(nogil=True)
def _number(value: float, threshold: float, floor: float, default: float) -> float:
    return (1.0 if value <= threshold else 0.0) if abs(value) > floor else default


@njit(nogil=True)
def _category(value: float, word: int, words: int, bits: Array) -> float:
    if -1.0 < value < 2147483648.0:  # LightGBM reads a 32-bit integer, and sends what is none to the right
        code = np.int64(value)
        if (code >> 5) < words:
            return np.float64((bits[word + (code >> 5)] >> (code & 31)) & 1)
    return 0.0


@njit(nogil=True)
def _sides(tests: Array, numbers: int, bits: Array, x: Array, side: Array) -> None:
    """Where a line x goes at every split of the model; of the tests the first so many are on numbers."""
    for i in range(numbers):
        t = tests[i]
        side[t.split] = _number(x[t.feature], t.threshold, t.floor, t.default)
    for i in range(numbers, len(tests)):
        t = tests[i]
        side[t.split] = _category(x[t.feature], t.word, t.words, bits)


@Kept
def explain_lines(
    trees: Array,
    splits: Array,
    tests: Array,
    leaves: Array,
    repeats: Array,
    rules: Array,
    bits: Array,
    numbers: int,
    room: int,
    X: Array,
    out: Array,
) -> None:
    """Add the contributions of X (lines, features) to out (lines, at least as many columns)."""
    P, T, F = np.empty((2 * room, NODES)), np.empty((2 * room, NODES)), np.empty((room, NODES))
    side = np.empty(len(splits), np.int8)
    for line in range(len(X)):
        _sides(tests, numbers, bits, X[line], side)
        for tree in trees:
            here = side[tree.first : tree.first + tree.splits]
            own = splits[tree.first : tree.first + tree.splits]
            for i in range(len(own)):
                if own[i].repeat >= 0 and here[own[i].prior] != own[i].side:
                    here[i] = APART
            for j in range(tree.leaves):
                v = leaves[tree.leaf + j]
                for q in range(NODES):
                    T[tree.splits + j, q] = v
            for part in range(tree.rules):
                rule = rules[tree.rule + part]
                _line_down(own, tree.inner, repeats, rule, part, here, P, F)
                _line_up(own, tree.inner, repeats, rule, part, here, P, T, F, out[line])


@njit(nogil=True)
def _factors(s: Any, repeats: Array, rule: Array, part: int, side: int) -> tuple[float, float, float, float]:
    if s.repeat >= 0:
        known = repeats[s.repeat + part, 1 - side]
        return known[0], known[1], known[2], known[3]
    z, b = s.share, np.float64(side)
    return z * rule[4] + b * rule[8], z * rule[5] + b * rule[9], z * rule[6] + b * rule[10], z * rule[7] + b * rule[11]


@njit(nogil=True)
def _line_down(
    splits: Array, inner: int, repeats: Array, rule: Array, part: int, side: Array, P: Array, F: Array
) -> None:
    P[0, 0], P[0, 1], P[0, 2], P[0, 3] = rule[0], rule[1], rule[2], rule[3]
    for i in range(inner):
        s = splits[i]
        f0, f1, f2, f3 = _factors(s, repeats, rule, part, side[i])
        F[i, 0], F[i, 1], F[i, 2], F[i, 3] = f0, f1, f2, f3
        p0, p1, p2, p3 = P[i, 0], P[i, 1], P[i, 2], P[i, 3]
        l0, l1, l2, l3 = p0 * f0, p1 * f1, p2 * f2, p3 * f3
        P[s.left, 0], P[s.left, 1], P[s.left, 2], P[s.left, 3] = l0, l1, l2, l3
        P[s.right, 0], P[s.right, 1], P[s.right, 2], P[s.right, 3] = p0 - l0, p1 - l1, p2 - l2, p3 - l3


@njit(nogil=True)
def _slope(s: Any, repeats: Array, part: int, side: int, g0: float, g1: float, g2: float, g3: float) -> float:
    if s.repeat >= 0:
        known = repeats[s.repeat + part, 1 - side]
        weighed: float = (g0 * known[4] + g1 * known[5]) + (g2 * known[6] + g3 * known[7])
        return weighed
    rise: float = np.float64(side) - s.share
    return ((g0 + g1) + (g2 + g3)) * rise


@njit(nogil=True)
def _line_up(
    splits: Array,
    inner: int,
    repeats: Array,
    rule: Array,
    part: int,
    side: Array,
    P: Array,
    T: Array,
    F: Array,
    phi: Array,
) -> None:
    for i in range(len(splits) - 1, inner - 1, -1):
        s = splits[i]
        f0, f1, f2, f3 = _factors(s, repeats, rule, part, side[i])
        d, r = s.gap, s.low
        T[i, 0], T[i, 1], T[i, 2], T[i, 3] = r + f0 * d, r + f1 * d, r + f2 * d, r + f3 * d
        phi[s.feature] += _slope(s, repeats, part, side[i], P[i, 0] * d, P[i, 1] * d, P[i, 2] * d, P[i, 3] * d)
    for i in range(inner - 1, -1, -1):
        s = splits[i]
        r0, r1, r2, r3 = T[s.right, 0], T[s.right, 1], T[s.right, 2], T[s.right, 3]
        d0, d1, d2, d3 = T[s.left, 0] - r0, T[s.left, 1] - r1, T[s.left, 2] - r2, T[s.left, 3] - r3
        T[i, 0], T[i, 1], T[i, 2], T[i, 3] = r0 + F[i, 0] * d0, r1 + F[i, 1] * d1, r2 + F[i, 2] * d2, r3 + F[i, 3] * d3
        phi[s.feature] += _slope(s, repeats, part, side[i], P[i, 0] * d0, P[i, 1] * d1, P[i, 2] * d2, P[i, 3] * d3)


@Kept
def explain_block(
    trees: Array,
    splits: Array,
    tests: Array,
    leaves: Array,
    repeats: Array,
    rules: Array,
    bits: Array,
    numbers: int,
    room: int,
    X: Array,
    out: Array,
) -> None:
    """As explain_lines, for all lines of X at once."""
    lines, features = X.shape
    wide = NODES * lines
    P, T, F = np.empty(2 * room * wide), np.empty(2 * room * wide), np.empty((room + 1) * wide)
    side = np.empty((room, lines))
    columns = np.ascontiguousarray(X.T)
    phi = np.zeros((features, lines))
    for tree in trees:
        own = splits[tree.first : tree.first + tree.splits]
        _block_sides(own, tests, bits, columns, side)
        for j in range(tree.leaves):
            T[(tree.splits + j) * wide : (tree.splits + j + 1) * wide] = leaves[tree.leaf + j]
        for part in range(tree.rules):
            rule = rules[tree.rule + part]
            for q in range(NODES):
                P[q * lines : (q + 1) * lines] = rule[q]
            _block_down(own[: tree.inner], repeats, rule, part, side, P, F)
            _block_up(own, tree.inner, repeats, rule, part, side, P, T, F, phi)
    for i in range(lines):
        for j in range(features):
            out[i, j] += phi[j, i]


@njit(nogil=True)
def _block_sides(splits: Array, tests: Array, bits: Array, columns: Array, side: Array) -> None:
    for i in range(len(splits)):
        s = splits[i]
        t = tests[s.test]
        x, found = columns[s.feature], side[i]
        if t.words:
            word, words = t.word, t.words
            for k in range(len(x)):
                found[k] = _category(x[k], word, words, bits)
        else:
            threshold, floor, default = t.threshold, t.floor, t.default
            for k in range(len(x)):
                found[k] = _number(x[k], threshold, floor, default)
        if s.repeat >= 0:
            above, way = side[s.prior], np.float64(s.side)
            for k in range(len(x)):
                if above[k] != way:
                    found[k] = APART


@njit(nogil=True)
def _block_factors(s: Any, repeats: Array, rule: Array, part: int, side: Array, F: Array) -> None:
    lines = _UINT(len(side))
    for q in range(NODES):
        at = _UINT(q) * lines
        if s.repeat >= 0:
            a, b, c = repeats[s.repeat + part, 0, q], repeats[s.repeat + part, 1, q], repeats[s.repeat + part, 2, q]
            for k in range(lines):
                F[at + k] = a if side[k] == 1.0 else (b if side[k] == 0.0 else c)
        else:
            z, t = s.share * rule[4 + q], rule[8 + q]
            for k in range(lines):
                F[at + k] = z + side[k] * t


@njit(nogil=True)
def _block_down(splits: Array, repeats: Array, rule: Array, part: int, side: Array, P: Array, F: Array) -> None:
    wide = _UINT(NODES) * _UINT(side.shape[1])
    for i in range(len(splits)):
        s = splits[i]
        own, left, right = _UINT(i) * wide, _UINT(s.left) * wide, _UINT(s.right) * wide
        _block_factors(s, repeats, rule, part, side[i], F[own:])
        for k in range(wide):
            p = P[own + k]
            gone = p * F[own + k]
            P[left + k] = gone
            P[right + k] = p - gone


@njit(nogil=True)
def _block_up(
    splits: Array,
    inner: int,
    repeats: Array,
    rule: Array,
    part: int,
    side: Array,
    P: Array,
    T: Array,
    F: Array,
    phi: Array,
) -> None:
    wide = _UINT(NODES) * _UINT(side.shape[1])
    for i in range(len(splits) - 1, inner - 1, -1):
        s = splits[i]
        low, gap = s.low, s.gap
        own, spare = _UINT(i) * wide, _UINT(inner) * wide
        _block_factors(s, repeats, rule, part, side[i], F[spare:])
        for k in range(wide):
            T[own + k] = low + F[spare + k] * gap
            P[own + k] = P[own + k] * gap
        _block_slope(s, repeats, part, side[i], P[own:], phi[s.feature])
    for i in range(inner - 1, -1, -1):
        s = splits[i]
        own, left, right = _UINT(i) * wide, _UINT(s.left) * wide, _UINT(s.right) * wide
        for k in range(wide):
            r = T[right + k]
            d = T[left + k] - r
            T[own + k] = r + F[own + k] * d
            P[own + k] = P[own + k] * d
        _block_slope(s, repeats, part, side[i], P[own:], phi[s.feature])


@njit(nogil=True)
def _block_slope(s: Any, repeats: Array, part: int, side: Array, G: Array, total: Array) -> None:
    lines = _UINT(len(side))
    one, two, three = lines, _UINT(2) * lines, _UINT(3) * lines
    if s.repeat >= 0:
        known = repeats[s.repeat + part]
        a0, a1, a2, a3 = known[0, 4], known[0, 5], known[0, 6], known[0, 7]
        b0, b1, b2, b3 = known[1, 4], known[1, 5], known[1, 6], known[1, 7]
        for k in range(lines):
            left, right = side[k] == 1.0, side[k] == 0.0
            s0, s1 = (a0 if left else (b0 if right else 0.0)), (a1 if left else (b1 if right else 0.0))
            s2, s3 = (a2 if left else (b2 if right else 0.0)), (a3 if left else (b3 if right else 0.0))
            total[k] += (G[k] * s0 + G[one + k] * s1) + (G[two + k] * s2 + G[three + k] * s3)
    else:
        share = s.share
        for k in range(lines):
            total[k] += ((G[k] + G[one + k]) + (G[two + k] + G[three + k])) * (side[k] - share)
