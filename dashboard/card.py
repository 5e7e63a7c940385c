"""How good the serving model was when it was last tested, read from the card in its folder (training/card.py).

A figure that the card does not hold, or holds as not defined, is not measured: it is said so, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from dashboard.words import DASH
from training.card import WORDS
from training.model import DenialModel

MEASURES = {
    "auroc": ("AUROC", "how often a denied line is ranked above a paid one; 50% is chance, 100% perfect"),
    "auprc": ("AUPRC", "precision over all recalls; chance is the denial rate"),
    "brier": ("Brier score", "mean squared error of the risk; lower is better"),
    "ece": ("ECE", "mean gap between predicted and seen rate; lower is better"),
}
RIVALS = {"payer cpt": "rates by payer and code"}
NOT_MEASURED = "not measured"
GATE = re.compile(r"^- (DEN\d+) (passed|failed|not applicable): (.*)$", re.MULTILINE)
WORDS_OF_GATE = {
    "DEN001": "Ranks better than a table of denial rates by payer and code",
    "DEN002": "Not worse than the model before it",
    "DEN003": "Predicted risks match what happened",
    "DEN004": "A claim alone is scored as it is in a batch",
    "DEN005": "Explanations add up to the score",
    "DEN006": "Nothing learned later has changed the past",
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
    """versions of the model, `compared` (the model, then its baselines) and a row of texts a measure."""

    name: str
    version: str
    trained_through: date
    as_of: date
    compared: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[str, ...]], ...]  # measure, what it says, a figure for each of `compared`
    checks: tuple[Check, ...]


def quality_of(model: DenialModel) -> Quality:
    """What the model's own folder says of it."""
    compared, figures = _figures(model.card)
    rows = tuple(
        (name, says, tuple(figures.get(WORDS[key], ())) or (NOT_MEASURED,) * len(compared))
        for key, (name, says) in MEASURES.items()
    )
    checks = tuple(
        Check(code, WORDS_OF_GATE.get(code, code), outcome, detail)
        for code, outcome, detail in GATE.findall(model.card)
    )
    return Quality(model.name, model.version, model.trained_through, model.as_of, compared, rows, checks)


def _figures(card: str) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """Names of the compared and the figures by the card's words, of the table that has `this model` in its head."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in card.splitlines() if line.startswith("| ")
    ]
    heads = [row for row in rows if "this model" in row]
    compared = tuple(RIVALS.get(name, name) for name in heads[0][1:]) if heads else ("this model",)
    of_width = (row for row in rows if len(row) == len(compared) + 1)
    return compared, {row[0]: [_figure(cell) for cell in row[1:]] for row in of_width}


def _figure(cell: str) -> str:
    return NOT_MEASURED if cell in ("", "not defined") else cell.replace(" to ", DASH)
