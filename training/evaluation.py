"""What a replay measured, as versions.json of the model folder keeps it: plain values under the key `evaluation`.

Probabilities and shares lie between 0 and 1; None is what is not defined. Objects of a file have no order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Literal, TypedDict

from training.metrics import Bin, Metrics

if TYPE_CHECKING:
    from training.evaluate import Report  # it imports the model, which imports this

KEY = "evaluation"
Outcome = Literal["passed", "failed", "not_applicable"]


class Answer(TypedDict):
    """One check's answer, as in the contract of `denials train --json`."""

    code: str
    outcome: Outcome
    detail: str


class CategoryShare(TypedDict):
    """Of all later lines: the number denied for a category, the mean of its probabilities, its share, and the ECE."""

    denied: int
    mean_probability: float
    share: float
    ece: float


class Evaluation(TypedDict):
    """A replay: the model of `replay_from` (YYYY-MM-DD), judged on the mature lines submitted since.

    metrics, baselines (by name) and by_payer (by payer_id) as training.metrics.measure makes them, metrics with those
    of claims besides (claim_*) and of reasons (reason_*). reliability: bins of equal numbers of lines, the riskiest
    first. reasons: by category; a folder of before has none.
    """

    replay_from: str
    metrics: Metrics
    baselines: dict[str, Metrics]
    by_payer: dict[str, Metrics]
    gate: list[Answer]
    reliability: list[Bin]
    reasons: dict[str, CategoryShare]


def evaluation_of(start: date, found: Report, gate: Sequence[Answer]) -> Evaluation:
    """What was measured, with None for every number that is not finite: JSON has no other."""
    return {
        "replay_from": str(start),
        "metrics": _finite(found.metrics),
        "baselines": {name: _finite(other) for name, other in found.baselines.items()},
        "by_payer": {payer: _finite(own) for payer, own in found.by_payer.items()},
        "gate": list(gate),
        "reliability": list(found.reliability),
        "reasons": found.reasons,
    }


def _finite(metrics: Metrics) -> Metrics:
    return {name: value if value is not None and math.isfinite(value) else None for name, value in metrics.items()}
