"""Features of a million lines (seconds, peak memory, growth) and of one claim of three lines, beside a Polars peer.

The peer makes the same smoothed rates and counts with one join_asof a window over running totals per key, on the same
lines and outcomes in the same run. Best of five; each size runs in a process of its own, so that its peak is its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl

from benchmarks.feature_peer import rates_by_joins
from benchmarks.results import peak, record
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
        _apart(Path(folder), "prepare")
        whole, patients, days = (json.loads(_apart(Path(folder), part)) for part in CUTS)
    record(
        "feature_speed",
        {
            f"build, {LINES:,} lines": (whole["build"], "s"),
            "build, peak memory of the process": (whole["peak"] / 2**30, "GiB"),
            "build, twice the patients cost": (whole["build"] / patients["build"], "x"),
            "build, twice the days cost": (whole["build"] / days["build"], "x"),
            f"history from {LINES:,} lines": (whole["history"], "s"),
            f"peer: rates by join_asof, {LINES:,} lines": (whole["peer"], "s"),
            "peer / build": (whole["peer"] / whole["build"], "x"),
            "three lines, p50": (whole["p50"] * 1000, "ms"),
            "three lines, best": (whole["best"] * 1000, "ms"),
            "peer, three lines, best": (whole["peer_online"] * 1000, "ms"),
        },
    )


def prepare(folder: Path) -> None:
    """A practice of a little more than LINES lines, read and labelled, as files."""
    settings = load_settings(folder)
    made = generate(load_world("base"), round(LINES / LINES_A_CLAIM) + 20_000)
    lines, outcomes, grants = (read_frame(f, settings) for f in (made.lines, made.outcomes, made.authorizations))
    stored = lines.lines.with_columns(version=pl.lit(1, pl.Int32)).select(Line.column_names())
    whole = snapshot_of(stored, outcomes.outcomes, grants.authorizations.select(Authorization.column_names()))
    for part, cut in CUTS.items():
        for name in PARTS:
            getattr(cut(whole), name).write_parquet(folder / f"{name}-{part}.parquet")


def _whole(snapshot: Snapshot) -> Snapshot:
    return earliest(snapshot, LINES)


def _half_of_the_patients(snapshot: Snapshot) -> Snapshot:
    """Half the lines of the same days: a practice of half the size."""
    lines = _whole(snapshot).lines
    sizes = lines.group_by("patient_id").len().sort("patient_id")
    chosen = sizes.filter(pl.col("len").cum_sum() <= LINES // 2)["patient_id"]
    return _with_outcomes(snapshot, lines.filter(pl.col("patient_id").is_in(chosen.implode())))


def _half_of_the_days(snapshot: Snapshot) -> Snapshot:
    """The earlier half of the lines: fewer of them have a year behind them."""
    return earliest(snapshot, LINES // 2)


CUTS = {"whole": _whole, "patients": _half_of_the_patients, "days": _half_of_the_days}


def earliest(snapshot: Snapshot, count: int) -> Snapshot:
    """The earliest `count` lines, or a few more so that no claim is cut, with what became known of them."""
    lines = snapshot.lines.sort("submitted_date", "submission_id")
    lines = lines.filter(pl.col("submission_id").is_in(lines["submission_id"][:count].unique().implode()))
    return _with_outcomes(snapshot, lines)


def _with_outcomes(snapshot: Snapshot, lines: pl.DataFrame) -> Snapshot:
    own = lines.select("submission_id").unique()
    return replace(snapshot, lines=lines, outcomes=snapshot.outcomes.join(own, on="submission_id", how="semi"))


def _apart(folder: Path, part: str) -> str:
    """In a process of its own, so that its peak is its own."""
    command = [sys.executable, "-m", "benchmarks.feature_speed", str(folder), part]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _measure(folder: Path, part: str) -> dict[str, float]:
    snapshot = load(folder, part)
    started = time.perf_counter()
    history = History.of(snapshot)
    found = {"history": time.perf_counter() - started}
    found["build"] = best(lambda: build(snapshot.lines, history), REPEATS)
    found["peak"] = peak()
    claims = three_line_claims(snapshot)
    build(claims[0], history)
    times = sorted(best(lambda claim=claim: build(claim, history), 1) for claim in claims)
    found |= {"p50": times[len(times) // 2], "best": times[0]}
    found["peer"] = best(lambda: rates_by_joins(snapshot.lines, snapshot), 1)
    found["peer_online"] = best(lambda: rates_by_joins(claims[0], snapshot), 3)
    return found


def three_line_claims(snapshot: Snapshot) -> list[pl.DataFrame]:
    """ONLINE original claims of three lines, alone."""
    sizes = snapshot.lines.group_by("submission_id").agg(n=pl.len(), first=pl.col("is_original").all())
    three = sizes.filter((pl.col("n") == 3) & pl.col("first")).sort("submission_id")["submission_id"][:ONLINE]
    return [snapshot.lines.filter(submission_id=one) for one in three]


def load(folder: Path, part: str) -> Snapshot:
    """The snapshot that `prepare` left for one size: whole, patients or days."""
    parts = {name: pl.read_parquet(folder / f"{name}-{part}.parquet") for name in PARTS}
    return Snapshot(data_version="", unmatched=0, as_of=None, **parts)


def best(work: Callable[[], object], repeats: int) -> float:
    """Seconds of the quickest of some runs."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    if sys.argv[2:] == ["prepare"]:
        prepare(Path(sys.argv[1]))
    elif sys.argv[2:]:
        print(json.dumps(_measure(Path(sys.argv[1]), sys.argv[2])))
    else:
        main()
