"""What a grade of evidence and an interval are worth: error of the risk by grade, and how many true risks lie inside.

Base world; the model of three quarters of the way is judged on later lines, whose true probabilities the world tells.
Practices of three sizes, three seeds each that had no part in any choice. Of a claim the true risk takes its lines as
independent once everything about them is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from statistics import mean

import numpy as np

from benchmarks.results import record
from benchmarks.world_gap import stored
from data.synthetic import generate, load_world
from data.synthetic.ceiling import true_risks
from training.calibrate import combine
from training.evaluate import after, gather, learn_as_of, replay_start
from training.evidence import GRADES, Evidence, evidence_of, of_claims
from training.fit import Recipe

SIZES, SEEDS = (2_000, 6_000, 20_000), (121, 122, 123)
BINS = 10


@dataclass(frozen=True)
class Judged:
    """Risks, the true ones and the evidence: of lines, or of claims."""

    risk: np.ndarray
    truth: np.ndarray
    known: Evidence


def main() -> None:
    """Print and record, for every size and grade, the mean of the seeds."""
    found: dict[str, list[float]] = {}
    for claims in SIZES:
        for seed in SEEDS:
            for of, judged in zip(("lines", "claims"), _judged(claims, seed), strict=True):
                for name, value in _measured(judged):
                    found.setdefault(f"{claims} claims, {of}, {name}", []).append(value)
    record("evidence", {name: (mean(values), "") for name, values in found.items()})


def _judged(claims: int, seed: int) -> tuple[Judged, Judged]:
    made = generate(load_world("base"), claims, seed)
    cut, last, settings = stored(made)
    today = gather(cut, last + timedelta(days=1), settings)
    start = replay_start(today.found)
    model = learn_as_of(cut, start, settings, Recipe(), today.history.rules).model
    later = after(today.found, start)
    truth = true_risks(made, later.lines)["reachable"]
    X = model.matrix(later.table)
    risk = model.risk(model.raw_score(X), X)
    known = evidence_of(later.table, risk, later.lines["submitted_date"].to_numpy(), model, settings.evidence)
    whole = of_claims(known, risk, later.claims, model)
    return (
        Judged(risk, truth, known),
        Judged(model.claim_risk(risk, later.claims), combine(truth, later.claims, 1.0), whole),
    )


def _measured(judged: Judged) -> Iterator[tuple[str, float]]:
    inside = (judged.known.low <= judged.truth) & (judged.truth <= judged.known.high)
    width, off = judged.known.high - judged.known.low, np.abs(judged.risk - judged.truth)
    yield "all: true risks inside the interval", float(inside.mean())
    yield "all: width of the interval", float(width.mean())
    for grade, name in enumerate(GRADES):
        rows = np.flatnonzero(judged.known.grade == grade)
        if len(rows):
            yield f"{name}: share", len(rows) / len(off)
            yield f"{name}: mean distance from the true risk", float(off[rows].mean())
            yield f"{name}: calibration error", _calibration(judged.risk[rows], judged.truth[rows])
            yield f"{name}: true risks inside the interval", float(inside[rows].mean())
            yield f"{name}: width of the interval", float(width[rows].mean())


def _calibration(risk: np.ndarray, truth: np.ndarray) -> float:
    """ECE in bins of equal mass, against true risks: no luck of the draw in it."""
    parts = np.array_split(np.argsort(risk, kind="stable"), min(BINS, len(risk)))
    return float(sum(len(rows) * abs(risk[rows].mean() - truth[rows].mean()) for rows in parts) / len(risk))


if __name__ == "__main__":
    main()
