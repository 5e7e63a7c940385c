"""Real-shaped claims: Medicare carrier lines by a mapping file, learned from three quarters, asked about the rest.

The data lie in the reference folder (DENIALS_REFERENCE, real/synpuf_carrier_lines.parquet). Its synthesis by CMS moves
variables together in ways of its own: this shows that the machinery runs on data nobody here wrote, and that it does
not leak (well above 0.70 would mean a leak; with outcomes dealt out anew over all lines it must find nothing).
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.metrics import roc_auc_score

from benchmarks.results import record
from claims.batch import Batch
from claims.mapping import load_mapping
from claims.read import read_file
from claims.settings import Settings, load_settings
from claims.snapshot import Snapshot, snapshot_of
from training.evaluate import gather, replay
from training.fit import Recipe

SHUFFLES = 5
MAPPING = Path(__file__).with_name("synpuf.toml")


def main() -> None:
    """Print and record the replay's AUROC, the baselines' and the mean over shuffled outcomes."""
    folder = os.environ.get("DENIALS_REFERENCE")
    if not folder:
        sys.exit("real_claims: set DENIALS_REFERENCE to the folder of the reference data (it holds real/)")
    with tempfile.TemporaryDirectory() as home:
        settings = load_settings(home)
        batch = read_file(Path(folder) / "real" / "synpuf_carrier_lines.parquet", settings, load_mapping(MAPPING))
        print(f"real_claims: {batch.lines.height:,} lines accepted, {batch.rejects.height:,} rejected")
        found = aurocs(batch, settings)
        nulls = [aurocs(shuffled(batch, seed), settings)["model"] for seed in range(SHUFFLES)]
    measures = {f"auroc of {name}": (value, "") for name, value in found.items()}
    measures |= {f"auroc, outcomes shuffled ({i + 1})": (value, "") for i, value in enumerate(nulls)}
    record("real_claims", measures | {"mean auroc, outcomes shuffled": (float(np.mean(nulls)), "")})


def aurocs(batch: Batch, settings: Settings) -> dict[str, float]:
    """AUROC on the last fourth of the lines by date, of the model as of its first day and of the baselines."""
    lines = batch.lines.with_columns(version=pl.lit(1, pl.Int32))

    def cut(day: date) -> Snapshot:
        return snapshot_of(lines, batch.outcomes, batch.authorizations, as_of=day)

    last = batch.outcomes["known_date"].max()
    assert isinstance(last, date)
    today = gather(cut, last + timedelta(days=settings.maturity.max_days + 1), settings)
    start = lines["submitted_date"].sort()[lines.height * 3 // 4]
    done = replay(cut, today, start, settings, Recipe(seed=settings.training.seed))
    risks = {"model": done.risk} | done.baselines
    return {name: float(roc_auc_score(done.later.y, risk)) for name, risk in risks.items()}


def shuffled(batch: Batch, seed: int) -> Batch:
    """The same lines, their outcomes dealt out anew over all of them."""
    return replace(batch, outcomes=batch.outcomes.with_columns(pl.col("denied").shuffle(seed=seed)))


if __name__ == "__main__":
    main()
