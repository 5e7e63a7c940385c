"""What it costs to watch recent outcomes where nothing much changes: risks moved by them beside the same risks unmoved.

World base, three seeds that had no part in any choice; the model of three quarters of the way is judged on later
lines. Log loss, AUROC and ECE, moved minus unmoved, with a paired bootstrap over claims (95 %). Synthetic.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from statistics import mean

import numpy as np

from benchmarks.results import record
from benchmarks.world_gap import stored
from data.synthetic import generate, load_world
from training.evaluate import after, gather, learn_as_of, replay_start
from training.fit import Recipe
from training.metrics import Scored, difference, draws, interval

CLAIMS, SEEDS = 20_000, (201, 202, 203)


def main(world: str = "base") -> None:
    """Print and record the differences of each seed, and how many lines were moved."""
    found: dict[str, tuple[float, str]] = {}
    losses: list[float] = []
    for seed in SEEDS:
        scored, unmoved = _judged(world, seed)
        changed = np.flatnonzero(scored.p != unmoved)
        found[f"{world} {seed}: share of lines moved"] = len(changed) / len(scored), ""
        for name, rows in (("denied", scored.y), ("risk unmoved", unmoved), ("risk moved", scored.p)):
            found[f"{world} {seed}: {name}, of lines moved"] = float(rows[changed].mean()) if len(changed) else 0.0, ""
        gaps = {"log loss": _loss(scored, unmoved), **_metrics(scored, unmoved)}
        losses.append(gaps["log loss"][0])
        for name, values in gaps.items():
            for end, value in zip(("", ", low", ", high"), values, strict=True):
                found[f"{world} {seed}: {name}, moved minus unmoved{end}"] = value, ""
    found[f"{world}: log loss, moved minus unmoved, mean"] = mean(losses), ""
    record("recent_outcomes", found)


def _judged(world: str, seed: int) -> tuple[Scored, np.ndarray]:
    """Later lines with their risks, and the same risks as the calibration alone gives them."""
    cut, last, settings = stored(generate(load_world(world), CLAIMS, seed))
    today = gather(cut, last + timedelta(days=1), settings)
    start = replay_start(today.found)
    model = learn_as_of(cut, start, settings, Recipe(), today.history.rules).model
    later = after(today.found, start)
    X = model.matrix(later.table)
    raw = model.raw_score(X)
    return later.scored(model.risk(raw, X)), model.calibration.risk(raw)


def _metrics(scored: Scored, unmoved: np.ndarray) -> dict[str, tuple[float, ...]]:
    gaps = {"AUROC": difference(scored, unmoved, 1), "ECE": difference(scored, unmoved, 1, metric="ece")}
    return {name: tuple(float(gap[end] or 0.0) for end in ("difference", "low", "high")) for name, gap in gaps.items()}


def _loss(scored: Scored, unmoved: np.ndarray) -> tuple[float, ...]:
    gap = _log_loss(scored.p, scored.y) - _log_loss(unmoved, scored.y)
    low, high = interval([float(np.average(gap, weights=w)) for w in draws(scored.unit, 500, 1)])
    return float(gap.mean()), float(low or 0.0), float(high or 0.0)


def _log_loss(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(-np.where(y > 0, np.log(p), np.log1p(-p)))


if __name__ == "__main__":
    main(*sys.argv[1:])
