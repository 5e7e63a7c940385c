"""The synthetic world at 60,000 claims: our model, the plain one and the table, beside what could be reached.

Synthetic: it says how much of what the columns can tell the machinery takes, nothing about any real payer.
"""

from __future__ import annotations

import tempfile
from datetime import date, timedelta

import polars as pl
from sklearn.metrics import roc_auc_score

from benchmarks.plain import KEY, Task, plain, table
from benchmarks.results import record
from claims.read import read_frame
from claims.settings import Settings, load_settings
from claims.snapshot import Snapshot, snapshot_of
from data.synthetic import Generated, generate, load_world
from training.evaluate import Cut, Replay, gather, replay
from training.fit import Recipe

CLAIMS = 60_000
EPOCH = date(1970, 1, 1)


def main() -> None:
    """Print and record AUROC on the last fifth by day, and the share of the gap that is closed."""
    made = generate(load_world("base"), CLAIMS)
    task = Task.of(made)
    done = _replayed(made, EPOCH + timedelta(days=task.cut))
    peers = task.keys.with_columns(
        y=pl.Series(task.denied), plain=pl.Series(plain(task)), table=pl.Series(table(task)),
        reachable=pl.Series(task.reachable),
    ).filter(pl.Series(task.later)).unique(KEY, keep="none")  # fmt: skip
    both = done.later.lines.select(KEY).with_columns(model=pl.Series(done.risk)).join(peers, on=KEY)
    y = both["y"].to_numpy()
    auroc = {name: float(roc_auc_score(y, both[name].to_numpy())) for name in ("model", "plain", "table", "reachable")}
    closed = (auroc["model"] - auroc["plain"]) / (auroc["reachable"] - auroc["plain"])
    measures = {f"auroc of {name}": (value, "") for name, value in auroc.items()}
    record("world_gap", measures | {"lines": (len(y), ""), "gap from plain to reachable that is closed": (closed, "")})


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


def _replayed(made: Generated, start: date) -> Replay:
    cut, last, settings = stored(made)
    today = gather(cut, last + timedelta(days=1), settings)
    return replay(cut, today, start, settings, Recipe(seed=settings.training.seed))


if __name__ == "__main__":
    main()
