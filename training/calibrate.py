"""From raw score to probability, and from the lines of a claim to the claim. Smooth and strictly increasing.

A line: beta calibration, log-odds = c + a log(p) - b log(1 - p) with p = sigmoid(raw) and a, b > 0.
A claim: 1 - (1 - highest) x product over its other lines of (1 - risk)^kappa; kappa 1 = independent, 0 = one fate.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from claims.errors import NoModelError

SMALLEST = 1e-3  # below it a coefficient is no longer safely positive
FARTHEST = 50.0  # log-odds; no level is moved farther
PRIOR = 1.0  # weight of the pull toward "raw scores are right as they are"; settles empty and one-sided samples


@dataclass(frozen=True)
class Calibration:
    """Coefficients; `method` says how they were found (beta, platt, identity)."""

    method: str = "identity"
    a: float = 1.0
    b: float = 1.0
    c: float = 0.0
    kappa: float = 1.0
    lines: int = 0
    claims: int = 0

    def risk(self, raw: np.ndarray) -> np.ndarray:
        """(lines,) probability of denial from (lines,) raw scores."""
        raw = np.asarray(raw, dtype=np.float64)
        z = self.c + self.b * np.logaddexp(0.0, raw) - self.a * np.logaddexp(0.0, -raw)
        return np.asarray(1.0 / (1.0 + np.exp(-z)))

    def claim_risk(self, risk: np.ndarray, claim: np.ndarray) -> np.ndarray:
        """(claims,) from (lines,) risks and (lines,) codes 0..k-1. One line: its own risk, to the last bit."""
        return combine(risk, claim, self.kappa)

    def keeping_level(self, raw: np.ndarray) -> Calibration:
        """The same shape, moved so that the mean risk of these (lines,) raw scores is that of the bare scores."""
        if not len(raw):
            return self
        wanted = float((1.0 / (1.0 + np.exp(-raw))).mean())
        low, high = -FARTHEST, FARTHEST
        for _ in range(60):  # halves the interval down to the last bits
            middle = (low + high) / 2
            below = replace(self, c=middle).risk(raw).mean() < wanted
            low, high = (middle, high) if below else (low, middle)
        return replace(self, c=(low + high) / 2)

    def as_dict(self) -> dict[str, Any]:
        """What calibration.json holds."""
        return asdict(self)

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Calibration:
        """The calibration of a folder. NoModelError when it is not one, or not increasing."""
        try:
            read = cls(**found)
        except TypeError as error:
            raise NoModelError(f"calibration.json is not a calibration: {error}") from error
        if min(read.a, read.b) <= 0 or not 0 <= read.kappa <= 1:
            raise NoModelError("calibration.json is not increasing in the raw score")
        return read


def combine(risk: np.ndarray, claim: np.ndarray, kappa: float) -> np.ndarray:
    """The risk of claims; the order of the lines does not matter, not even in the last bit."""
    order = np.lexsort((risk, claim))
    p, codes = risk[order], claim[order]
    lines = np.bincount(codes)
    last = np.cumsum(lines) - 1  # the highest risk of each claim
    safe = np.log1p(-np.minimum(p, 1.0 - 1e-16))
    weights = np.full(len(p), kappa)
    weights[last] = 1.0
    joint = -np.expm1(np.bincount(codes, weights=weights * safe))
    return np.asarray(np.where(lines == 1, p[last], np.maximum(joint, p[last])))


def calibrate(raw: np.ndarray, y: np.ndarray, claim: np.ndarray) -> Calibration:
    """Calibration from lines that the booster was not fitted on: raw scores, labels, claim codes 0..k-1."""
    method, (a, b, c) = _line(raw, y)
    risk = Calibration(method, a, b, c).risk(raw)
    kappa = _dependence(risk, y, claim)
    claims = int(claim.max()) + 1 if len(claim) else 0
    return Calibration(method, a, b, c, kappa, len(raw), claims)


def _line(raw: np.ndarray, y: np.ndarray) -> tuple[str, tuple[float, float, float]]:
    above, below = np.logaddexp(0.0, raw), -np.logaddexp(0.0, -raw)
    a, b, c = logistic(np.column_stack([below, above, np.ones_like(raw)]), y, np.array([1.0, 1.0, 0.0]), PRIOR)
    if min(a, b) > SMALLEST:
        return "beta", (a, b, c)
    a, c = logistic(np.column_stack([raw, np.ones_like(raw)]), y, np.array([1.0, 0.0]), PRIOR)
    if a > SMALLEST:
        return "platt", (a, a, c)
    return "identity", (1.0, 1.0, 0.0)


def logistic(Z: np.ndarray, y: np.ndarray, start: np.ndarray, prior: float) -> list[float]:
    """Coefficients of a logistic regression, pulled toward `start` with the weight `prior`.

    Newton's method; a step that would raise the loss is halved, so that it cannot run away. Sums by einsum, not by
    BLAS, whose last bit depends on the number of its threads.
    """

    def loss(beta: np.ndarray) -> float:
        z = np.einsum("ij,j->i", Z, beta)
        return float((np.logaddexp(0.0, z) - y * z).sum() + prior * ((beta - start) ** 2).sum() / 2)

    beta, at = start.copy(), loss(start)
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-np.clip(np.einsum("ij,j->i", Z, beta), -500, 500)))
        slope = np.einsum("ij,i->j", Z, y - p) - prior * (beta - start)
        curve = np.einsum("ij,i,ik->jk", Z, p * (1 - p), Z) + prior * np.eye(len(beta))
        step = np.linalg.solve(curve, slope)
        while (after := loss(beta + step)) > at and np.abs(step).max() > 1e-12:
            step /= 2
        beta, at = beta + step, after
        if np.abs(step).max() < 1e-9:
            break
    return [float(value) for value in beta]


def _dependence(risk: np.ndarray, y: np.ndarray, claim: np.ndarray) -> float:
    """kappa with the lowest log loss on claims of several lines; independent (1) where there is none."""
    if len(claim) == 0 or int(claim.max()) + 1 == len(claim):
        return 1.0
    positive = np.bincount(claim, weights=y) > 0
    grid = np.linspace(0.0, 1.0, 101)
    losses = [_log_loss(combine(risk, claim, kappa), positive) for kappa in grid]
    return float(grid[int(np.argmin(losses))])


def _log_loss(p: np.ndarray, y: np.ndarray) -> float:
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return float(-np.where(y, np.log(p), np.log1p(-p)).mean())
