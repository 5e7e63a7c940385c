"""Checks of the gate that know no chance: parity (DEN004), additivity (DEN005), the past left alone (DEN006)."""

from __future__ import annotations

import numpy as np
import polars as pl

from features.build import build
from features.history import History
from features.table import FeatureTable
from training.evaluation import Answer
from training.examples import Examples
from training.gate import answer, not_applicable
from training.model import DenialModel

SAMPLE = 25  # submissions built alone
ADDITIVE = 1e-9


def parity(found: Examples, whole: pl.DataFrame, history: History, seed: int) -> Answer:
    """DEN004: a claim built alone has the features of the batch, exactly. `whole`: all lines of the snapshot."""
    submissions = found.lines["submission_id"].unique(maintain_order=True).to_numpy()
    sample = np.random.default_rng(seed).choice(submissions, min(SAMPLE, len(submissions)), replace=False)
    differing = sorted({name for one in sample for name in _differing(found, whole, history, str(one))})
    detail = f"{len(sample)} claims built alone and in a batch" + (
        f" differ in {', '.join(differing)}" if differing else " agree"
    )
    return answer("DEN004", not differing, detail)


def _differing(found: Examples, whole: pl.DataFrame, history: History, submission: str) -> list[str]:
    alone = whole.filter(pl.col("submission_id") == submission).sort("claim_line_number")
    batch = found.take(np.flatnonzero((found.lines["submission_id"] == submission).to_numpy()))
    target = alone["claim_line_number"].is_in(batch.lines["claim_line_number"].implode()).to_numpy()
    return differences(build(alone, history).take(np.flatnonzero(target)), batch.table)


def differences(one: FeatureTable, other: FeatureTable) -> list[str]:
    """Names of the features in which two tables of the same lines differ in any bit."""
    same = ((one.numbers == other.numbers) | (np.isnan(one.numbers) & np.isnan(other.numbers))).all(axis=0)
    numbers = [name for name, equal in zip(one.number_names, same, strict=True) if not equal]
    texts = [name for name, values in one.categories.items() if values != other.categories[name]]
    mine, theirs = (_site_columns(table) for table in (one, other))
    return numbers + texts + ([] if mine.equals(theirs, null_equal=True) else ["the site's columns"])


def _site_columns(table: FeatureTable) -> pl.Series:
    return pl.Series([None] * len(table), dtype=pl.String) if table.extra is None else table.extra.texts()


def additive(model: DenialModel, X: np.ndarray) -> Answer:
    """DEN005: the contributions of a line and the base value add up to its raw score."""
    sample = X[:: max(1, len(X) // 500)]
    if not len(sample):
        return not_applicable("DEN005", "no lines to explain")
    worst = float(np.abs(model.contributions(sample).sum(axis=1) - model.raw_score(sample)).max())
    return answer(
        "DEN005", worst <= ADDITIVE, f"contributions miss the raw score by at most {worst:.1e} on {len(sample)} lines"
    )


def past_unchanged(then: Examples, now: Examples) -> Answer:
    """DEN006: lines learned from at T have the same features today: nothing known since has reached back into them."""
    key = ["submission_id", "claim_line_number"]
    rows = now.lines.select(key).with_row_index("now")
    shared = then.lines.select(key).with_row_index("then").join(rows, on=key).sort("then")
    if not len(shared):
        return not_applicable("DEN006", "no line was learned from at both times")
    changed = differences(then.table.take(shared["then"].to_numpy()), now.table.take(shared["now"].to_numpy()))
    detail = f"{len(shared)} lines as of then and as of now" + (
        f" differ in {', '.join(changed)}" if changed else " agree"
    )
    return answer("DEN006", not changed, detail)
