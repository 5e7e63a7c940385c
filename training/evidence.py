"""How much is known behind a risk (none, low, medium, high), and the interval that follows from it.

The grade counts outcomes known strictly before the line was submitted, as its features hold them. An interval is the
risk moved down and up in log-odds by SPREAD of its grade, measured on worlds whose true probabilities are known: nine
in ten of them lay inside (docs/experiments.md, `python -m benchmarks.evidence`). No record of a site could tell that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claims.settings import EvidenceSettings
from features.catalog import count_name
from features.table import FeatureTable
from training.starting import Model, StartingModel

GRADES = ("none", "low", "medium", "high")
NONE, LOW, MEDIUM, HIGH = range(len(GRADES))
RECENT = 180  # days
CELL, PAYER, CODE, FAMILY = (
    count_name(kind, RECENT) for kind in ("payer_id_hcpcs_code", "payer_id", "hcpcs_code", "family")
)
KNOTS = (0.03, 0.1, 0.3, 0.7)  # risks; between them by straight lines over log-odds
SPREAD = {  # log-odds below and above a risk at each knot, so that neither end falls when the risk rises
    NONE: ((1.5, 2.4, 3.1, 4.6), (3.2, 2.9, 2.7, 2.4)),
    LOW: ((0.8, 1.9, 3.1, 2.8), (1.3, 2.4, 2.3, 2.4)),
    MEDIUM: ((0.75, 1.9, 3.1, 1.5), (1.1, 1.55, 2.1, 1.85)),
    HIGH: ((0.75, 1.9, 2.9, 1.2), (1.05, 1.3, 2.1, 1.8)),
}  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """grade: int64, a place in GRADES; low, high: 90 % interval of the risk. (lines,) or (claims,) each."""

    grade: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def take(self, rows: np.ndarray) -> Evidence:
        """These rows, in this order."""
        return Evidence(self.grade[rows], self.low[rows], self.high[rows])

    @property
    def names(self) -> list[str]:
        """The grades in words."""
        return [GRADES[grade] for grade in self.grade.tolist()]


def evidence_of(
    table: FeatureTable, risk: np.ndarray, submitted: np.ndarray, model: Model, settings: EvidenceSettings
) -> Evidence:
    """Evidence of lines, from their features, (lines,) risks and (lines,) submitted_date as datetime64."""
    grade = grades(table, model, settings)
    if isinstance(model, StartingModel):
        return Evidence(np.minimum(grade, LOW), *interval(risk, np.zeros_like(grade)))
    stale = (submitted - np.datetime64(model.as_of, "D")).astype(np.int64) > settings.stale_days
    grade = np.maximum(grade - stale, NONE)
    return Evidence(grade, *interval(risk, grade))


def grades(table: FeatureTable, model: Model, settings: EvidenceSettings) -> np.ndarray:
    """(lines,) places in GRADES by what is known of payer and code, and by whether the model has learned them."""
    at = [table.number_names.index(name) for name in (CELL, PAYER, CODE, FAMILY)]
    cell, payer, code, family = table.numbers[:, at].T  # a count that is not known is no count: it passes no threshold
    grade = LOW + (cell >= settings.medium_from) + (cell >= settings.high_from)
    heard = (code >= settings.service_from) & _learned(table, model, "hcpcs_code")
    met = (payer >= settings.payer_from) & _learned(table, model, "payer_id")
    near = heard | (cell >= 1) | (family >= settings.payer_from)
    return np.where(met & near, np.where(heard, grade, LOW), NONE).astype(np.int64)


def _learned(table: FeatureTable, model: Model, name: str) -> np.ndarray:
    """(lines,) whether the line's level is one of the model's; always where the model has no levels of it."""
    known = model.levels.get(name)
    texts = table.categories[name]
    return np.ones(len(texts), bool) if known is None else texts.flags(known.__contains__)


def interval(risk: np.ndarray, grade: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(lines,) low and high; the risk lies between them, strictly while it is neither 0 nor 1 to the last bit."""
    z = np.log(np.maximum(risk, 1e-15)) - np.log1p(-np.minimum(risk, 1.0 - 1e-15))
    knots = np.log(KNOTS) - np.log1p(-np.array(KNOTS))
    low, high = np.empty_like(z), np.empty_like(z)
    for one in np.unique(grade).tolist():
        rows, (below, above) = grade == one, SPREAD[one]
        low[rows] = z[rows] - np.interp(z[rows], knots, below)
        high[rows] = z[rows] + np.interp(z[rows], knots, above)
    return np.minimum(1.0 / (1.0 + np.exp(-low)), risk), np.maximum(1.0 / (1.0 + np.exp(-high)), risk)


def of_claims(lines: Evidence, risk: np.ndarray, claim: np.ndarray, model: Model) -> Evidence:
    """Evidence of claims, from that of their lines, (lines,) risks and (lines,) claim codes 0..k-1.

    The grade is the weakest among the lines that matter: those that may be the claim's riskiest as far as is known,
    their interval reaching up to the highest risk. The interval combines the lines' ends as their risks are combined.
    """
    if not len(claim):
        return lines
    size = int(claim.max()) + 1
    highest, grade = np.zeros(size), np.full(size, HIGH, np.int64)
    np.maximum.at(highest, claim, risk)
    matters = lines.high >= highest[claim]
    np.minimum.at(grade, claim[matters], lines.grade[matters])
    return Evidence(grade, model.claim_risk(lines.low, claim), model.claim_risk(lines.high, claim))
