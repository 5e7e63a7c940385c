"""How much of what the columns can tell is taken, and how far risks mean what they say, in the world base.

The gap goes from plain LightGBM (benchmarks/plain.py) to what could be reached; XGBoost and CatBoost learn from our
features beside. Synthetic: it says that the machinery works, nothing about any real payer.
`python -m benchmarks.world_gap 400000 101` asks for other claims and seeds than the default.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import polars as pl
from rich.console import Console
from rich.progress import track

from benchmarks.boosters import Lines, peers
from benchmarks.plain import KEY, Task, plain, table
from benchmarks.results import peak, record
from claims.read import read_frame
from claims.settings import Settings, load_settings
from claims.snapshot import Snapshot, snapshot_of
from data.synthetic import Generated, generate, load_world
from training.evaluate import Cut, Replay, gather, learn_as_of, payer_rows, replay
from training.fit import Recipe
from training.gate import chance_ece
from training.metrics import Meter, Scored, calibration_slope, draws, interval

CLAIMS, SEEDS = 60_000, (101, 102, 103)  # seeds that had no part in any choice
EPOCH = date(1970, 1, 1)
PAYER_LINES = 2_000
SLOPES = (0.8, 1.25)
Told = dict[str, tuple[float, str]]


def main(claims: int = CLAIMS, seeds: tuple[int, ...] = SEEDS) -> None:
    """Print and record AUROC on the last fifth by day, the share of the gap that is closed, and the calibration."""
    told = []
    for seed in track(seeds, "worlds", console=Console(stderr=True)):
        told.append(_of_seed(claims, seed))
        record("world_gap", {f"{claims} claims, seed {seed}: {name}": value for name, value in told[-1].items()})
    if len(seeds) > 1:
        shared = [name for name in told[0] if all(name in one for one in told) and not name.endswith((" low", " high"))]
        means = {name: (float(np.mean([one[name][0] for one in told])), told[0][name][1]) for name in shared}
        title = f"{claims} claims, mean of {len(seeds)} seeds"
        record("world_gap", {f"{title}: {name}": value for name, value in means.items()})


def stored(made: Generated) -> tuple[Cut, date, Settings]:
    """What a store of the files would say on any day, the last day on which anything became known, and settings."""
    with tempfile.TemporaryDirectory() as home:
        settings = load_settings(home)
        lines, outcomes, grants = (read_frame(f, settings) for f in (made.lines, made.outcomes, made.authorizations))
    stored = lines.lines.with_columns(version=pl.lit(1, pl.Int32))

    def cut(day: date) -> Snapshot:
        return snapshot_of(stored, outcomes.outcomes, grants.authorizations, as_of=day)

    last = made.outcomes["known_date"].max()
    assert isinstance(last, date)
    return cut, last, settings


def _of_seed(claims: int, seed: int) -> Told:
    made = generate(load_world("base"), claims, seed=seed)
    task = Task.of(made)
    done, spent = _replayed(made, EPOCH + timedelta(days=task.cut))
    learned = Lines.of(done)
    own = {"model": done.risk} | {name: scores(learned, done.X) for name, scores in peers().items()}
    theirs = task.keys.with_columns(
        plain=pl.Series(plain(task)), table=pl.Series(table(task)), reachable=pl.Series(task.reachable)
    ).filter(pl.Series(task.later)).unique(KEY, keep="none")  # fmt: skip
    row = pl.int_range(pl.len(), dtype=pl.Int64).alias("row")
    both = done.later.lines.select(*KEY, row).join(theirs, on=KEY, maintain_order="left")
    rows = both["row"].to_numpy()
    scores = {name: p[rows] for name, p in own.items()}
    scores |= {name: both[name].to_numpy() for name in ("plain", "table", "reachable")}
    return _gap(done.scored.take(rows), scores) | _calibration(done) | spent


def _replayed(made: Generated, start: date) -> tuple[Replay, Told]:
    """The replay, and what a training on all of it takes: features, choice of rounds, fit."""
    cut, last, settings = stored(made)
    today = gather(cut, last + timedelta(days=1), settings)
    done = replay(cut, today, start, settings, Recipe(seed=settings.training.seed))
    began = time.perf_counter()
    learned = learn_as_of(cut, last + timedelta(days=1), settings, Recipe(seed=settings.training.seed))
    spent = time.perf_counter() - began
    lines = float(len(learned.material.found))
    return done, {"training, its lines": (lines, "lines"), "training, features included": (spent, "s"),
                  "peak memory of the process": (peak() / 2**30, "GiB")}  # fmt: skip


def _gap(scored: Scored, scores: Mapping[str, np.ndarray]) -> Told:
    """AUROC of each of the scores (lines,), and the share of the gap with its 95 % interval, drawn by claim."""
    meters = {name: Meter(Scored(scored.y, p, scored.unit, scored.charge), 1.0) for name, p in scores.items()}

    def aurocs(weights: np.ndarray) -> dict[str, float]:
        found = {name: meter.auroc(weights) for name, meter in meters.items()}
        return {name: value for name, value in found.items() if value is not None}

    point = aurocs(np.ones(len(scored)))
    drawn = [aurocs(weights) for weights in draws(scored.unit, 200, 1)]
    told: Told = {f"auroc of {name}": (value, "") for name, value in point.items()} | {"lines": (len(scored), "")}
    for name in scores.keys() - {"plain", "reachable", "table"}:
        low, high = interval([_closed(one, name) for one in drawn])
        assert low is not None and high is not None  # every draw has lines of both classes
        title = f"gap closed by {name}"
        told |= {title: (_closed(point, name), ""), f"{title} low": (low, ""), f"{title} high": (high, "")}
    return told


def _closed(auroc: Mapping[str, float], name: str) -> float:
    return (auroc[name] - auroc["plain"]) / (auroc["reachable"] - auroc["plain"])


def _calibration(done: Replay) -> Told:
    """ECE of lines and claims beside what chance alone gives; by payer, how much above, and slopes."""
    told: Told = {}
    for name, scored in (("lines", done.scored), ("claims", done.claims)):
        told |= {f"ece of {name}": (Meter(scored, 1.0).ece(np.ones(len(scored))), ""),
                 f"ece of {name} by chance": (chance_ece(scored.p), "")}  # fmt: skip
    above, met = [], 0
    for rows in payer_rows(done.later, PAYER_LINES, 1).values():
        scored = done.scored.take(rows)
        above.append(Meter(scored, 1.0).ece(np.ones(len(rows))) - chance_ece(scored.p))
        _, low, high = calibration_slope(scored)
        met += low <= SLOPES[1] and high >= SLOPES[0]
    if above:
        told |= {"payers with 2,000 lines": (len(above), ""), "worst payer's ece above chance": (max(above), ""),
                 "payers whose slope meets 0.8 to 1.25": (met, "")}  # fmt: skip
    return told


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(int(sys.argv[1]), tuple(int(seed) for seed in sys.argv[2:]) or SEEDS[:1])
    else:
        main()
