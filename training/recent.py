"""A payer that answers a code otherwise than it used to: risks moved to what its latest outcomes show.

A cell is a payer and a code. Where its outcomes of the last 30 or 180 days, as the features of every line hold them,
have likelier than not left its usual rate, the risks of its lines move as far as the mean that the model expects there
lies beside what came: strictly rising with the score within a cell and day. The numbers below: docs/decisions/0017.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from scipy.special import betaln

from claims.errors import NoModelError
from features.catalog import ALL_TIME, count_name, rate_name
from features.rates import denied_of
from features.table import FeatureTable

KIND, SHORT, LONG = "payer_id_hcpcs_code", 30, 180  # days in which outcomes became known
PAYER, CODE = "payer_id", "hcpcs_code"
RATES = tuple(rate_name(KIND, days) for days in (SHORT, LONG, ALL_TIME))
COUNTS = tuple(count_name(KIND, days) for days in (SHORT, LONG))
COLUMNS = (PAYER, CODE, *RATES, *COUNTS)
FILE = "recent.json"
LATEST = 30  # days before training whose lines tell what the model expects of a cell
SETTLED = 90  # days by which lines that tell what is usual are older than the youngest mature line
LEAST = 10  # settled lines of a cell, below which it has no usual rate
PULL = 5.0  # lines' worth of belief that a cell's usual rate is that of all lines
SURE = 300.0  # lines after which a usual rate is taken to be no better known
OWN = 3.0  # lines' worth of belief that the model expects the usual rate
CHANGED = 0.003  # how often a cell has changed within either window, before its outcomes are seen
SHARE = 0.7  # of the evidence of a line: lines of a claim, a patient or a provider are not independent
SPREAD = 1.0  # a new rate may be anything: Beta(1, 1)
LEAN = 5.0  # outcomes' worth of belief that the last 30 days are like the last 180
BELIEVED = 0.5
EDGE = 1e-3  # no rate is nearer to 0 or 1


@dataclass(frozen=True)
class Cell:
    """lines, denied: settled lines at training; expected: the mean risk that the model gives its latest lines."""

    payer: str
    code: str
    lines: int
    denied: int
    expected: float


@dataclass(frozen=True)
class Seen:
    """What is known of the cells of (lines,) of a matrix; watched: whether the model has a usual rate of the cell.

    usual, expected, level: its rate at training, what the model expects, what came lately; belief: P(changed).
    known, denied: (2, lines) outcomes of SHORT and LONG; window: 0 or 1, which of them speaks for the change.
    """

    watched: np.ndarray
    usual: np.ndarray
    expected: np.ndarray
    level: np.ndarray
    belief: np.ndarray
    known: np.ndarray
    denied: np.ndarray
    window: np.ndarray

    @property
    def changed(self) -> np.ndarray:
        """(lines,) whether their risk is moved."""
        return self.watched & (self.belief >= BELIEVED)

    def moved(self, risk: np.ndarray) -> np.ndarray:
        """(lines,) risks as they are, moved where the cell has changed.

        A rise adds a reason to deny beside all others, 1 - (1 - risk)(1 - new); a fall takes a share of all away. Both
        bring the mean risk of the cell to the level of what came, whatever its lines are like.
        """
        up = 1.0 - (1.0 - risk) * (1.0 - self.level) / (1.0 - self.expected)
        down = risk * self.level / self.expected
        shown = np.where(self.level >= self.expected, up, down)
        return np.where(self.changed, self.belief * shown + (1.0 - self.belief) * risk, risk)


@dataclass(frozen=True)
class Recent:
    """What a model watches. rate: share denied of all settled lines."""

    cells: tuple[Cell, ...]
    rate: float

    @classmethod
    def of(
        cls, table: FeatureTable, y: np.ndarray, latest: FeatureTable, risk: np.ndarray,
        levels: Mapping[str, Sequence[str]],
    ) -> Recent:  # fmt: skip
        """From settled lines (table, y), the latest lines and the risk that a model of these levels gives them.

        Cells of its own levels alone, of LEAST settled lines or more; none where no line is settled.
        """
        payers, codes = levels[PAYER], levels[CODE]
        rate, size = float(y.mean()) if len(y) else 0.0, len(payers) * len(codes)
        rows, cell = _cells(table, payers, codes)
        lines, denied = np.bincount(cell, minlength=size), np.bincount(cell, y[rows], minlength=size)
        rows, cell = _cells(latest, payers, codes)
        scored, risks = np.bincount(cell, minlength=size), np.bincount(cell, risk[rows], minlength=size)
        usual = (denied + PULL * rate) / (lines + PULL)
        expected = (risks + OWN * usual) / (scored + OWN)
        kept = [
            Cell(payers[at // len(codes)], codes[at % len(codes)], int(lines[at]), int(denied[at]), float(expected[at]))
            for at in np.flatnonzero(lines >= LEAST).tolist()
        ]
        return cls(tuple(kept), rate)

    def contents(self) -> dict[str, str]:
        """Its file in a model folder, by name."""
        told = {"rate": self.rate, "cells": [list(asdict(cell).values()) for cell in self.cells]}
        return {FILE: json.dumps(told) + "\n"}

    @classmethod
    def read(cls, text: str) -> Recent:
        """From what `contents` made. NoModelError when it is not that."""
        try:
            found = json.loads(text)
            return cls(tuple(Cell(*cell) for cell in found["cells"]), float(found["rate"]))
        except (KeyError, TypeError, ValueError) as error:
            raise NoModelError(f"{FILE} does not tell what is usual: {error}") from error


class Watch:
    """Recent, for the matrices of one model."""

    def __init__(self, recent: Recent, features: Sequence[str], levels: Mapping[str, Sequence[str]]) -> None:
        """ValueError where the model lacks one of COLUMNS."""
        self._columns = [list(features).index(name) for name in COLUMNS]
        payers, codes = (_numbered(levels[name]) for name in (PAYER, CODE))
        # The last row and column stand for what the model does not know, the last cell for no cell.
        self._place = np.full((len(payers) + 2, len(codes) + 2), len(recent.cells), np.int64)
        for number, cell in enumerate(recent.cells):
            self._place[payers[cell.payer], codes[cell.code]] = number
        lines, denied, expected = (
            np.array([getattr(cell, name) for cell in recent.cells] + [0.0]) for name in ("lines", "denied", "expected")
        )
        self._weight = np.minimum(lines + PULL, SURE)
        self._usual = _inside((denied + PULL * recent.rate) / (lines + PULL))
        self._expected = _inside(np.append(expected[:-1], recent.rate))
        self._nobody = len(recent.cells)

    def seen(self, X: np.ndarray) -> Seen:
        """What is known lately of the cells of (lines, features)."""
        payer, code, short, long, ever, *counts = X[:, self._columns].T
        cell = self._place[_place(payer, len(self._place)), _place(code, self._place.shape[1])]
        known = np.nan_to_num(np.array(counts))
        denied = np.nan_to_num(np.array([denied_of(short, known[0], long), denied_of(long, known[1], ever)]))
        usual, weight = self._usual[cell], self._weight[cell]
        odds = _odds(known, denied, usual, weight)
        belief = odds.sum(axis=0) / (1.0 - 2 * CHANGED + odds.sum(axis=0))
        level = _inside((odds * _levels(known, denied)).sum(axis=0) / odds.sum(axis=0))
        window = (odds[1] > odds[0]).astype(np.int64)
        return Seen(cell != self._nobody, usual, self._expected[cell], level, belief, known, denied, window)


def _cells(table: FeatureTable, payers: Sequence[str], codes: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The rows whose payer and code are levels of the model, and (rows,) payer times codes + code."""
    places = ((PAYER, _numbered(payers)), (CODE, _numbered(codes)))
    payer, code = (table.categories[name].codes(partial(_found, known)) for name, known in places)
    rows = np.flatnonzero((payer >= 0) & (code >= 0))
    return rows, payer[rows] * len(codes) + code[rows]


def _found(places: Mapping[str, int], level: str | None) -> int:
    return -1 if level is None else places.get(level, -1)


def _numbered(levels: Sequence[str]) -> dict[str, int]:
    return {level: at for at, level in enumerate(levels)}


def _place(codes: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(np.nan_to_num(codes, nan=size - 1).astype(np.int64))


def _inside(rate: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(rate, EDGE, 1.0 - EDGE))


def _odds(known: np.ndarray, denied: np.ndarray, usual: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(2, lines) how much likelier each window is if the cell has changed than if not, times CHANGED."""
    old = usual * weight
    same = betaln(old + denied, weight - old + known - denied) - betaln(old, weight - old)
    new = betaln(SPREAD + denied, SPREAD + known - denied) - betaln(SPREAD, SPREAD)
    return np.asarray(CHANGED * np.exp(np.minimum(SHARE * (new - same), 600.0)))


def _levels(known: np.ndarray, denied: np.ndarray) -> np.ndarray:
    """(2, lines) the rate of the last 30 days; by itself, and leaning on that of the last 180."""
    short, long = (denied + SPREAD) / (known + 2 * SPREAD)
    return np.array([short, (denied[0] + LEAN * long) / (known[0] + LEAN)])
