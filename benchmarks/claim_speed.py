"""One claim of three lines, everything, in process: the whole beside LightGBM's pred_contrib of the same three lines.

Against histories of a million lines and of 60,000 claims, kept and mapped as a service has them; with the champion of
the base world at 20,000 claims and with a model of 300 trees of 63 leaves. The parts are timed apart from the whole,
each alone, so they add up to a little less. Medians of claims that the histories do not hold, one after the other.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import polars as pl

from benchmarks.feature_speed import earliest, load, prepare
from benchmarks.results import record
from benchmarks.world_gap import stored
from claims.packed import pack, unpack
from claims.read import read_claims
from claims.settings import Settings
from data.synthetic import generate, load_world
from features.build import build
from features.history import CLASSES, History
from rules.encode import Lines
from rules.judge import judge
from rules.ruleset import packaged
from serving.answer import claims_of
from serving.assess import assess, scores
from serving.reasons import told
from serving.score import Scorer
from serving.worth import Prices
from training.evaluate import gather
from training.examples import learn, origin, plan
from training.fit import Recipe
from training.model import DenialModel

CLAIMS, ASKED, ROUNDS = 20_000, 300, 3
SIZES = {"1,000,000 lines": 1_000_000, "60,000 claims": 150_000}
LARGE = {"max_rounds": 300, "patience": 1_000, "num_leaves": 63, "max_depth": 8, "learning_rate": 0.02}
CLAIM = ("claim_id", "submitted_date", "payer_id", "member_id", "patient_birth_date")
Json = dict[str, Any]


def main(prepared: Path | None = None) -> None:
    """Measure, print and record; prepared: a folder in which benchmarks.feature_speed has prepared its practice."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = prepared or Path(scratch)
        if prepared is None:
            prepare(folder)
        models, claims, settings = _models()
        for size, lines in SIZES.items():
            known = kept(folder, lines, Path(scratch) / str(lines))
            for name, model in models.items():
                scorer = Scorer(model, known[0], settings, known[1])
                found = measured(scorer, claims)
                record("claim_speed", {f"{what}, {name}, {size}": value for what, value in found.items()})


def _models() -> tuple[dict[str, DenialModel], list[Json], Settings]:
    """The champion and the large model of the base world, and claims of three lines of it under names of their own."""
    made = generate(load_world("base"), CLAIMS)
    cut, last, settings = stored(made)
    known = gather(cut, last + timedelta(days=1), settings)
    models = {}
    for name, recipe in (("champion", Recipe(seed=1)), ("300 trees of 63 leaves", Recipe(seed=1, **LARGE))):  # type: ignore[arg-type]
        chosen = plan(known.found, recipe)
        if name != "champion":
            chosen = replace(chosen, rounds=LARGE["max_rounds"])
        models[name] = learn(known.found, chosen, recipe, origin(known.history, known.cohort, recipe))
    return models, three_lines(made.lines), settings


def three_lines(lines: pl.DataFrame) -> list[Json]:
    """ASKED claims of three lines as billing software sends them."""
    found = []
    for rows in lines.partition_by("claim_id", "submitted_date", "payer_id", maintain_order=True):
        if len(rows) == 3 and len(found) < ASKED:
            told = [{k: v for k, v in row.items() if v is not None} for row in rows.to_dicts()]
            claim = {name: told[0].get(name) for name in CLAIM} | {"claim_id": f"asked-{len(found)}"}
            parts = [{k: v for k, v in row.items() if k not in CLAIM} for row in told]
            found.append(json.loads(json.dumps(claim | {"lines": parts}, default=str)))
    return found


def kept(folder: Path, lines: int, place: Path) -> tuple[History, Prices]:
    """The history of the earliest lines as a service has it: kept as files and mapped."""
    snapshot = earliest(load(folder, "whole"), lines)
    place.mkdir()
    pack({"history": History.of(snapshot).parts, "prices": Prices.of(snapshot)}, place, {})
    found = unpack(place, (*CLASSES, Prices))
    return History.kept(found["history"], lambda: snapshot, packaged()), found["prices"]


def measured(scorer: Scorer, claims: list[Json]) -> dict[str, tuple[float, str]]:
    """Medians in ms, in one run: each claim in turn as a whole, by parts, and through pred_contrib."""
    booster = lgb.Booster(model_str=scorer.model.booster_text)  # type: ignore[union-attr]
    times: dict[str, list[float]] = defaultdict(list)
    for turn in range(ROUNDS):
        for claim in claims:
            X = _parts(scorer, claim, times)
            _timed(times, "whole", lambda claim=claim: json.dumps(scorer.score_claims([claim])))
            _timed(times, "pred_contrib", lambda X=X: booster.predict(X, pred_contrib=True, num_threads=1))
        if turn == 0:
            times.clear()
    p50 = {name: float(np.median(values)) for name, values in times.items()}
    whole = {"whole / pred_contrib": (p50["whole"] / p50["pred_contrib"], "x")}
    return whole | {name: (1000 * value, "ms") for name, value in p50.items()}


def _parts(scorer: Scorer, claim: Json, times: dict[str, list[float]]) -> np.ndarray:
    model, history, settings = scorer.model, scorer.history, scorer.settings
    batch = _timed(times, "read", lambda: read_claims([claim], settings))
    today = settings.today()
    lines = assess(batch.lines, model, history, scorer.worth, today, settings.evidence).lines
    _timed(times, "rules", lambda: judge(Lines(lines), history.past, history.rules))
    table = _timed(times, "features with rules", lambda: build(lines, history))
    _timed(times, "predict, with shares of reasons", lambda: scores(model, table))
    found = _timed(times, "assess", lambda: scorer.assess(batch.lines))
    X = model.matrix(table)
    moved = _timed(times, "contributions", lambda: model.contributions(X))
    drivers = _timed(times, "sentences", lambda: scorer.explainer.drivers(moved, found.table, found.lines))
    why = _timed(times, "reasons", lambda: told(found, model.reasons))
    broken = _timed(times, "findings", lambda: scorer.findings(found))
    answer = _timed(times, "answer", lambda: claims_of(found, moved[:, -1], drivers, broken, why, settings.serving))
    _timed(times, "json", lambda: json.dumps(answer))
    return X


def _timed(times: dict[str, list[float]], name: str, work: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    done = work()
    times[name].append(time.perf_counter() - started)
    return done


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
