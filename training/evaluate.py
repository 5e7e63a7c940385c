"""The replay: train as of T, score what was submitted from T on, compare with the outcomes that are mature today.

T is by default the point three quarters of the way, in days, from the first to the last submission among the lines
mature at D. The model as of T sees a snapshot cut at T. The later lines take their history from the whole snapshot,
as in production, where it keeps growing; features look strictly before each line's own submission.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl

from claims.errors import UsageError
from claims.settings import Settings
from claims.snapshot import Snapshot
from features.history import History
from features.table import FeatureTable
from rules.ruleset import RuleSet, rules_of
from training.baselines import RateTable, logistic_scores
from training.cohort import Cohort, cohort_of, require
from training.evaluation import CategoryShare
from training.examples import Examples, Plan, examples, latest_lines, learn, origin, plan
from training.fit import Recipe
from training.guard import Offered, offered_of
from training.metrics import Bin, Metrics, Scored, measure, reliability
from training.model import DenialModel
from training.reason_report import category_shares, measure_reasons
from training.reasons import shares

Cut = Callable[[date], Snapshot]  # what was known strictly before a day
REPLAY_FROM = 0.75
PAYER_LINES, PAYER_DENIALS = 200, 20  # support for a row of its own


@dataclass(frozen=True)
class Material:
    """All that is known at D: the snapshot, its cohort, its history, and the mature lines with their features.

    latest: features of the lines submitted last, mature or not.
    """

    snapshot: Snapshot
    cohort: Cohort
    history: History
    found: Examples
    latest: FeatureTable


def gather(
    cut: Cut, as_of: date, settings: Settings, rules: RuleSet | None = None, offered: Offered | None = None
) -> Material:  # fmt: skip
    """Material as of a day, by default with the site's rules. UsageError when it is too little to learn from.

    offered: columns of the site to which it is held, of a later day.
    """
    snapshot = cut(as_of)
    cohort = cohort_of(snapshot, as_of, settings.maturity)
    mature = require(cohort)
    history = History.of(snapshot, rules_of(settings) if rules is None else rules)
    own = offered_of(snapshot, cohort, settings.features).within(offered)
    latest = latest_lines(snapshot, history, as_of)
    return Material(snapshot, cohort, history, examples(snapshot, mature, history, own), latest)


@dataclass(frozen=True)
class Learned:
    """A model learned from all that was known at its day, with what it was learned from."""

    model: DenialModel
    plan: Plan
    material: Material


def learn_as_of(
    cut: Cut, as_of: date, settings: Settings, recipe: Recipe, rules: RuleSet | None = None,
    offered: Offered | None = None,
) -> Learned:  # fmt: skip
    """What training on that day would have made, read by `gather`. UsageError: there was too little to learn from."""
    known = gather(cut, as_of, settings, rules, offered)
    chosen = plan(known.found, recipe)
    whence = origin(known.history, known.cohort, recipe)
    return Learned(learn(known.found, chosen, recipe, whence, known.latest), chosen, known)


def replay_start(found: Examples) -> date:
    """T: three quarters of the way, in days, through the mature lines."""
    first, last = found.lines["submitted_date"].min(), found.lines["submitted_date"].max()
    assert isinstance(first, date) and isinstance(last, date)  # require() leaves no empty or undated cohort
    return first + timedelta(days=round(REPLAY_FROM * (last - first).days))


@dataclass(frozen=True)
class Replay:
    """Later lines as the model of T and the baselines score them: probabilities (lines,), raw (lines,), matrix X.

    shares: (lines, CATEGORIES) P(category | denied) by the model of T, (lines, 0) where it tells no reasons.
    """

    start: date
    learned: Learned
    later: Examples
    X: np.ndarray
    raw: np.ndarray
    risk: np.ndarray
    baselines: dict[str, np.ndarray]
    shares: np.ndarray

    @property
    def scored(self) -> Scored:
        """The later lines as the metrics take them."""
        return self.later.scored(self.risk)

    @property
    def claims(self) -> Scored:
        """The claims of the later lines: a claim is positive if any of its lines is."""
        return claims_of(self.later, self.learned.model, self.risk)


def claims_of(found: Examples, model: DenialModel, risk: np.ndarray) -> Scored:
    """The claims of lines with the risks that a model combines from those of its lines (lines,)."""
    codes = found.claims
    lines = found.scored(risk)
    y = (np.bincount(codes, weights=found.y) > 0).astype(np.float64)
    charge, denied = np.bincount(codes, weights=lines.charge), np.bincount(codes, weights=found.denied)
    return Scored(y, model.claim_risk(risk, codes), np.arange(len(y)), charge, denied)


def after(found: Examples, day: date) -> Examples:
    """The lines submitted on a day or later."""
    return found.take(np.flatnonzero((found.lines["submitted_date"] >= day).to_numpy()))


def replay(cut: Cut, today: Material, start: date, settings: Settings, recipe: Recipe) -> Replay:
    """Train as of `start`, score today's mature lines submitted since. UsageError: too little by then, none since."""
    later = after(today.found, start)
    if not len(later):
        raise UsageError(f"no line that is mature was submitted on {start} or later")
    learned = learn_as_of(cut, start, settings, recipe, today.history.rules, today.found.offered)
    X = learned.model.matrix(later.table)
    raw = learned.model.raw_score(X)
    why = shares(learned.model.reasons, X, later.table)
    others = baseline_scores(learned, later, X, settings)
    return Replay(start, learned, later, X, raw, learned.model.risk(raw, X), others, why)


