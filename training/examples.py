"""Lines with their features and labels, and a model learned from them as of a day."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl

from claims.label import CATEGORIES
from claims.snapshot import Snapshot
from features import catalog
from features.build import build
from features.catalog import Feature
from features.history import History
from features.table import FeatureTable
from training.calibrate import Calibration, calibrate
from training.cohort import KEY, ORDER, Cohort
from training.fit import Later, Recipe, fit, split, stop_early
from training.frequencies import Keys
from training.guard import NOTHING, Offered
from training.matrix import Encoder, choose_levels, usable
from training.metrics import Scored
from training.model import Column, DenialModel
from training.reason_fit import Denied, ReasonPlan, learn_reasons, plan_reasons
from training.recent import LATEST, SETTLED, Recent

NAME = "denial"
LIBRARIES = ("lightgbm", "numpy", "polars")
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Examples:
    """Target lines in ORDER: `lines` (columns of the snapshot), `table` of their features, y (lines,), denied (lines,).

    denied: USD the payer denied of the line, its charge where that is not known, 0 where y is 0.
    reasons: category and carc of the denial, null where y is 0; None where no source tells them.
    offered: what the guard says of the columns of the site.
    """

    lines: pl.DataFrame
    table: FeatureTable
    y: np.ndarray
    denied: np.ndarray
    reasons: pl.DataFrame | None = None
    offered: Offered = NOTHING

    def __len__(self) -> int:
        """Lines."""
        return len(self.y)

    def take(self, rows: np.ndarray) -> Examples:
        """These rows, in this order."""
        reasons = None if self.reasons is None else self.reasons[rows]
        return Examples(self.lines[rows], self.table.take(rows), self.y[rows], self.denied[rows], reasons, self.offered)

    @property
    def features(self) -> tuple[Feature, ...]:
        """Those that a model of these lines is offered: the catalog's, then the columns of the site."""
        return (*usable(catalog.CATALOG), *self.offered.features)

    @property
    def days(self) -> np.ndarray:
        """(lines,) submitted_date as days."""
        return self.lines["submitted_date"].to_numpy().astype("datetime64[D]").astype(np.int64)

    def scored(self, p: np.ndarray) -> Scored:
        """The lines with a probability each, as the metrics take them."""
        charge = self.lines["charge_amount"].cast(pl.Float64).fill_null(0.0).to_numpy()
        return Scored(self.y, p, self.claims, charge, self.denied)

    @property
    def category(self) -> np.ndarray:
        """(lines,) the place of each line's category in CATEGORIES; -1 where y is 0, and where no source tells it."""
        if self.reasons is None:
            return np.full(len(self), -1)
        places = self.reasons["category"].replace_strict(CATEGORIES, range(len(CATEGORIES)), return_dtype=pl.Int64)
        return places.fill_null(-1).to_numpy()

    @property
    def claims(self) -> np.ndarray:
        """(lines,) codes 0..k-1 of their submissions."""
        return np.unique(self.lines["submission_id"].to_numpy(), return_inverse=True)[1]


def examples(
    snapshot: Snapshot, mature: pl.DataFrame, history: History, offered: Offered = NOTHING
) -> Examples:  # fmt: skip
    """Examples of the mature lines. Features are built over whole submissions, as they are when a claim is scored."""
    whole = snapshot.lines.join(mature.select("submission_id").unique(), on="submission_id", how="semi").sort(ORDER)
    told = snapshot.outcomes.select(*KEY, "denied_cents", "category", "carc")
    labels = mature.select(*KEY, "y").join(told, on=KEY, how="left")
    labelled = whole.join(labels, on=KEY, how="left", maintain_order="left")
    rows = np.flatnonzero(labelled["y"].is_not_null().to_numpy())
    y = labelled["y"].drop_nulls().to_numpy().astype(np.float64)
    reasons = labelled[rows].select("category", "carc")
    return Examples(whole[rows], build(whole, history).take(rows), y, _denied(labelled[rows]), reasons, offered)


def _denied(labelled: pl.DataFrame) -> np.ndarray:
    dollars = pl.coalesce(pl.col("denied_cents") / 100, pl.col("charge_amount").cast(pl.Float64), 0.0)
    return labelled.select(pl.when(pl.col("y") == 1).then(dollars).otherwise(0.0)).to_series().to_numpy()


@dataclass(frozen=True)
class Plan:
    """What early stopping and calibration on the latest lines decided: used again when fitting on all of them."""

    rounds: int
    calibration: Calibration
    reasons: ReasonPlan | None = None


