"""How good scores are, with 95 % intervals from a bootstrap over submissions (lines of one claim stay together).

A metric that is not defined (one class only, no lines) is None. Shares and probabilities lie between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypedDict

import numpy as np

from training.calibrate import logistic

DRAWS = 200
BINS = 10
PRECISION = 0.95
NAMES = (
    "auroc", "auprc", "brier", "ece", "log_loss", "recall_at_p95", "dollars_at_budget",
)  # fmt: skip
Metrics = dict[str, float | None]


class Bin(TypedDict):
    """Some lines of similar risk: their number, the mean of their risks and the share that was denied."""

    lines: int
    mean_risk: float
    denied_share: float


@dataclass(frozen=True)
class Scored:
    """Scored lines (or claims): y 0/1, p probability, unit code 0..k-1 of the submission, charge USD.

    denied: USD that were denied of each row where y is 1; None: its whole charge.
    """

    y: np.ndarray
    p: np.ndarray
    unit: np.ndarray
    charge: np.ndarray
    denied: np.ndarray | None = None

    def __len__(self) -> int:
        """Rows."""
        return len(self.y)

    def take(self, rows: np.ndarray) -> Scored:
        """These rows, units numbered anew."""
        _, unit = np.unique(self.unit[rows], return_inverse=True)
        denied = None if self.denied is None else self.denied[rows]
        return Scored(self.y[rows], self.p[rows], unit, self.charge[rows], denied)


class Meter:
    """All metrics of one set of scores under any weights; what does not depend on the weights is done once."""

    def __init__(self, scored: Scored, budget: float) -> None:
        order = np.argsort(-scored.p, kind="stable")
        self._order = order
        self._y = scored.y[order].astype(np.float64)
        self._p = scored.p[order].astype(np.float64)
        self._ends = np.flatnonzero(np.append(np.diff(self._p) != 0, True))  # last row of each run of equal scores
        self._bins = _bins(len(order))
        self._squares = (self._p - self._y) ** 2
        safe = np.clip(self._p, 1e-12, 1 - 1e-12)
        self._loss = -np.where(self._y > 0, np.log(safe), np.log1p(-safe))
        charge = np.nan_to_num(scored.charge[order].astype(np.float64))
        self._by_value = np.argsort(-self._p * charge, kind="stable")
        denied = charge if scored.denied is None else np.nan_to_num(scored.denied[order].astype(np.float64))
        self._denied = denied * self._y
        self._budget = budget

    def measure(self, weights: np.ndarray | None = None) -> Metrics:
        """Metrics under (rows,) weights; every one of NAMES is there."""
        w = np.ones(len(self._y)) if weights is None else weights[self._order].astype(np.float64)
        positive = _dot(w, self._y)
        negative = float(w.sum() - positive)
        if min(positive, negative) <= 0:
            return dict.fromkeys(NAMES)
        hits = np.cumsum(w * self._y)[self._ends]
        false = np.cumsum(w * (1 - self._y))[self._ends]
        return {
            "auroc": _auroc(hits, false),
            "auprc": _auprc(hits, false),
            "brier": _dot(w, self._squares) / float(w.sum()),
            "ece": self._ece(w),
            "log_loss": _dot(w, self._loss) / float(w.sum()),
            "recall_at_p95": _recall_at(hits, false, PRECISION),
            "dollars_at_budget": self._dollars(w),
        }

    def auroc(self, weights: np.ndarray) -> float | None:
        """The AUROC alone, for paired comparisons."""
        w = weights[self._order].astype(np.float64)
        hits, false = np.cumsum(w * self._y)[self._ends], np.cumsum(w * (1 - self._y))[self._ends]
        return _auroc(hits, false) if min(hits[-1], false[-1]) > 0 else None

    def ece(self, weights: np.ndarray) -> float:
        """The ECE alone, for paired comparisons."""
        return self._ece(weights[self._order].astype(np.float64))

    def _ece(self, w: np.ndarray) -> float:
        """Weighted mean gap between risk and frequency over bins of equal numbers of rows."""
        return float(np.abs(np.bincount(self._bins, weights=w * (self._p - self._y))).sum() / w.sum())

    def _dollars(self, w: np.ndarray) -> float | None:
        """Share of the denied dollars among the rows of highest risk x charge that the budget can review."""
        denied, weights = self._denied[self._by_value], w[self._by_value]
        total = _dot(denied, weights)
        reviewed = np.cumsum(weights) <= self._budget * weights.sum() + 1e-9
        return float((denied * weights)[reviewed].sum() / total) if total > 0 else None


def _bins(rows: int) -> np.ndarray:
    """(rows,) the bin of each row in order of risk: BINS of equal numbers of rows, as far as they can be equal."""
    return np.arange(rows) * BINS // max(1, rows)


def reliability(scored: Scored) -> list[Bin]:
    """The bins over which the ECE is taken, the riskiest first; fewer than BINS where there are fewer rows."""
    order = np.argsort(-scored.p, kind="stable")
    bins = _bins(len(order))
    return [
        {"lines": len(rows), "mean_risk": float(scored.p[rows].mean()), "denied_share": float(scored.y[rows].mean())}
        for rows in (order[bins == one] for one in np.unique(bins))
    ]


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    """Sum of products without BLAS, whose threads cost more than they bring on vectors of this size."""
    return float((a * b).sum())


def _auroc(hits: np.ndarray, false: np.ndarray) -> float:
    before = np.concatenate([[0.0], hits[:-1]])
    steps = np.diff(false, prepend=0.0)
    return float((steps * (hits + before)).sum() / (2 * hits[-1] * false[-1]))


def _auprc(hits: np.ndarray, false: np.ndarray) -> float:
    flagged = hits + false
    precision = np.divide(hits, flagged, out=np.zeros_like(hits), where=flagged > 0)
    return float((np.diff(hits, prepend=0.0) * precision).sum() / hits[-1])


def _recall_at(hits: np.ndarray, false: np.ndarray, precision: float) -> float:
    reached = (hits > 0) & (hits >= precision * (hits + false))
    return float(hits[reached].max() / hits[-1]) if reached.any() else 0.0


def calibration_slope(scored: Scored) -> tuple[float, float, float]:
    """Slope of the outcome's log-odds on the predicted ones, with its 95 % interval: 1 is right, below 1 too bold.

    The interval allows for lines of one submission having errors in common.
    """
    p = np.clip(scored.p, 1e-12, 1 - 1e-12)
    Z = np.column_stack([np.log(p) - np.log1p(-p), np.ones_like(p)])
    slope, offset = logistic(Z, scored.y, np.array([1.0, 0.0]), 1e-6)
    fitted = 1 / (1 + np.exp(-(slope * Z[:, 0] + offset)))
    bread = np.linalg.inv(np.einsum("ij,i,ik->jk", Z, fitted * (1 - fitted), Z) + 1e-6 * np.eye(2))
    errors = Z * (scored.y - fitted)[:, None]
    common = np.column_stack([np.bincount(scored.unit, weights=column) for column in errors.T])
    meat = np.einsum("ij,ik->jk", common, common)  # sums without BLAS, as in calibrate.logistic
    spread = float(np.sqrt((bread @ meat @ bread)[0, 0]))
    return slope, slope - 1.96 * spread, slope + 1.96 * spread


def draws(unit: np.ndarray, count: int, seed: int) -> Iterator[np.ndarray]:
    """(rows,) weights of each bootstrap draw: how often the row's unit was drawn."""
    units = int(unit.max()) + 1
    random = np.random.default_rng(seed)
    for _ in range(count):
        yield np.bincount(random.integers(0, units, units), minlength=units)[unit]


