"""What a model must show before it may be promoted: small checks, each passed, failed or not_applicable.

A check without enough support does not apply, and does not stop a promotion: a young practice may still use a model,
and the card says what was not shown. One failed check is enough to fail the gate; what failed once stays failed until
DEN001 and DEN003 were judged again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from features.build import build
from features.history import History
from features.table import FeatureTable
from training.evaluate import Replay
from training.evaluation import Answer
from training.examples import Examples
from training.metrics import BINS, Metrics, Scored, difference
from training.model import DenialModel

MIN_LINES, MIN_DENIALS = 500, 50
ECE_ALLOWED = 0.02  # beyond what chance alone gives a perfectly calibrated model of this many lines
SLOPE = (0.8, 1.25)
SAMPLE = 25  # submissions built alone
ADDITIVE = 1e-9


def answer(code: str, good: bool, detail: str) -> Answer:
    """Passed or failed."""
    return {"code": code, "outcome": "passed" if good else "failed", "detail": detail}


def not_applicable(code: str, detail: str) -> Answer:
    """Neither."""
    return {"code": code, "outcome": "not_applicable", "detail": detail}


def passed(answers: Sequence[Answer]) -> bool:
    """Whether the gate lets the model through: nothing failed."""
    return all(given["outcome"] != "failed" for given in answers)


def conclusive(answers: Sequence[Answer]) -> bool:
    """Whether DEN001 and DEN003 were judged: without them a judgement says nothing about how good the risks are."""
    judged = {given["code"] for given in answers if given["outcome"] != "not_applicable"}
    return {"DEN001", "DEN003"} <= judged


def support(scored: Scored) -> str | None:
    """What is missing for a statistical check; None when there is enough."""
    lines, denials = len(scored), int(scored.y.sum())
    if lines >= MIN_LINES and denials >= MIN_DENIALS:
        return None
    return f"{lines} lines with {denials} denials to compare; {MIN_LINES} with {MIN_DENIALS} are needed"


def beats_table(scored: Scored, table: np.ndarray, seed: int) -> Answer:
    """DEN001: better AUROC than the payer x CPT table, the lower end of the paired 95 % interval above zero."""
    code = "DEN001"
    missing = support(scored)
    if missing:
        return not_applicable(code, missing)
    gap = difference(scored, table, seed)
    return answer(code, (gap["low"] or 0.0) > 0, f"AUROC minus that of the payer x CPT table: {_interval(gap)}")


def not_worse(
    scored: Scored | None, champion: np.ndarray | None, seed: int, why: str = "there is no champion"
) -> Answer:
    """DEN002: not worse than the champion on lines that neither has seen: the paired interval is not all below zero."""
    code = "DEN002"
    if scored is None or champion is None:
        return not_applicable(code, why)
    missing = support(scored)
    if missing:
        return not_applicable(code, missing)
    gap = difference(scored, champion, seed)
    if gap["high"] is None:
        return not_applicable(code, "the difference to the champion could not be measured")
    return answer(code, gap["high"] >= 0, f"AUROC minus that of the champion: {_interval(gap)}")


def calibrated(scored: Scored, metrics: Metrics) -> Answer:
    """DEN003: the error of calibration is what chance and 0.02 explain, and the slope's interval meets 0.8 to 1.25."""
    code = "DEN003"
    missing = support(scored)
    if missing:
        return not_applicable(code, missing)
    limit = ECE_ALLOWED + 2 * chance_ece(scored.p)
    ece, low, high = (metrics[name] for name in ("ece", "calibration_slope_low", "calibration_slope_high"))
    if ece is None or low is None or high is None:
        return not_applicable(code, "the calibration could not be measured")
    good = ece <= limit and high >= SLOPE[0] and low <= SLOPE[1]
    return answer(
        code,
        good,
        f"ECE {ece:.4f}, at most {limit:.4f} allowed; slope {low:.2f} to {high:.2f}, {SLOPE[0]} to {SLOPE[1]} allowed",
    )


def chance_ece(p: np.ndarray) -> float:
    """The ECE to expect of a perfectly calibrated model: mean absolute error of a mean, bin by bin."""
    bins = np.array_split(np.sort(p), BINS)
    errors = [len(b) * np.sqrt(2 / np.pi * (b * (1 - b)).mean() / len(b)) for b in bins if len(b)]
    return float(np.sum(errors) / len(p))


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
    return numbers + [name for name, values in one.categories.items() if values != other.categories[name]]


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


def judge(
    done: Replay, today: Examples, whole: pl.DataFrame, history: History, metrics: Metrics, seed: int
) -> list[Answer]:
    """All checks that need no champion."""
    scored = done.scored
    return [
        beats_table(scored, done.baselines["payer_cpt"], seed),
        calibrated(scored, metrics),
        parity(today, whole, history, seed),
        additive(done.learned.model, done.X),
        past_unchanged(done.learned.material.found, today),
    ]


def judge_unreplayed(today: Examples, whole: pl.DataFrame, history: History, seed: int) -> list[Answer]:
    """The same checks where there is no replay, with that of the champion; DEN005 waits for the model."""
    why = "too little history for a replay"
    statistical = [not_applicable(code, why) for code in ("DEN001", "DEN002", "DEN003")]
    return [*statistical, parity(today, whole, history, seed), not_applicable("DEN006", why)]


def _interval(gap: Metrics) -> str:
    if None in gap.values():
        return "not measurable"
    return f"{gap['difference']:+.4f} (95 % interval {gap['low']:+.4f} to {gap['high']:+.4f})"
