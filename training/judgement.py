"""A replay, what it measured, and the answers of the gate, held together: what a model is judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from claims.errors import ModelMismatchError, NoModelError, UsageError
from claims.settings import Settings
from training import gate
from training.evaluate import Cut, Material, Replay, Report, after, learn_as_of, replay_start, report
from training.evaluate import replay as replay_since
from training.evaluation import Answer, Evaluation, evaluation_of
from training.examples import Examples, Progress
from training.fit import Recipe
from training.model import DenialModel


@dataclass(frozen=True)
class Judged:
    """A replay, what it measured and what the gate says; `replayed` is None where there was too little history."""

    replayed: Replay | None
    report: Report
    answers: list[Answer]
    note: str | None = None

    @property
    def evaluation(self) -> Evaluation | None:
        """As the model folder keeps it."""
        return evaluation_of(self.replayed.start, self.report, self.answers) if self.replayed else None

    def with_additivity(self, model: DenialModel, found: Examples) -> Judged:
        """DEN005 of the model itself, on these lines, where there is no model of a replay to hold it on."""
        if self.replayed:
            return self
        answers = [*self.answers, gate.additive(model, model.matrix(found.table))]
        return replace(self, answers=sorted(answers, key=lambda given: given["code"]))


def judge(
    cut: Cut, today: Material, settings: Settings, recipe: Recipe, start: date | None, progress: Progress
) -> Judged:
    """Replay, measure, and hold the gate. A history too short for the usual replay is no error: few checks apply then.

    UsageError when `start` is given and too early to learn by then, or so late that too few lines follow.
    """
    progress("replaying the last fourth", 0.25)
    seed = settings.training.seed
    try:
        if start:
            _require_support(today.found, start)
        done = replay_since(cut, today, start or replay_start(today.found), settings, recipe)
    except UsageError as error:
        if start:
            raise UsageError(f"no replay can start on {start}: {error}") from error
        answers = gate.judge_unreplayed(today.found, today.snapshot.lines, today.history, seed)
        return Judged(None, Report({}, {}, {}, []), answers, f"not evaluated: {error}")
    progress("measuring", 0.5)
    found = report(done, settings)
    answers = gate.judge(done, today.found, today.snapshot.lines, today.history, found.metrics, seed)
    answers.insert(1, _against_champion(cut, today, done, settings, recipe))
    return Judged(done, found, answers)


def _require_support(found: Examples, start: date) -> None:
    later = after(found, start)
    missing = gate.support(later.scored(later.y))
    if missing:
        raise UsageError(missing)


def _against_champion(cut: Cut, today: Material, done: Replay, settings: Settings, recipe: Recipe) -> Answer:
    """DEN002, on lines submitted after all that the champion learned from; the rival is as old as the champion."""
    seed = settings.training.seed
    try:
        champion = DenialModel.load(settings.models / "champion")
    except ModelMismatchError:
        return gate.not_worse(None, None, seed, "this version of the code can no longer run the champion")
    except NoModelError:
        return gate.not_worse(None, None, seed)
    unseen = after(today.found, max(done.start, champion.trained_through + timedelta(days=1)))
    missing = gate.support(unseen.scored(unseen.y))
    if missing:
        return gate.not_worse(None, None, seed, f"since the champion was trained: {missing}")
    rival = (
        done.learned.model if champion.as_of <= done.start else learn_as_of(cut, champion.as_of, settings, recipe).model
    )
    return gate.not_worse(unseen.scored(_risk(rival, unseen)), _risk(champion, unseen), seed)


def _risk(model: DenialModel, found: Examples) -> np.ndarray:
    return model.risk(model.raw_score(model.matrix(found.table)))