def interval(values: list[float | None]) -> tuple[float | None, float | None]:
    """2.5 and 97.5 percentiles of the draws in which the metric was defined; None where it seldom was."""
    defined = [value for value in values if value is not None]
    if len(defined) < 0.9 * len(values) or not defined:
        return None, None
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)


def measure(scored: Scored, budget: float, seed: int, count: int = DRAWS) -> Metrics:
    """Metrics NAMES, each with NAME_low and NAME_high, and lines, claims, denial_rate."""
    rate = float(scored.y.mean()) if len(scored) else None
    found: Metrics = {"lines": len(scored), "claims": len(np.unique(scored.unit)), "denial_rate": rate}
    if not len(scored):
        return found | dict.fromkeys(end for name in (*NAMES, "calibration_slope") for end in _ends(name))
    meter = Meter(scored, budget)
    point = meter.measure()
    sampled = [meter.measure(w) for w in draws(scored.unit, count, seed)] if point["auroc"] is not None else []
    for name in NAMES:
        low, high = interval([draw[name] for draw in sampled])
        found |= {name: point[name], f"{name}_low": low, f"{name}_high": high}
    slope = calibration_slope(scored) if point["auroc"] is not None else (None, None, None)
    return found | dict(zip(_ends("calibration_slope"), slope, strict=True))


def _ends(name: str) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"]


def difference(
    scored: Scored, other: np.ndarray, seed: int, count: int = DRAWS, metric: Literal["auroc", "ece"] = "auroc"
) -> Metrics:
    """A metric of the scores minus that of `other` (rows,), with a paired interval: difference, low, high.

    Paired: each draw takes the same claims for both, so that what is hard for both does not widen the interval.
    """
    meters = (Meter(scored, 1.0), Meter(replace(scored, p=other), 1.0))
    mine, theirs = (meter.auroc if metric == "auroc" else meter.ece for meter in meters)
    whole = np.ones(len(scored))
    low, high = interval([_gap(mine(w), theirs(w)) for w in draws(scored.unit, count, seed)])
    return {"difference": _gap(mine(whole), theirs(whole)), "low": low, "high": high}


def _gap(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
