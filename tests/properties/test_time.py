"""What became known on or after a day changes nothing for what was submitted up to that day; a leak shows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import lightgbm as lgb
import numpy as np
import polars as pl
from practices import Practice, assert_same
from sklearn.metrics import roc_auc_score

from claims.keys import NEVER
from claims.snapshot import Snapshot
from data.synthetic import Generated
from features import FeatureTable, History, build

KEYS = ["submission_id", "claim_line_number"]


def middle(made: Generated) -> date:
    days = made.lines["submitted_date"].unique().sort()
    return days[len(days) * 3 // 5]


def shuffled(frame: pl.DataFrame, rows: pl.Expr, columns: list[str]) -> pl.DataFrame:
    """These columns of these rows dealt out anew among them."""
    marked = frame.with_row_index("at").with_columns(chosen=rows)
    drawn, rest = marked.filter("chosen"), marked.filter(~pl.col("chosen"))
    dealt = drawn.select(columns).sample(fraction=1.0, shuffle=True, seed=3)
    drawn = pl.concat([drawn.drop(columns), dealt], how="horizontal").select(marked.columns)
    return pl.concat([rest, drawn]).sort("at").drop("at", "chosen")


def scrambled(made: Generated, day: date) -> Generated:
    """Everything that became known on or after the day, dealt out anew: outcomes, authorizations, later lines."""
    late = pl.col("known_date") >= day
    outcomes = shuffled(made.outcomes, late, ["adjustments", "paid_amount", "allowed_amount", "remark_codes"])
    grants = shuffled(
        made.authorizations, late, ["hcpcs_codes", "valid_from", "valid_to", "status", "units_authorized"]
    )
    content = ["hcpcs_code", "charge_amount", "service_unit_quantity", "member_id", "patient_birth_date",
               "prior_authorization_number", "diagnosis_code_1", "doc_pain_score"]  # fmt: skip
    lines = shuffled(made.lines, pl.col("submitted_date") >= day, content)
    return replace(made, lines=lines, outcomes=outcomes, authorizations=grants)


def test_scrambling_the_future_changes_nothing_before(made: Generated, reread: Callable[[Generated], Snapshot]) -> None:
    day = middle(made)
    truth, other = reread(made), reread(scrambled(made, day))
    early = truth.lines.filter(pl.col("submitted_date") < day).select(*KEYS)
    assert early.height > 1_000
    before, after = (rows_of(snapshot, early) for snapshot in (truth, other))
    assert_same(before, after)


def test_the_scramble_reaches_what_comes_later(made: Generated, reread: Callable[[Generated], Snapshot]) -> None:
    day = middle(made)
    truth, other = reread(made), reread(scrambled(made, day))
    late = truth.lines.filter(pl.col("submitted_date") > day).select(*KEYS)
    late = late.join(other.lines.select(KEYS), on=KEYS)
    before, after = rows_of(truth, late).frame(), rows_of(other, late).frame()
    moved = {name for name in before.columns if not before[name].equals(after[name])}
    assert {"denied_rate__payer_id__180d", "esi_sessions__365d", "charge_against_usual", "authorization_match"} <= moved


def rows_of(snapshot: Snapshot, keys: pl.DataFrame) -> FeatureTable:
    lines = keys.join(snapshot.lines, on=KEYS, maintain_order="left")
    assert lines.height == keys.height
    whole = snapshot.lines.join(keys.select("submission_id").unique(), on="submission_id", how="semi")
    table = build(whole, History.of(snapshot))
    place = {(s, n): i for i, (s, n) in enumerate(whole.select(KEYS).iter_rows())}
    return table.take(np.array([place[key] for key in keys.iter_rows()]))


@dataclass(frozen=True)
class NoChains:
    """A history that does not know which outcomes are the claim's own."""

    def chain_of(self, lines: pl.DataFrame) -> np.ndarray:
        return np.full(lines.height, -1)

    def holds(self, lines: pl.DataFrame) -> np.ndarray:
        return np.ones(lines.height, bool)

    def began(self, chain: np.ndarray) -> np.ndarray:
        return np.full(len(chain), NEVER)


def test_the_leaky_twin_scores_higher(practice: Practice) -> None:
    """Rates fitted on everything, the claim's own outcome and the future included, look at least 0.03 better."""
    snapshot = practice.snapshot
    target = snapshot.lines.filter("is_original").join(snapshot.outcomes.filter(pl.col("y").is_not_null()), on=KEYS)
    leaky = replace(snapshot, outcomes=snapshot.outcomes.with_columns(known_date=pl.lit(date(2000, 1, 1))))
    twin = History.of(leaky)
    twin = replace(twin, past=replace(twin.past, chains=NoChains()))
    honest_auroc, leaky_auroc = (auroc(build(target, history), target) for history in (practice.history, twin))
    assert leaky_auroc >= honest_auroc + 0.03


def auroc(table: FeatureTable, target: pl.DataFrame) -> float:
    """Of a small model of the numbers, learned from the first 70 % by day and asked about the rest."""
    y, day = target["y"].to_numpy(), target["submitted_date"].to_physical().to_numpy()
    early = day < np.quantile(day, 0.7)
    parameters = {"objective": "binary", "verbose": -1, "num_leaves": 15, "seed": 1, "deterministic": True}
    data = lgb.Dataset(np.ascontiguousarray(table.numbers[early]), y[early])
    model = lgb.train(parameters, data, 80)
    return float(roc_auc_score(y[~early], model.predict(np.ascontiguousarray(table.numbers[~early]))))
