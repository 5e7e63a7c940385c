"""Recipes tried on the time before the replay, within a budget: which one tells later lines best (log loss).

Optuna proposes (TPE, seeded, one trial after the other); the recipe that it starts from is the first trial, so that the
one taken is never worse on these days. A trial that lies above the median of the others after a fold is given up.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from claims.errors import UsageError
from claims.settings import Settings
from features.catalog import Feature
from training.evaluate import Cut, Material, gather, replay_start
from training.examples import Examples, Progress, encoder_of, halves
from training.fit import Later, Recipe, split, stop_early

if TYPE_CHECKING:
    from optuna import Trial

FOLDS = (0.55, 0.7, 0.85)  # shares of the lines that a fold learns from; it is judged on the next STEP of them
STEP = 0.15
LATEST = 200_000  # lines, at most: a recipe is found on them as well as on millions
MIN_LINES = 50  # of either part of a fold
TOO_LITTLE = "not tuned: too little was mature by the start of the replay"
WHOLE = {
    "num_leaves": (15, 48), "max_depth": (4, 8), "min_data_in_leaf": (10, 300), "max_cat_threshold": (8, 64),
    "min_data_per_group": (20, 300),
}  # fmt: skip
REAL = {
    "learning_rate": (0.02, 0.2), "lambda_l2": (0.1, 50.0), "feature_fraction": (0.2, 1.0), "cat_smooth": (1.0, 100.0),
    "cat_l2": (1.0, 100.0),
}  # fmt: skip


@dataclass(frozen=True)
class Tuned:
    """base: the recipe begun with; recipe: the one taken; record: for versions.json, empty where none was tried."""

    base: Recipe
    recipe: Recipe
    record: dict[str, Any] = field(default_factory=dict)
    note: str | None = None  # why none was tried, though it was asked for


def tune(found: Examples, base: Recipe, trials: int, progress: Progress) -> Tuned:
    """The best of so many recipes on these lines, which no replay may judge later. The same lines give the same recipe.

    progress: called with the share of the budget that is used. Where the lines are too few the note says so.
    """
    folds = _folds(found.take(np.arange(max(0, len(found) - LATEST), len(found))), base)
    if not folds:
        return Tuned(base, base, note=TOO_LITTLE)
    import optuna  # half a second that only tuning pays

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def loss(trial: Trial) -> float:
        tried, losses = _proposed(trial, base), []
        for number, fold in enumerate(folds):
            losses.append(fold.loss(tried))
            trial.report(float(np.mean(losses)), number)
            if trial.should_prune():
                raise optuna.TrialPruned
        return float(np.mean(losses))

    def tell(done: int) -> None:
        progress(f"tuning: recipe {done} of {trials}", done / trials)

    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=base.seed), pruner=optuna.pruners.MedianPruner(n_startup_trials=5)
    )
    study.enqueue_trial({name: getattr(base, name) for name in (*WHOLE, *REAL)})
    study.optimize(loss, trials, callbacks=[lambda study, trial: tell(trial.number + 1)])
    pruned = sum(trial.state == optuna.trial.TrialState.PRUNED for trial in study.trials)
    record = {
        "trials": trials, "given_up": pruned, "folds": len(folds), "through": str(found.lines["submitted_date"].max()),
        "log_loss": study.best_value, "log_loss_before": study.trials[0].value,
    }  # fmt: skip
    return Tuned(base, Recipe.of(asdict(base) | study.best_params), record)


def tuned_before(
    cut: Cut, today: Material, settings: Settings, base: Recipe, start: date | None, progress: Progress
) -> Tuned:
    """`base`, or what `training.tune` trials make of it on what was known as of the replay's start (or `start`)."""
    trials = settings.training.tune
    if not trials:
        return Tuned(base, base)
    progress("tuning: reading what was known before the replay", 0.1)
    try:
        known = gather(cut, start or replay_start(today.found), settings, today.history.rules, today.found.offered)
    except UsageError:
        return Tuned(base, base, note=TOO_LITTLE)
    return tune(known.found, base, trials, lambda message, share: progress(message, 0.1 + 0.15 * share))


def _proposed(trial: Trial, base: Recipe) -> Recipe:
    whole = {name: trial.suggest_int(name, *ends, log=ends[1] > 100) for name, ends in WHOLE.items()}
    real = {name: trial.suggest_float(name, *ends, log=name != "feature_fraction") for name, ends in REAL.items()}
    return Recipe.of(asdict(base) | whole | real)


@dataclass(frozen=True)
class _Fold:
    """What a fold learns from, in ORDER, and the later lines that judge it."""

    X: np.ndarray
    y: np.ndarray
    later: Later
    features: tuple[Feature, ...]

    def loss(self, recipe: Recipe) -> float:
        """Log loss of the later lines; no claim among them has chosen the rounds behind its own score."""
        raw = stop_early(self.X, self.y, self.features, recipe, self.later).raw
        return float(np.mean(np.logaddexp(0.0, raw) - self.later.y * raw))


def _folds(found: Examples, base: Recipe) -> list[_Fold]:
    """Folds with both classes among what they learn from."""
    parts = [_parts(found, share) for share in FOLDS]
    return [_fold(*part, base) for part in parts if min(map(len, part)) >= MIN_LINES and 0 < part[0].y.mean() < 1]


def _parts(found: Examples, share: float) -> tuple[Examples, Examples]:
    """The lines before a cut between two days, and those from it to the next cut."""
    if len(found) < 3:
        return found, found.take(np.arange(0))
    cut = split(found.days, 1 - share)
    end = split(found.days, 1 - share - STEP) if share + STEP < 1 else len(found)
    return found.take(np.arange(cut)), found.take(np.arange(cut, end))


def _fold(earlier: Examples, later: Examples, base: Recipe) -> _Fold:
    encoder, _ = encoder_of(earlier, base)
    unseen = Later(encoder.matrix(later.table), later.y, halves(later.claims))
    return _Fold(encoder.matrix(earlier.table), earlier.y, unseen, earlier.features)
