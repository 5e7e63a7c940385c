"""Features of a million lines (seconds, peak memory, growth) and of one claim of three lines, beside a Polars peer.

The peer makes the same smoothed rates and counts with one join_asof a window over running totals per key, on the same
lines and outcomes in the same run. Best of five; each size runs in a process of its own, so that its peak is its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl

from benchmarks.feature_peer import rates_by_joins
from benchmarks.results import record
from claims.read import read_frame
from claims.settings import load_settings
from claims.snapshot import Snapshot, snapshot_of
from claims.table import Authorization, Line
from data.synthetic import generate, load_world
from features import History, build

LINES, REPEATS, ONLINE = 1_000_000, 5, 300
LINES_A_CLAIM = 2.5
PARTS = ("lines", "outcomes", "authorizations", "controls")


def main() -> None:
    """Measure, print and record."""
    with tempfile.TemporaryDirectory() as folder:
        _prepare(Path(folder))
        half, whole = (_measured(Path(folder), lines) for lines in (LINES // 2, LINES))
    record(
        "feature_speed",
        {
            f"build, {LINES:,} lines": (whole["build"], "s"),
            "build, peak memory of the process": (whole["peak"] / 2**30, "GiB"),
            "build, twice the lines cost": (whole["build"] / half["build"], "x"),
            f"history from {LINES:,} lines": (whole["history"], "s"),
            f"peer: rates by join_asof, {LINES:,} lines": (whole["peer"], "s"),
            "peer / build": (whole["peer"] / whole["build"], "x"),
            "three lines, p50": (whole["p50"] * 1000, "ms"),
            "three lines, best": (whole["best"] * 1000, "ms"),
            "peer, three lines, best": (whole["peer_online"] * 1000, "ms"),
        },
    )


def _prepare(folder: Path) -> None:
    """A practice of a little more than LINES lines, read and labelled, as files."""
    settings = load_settings(folder)
    made = generate(load_world("base"), round(LINES / LINES_A_CLAIM) + 20_000)
    lines, outcomes, grants = (read_frame(f, settings) for f in (made.lines, made.outcomes, made.authorizations))
    stored = lines.lines.with_columns(version=pl.lit(1, pl.Int32)).select(Line.column_names())
    whole = snapshot_of(stored, outcomes.outcomes, grants.authorizations.select(Authorization.column_names()))
    for count in (LINES // 2, LINES):
        cut = _earliest(whole, count)
        for name in PARTS:
            getattr(cut, name).write_parquet(folder / f"{name}-{count}.parquet")


def _earliest(snapshot: Snapshot, count: int) -> Snapshot:
    """The earliest `count` lines, or a few more so that no claim is cut, with what became known of them."""
    lines = snapshot.lines.sort("submitted_date", "submission_id")
    lines = lines.filter(pl.col("submission_id").is_in(lines["submission_id"][:count].unique().implode()))
    own = lines.select("submission_id").unique()
    return replace(snapshot, lines=lines, outcomes=snapshot.outcomes.join(own, on="submission_id", how="semi"))


def _measured(folder: Path, lines: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.feature_speed", str(folder), str(lines)]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def _measure(folder: Path, count: int) -> dict[str, float]:
    """In a process of its own."""
    snapshot = _load(folder, count)
    started = time.perf_counter()
    history = History.of(snapshot)
    found = {"history": time.perf_counter() - started}
    found["build"] = _best(lambda: build(snapshot.lines, history), REPEATS)
    found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
    sizes = snapshot.lines.group_by("submission_id").agg(n=pl.len(), first=pl.col("is_original").all())
    three = sizes.filter((pl.col("n") == 3) & pl.col("first")).sort("submission_id")["submission_id"][:ONLINE]
    claims = [snapshot.lines.filter(submission_id=one) for one in three]
    build(claims[0], history)
    times = sorted(_best(lambda claim=claim: build(claim, history), 1) for claim in claims)
    found |= {"p50": times[len(times) // 2], "best": times[0]}
    found["peer"] = _best(lambda: rates_by_joins(snapshot.lines, snapshot), 1)
    found["peer_online"] = _best(lambda: rates_by_joins(claims[0], snapshot), 3)
    return found


def _load(folder: Path, count: int) -> Snapshot:
    parts = {name: pl.read_parquet(folder / f"{name}-{count}.parquet") for name in PARTS}
    return Snapshot(data_version="", unmatched=0, as_of=None, **parts)


def _best(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(_measure(Path(sys.argv[1]), int(sys.argv[2]))))
    else:
        main()
