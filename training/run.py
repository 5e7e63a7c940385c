"""What `denials train` and `denials evaluate` do, as plain functions that report their progress."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from claims.errors import OutOfReachError
from claims.label import load_classes
from claims.settings import Settings
from claims.snapshot import take_snapshot
from claims.store import Store
from training import gate, registry
from training.card import make_card
from training.cohort import require_enough
from training.evaluate import Cut, Material, Replay, gather
from training.evaluation import Answer
from training.examples import Plan, Progress, learn, origin, plan
from training.fit import Recipe
from training.golden import SAMPLE, make_golden, read_golden
from training.judgement import Judged, judge
from training.model import DenialModel
from training.shape import shape_of
from training.tune import Tuned, tuned_before


@dataclass(frozen=True)
class TrainResult:
    """The answer of train and evaluate; `json` is the contract, `folder` the model's, `notes` for people."""

    run_id: str | None
    model_version: str
    as_of: date
    trained_through: date
    lines_used: int
    lines_immature: int
    metrics: dict[str, float | None]
    baselines: dict[str, dict[str, float | None]]
    gate: list[Answer]
    folder: Path
    by_payer: dict[str, dict[str, float | None]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    replayed: Replay | None = None
    refused: bool = False  # a failure on record outlives this judgement
    trouble: str | None = None  # why it is not registered, where the folder is, and what to do

    @property
    def passed(self) -> bool:
        """Whether the model may be promoted."""
        return gate.passed(self.gate) and not self.refused

    def json(self) -> dict[str, Any]:
        """As `denials train --json` prints it."""
        names = (
            "run_id", "model_version", "as_of", "trained_through", "lines_used", "lines_immature",
            "metrics", "baselines", "gate",
        )  # fmt: skip
        return {name: str(value) if isinstance(value := getattr(self, name), date) else value for name in names}


def silent(message: str, share: float) -> None:
    """Progress for nobody."""


def train(
    source: Store | Cut, settings: Settings, *, as_of: date, replay_from: date | None = None,
    recipe: Recipe | None = None, golden: Path | None = SAMPLE, progress: Progress = silent,
) -> TrainResult:  # fmt: skip
    """Replay, gate, final fit on all mature lines to `as_of`, registered as the challenger (whatever the gate says).

    source: the store, or a function that cuts a snapshot at a day. recipe: parameters other than the defaults.
    golden: a file of claims for golden.jsonl.
    UsageError when there is too little to learn from, or when `replay_from` is given and cannot be replayed. Where
    MLflow cannot be reached, the folder stays under models/ and `trouble` says so.
    """
    cut = _cutter(source, settings)
    progress("reading claims and building features", 0.05)
    today = gather(cut, as_of, settings)
    require_enough(today.cohort, settings.training.min_lines)
    tuned = tuned_before(cut, today, settings, recipe or Recipe(seed=settings.training.seed), replay_from, progress)
    judged = judge(cut, today, settings, tuned.recipe, replay_from, progress)
    progress("fitting on all mature lines", 0.75)
    chosen = judged.replayed.learned.plan if judged.replayed else plan(today.found, tuned.recipe)
    model, judged = finish(today, chosen, tuned, judged, golden, settings)
    progress("writing the run to MLflow", 0.9)
    result = _registered(settings, model, today, judged, tuned)
    progress("done", 1.0)
    return result


def evaluate(
    source: Store | Cut, settings: Settings, *, which: str = "challenger", replay_from: date | None = None,
    progress: Progress = silent,
) -> TrainResult:  # fmt: skip
    """Hold the gate again for a registered version, as of its own day; records the outcome where promote looks for it.

    The folder keeps the evaluation that it was registered with: it is never written again. With `replay_from` only a
    failure is recorded: nobody passes a model by choosing a T that suits it. UsageError when no replay starts there.
    A failure that is on record stays when DEN001 or DEN003 could not be judged.
    """
    folder = registry.resolve(settings, which)
    model = DenialModel.load(folder)
    cut = _cutter(source, settings)
    progress("reading claims and building features", 0.1)
    today = gather(cut, model.as_of, settings)
    judged = judge(cut, today, settings, Recipe.of(model.versions["recipe"]), replay_from, progress)
    judged = judged.of_model(model, today.found, settings)
    kept = _record(settings, model, judged, chosen=replay_from is not None)
    progress("done", 1.0)
    return replace(_result(model, today, judged, None, folder, (*_notes(judged), *kept)), refused=bool(kept))


def _record(settings: Settings, model: DenialModel, judged: Judged, *, chosen: bool) -> tuple[str, ...]:
    """Write a later judgement down, unless it passes on a T of one's own choice. A note where a failure outlives it."""
    passed = gate.passed(judged.answers)
    if chosen and passed:
        return ()
    sure = not passed or gate.conclusive(judged.answers)
    if registry.set_gate(settings, model.version, _word(judged), judged.answers, over_failed=sure):
        return ()
    return ("the failure that is on record stays: DEN001 and DEN003 could not be judged again",)


def _cutter(source: Store | Cut, settings: Settings) -> Cut:
    if not isinstance(source, Store):
        return source
    classes = load_classes(settings.ingest.carc_classes)
    return lambda day: take_snapshot(source, day, classes=classes)


def finish(
    today: Material, chosen: Plan, tuned: Tuned, judged: Judged, golden: Path | None, settings: Settings
) -> tuple[DenialModel, Judged]:
    """The final model with what the replay measured, its card and its golden claims; and the whole judgement."""
    whence = origin(today.history, today.cohort, tuned.recipe) | {"tuning": tuned.record or None}
    model = learn(today.found, chosen, tuned.recipe, whence, today.latest)
    rows = make_golden(model, read_golden(golden)) if golden and golden.exists() else ()
    model = replace(model, golden=rows)
    judged = judged.of_model(model, today.found, settings)
    model = model.with_evaluation(judged.evaluation)
    concepts: dict[str, list[str]] = defaultdict(list)
    for feature in model.definitions:
        concepts[feature.concept].append(feature.name)
    return replace(model, card=make_card(model, today.cohort, concepts, judged.answers)), judged


def _registered(settings: Settings, model: DenialModel, today: Material, judged: Judged, tuned: Tuned) -> TrainResult:
    notes = (*_notes(judged), *([tuned.note] if tuned.note else []), *today.found.offered.told())
    try:
        run_id, numbered = registry.log_run(settings, model, _run(settings, model, today, judged, tuned))
        return _result(numbered, today, judged, run_id, registry.resolve(settings, numbered.version), notes)
    except OutOfReachError as error:
        folder = settings.models / f"unregistered-{model.as_of}"
        model.save(folder)
        trouble = (
            f"the model is in {folder}, not registered: {error}. Once that is mended, the same command with --as-of "
            f"{model.as_of} makes the same model again and registers it; until then --model {folder} scores with it"
        )
        return replace(_result(model, today, judged, None, folder, notes), trouble=trouble)


def _run(settings: Settings, model: DenialModel, today: Material, judged: Judged, tuned: Tuned) -> registry.Run:
    from training.plots import figures

    replayed = judged.replayed
    others = {
        f"{name}.{metric}": value for name, found in judged.report.baselines.items() for metric, value in found.items()
    }
    others |= {
        f"reason.{name}.{what}": float(one[what])
        for name, one in judged.report.reasons.items()
        for what in ("mean_probability", "share", "ece")
    }
    counts = {f"lines.{state}": float(count) for state, count in today.cohort.counts.items()}
    offered = today.found.offered
    tags = {
        "as_of": str(model.as_of), "data_version": model.versions["data_version"], "gate": _word(judged),
        "shape": shape_of(settings, tuned.base),
        "site_columns": f"{len(offered.features)} offered, {len(offered.refused)} refused",
    }  # fmt: skip
    known = {"rounds": model.versions["rounds"], "replay_from": str(replayed.start) if replayed else "none"}
    return registry.Run(
        parameters=asdict(tuned.recipe) | known | tags,
        metrics=judged.report.metrics | others | counts,
        tags=tags,
        texts={
            "card.md": model.card,
            "gate.json": json.dumps(judged.answers, indent=1) + "\n",
            "by_payer.json": json.dumps(judged.report.by_payer, indent=1) + "\n",
            **({"site_columns.txt": "\n".join(told) + "\n"} if (told := offered.told()) else {}),
        },
        figures=figures(replayed, judged.report) if replayed and len(replayed.later) else {},
    )


def _notes(judged: Judged) -> tuple[str, ...]:
    return (judged.note,) if judged.note else ()


def _word(judged: Judged) -> str:
    return "passed" if gate.passed(judged.answers) else "failed"


def _result(
    model: DenialModel, today: Material, judged: Judged, run_id: str | None, folder: Path, notes: tuple[str, ...]
) -> TrainResult:
    counts = today.cohort.counts
    return TrainResult(
        run_id, model.version, model.as_of, model.trained_through, counts["mature"], counts["immature"],
        judged.report.metrics, judged.report.baselines, judged.answers, folder, judged.report.by_payer, counts, notes,
        judged.replayed,
    )  # fmt: skip
