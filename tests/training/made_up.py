"""Small made-up feature tables with a known pattern, a catalog to go with them, and risks that are right."""

import numpy as np

from claims.texts import Texts
from features.catalog import Feature
from features.table import FeatureTable
from training.evaluation import Answer
from training.metrics import Scored

SMALL = (
    Feature("payer_id", "category", "", "payer", "", 0),
    Feature("charge", "number", "USD", "units and charge", "", 0),
    Feature("rate", "number", "share", "payer history", "", 1),
    Feature("code", "category", "", "procedure", "", 0),
    Feature("age", "number", "years", "patient", "", 0),
)
VERSIONS = {
    "name": "denial", "version": "unregistered", "as_of": "2026-07-01", "trained_from": "2025-01-02",
    "trained_through": "2026-05-31", "code_version": "0.1.0", "data_version": "lines@1", "seed": 1, "rounds": 30,
    "lines": 3000, "libraries": {"python": "3.11"},
}  # fmt: skip


def made_table(lines: int, seed: int = 0) -> tuple[FeatureTable, np.ndarray]:
    """Features of lines whose denials depend on payer, code and rate; some values missing, some levels rare."""
    random = np.random.default_rng(seed)
    payer, code = random.integers(0, 5, lines), random.integers(0, 12, lines)
    rate, charge, age = random.random(lines), random.gamma(2, 200, lines), random.integers(20, 90, lines).astype(float)
    odds = -2.2 + 2.5 * rate + 0.8 * (payer == 2) + 1.0 * np.isin(code, [3, 7]) * (payer < 3)
    y = (random.random(lines) < 1 / (1 + np.exp(-odds))).astype(float)
    numbers = np.column_stack([charge, rate, age])
    numbers[random.random(lines) < 0.1, 0] = np.nan
    rare = random.random(lines) < 0.001
    payers = ["rare" if r else f"P{p}" for p, r in zip(payer, rare, strict=True)]
    codes = [None if r > 0.95 else f"C{c:02d}" for c, r in zip(code, random.random(lines), strict=True)]
    return FeatureTable(("charge", "rate", "age"), numbers, {"payer_id": Texts.of(payers), "code": Texts.of(codes)}), y


def sigmoid(z: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-z)))


def world(lines: int = 4000, seed: int = 1) -> tuple[Scored, np.ndarray]:
    """Scored lines, two a claim, whose probabilities are right, and the log-odds behind them."""
    random = np.random.default_rng(seed)
    z = random.normal(-1.7, 1.1, lines)
    y = (random.random(lines) < sigmoid(z)).astype(float)
    return Scored(y, sigmoid(z), np.arange(lines) // 2, np.ones(lines)), z


def outcome(answer: Answer) -> str:
    return answer["outcome"]
