"""A whole `train` on a million lines: features, replay, gate, fit, reasons and the run in MLflow, seconds and memory.

`python -m benchmarks.train_speed 100000` takes another number of lines.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from benchmarks.feature_speed import LINES_A_CLAIM
from benchmarks.results import peak, record
from claims.read import read_frame
from claims.settings import load_settings
from claims.snapshot import Snapshot, snapshot_of
from data.synthetic import generate, load_world
from training.run import train

LINES = 1_000_000
PARTS = ("lines", "outcomes", "authorizations")


def main(lines: int = LINES) -> None:
    """Measure, print and record. The world is made in a process of its own, so that the training's peak is its own."""
    with tempfile.TemporaryDirectory() as folder:
        _apart(Path(folder), "prepare", lines)
        told = json.loads(_apart(Path(folder), "train", lines).splitlines()[-1])
    record("train_speed", {f"{lines} lines: {name}": tuple(value) for name, value in told.items()})


def _apart(folder: Path, part: str, lines: int) -> str:
    command = [sys.executable, "-m", "benchmarks.train_speed", str(folder), part, str(lines)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def prepare(folder: Path, lines: int) -> None:
    """The first so many lines of a practice, read, and what became known of them, as files."""
    settings = load_settings(folder)
    made = generate(load_world("base"), round(lines / LINES_A_CLAIM) + lines // 50)
    batches = [read_frame(frame, settings) for frame in (made.lines, made.outcomes, made.authorizations)]
    stored = batches[0].lines.with_columns(version=pl.lit(1, pl.Int32)).sort("submitted_date", "submission_id")
    for name, frame in zip(PARTS, (stored[:lines], batches[1].outcomes, batches[2].authorizations), strict=True):
        frame.write_parquet(folder / f"{name}.parquet")


def measure(folder: Path) -> dict[str, tuple[float, str]]:
    """What one training takes."""
    settings = load_settings(folder)
    lines, outcomes, grants = (pl.read_parquet(folder / f"{name}.parquet") for name in PARTS)

    def cut(day: date) -> Snapshot:
        return snapshot_of(lines, outcomes, grants, as_of=day)

    last = lines["submitted_date"].max()
    assert isinstance(last, date)
    began = time.perf_counter()
    done = train(cut, settings, as_of=last + timedelta(days=1))
    spent = time.perf_counter() - began
    return {"lines in the store": (len(lines), "lines"), "lines learned from": (done.lines_used, "lines"),
            "train": (spent, "s"), "peak memory of the process": (peak() / 2**30, "GiB")}  # fmt: skip


if __name__ == "__main__":
    if sys.argv[2:3] == ["prepare"]:
        prepare(Path(sys.argv[1]), int(sys.argv[3]))
    elif sys.argv[2:3] == ["train"]:
        print(json.dumps(measure(Path(sys.argv[1]))))
    else:
        main(*(int(one) for one in sys.argv[1:2]))
