"""A replay, what it measured, and the answers of the gate, held together: what a model is judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from claims.errors import UsageError
from claims.settings import GateSettings, Settings
from training import gate
from training.champion import champion_of, judge_duel, judged_as_well, meet
from training.evaluate import Cut, Material, Replay, Report, after, payer_rows, replay_start, report
from training.evaluate import replay as replay_since
from training.evaluation import Answer, Evaluation, evaluation_of
from training.exactness import additive, parity, past_unchanged
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

    def of_model(self, model: DenialModel, found: Examples, settings: Settings) -> Judged:
        """With what is asked of the model itself; where there is no replay, additivity on these lines too."""
        answers = [*self.answers, gate.quick(model, settings.gate), gate.small(model, settings.gate)]
        if self.replayed is None:
            answers.append(additive(model, model.matrix(found.table)))
        answers.append(judged_as_well(champion_of(settings), model, answers))
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
            _require_support(today.found, start, settings.gate)
        done = replay_since(cut, today, start or replay_start(today.found), settings, recipe)
    except UsageError as error:
        if start:
            raise UsageError(f"no replay can start on {start}: {error}") from error
        return Judged(None, Report({}, {}, {}, []), _unreplayed(today, settings), f"not evaluated: {error}")
    progress("measuring", 0.5)
    found = report(done, settings)
    progress("holding the gate", 0.6)
    answers = _replayed(today, done, settings)
    champion = champion_of(settings)
    duel = champion if isinstance(champion, str) else meet(champion, cut, today, done, settings, recipe)
    return Judged(done, found, answers + judge_duel(duel, settings.gate, seed))


def _replayed(today: Material, done: Replay, settings: Settings) -> list[Answer]:
    """The checks that need a replay and no champion."""
    limits, seed, scored = settings.gate, settings.training.seed, done.scored
    parts = payer_rows(done.later, limits.payer_calibration_lines, limits.min_denials)
    return [
        gate.beats_table(scored, done.baselines["payer_cpt"], limits, seed),
        gate.calibrated(scored, limits),
        parity(today.found, today.snapshot.lines, today.history, seed),
        additive(done.learned.model, done.X),
        past_unchanged(done.learned.material.found, today.found),
        gate.claims_calibrated(done.claims, limits),
        gate.payers_calibrated({payer: scored.take(rows) for payer, rows in parts.items()}, limits),
    ]


def _unreplayed(today: Material, settings: Settings) -> list[Answer]:
    """The same checks where there is no replay; DEN005 waits for the model."""
    why = "too little history for a replay"
    codes = ("DEN001", "DEN003", "DEN006", "DEN009", "DEN010")
    answers = [gate.not_applicable(code, why) for code in codes]
    answers.append(parity(today.found, today.snapshot.lines, today.history, settings.training.seed))
    return answers + judge_duel(why, settings.gate, settings.training.seed)


def _require_support(found: Examples, start: date, limits: GateSettings) -> None:
    later = after(found, start)
    missing = gate.support(later.scored(later.y), limits)
    if missing:
        raise UsageError(missing)
