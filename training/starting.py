"""The model of a practice that has none yet: published denial rates, broken rules and the site's own few outcomes.

Log-odds add up: the published rate, then how far each rate of the site's history lies from the rate that it leans on
(payer, family, code, provider, diagnosis, modifiers, authorization), broken rules, an authorization that does not fit.
The weights are ours; a logistic regression on the site's mature lines moves them as far as these lines carry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np

from claims.settings import MaturitySettings
from features.catalog import ALL_TIME, BY_NAME, WEIGHT, Feature, count_name, rate_name
from features.history import History
from features.table import FeatureTable
from rules.authorization import AUTHORIZATION_STATES
from rules.reference import base_rate, base_rates_by_filing
from training.calibrate import Calibration, logistic
from training.cohort import cohort_of
from training.examples import NAME, Examples, denied_of, examples
from training.matrix import Encoder, Levels
from training.model import Column, DenialModel, digest_of
from training.reason_fit import learn_reasons
from training.reasons import Reasons

VERSION = "starting"
LATEST = 5_000  # mature lines that the weights are fitted on, at most
PULL = 10.0  # weight of the pull toward the weights below: docs/experiments.md
RULE, MISFIT, FINE = 1.8, 1.0, 0.5  # log-odds of a broken rule and of a wrong authorization; share of a fine rate
KAPPA = 0.65  # how far the lines of a claim fail apart, as replays of our worlds found it (0.5 to 0.8)
LEAST = 1e-3  # no rate is taken for less, nor for more than 1 - LEAST
PUBLISHED = "initial_denial_rate"
FITS = {"not_known", "none", "number_only", "exact"}
FILING, MATCH, RULES = "claim_filing_indicator_code", "authorization_match", "rules_broken"
RATES = {  # kind of key -> the kind that it is compared with, and its weight
    "all": (None, 1.0), "payer_id": ("all", 1.0), "family": ("all", 1.0), "hcpcs_code": ("family", 1.0),
    "payer_id_family": ("payer_id", 1.0), "payer_id_hcpcs_code": ("payer_id_family", 1.0), "provider": ("all", FINE),
    "provider_hcpcs_code": ("hcpcs_code", FINE), "hcpcs_code_diagnosis": ("hcpcs_code", FINE),
    "payer_id_hcpcs_code_diagnosis": ("payer_id_hcpcs_code", FINE),
    "payer_id_hcpcs_code_modifiers": ("payer_id_hcpcs_code", FINE),
    "payer_id_hcpcs_code_authorization": ("payer_id_hcpcs_code", FINE),
}  # fmt: skip
FADES = {"family": "payer_id_family", "hcpcs_code": "payer_id_hcpcs_code"}  # all payers' rate, until one's own is known
COUNTS = ("payer_id", *FADES.values())
NAMES = (
    FILING,
    MATCH,
    RULES,
    *(rate_name(kind, ALL_TIME) for kind in RATES),
    *(count_name(k, ALL_TIME) for k in COUNTS),
)
PRIOR = np.array([1.0, MISFIT, RULE, *(weight for _, weight in RATES.values()), *(0.0 for _ in COUNTS)])
AT = {name: column for column, name in enumerate(NAMES)}


def log_odds(p: np.ndarray | float) -> np.ndarray:
    """Of probabilities, kept LEAST away from 0 and 1."""
    kept = np.clip(np.asarray(p, np.float64), LEAST, 1.0 - LEAST)
    return np.asarray(np.log(kept) - np.log1p(-kept))


@dataclass(frozen=True)
class StartingModel:
    """Scores lines as a DenialModel does. base: log-odds of the published rate, as moved by the site's level.

    weights: (features,) log-odds for a unit of each column of `terms`, none below zero.
    """

    base: float
    weights: np.ndarray
    versions: dict[str, Any]
    calibration: Calibration = field(default_factory=lambda: Calibration(kappa=KAPPA))
    reasons: Reasons | None = None

    @classmethod
    def of(cls, history: History, as_of: date, maturity: MaturitySettings) -> StartingModel:
        """From the latest lines of the history that are mature on that day; without any, the weights are the prior."""
        mature = cohort_of(history.snapshot, as_of, maturity).mature.tail(LATEST)
        found = examples(history.snapshot, mature, history) if len(mature) else None
        base, weights = _fitted(found)
        reasons = learn_reasons(denied_of(found, _encoder()), None, (), 0) if found else None
        return cls(base, weights, _origin(history, as_of, found), Calibration(kappa=KAPPA, lines=len(mature)), reasons)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns of X, in order."""
        return NAMES

    @property
    def definitions(self) -> tuple[Feature, ...]:
        """What each column of X means, in order."""
        return tuple(BY_NAME[name] for name in NAMES)

    @property
    def levels(self) -> Levels:
        """The levels of its categories, in the order of their codes in X; any payer and code will do."""
        return _levels()

    @property
    def name(self) -> str:
        """The registered name of the models that will take its place."""
        return NAME

    @property
    def version(self) -> str:
        """Always "starting"."""
        return VERSION

    @property
    def trained_through(self) -> date | None:
        """The last submitted_date among the lines that moved its weights; None without any."""
        told: str | None = self.versions["trained_through"]
        return None if told is None else date.fromisoformat(told)

    @property
    def as_of(self) -> date:
        """The day on which it was made."""
        return date.fromisoformat(self.versions["as_of"])

    @property
    def evaluation(self) -> None:
        """No replay was held."""

    @property
    def catalog_digest(self) -> str:
        """One digest of the features used and their definitions."""
        return digest_of([Column.of(feature) for feature in self.definitions])

    def matrix(self, table: FeatureTable) -> np.ndarray:
        """(lines, features) float64: categories as codes of `levels`, nan for missing."""
        return _encoder().matrix(table)

    def raw_score(self, X: np.ndarray) -> np.ndarray:
        """(lines,) log-odds; the sum of `contributions`, to the last bit."""
        return np.asarray(self.contributions(X).sum(axis=1))

    def contributions(self, X: np.ndarray) -> np.ndarray:
        """(lines, features + 1) log-odds; the last column is the base value."""
        return np.column_stack([terms(X) * self.weights, np.full(len(X), self.base)])

    def risk(self, raw: np.ndarray, X: np.ndarray) -> np.ndarray:
        """(lines,) probability of denial from (lines,) raw scores; X is of no matter here."""
        return self.calibration.risk(raw)

    def claim_risk(self, risk: np.ndarray, claim: np.ndarray) -> np.ndarray:
        """(claims,) from (lines,) risks and claim codes 0..k-1; of a claim of one line that line's risk."""
        return self.calibration.claim_risk(risk, claim)


