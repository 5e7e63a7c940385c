"""After a policy change: weeks until the mean risk of the changed cell is near its mean true probability.

World policy_change, ten seeds pooled: a model of the day before the change that is never trained again, beside one that
is trained anew every week on what is mature by then. Both see the history grow from day to day. Synthetic.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.results import record
from claims.read import read_frame
from claims.settings import Settings, load_settings
from claims.snapshot import Snapshot, snapshot_of
from data.synthetic import generate, load_world
from data.synthetic.ceiling import true_risks
from features.history import History
from rules.ruleset import rules_of
from training.cohort import KEY as LINE
from training.cohort import ORDER, Cohort, cohort_of
from training.examples import Examples, examples, learn, origin, plan
from training.fit import Recipe
from training.model import DenialModel
from training.recent import LATEST

CLAIMS, SEEDS, WEEKS = 5_000, range(41, 51), 30
CHANGE, PAYER, CODE = date(2026, 2, 2), "SYN02", "99214"
NEAR = 0.05
FAST = Recipe(max_rounds=60, learning_rate=0.15, num_leaves=15, min_data_in_leaf=20)


@dataclass(frozen=True)
class Practice:
    """A world's stored tables, every original line in the target with its features, and the lines that are followed.

    cell: rows of found, those that are followed from a date of service on; week: (cell,) of submission, 0 the first
    after that day; truth: (cell,) true probabilities.
    """

    tables: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
    settings: Settings
    history: History
    found: Examples
    cell: np.ndarray
    week: np.ndarray
    truth: np.ndarray

    @classmethod
    def of(cls, world: str, seed: int, followed: pl.Expr, since: date) -> Practice:
        """Features are built once: a line's look only at what was known before it, whatever is known today."""
        made = generate(load_world(world), CLAIMS, seed)
        with tempfile.TemporaryDirectory() as home:
            settings = load_settings(home)
            read = [read_frame(frame, settings) for frame in (made.lines, made.outcomes, made.authorizations)]
        tables = read[0].lines.with_columns(version=pl.lit(1, pl.Int32)), read[1].outcomes, read[2].authorizations
        whole = snapshot_of(*tables)
        history = History.of(whole, rules_of(settings))
        answered = whole.outcomes.filter(pl.col("y").is_not_null()).select(*LINE, "y")
        firsts = whole.lines.filter("is_original").join(answered, on=LINE).sort(ORDER)
        found = examples(whole, firsts, history)
        truth = true_risks(made, found.lines)["reachable"]
        chosen = found.lines.select(followed & (pl.col("claim_line_start_date") >= since))
        cell = np.flatnonzero(chosen.to_series().to_numpy())
        week = (found.days[cell] - (since - date(1970, 1, 1)).days) // 7
        return cls(tables, settings, history, found, cell, week, truth[cell])

    def cut(self, day: date) -> Snapshot:
        """What its store would say on a day."""
        return snapshot_of(*self.tables, as_of=day)

    def mature(self, day: date) -> tuple[Examples, Cohort]:
        """What may be learned from on a day."""
        cohort = cohort_of(self.cut(day), day, self.settings.maturity)
        rows = self.found.lines.select(LINE).with_row_index("row").join(cohort.mature.select(*LINE, "y"), on=LINE)
        rows = rows.sort("row")
        known = self.found.take(rows["row"].to_numpy())
        return Examples(known.lines, known.table, rows["y"].cast(pl.Float64).to_numpy(), known.denied), cohort

    def trained(self, day: date) -> DenialModel:
        """The model of what is mature on a day."""
        known, cohort = self.mature(day)
        now = (day - date(1970, 1, 1)).days
        latest = self.found.table.take(np.flatnonzero((now - LATEST <= self.found.days) & (self.found.days < now)))
        return learn(known, plan(known, FAST), FAST, origin(self.history, cohort, FAST), latest)

    def risks(self, model: DenialModel, cell: np.ndarray) -> np.ndarray:
        """(cell,) of some of the lines that are followed."""
        X = model.matrix(self.found.table.take(self.cell[cell]))
        return model.risk(model.raw_score(X), X)

    def lag(self, payer: str) -> tuple[float, float]:
        """Weeks until half, and 95 %, of a payer's remittances have come."""
        whole = self.history.snapshot
        known = whole.outcomes.select(*LINE, "known_date")
        own = whole.lines.filter("is_original", payer_id=payer).join(known, on=LINE)
        lag = (own["known_date"] - own["submitted_date"]).dt.total_days().to_numpy()
        return float(np.median(lag)) / 7, float(np.quantile(lag, 0.95)) / 7


def main() -> None:
    """Print and record the weeks, and the curve of both."""
    found: list[pl.DataFrame] = []
    lags: list[tuple[float, float]] = []
    for seed in SEEDS:
        changed = (pl.col("payer_id") == PAYER) & (pl.col("hcpcs_code") == CODE)
        practice = Practice.of("policy_change", seed, changed, CHANGE)
        found.append(_followed(practice))
        lags.append(practice.lag(PAYER))
    weeks = pl.concat(found).group_by("week").agg(pl.len(), pl.col("truth", "weekly", "never").mean()).sort("week")
    with pl.Config(tbl_rows=-1):
        print(weeks)
    half, most = np.array(lags).mean(axis=0).tolist()
    measures = {"payer's remittance lag: half": (half, "weeks"), "payer's remittance lag: 95 %": (most, "weeks")}
    for arm in ("weekly", "never"):
        measures[f"trained {arm}: first week within {NEAR}"] = (_first(weeks, arm), "weeks")
        measures[f"trained {arm}: within {NEAR} from then on, four weeks together"] = (_settled(weeks, arm), "weeks")
        gap = np.abs((weeks[arm] - weeks["truth"]).to_numpy()[-8:]).mean()
        measures[f"trained {arm}: gap in the last eight weeks"] = (float(gap), "")
    record("policy_change", measures | {"lines of the changed cell": (float(weeks["len"].sum()), "")})


def _followed(practice: Practice) -> pl.DataFrame:
    """week, truth, and the risk of each line of the changed cell as the model of its week, and the old one, say it."""
    old = practice.trained(CHANGE)
    weekly = np.full(len(practice.cell), np.nan)
    for week in range(WEEKS):
        rows = np.flatnonzero(practice.week == week)
        if len(rows):
            weekly[rows] = practice.risks(practice.trained(CHANGE + timedelta(weeks=week)), rows)
    never = practice.risks(old, np.arange(len(practice.cell)))
    told = pl.DataFrame({"week": practice.week, "truth": practice.truth, "weekly": weekly, "never": never})
    return told.filter(pl.col("week").is_between(0, WEEKS - 1))


def _first(weeks: pl.DataFrame, arm: str) -> float:
    """Weeks after the change; nan where it never comes near."""
    near = weeks.filter((pl.col(arm) - pl.col("truth")).abs() <= NEAR)["week"]
    return float(near[0]) if len(near) else float("nan")


def _settled(weeks: pl.DataFrame, arm: str) -> float:
    """The first week from which every four weeks together are near, to the end."""
    gap = (weeks[arm] - weeks["truth"]).rolling_mean(4).shift(-3).drop_nulls().abs().to_numpy()
    far = np.flatnonzero(gap > NEAR)
    after = int(far[-1]) + 1 if len(far) else 0
    return float(weeks["week"][after]) if after < len(gap) else float("nan")


if __name__ == "__main__":
    main()