def plan(found: Examples, recipe: Recipe) -> Plan:
    """Fit on the earlier lines; the later fifth stops the fit, and calibrates it half by half.

    The calibration keeps the level of the trees: those of `learn` have seen the later fifth too and hold its level. The
    gap that the earlier trees show there is drift; to carry it over as well would count it twice (docs/decisions/0007).
    """
    cut = split(found.days, recipe.validation_share)
    earlier, later = found.take(np.arange(cut)), found.take(np.arange(cut, len(found)))
    encoder, _ = encoder_of(earlier, recipe)
    unseen = Later(encoder.matrix(later.table), later.y, halves(later.claims))
    stopped = stop_early(encoder.matrix(earlier.table), earlier.y, found.features, recipe, unseen)
    calibration = calibrate(stopped.raw, later.y, later.claims)
    reasons = plan_reasons(denied_of(earlier, encoder), denied_of(later, encoder), found.features, recipe.seed)
    return Plan(stopped.rounds, calibration.keeping_level(stopped.raw), reasons)


def halves(claims: np.ndarray) -> np.ndarray:
    """(lines,) 0 or 1: every other claim; every other line where there is one claim."""
    return np.asarray((claims if claims.max() else np.arange(len(claims))) % 2)


def learn(
    found: Examples, chosen: Plan, recipe: Recipe, origin: dict[str, Any], latest: FeatureTable | None = None
) -> DenialModel:
    """The model of all these lines with the chosen rounds and calibration.

    latest: features of the practice's latest lines, whatever came of them; without them the model does
    not watch what payers lately do (training/recent.py).
    """
    features = found.features
    encoder, levels = encoder_of(found, recipe)
    fitted = fit(encoder.matrix(found.table), found.y, features, recipe, chosen.rounds)
    seen = found.lines["submitted_date"]
    own = {
        "trained_from": str(seen.min()),
        "trained_through": str(seen.max()),
        "lines": len(found),
        "rounds": fitted.rounds,
        "site_columns": found.offered.told(),
    }
    columns = tuple(Column.of(f) for f in features)
    reasons = learn_reasons(denied_of(found, encoder), chosen.reasons, features, recipe.seed)
    model = DenialModel(fitted.text, chosen.calibration, columns, levels, origin | own, reasons=reasons)
    return model if latest is None else replace(model, recent=_recent(model, found, latest))


def _recent(model: DenialModel, found: Examples, latest: FeatureTable) -> Recent:
    """Usual is what came of lines SETTLED days older than the youngest: what has just changed is not usual yet."""
    older = found.take(np.flatnonzero(found.days <= found.days[-1] - SETTLED))
    X = model.matrix(latest)
    return Recent.of(older.table, older.y, latest, model.risk(model.raw_score(X), X), model.levels)


def latest_lines(snapshot: Snapshot, history: History, as_of: date) -> FeatureTable:
    """Features of the original lines submitted in the LATEST days before a day, whatever came of them."""
    sent = pl.col("submitted_date").is_between(as_of - timedelta(days=LATEST), as_of, closed="left")
    return build(snapshot.lines.filter(sent & pl.col("is_original")).sort(ORDER), history)


def denied_of(found: Examples, encoder: Encoder) -> Denied | None:
    """The denied lines as reasons are learned from them; None where no source tells categories."""
    if found.reasons is None:
        return None
    category = found.category
    rows = np.flatnonzero(category >= 0)
    table = found.table.take(rows)
    return Denied(encoder.matrix(table), Keys.of(table), category[rows], found.reasons["carc"][rows])


def encoder_of(found: Examples, recipe: Recipe) -> tuple[Encoder, dict[str, tuple[str, ...]]]:
    """What turns tables into matrices for a model that learns from these lines, and the levels of its categories."""
    levels = choose_levels(found.table, found.features, recipe.min_level_rows) | dict(found.offered.levels)
    return Encoder([f.name for f in found.features], levels), levels


def origin(history: History, cohort: Cohort, recipe: Recipe) -> dict[str, Any]:
    """Where a model comes from, for versions.json."""
    return {
        "name": NAME,
        "version": "unregistered",
        "as_of": str(cohort.as_of),
        "data_version": history.snapshot.data_version,
        "code_version": version("denials"),
        "seed": recipe.seed,
        "recipe": asdict(recipe),
        "rules": history.rules.version,
        "libraries": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
    }
