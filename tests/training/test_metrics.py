"""Metrics against scikit-learn, their intervals, and what happens where they are not defined."""

import numpy as np
import pytest
from sklearn import metrics as peer

from training.metrics import (
    NAMES,
    Meter,
    Scored,
    calibration_slope,
    difference,
    draws,
    interval,
    measure,
    reliability,
)


def made(lines: int = 4000, ties: bool = False, seed: int = 3) -> Scored:
    random = np.random.default_rng(seed)
    p = random.beta(1, 6, lines)
    if ties:
        p = np.round(p, 2)
    y = (random.random(lines) < p).astype(float)
    return Scored(y, p, random.integers(0, max(1, lines // 2), lines), random.gamma(2, 100, lines))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_auroc_auprc_brier_log_loss_are_scikit_learns(ties: bool, weighted: bool) -> None:
    scored = made(ties=ties)
    w = np.random.default_rng(0).integers(0, 4, len(scored)) if weighted else np.ones(len(scored))
    p = np.clip(scored.p, 1e-12, 1 - 1e-12)
    found = Meter(scored, 0.1).measure(w)
    assert found["auroc"] == pytest.approx(peer.roc_auc_score(scored.y, scored.p, sample_weight=w), abs=1e-12)
    assert found["auprc"] == pytest.approx(peer.average_precision_score(scored.y, scored.p, sample_weight=w), abs=1e-12)
    assert found["brier"] == pytest.approx(peer.brier_score_loss(scored.y, scored.p, sample_weight=w), abs=1e-12)
    assert found["log_loss"] == pytest.approx(peer.log_loss(scored.y, p, sample_weight=w), abs=1e-12)


def test_recall_at_95_percent_precision_is_the_best_threshold_of_scikit_learns_curve() -> None:
    random = np.random.default_rng(1)
    y = (random.random(2000) < 0.3).astype(float)
    p = np.clip(0.5 * y + random.random(2000) * 0.6, 0, 1)
    precision, recall, _ = peer.precision_recall_curve(y, p)
    found = Meter(Scored(y, p, np.arange(2000), np.ones(2000)), 0.1).measure()
    assert found["recall_at_p95"] == pytest.approx(recall[precision >= 0.95].max())
    assert 0 < recall[precision >= 0.95].max() < 1


def test_recall_is_zero_where_no_threshold_is_that_precise() -> None:
    scored = Scored(np.array([0.0, 1, 0, 1]), np.array([0.9, 0.5, 0.4, 0.1]), np.arange(4), np.ones(4))
    assert Meter(scored, 0.5).measure()["recall_at_p95"] == 0.0


def test_ece_by_hand() -> None:
    p = np.repeat(np.linspace(0.05, 0.95, 10), 100)
    y = np.concatenate([np.arange(100) < round(100 * q) + 4 for q in np.linspace(0.05, 0.95, 10)]).astype(float)
    assert Meter(Scored(y, p, np.arange(1000), np.ones(1000)), 0.1).measure()["ece"] == pytest.approx(0.04, abs=1e-9)


@pytest.mark.parametrize("lines", [4000, 4003, 7, 1])
def test_reliability_and_ece_are_taken_over_the_same_bins(lines: int) -> None:
    scored = made(lines, ties=True)
    bins = reliability(scored)
    sizes = [one["lines"] for one in bins]
    assert sum(sizes) == lines and len(bins) == min(10, lines) and max(sizes) - min(sizes) <= 1
    risks = [one["mean_risk"] for one in bins]
    assert risks == sorted(risks, reverse=True)
    assert sum(one["denied_share"] * one["lines"] for one in bins) == pytest.approx(scored.y.sum())
    ece = Meter(scored, 0.1).measure()["ece"]
    if lines > 100:
        gaps = [abs(one["mean_risk"] - one["denied_share"]) * one["lines"] for one in bins]
        assert sum(gaps) / lines == pytest.approx(ece, abs=1e-12)


def test_no_lines_no_bins() -> None:
    assert reliability(Scored(np.zeros(0), np.zeros(0), np.zeros(0, int), np.zeros(0))) == []


def test_dollars_at_budget_by_hand() -> None:
    #                   value at risk:  90    80   10    1
    scored = Scored(np.array([1.0, 0, 1, 0]), np.array([0.9, 0.8, 0.1, 0.01]), np.arange(4), np.full(4, 100.0))
    assert Meter(scored, 0.25).measure()["dollars_at_budget"] == 0.5
    assert Meter(scored, 1.0).measure()["dollars_at_budget"] == 1.0


def test_dollars_at_budget_count_what_was_denied_and_rank_by_the_charge() -> None:
    #                   value at risk:  90   80   70    1, denied 10, 0, 90, 0
    y, p, charge = np.array([1.0, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.01]), np.full(4, 100.0)
    scored = Scored(y, p, np.arange(4), charge, np.array([10.0, 0, 90, 0]))
    assert Meter(scored, 0.25).measure()["dollars_at_budget"] == 0.1
    assert Meter(scored.take(np.array([3, 2, 1, 0])), 0.25).measure()["dollars_at_budget"] == 0.1


def test_slope_finds_overconfidence() -> None:
    random = np.random.default_rng(5)
    z = random.normal(-1, 1, 20_000)
    y = (random.random(20_000) < 1 / (1 + np.exp(-z))).astype(float)
    bold = Scored(y, 1 / (1 + np.exp(-2 * z)), np.arange(20_000), np.ones(20_000))
    slope, low, high = calibration_slope(bold)
    assert low < 0.5 < high
    assert high - low < 0.06 and low < slope < high


def test_the_interval_of_the_slope_is_wider_where_lines_share_their_fate() -> None:
    random = np.random.default_rng(5)
    z = np.repeat(random.normal(-1, 1, 2000), 4)
    y = (np.repeat(random.random(2000), 4) < 1 / (1 + np.exp(-z))).astype(float)
    p, lines = 1 / (1 + np.exp(-z)), np.arange(8000)
    alone, together = (calibration_slope(Scored(y, p, unit, np.ones(8000))) for unit in (lines, lines // 4))
    assert together[2] - together[1] == pytest.approx(2 * (alone[2] - alone[1]), rel=0.05)


def test_one_class_and_no_lines_give_none_not_a_crash() -> None:
    paid = Scored(np.zeros(30), np.linspace(0, 1, 30), np.arange(30), np.ones(30))
    none = Scored(np.zeros(0), np.zeros(0), np.zeros(0, int), np.zeros(0))
    for scored in (paid, none):
        found = measure(scored, 0.1, seed=1)
        assert all(found[name] is None and found[f"{name}_low"] is None for name in NAMES)
    assert measure(paid, 0.1, seed=1)["lines"] == 30


def test_intervals_hold_the_point_and_narrow_with_more_lines() -> None:
    small, large = measure(made(1000), 0.1, seed=1), measure(made(8000), 0.1, seed=1)
    for name in ("auroc", "auprc", "brier", "log_loss"):
        assert small[f"{name}_low"] < small[name] < small[f"{name}_high"]
    width = {len_: m["auroc_high"] - m["auroc_low"] for len_, m in (("small", small), ("large", large))}
    assert width["large"] < 0.5 * width["small"]


def test_a_draw_takes_whole_submissions() -> None:
    unit = np.array([0, 0, 1, 2, 2, 2])
    for w in draws(unit, 20, seed=0):
        assert w[0] == w[1] and w[3] == w[4] == w[5]
        assert w[0] + w[2] + w[3] == 3


def test_paired_difference_is_narrower_than_the_two_intervals() -> None:
    scored = made(3000)
    rival = np.clip(scored.p + np.random.default_rng(0).normal(0, 0.02, len(scored)), 0, 1)
    gap, own = difference(scored, rival, seed=1), measure(scored, 0.1, seed=1)
    assert gap["low"] < gap["difference"] < gap["high"]
    assert gap["high"] - gap["low"] < 0.5 * (own["auroc_high"] - own["auroc_low"])


def test_an_interval_of_mostly_undefined_draws_is_not_given() -> None:
    assert interval([0.5] * 10 + [None] * 10) == (None, None)
