"""What a practice of 100 to 10,000 claims is told, beside a rate table, rules alone and a trained model.

Base world, three seeds; the practice is some of the patients, all sizes are judged on the same lines of the eight weeks
after. The system is what it would itself use there: the trained model where training does not refuse and the gate lets
it in, else the starting model. Synthetic: it says nothing about any real payer.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import mean

import numpy as np
import polars as pl

from benchmarks.results import record
from claims.errors import UsageError
from claims.read import read_frame
from claims.settings import Settings, load_settings
from claims.snapshot import Snapshot, snapshot_of
from data.synthetic import generate, load_world
from features.build import build
from features.history import History
from features.table import FeatureTable
from rules.ruleset import RuleSet, rules_of
from training import gate
from training.baselines import RateTable
from training.cohort import KEY, ORDER, cohort_of, require_enough
from training.evaluate import Material, gather
from training.examples import Examples, learn, origin, plan
from training.fit import Recipe
from training.judgement import judge
from training.metrics import Meter, Scored
from training.starting import PRIOR, RULES, Model, StartingModel

SIZES = (100, 300, 1_000, 3_000, 10_000)
SEEDS = (31, 32, 33)
WHOLE = 25_000
WEEKS = 8
Risks = dict[str, np.ndarray]
RECIPE = Recipe()


@dataclass(frozen=True)
class Practice:
    """A world's tables as a store holds them, the day on which it is asked, and the lines it is asked about.

    patients: in random order, so that the first of them are a small practice; asked: whole submissions; y: (asked,) 0
    or 1, nan out of the target.
    """

    lines: pl.DataFrame
    outcomes: pl.DataFrame
    authorizations: pl.DataFrame
    today: date
    patients: list[str]
    asked: pl.DataFrame
    y: np.ndarray
    settings: Settings
    rules: RuleSet

    @classmethod
    def of(cls, seed: int) -> Practice:
        """Of the base world, asked three quarters of the way through."""
        made = generate(load_world("base"), WHOLE, seed)
        with tempfile.TemporaryDirectory() as home:
            settings = load_settings(home)
            read = [read_frame(frame, settings) for frame in (made.lines, made.outcomes, made.authorizations)]
        lines = read[0].lines.with_columns(version=pl.lit(1, pl.Int32))
        first, last = lines["submitted_date"].min(), lines["submitted_date"].max()
        assert isinstance(first, date) and isinstance(last, date)
        today = first + timedelta(days=round(0.75 * (last - first).days))
        known = snapshot_of(lines, read[1].outcomes, read[2].authorizations)
        asked, y = _asked(known, today, last, settings)
        patients = lines["patient_id"].drop_nulls().unique(maintain_order=True).to_list()  # their names are keyed anew
        np.random.default_rng(seed).shuffle(patients)
        return cls(
            lines, read[1].outcomes, read[2].authorizations, today, patients, asked, y, settings, rules_of(settings)
        )

    def small(self, claims: int) -> Practice:
        """The practice of its first patients, who have about that many claims before today."""
        before = self.lines.filter(pl.col("submitted_date") < self.today)
        counts = dict(before.group_by("patient_id").agg(pl.col("claim_id").n_unique()).iter_rows())
        sums = np.cumsum([counts.get(patient, 0) for patient in self.patients])
        few = self.patients[: int(np.searchsorted(sums, claims)) + 1]
        own = before.filter(pl.col("patient_id").is_in(few))
        answered = self.outcomes.join(own.select("claim_id").unique(), on="claim_id", how="semi")
        return Practice(
            own, answered, self.authorizations, self.today, few, self.asked, self.y, self.settings, self.rules
        )

    def cut(self, day: date) -> Snapshot:
        """What its store would say on a day."""
        return snapshot_of(self.lines, self.outcomes, self.authorizations, as_of=day)


def _asked(known: Snapshot, today: date, last: date, settings: Settings) -> tuple[pl.DataFrame, np.ndarray]:
    mature = cohort_of(known, last + timedelta(days=1), settings.maturity).mature
    day = pl.col("submitted_date")
    labels = mature.filter((day >= today) & (day < today + timedelta(weeks=WEEKS))).select(*KEY, "y")
    asked = known.lines.join(labels.select("submission_id").unique(), on="submission_id", how="semi").sort(ORDER)
    y = asked.join(labels, on=KEY, how="left", maintain_order="left")["y"]
    return asked, y.cast(pl.Float64).to_numpy()


def main() -> None:
    """Print and record AUROC and ECE, the mean of the seeds, by size and by who answers."""
    found: dict[str, list[float]] = {}
    for seed in SEEDS:
        whole = Practice.of(seed)
        for claims in SIZES:
            for name, value in _measured(whole.small(claims), claims):
                found.setdefault(name, []).append(value)
    record("cold_start", {name: (mean(values), "") for name, values in found.items()})


def _measured(practice: Practice, claims: int) -> Iterator[tuple[str, float]]:
    risks, trained = _answers(practice)
    rows = np.flatnonzero(np.isfinite(practice.y))
    for who, risk in risks.items():
        scored = Scored(practice.y[rows], risk[rows], rows, np.ones(len(rows)), practice.y[rows])
        told = Meter(scored, practice.settings.money.review_budget_share).measure()
        for metric in ("auroc", "ece"):
            yield f"{claims} claims: {metric} of {who}", float(told[metric] or 0.0)
    yield f"{claims} claims: share of seeds with a trained model in service", float(trained)


def _answers(practice: Practice) -> tuple[Risks, bool]:
    """Risks of the lines it is asked about, by who answers, and whether the system's answer is a trained model's."""
    history = History.of(practice.cut(practice.today), practice.rules)
    table = build(practice.asked, history)
    starting = StartingModel.of(history, practice.today, practice.settings.maturity)
    risks = {"starting model": _risk(starting, table), "rules alone": _risk(_rules_alone(), table)}
    seen = cohort_of(history.snapshot, practice.today, practice.settings.maturity).mature
    lines = history.snapshot.lines.join(seen.select(*KEY, "y"), on=KEY)
    risks["payer x CPT table"] = RateTable.fit(lines, lines["y"].to_numpy()).rate(practice.asked)
    try:
        today = gather(practice.cut, practice.today, practice.settings, practice.rules)
        risks["trained model"] = _risk(_trained(today), table)
    except UsageError:
        return risks | {"system": risks["starting model"]}, False
    serves = _serves(practice, today)
    return risks | {"system": risks["trained model" if serves else "starting model"]}, serves


def _risk(model: Model, table: FeatureTable) -> np.ndarray:
    X = model.matrix(table)
    return model.risk(model.raw_score(X), X)


def _rules_alone() -> StartingModel:
    """The published rate and broken rules, no history."""
    nothing = StartingModel.of(History.empty(), date.today(), Settings().maturity)
    only = np.array([name == RULES for name in nothing.features])
    return StartingModel(nothing.base, np.where(only, PRIOR, 0.0), nothing.versions)


def _trained(today: Material) -> Model:
    found: Examples = today.found
    return learn(found, plan(found, RECIPE), RECIPE, origin(today.history, today.cohort, RECIPE), today.latest)


def _serves(practice: Practice, today: Material) -> bool:
    """Whether `denials train` would not refuse, and the gate would let its model in."""
    try:
        require_enough(today.cohort, practice.settings.training.min_lines)
    except UsageError:
        return False
    judged = judge(practice.cut, today, practice.settings, RECIPE, None, lambda message, share: None)
    return gate.passed(judged.answers)


if __name__ == "__main__":
    main()
