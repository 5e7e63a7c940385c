"""results.csv: what was measured, when, on what machine, with which versions. A program that runs again adds rows."""

from __future__ import annotations

import csv
import os
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path

FILE = Path(__file__).with_name("results.csv")
COLUMNS = ("date", "benchmark", "measure", "value", "unit", "cores", "python", "polars", "numpy", "lightgbm")


def record(benchmark: str, measures: dict[str, tuple[float, str]]) -> None:
    """Print and append: measure -> (value, unit)."""
    machine = (os.cpu_count(), platform.python_version(), *(version(name) for name in ("polars", "numpy", "lightgbm")))
    new = not FILE.exists()
    with FILE.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(COLUMNS)
        for measure, (value, unit) in measures.items():
            print(f"{benchmark}: {measure} = {value:.4g} {unit}", flush=True)
            writer.writerow((date.today(), benchmark, measure, f"{value:.5g}", unit, *machine))


def peak() -> float:
    """The most memory that this process has held, in bytes. A child's ru_maxrss begins with what its parent held."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024.0