def baseline_scores(learned: Learned, later: Examples, X: np.ndarray, settings: Settings) -> dict[str, np.ndarray]:
    """Probabilities (lines,) of the later lines by baselines that learned from the same lines as the model."""
    seen = learned.material.found
    table = RateTable.fit(seen.lines, seen.y)
    design = learned.model.matrix(seen.table)
    logistic = logistic_scores(design, seen.y, seen.features, X, settings.training.seed)
    return {"payer_cpt": table.rate(later.lines), "logistic_regression": logistic}


@dataclass(frozen=True)
class Report:
    """Metrics of the model, of its claims (claim_*) and reasons (reason_*), of the baselines, by payer; risks by bin.

    lately_*: what recent outcomes moved.

    reasons: by category, how its probabilities hold.
    """

    metrics: Metrics
    baselines: dict[str, Metrics]
    by_payer: dict[str, Metrics]
    reliability: list[Bin]
    reasons: dict[str, CategoryShare] = field(default_factory=dict)


def report(done: Replay, settings: Settings) -> Report:
    """Measure a replay."""
    budget, seed = settings.money.review_budget_share, settings.training.seed
    lines = measure(done.scored, budget, seed)
    claims = measure(done.claims, budget, seed)
    kept = ("auroc", "auprc", "brier", "ece", "calibration_slope", "denial_rate")
    own = lines | {
        f"claim_{name}{end}": claims[f"{name}{end}"] for name in kept for end in ENDS if f"{name}{end}" in claims
    }
    others = {name: measure(done.later.scored(p), budget, seed) for name, p in done.baselines.items()}
    why, by_table = measure_reasons(done.later, done.shares, done.learned.material.found, seed)
    others["payer_cpt"] |= by_table
    by_category = category_shares(done.later, done.risk[:, None] * done.shares)
    own |= why | lately(done)
    return Report(own, others, by_payer(done, settings), reliability(done.scored), by_category)


def lately(done: Replay) -> Metrics:
    """Lines whose risk was moved by recent outcomes; the mean risk of these unmoved and moved, and the share denied."""
    unmoved = done.learned.model.calibration.risk(done.raw)
    rows = np.flatnonzero(done.risk != unmoved)
    means = {"unmoved": unmoved, "moved": done.risk, "denied": done.later.y}
    told: Metrics = {f"lately_{name}": float(of[rows].mean()) if len(rows) else None for name, of in means.items()}
    return {"lately_lines": float(len(rows))} | told


ENDS = ("", "_low", "_high")


def by_payer(done: Replay, settings: Settings) -> dict[str, Metrics]:
    """Metrics of each payer with support, by payer_id, the largest first."""
    budget, seed = settings.money.review_budget_share, settings.training.seed
    parts = payer_rows(done.later, PAYER_LINES, PAYER_DENIALS)
    return {payer: measure(done.scored.take(rows), budget, seed) for payer, rows in parts.items()}


def payer_rows(found: Examples, lines: int, denials: int) -> dict[str, np.ndarray]:
    """The rows of each payer with at least so many lines, denials, and as many paid, by payer_id, the largest first."""
    payers = found.lines.select("payer_id", y=pl.Series(found.y))
    parts = payers.group_by("payer_id").agg(lines=pl.len(), denied=pl.col("y").sum(), paid=(1 - pl.col("y")).sum())
    kept = (pl.col("lines") >= lines) & (pl.min_horizontal("denied", "paid") >= denials)
    enough = parts.filter(kept).sort("lines", "payer_id", descending=True)["payer_id"]
    return {payer: np.flatnonzero((payers["payer_id"] == payer).to_numpy()) for payer in enough}
