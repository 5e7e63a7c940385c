"""What is told of a payer that begins in mid-history, by how many of its outcomes are known, beside a rate table.

World new_payer, six seeds pooled; models are trained anew every four weeks from the payer's first day on, and score its
lines of the four weeks that follow, as their features stand on the day of each. Synthetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl

from benchmarks.policy_change import Practice
from benchmarks.results import record
from features.catalog import count_name
from training.baselines import RateTable
from training.evidence import GRADES, evidence_of
from training.metrics import Meter, Scored

SEEDS = range(71, 77)
PAYER, BEGINS = "SYN12", date(2026, 7, 1)
EVERY, TIMES = 4, 5  # weeks between trainings, and how many there are
KNOWN = (0, 20, 50, 1_000_000)  # of the payer's outcomes in the last 180 days: ends of the groups


def main() -> None:
    """Print and record AUROC, ECE and grades by group."""
    record("new_payer", dict(_measured(pl.concat(list(map(_followed, SEEDS))))))


def _followed(seed: int) -> pl.DataFrame:
    """y, truth, known, grade, and the risk by the model and by the table, of each of the payer's lines."""
    practice = Practice.of("new_payer", seed, pl.col("payer_id") == PAYER, BEGINS)
    parts = [_scored(practice, turn, seed) for turn in range(TIMES)]
    return pl.concat([part for part in parts if len(part)])


def _scored(practice: Practice, turn: int, seed: int) -> pl.DataFrame:
    day = BEGINS + timedelta(weeks=EVERY * turn)
    rows = np.flatnonzero(practice.week // EVERY == turn)
    asked = practice.found.take(practice.cell[rows])
    model = practice.trained(day)
    seen, _ = practice.mature(day)
    risk = practice.risks(model, rows)
    submitted = asked.lines["submitted_date"].to_numpy()
    known = asked.table.column(count_name("payer_id", 180))
    return pl.DataFrame(
        {
            "seed": np.full(len(rows), seed), "y": asked.y, "truth": practice.truth[rows], "known": np.asarray(known),
            "grade": evidence_of(asked.table, risk, submitted, model, practice.settings.evidence).grade,
            "model": risk, "table": RateTable.fit(seen.lines, seen.y).rate(asked.lines),
        }
    )  # fmt: skip


def _measured(lines: pl.DataFrame) -> Iterator[tuple[str, tuple[float, str]]]:
    for low, high in pairwise(KNOWN):
        part = lines.filter((pl.col("known") >= low) & (pl.col("known") < high))
        name = f"{low} to {high - 1} outcomes known" if high < KNOWN[-1] else f"{low} outcomes known or more"
        yield f"{name}: lines", (float(len(part)), "")
        yield f"{name}: true risk, mean", (_mean(part["truth"]), "")
        for grade, words in enumerate(GRADES):
            yield f"{name}: share of evidence {words}", (_mean(part["grade"] == grade), "")
        for who in ("model", "table"):
            yield f"{name}: mean risk by the {who}", (_mean(part[who]), "")
            yield from ((f"{name}: {metric} of the {who}", (value, "")) for metric, value in _metrics(part, who))


def _mean(column: pl.Series) -> float:
    return float(column.cast(pl.Float64).to_numpy().mean()) if len(column) else float("nan")


def _metrics(part: pl.DataFrame, who: str) -> Iterator[tuple[str, float]]:
    y, rows = part["y"].to_numpy(), np.arange(len(part))
    told = Meter(Scored(y, part[who].to_numpy(), rows, np.ones(len(y)), y), 1.0).measure() if len(part) else {}
    for metric in ("auroc", "ece"):
        value = told.get(metric)
        yield metric, float("nan") if value is None else value


if __name__ == "__main__":
    main()