Model = DenialModel | StartingModel


@cache
def _levels() -> Levels:
    return {FILING: tuple(sorted(base_rates_by_filing())), MATCH: AUTHORIZATION_STATES}


@cache
def _encoder() -> Encoder:
    return Encoder(NAMES, _levels())


@cache
def _tables() -> dict[str, np.ndarray]:
    """By code: how far the kind of plan lies from all by published rates, and whether an authorization misfits."""
    rates = base_rates_by_filing()
    shifts = log_odds(np.array([rates[code] for code in _levels()[FILING]])) - log_odds(base_rate(PUBLISHED))
    misfits = [float(state not in FITS) for state in AUTHORIZATION_STATES]
    return {FILING: np.append(shifts, 0.0), MATCH: np.append(misfits, 0.0)}  # the last: other, or missing


def _of_code(name: str, codes: np.ndarray) -> np.ndarray:
    table = _tables()[name]
    told: np.ndarray = table[np.nan_to_num(codes, nan=len(table) - 1).astype(np.intp)]
    return told


def terms(X: np.ndarray) -> np.ndarray:
    """(lines, features) what each weight is multiplied with, in log-odds but for rules and authorizations; no nan."""
    told = np.zeros(X.shape)
    for name, values in _terms(X):
        told[:, AT[name]] = values
    return np.nan_to_num(told)


def _terms(X: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    published = log_odds(base_rate(PUBLISHED))
    seen = {kind: np.nan_to_num(X[:, AT[count_name(kind, ALL_TIME)]]) for kind in COUNTS}
    yield FILING, _of_code(FILING, X[:, AT[FILING]]) * WEIGHT / (seen["payer_id"] + WEIGHT)
    yield MATCH, _of_code(MATCH, X[:, AT[MATCH]])
    yield RULES, np.sqrt(np.clip(X[:, AT[RULES]], 0, 3))  # a second one adds less
    for kind, (parent, _) in RATES.items():
        lean = published if parent is None else log_odds(X[:, AT[rate_name(parent, ALL_TIME)]])
        away = log_odds(X[:, AT[rate_name(kind, ALL_TIME)]]) - lean
        fade = WEIGHT / (seen[FADES[kind]] + WEIGHT) if kind in FADES else 1.0
        yield rate_name(kind, ALL_TIME), away * fade


def _fitted(found: Examples | None) -> tuple[float, np.ndarray]:
    """The base and the weights: pulled toward the published rate and PRIOR, no weight below zero."""
    published, weights = float(log_odds(base_rate(PUBLISHED))), PRIOR.copy()
    if found is None:
        return published, weights
    moved = np.flatnonzero(PRIOR)
    Z = np.column_stack([np.ones(len(found)), terms(_encoder().matrix(found.table))[:, moved]])
    base, *told = logistic(Z, found.y, np.array([published, *PRIOR[moved]]), PULL)
    weights[moved] = np.maximum(told, 0.0)
    return base, weights


def _origin(history: History, as_of: date, found: Examples | None) -> dict[str, Any]:
    through = found.lines["submitted_date"].max() if found else None
    return {
        "name": NAME, "version": VERSION, "as_of": str(as_of), "trained_through": through and str(through),
        "lines": len(found) if found else 0, "data_version": history.snapshot.data_version,
        "code_version": version("denials"), "rules": history.rules.version,
    }  # fmt: skip
