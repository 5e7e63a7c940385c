"""What a model must show before it may be promoted: small checks, each passed, failed or not_applicable.

A check without enough support does not apply, and does not stop a promotion: a young practice may still use a model,
and the card says what was not shown. One failed check is enough to fail the gate; what failed once stays failed until
DEN001 and DEN003 were judged again. Here: the answers, and the checks that need only the model and later lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from claims.settings import GateSettings
from training.evaluation import Answer
from training.metrics import BINS, Meter, Metrics, Scored, calibration_slope, difference
from training.model import DenialModel


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


def support(scored: Scored, limits: GateSettings, what: str = "lines") -> str | None:
    """What is missing for a statistical check of lines or claims; None when there is enough."""
    wanted = limits.min_claims if what == "claims" else limits.min_lines
    rows, denials = len(scored), int(scored.y.sum())
    if rows >= wanted and denials >= limits.min_denials:
        return None
    return f"{rows} {what} with {denials} denials to compare; {wanted} with {limits.min_denials} are needed"


def beats_table(scored: Scored, table: np.ndarray, limits: GateSettings, seed: int) -> Answer:
    """DEN001: better AUROC than the payer x CPT table, the lower end of the paired 95 % interval above zero."""
    code = "DEN001"
    missing = support(scored, limits)
    if missing:
        return not_applicable(code, missing)
    gap = difference(scored, table, seed)
    return answer(code, (gap["low"] or 0.0) > 0, f"AUROC minus that of the payer x CPT table: {interval_text(gap)}")


def calibrated(scored: Scored, limits: GateSettings) -> Answer:
    """DEN003: of lines, the ECE is what chance and `ece_allowed` explain, and the slope's interval meets its bounds."""
    return _calibrated("DEN003", scored, limits, "lines")


def claims_calibrated(claims: Scored, limits: GateSettings) -> Answer:
    """DEN009: the same of claims, on whose risk the bands and decisions rest."""
    return _calibrated("DEN009", claims, limits, "claims")


def _calibrated(code: str, scored: Scored, limits: GateSettings, what: str) -> Answer:
    missing = support(scored, limits, what)
    if missing:
        return not_applicable(code, missing)
    good, detail = judged_calibration(scored, limits)
    return answer(code, good, f"{detail}; slope {limits.slope_low} to {limits.slope_high} allowed")


def judged_calibration(scored: Scored, limits: GateSettings) -> tuple[bool, str]:
    """Whether the risks of these rows mean what they say, and the figures in words. Both classes must occur."""
    limit = limits.ece_allowed + 2 * chance_ece(scored.p)
    ece = Meter(scored, 1.0).ece(np.ones(len(scored)))
    _, low, high = calibration_slope(scored)
    good = ece <= limit and high >= limits.slope_low and low <= limits.slope_high
    return good, f"ECE {ece:.4f}, at most {limit:.4f} allowed; slope {low:.2f} to {high:.2f}"


def payers_calibrated(parts: Mapping[str, Scored], limits: GateSettings) -> Answer:
    """DEN010: the same of every payer by itself. parts: lines by payer_id, of payers with support."""
    code, enough = "DEN010", f"{limits.payer_calibration_lines} lines and {limits.min_denials} denials"
    if not parts:
        return not_applicable(code, f"no payer has {enough} to judge by")
    found = {payer: judged_calibration(scored, limits) for payer, scored in parts.items()}
    wrong = [f"{payer}: {detail}" for payer, (good, detail) in found.items() if not good]
    return answer(code, not wrong, "; ".join(wrong) or f"well calibrated for each of {len(parts)} payers of {enough}")


def chance_ece(p: np.ndarray) -> float:
    """The ECE to expect of a perfectly calibrated model: mean absolute error of a mean, bin by bin."""
    bins = np.array_split(np.sort(p), BINS)
    errors = [len(b) * np.sqrt(2 / np.pi * (b * (1 - b)).mean() / len(b)) for b in bins if len(b)]
    return float(np.sum(errors) / len(p))


def quick(model: DenialModel, limits: GateSettings) -> Answer:
    """DEN011: explaining a line takes at most `max_steps` steps.

    A count of the model's own work, since a clock would let a model in on one day and refuse it on a busier one.
    """
    return answer("DEN011", model.steps <= limits.max_steps, _bound(model.steps, limits.max_steps, "steps a line"))


def small(model: DenialModel, limits: GateSettings) -> Answer:
    """DEN012: the folder weighs at most `max_bytes`."""
    return answer("DEN012", model.size <= limits.max_bytes, _bound(model.size, limits.max_bytes, "bytes"))


def _bound(found: int, most: int, unit: str) -> str:
    return f"{found:,} {unit}, at most {most:,} allowed"


def interval_text(gap: Metrics) -> str:
    """`+0.0123 (95 % interval +0.0040 to +0.0201)`."""
    if None in gap.values():
        return "not measurable"
    return f"{gap['difference']:+.4f} (95 % interval {gap['low']:+.4f} to {gap['high']:+.4f})"
