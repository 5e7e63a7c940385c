"""How good the serving model was when it was trained: what its folder keeps of the replay (training/evaluation.py).

A figure that the folder does not hold, or holds as not defined, is not measured: it is said so, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from dashboard.views import rated
from dashboard.words import DASH
from training.card import number
from training.evaluation import Evaluation
from training.metrics import Metrics
from training.model import DenialModel

MEASURES = {
    "auroc": ("AUROC", "how often a denied line is ranked above a paid one; 50% is chance, 100% perfect"),
    "auprc": ("AUPRC", "precision over all recalls; chance is the denial rate"),
    "brier": ("Brier score", "mean squared error of the risk; lower is better"),
    "ece": ("ECE", "mean gap between predicted and seen rate; lower is better"),
    "claim_auroc": ("AUROC of claims", "the same of whole claims, on whose risk the bands rest"),
    "claim_ece": ("ECE of claims", "the same of whole claims"),
}
MODEL = "this model"
RIVALS = {"payer_cpt": "rates by payer and code", "logistic_regression": "logistic regression"}
NOT_MEASURED = "not measured"
WORDS_OF_GATE = {
    "DEN001": "Ranks better than a table of denial rates by payer and code",
    "DEN002": "Not worse than the model before it",
    "DEN003": "Calibration is within what the gate allows",
    "DEN004": "A claim alone is scored as it is in a batch",
    "DEN005": "Explanations add up to the score",
    "DEN006": "Nothing learned later has changed the past",
    "DEN007": "Of whole claims not worse than the model before it",
    "DEN008": "No payer loses much against the model before it",
    "DEN009": "Calibration of whole claims is within what the gate allows",
    "DEN010": "Calibration of each large payer is within what the gate allows",
    "DEN011": "Explaining a line takes little work",
    "DEN012": "The model is small",
    "DEN013": "As much was shown of it as of the model before it",
}


@dataclass(frozen=True)
class Check:
    """One check of the gate."""

    code: str
    words: str
    outcome: str
    detail: str


@dataclass(frozen=True)
class Quality:
    """versions of the model, `compared` (the model, then its baselines) and a row of texts a measure.

    reliability: lines, mean_risk, denied and its rate with low, high and few; a row a group of lines of like risk.
    """

    name: str
    version: str
    trained_through: date
    as_of: date
    replay_from: date | None  # None: not measured
    compared: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[str, ...]], ...]  # measure, what it says, a figure for each of `compared`
    checks: tuple[Check, ...]
    reliability: pl.DataFrame


def quality_of(model: DenialModel) -> Quality:
    """What the model's own folder says of it."""
    found = model.evaluation
    compared = _compared(found)
    rows = tuple(
        (name, says, tuple(_figure(metrics, key) for metrics in compared.values()))
        for key, (name, says) in MEASURES.items()
    )
    return Quality(
        model.name, model.version, model.trained_through, model.as_of,
        date.fromisoformat(found["replay_from"]) if found else None,
        tuple(compared), rows, _checks(found), _reliability(found),
    )  # fmt: skip


def _compared(found: Evaluation | None) -> dict[str, Metrics]:
    """Metrics of the model and of its baselines, by what they are called; known ones in the order of RIVALS."""
    if found is None:
        return {MODEL: {}}
    baselines = found["baselines"]
    names = [*(name for name in RIVALS if name in baselines), *sorted(baselines.keys() - RIVALS.keys())]
    return {MODEL: found["metrics"]} | {RIVALS.get(name, name): baselines[name] for name in names}


def _figure(metrics: Metrics, key: str) -> str:
    return NOT_MEASURED if metrics.get(key) is None else number(metrics, key).replace(" to ", DASH)


def _checks(found: Evaluation | None) -> tuple[Check, ...]:
    given = found["gate"] if found else []
    return tuple(
        Check(a["code"], WORDS_OF_GATE.get(a["code"], a["code"]), a["outcome"].replace("_", " "), a["detail"])
        for a in given
    )


def _reliability(found: Evaluation | None) -> pl.DataFrame:
    schema = {"lines": pl.Int64, "mean_risk": pl.Float64, "denied_share": pl.Float64}
    bins = pl.DataFrame(found["reliability"] if found else [], schema=schema)
    return rated(bins.with_columns(denied=pl.col("denied_share") * pl.col("lines")), trend=False)
