"""Each check of the gate fails on a model made to fail it, passes a good one, and does not apply without support."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from made_up import outcome, sigmoid, world

from claims.settings import GateSettings
from training import gate
from training.metrics import measure
from training.model import DenialModel

LIMITS = GateSettings()


def test_den001_passes_a_better_model_and_fails_one_that_is_no_better() -> None:
    scored, z = world()
    table = sigmoid(z + np.random.default_rng(0).normal(0, 1.5, len(z)))
    assert outcome(gate.beats_table(scored, table, LIMITS, 1)) == "passed"
    assert outcome(gate.beats_table(replace(scored, p=table), scored.p, LIMITS, 1)) == "failed"
    assert outcome(gate.beats_table(scored, scored.p, LIMITS, 1)) == "failed"


WRONG = [lambda z: z + 0.7, lambda z: 2.0 * z + 1.4, lambda z: 0.5 * z - 0.8]


@pytest.mark.parametrize("distort", WRONG, ids=["too high", "too bold", "too shy"])
@pytest.mark.parametrize("check", [gate.calibrated, gate.claims_calibrated])
def test_den003_and_den009_fail_risks_that_are_off_or_of_the_wrong_slope(
    check: Callable[..., gate.Answer], distort: Callable[[np.ndarray], np.ndarray]
) -> None:
    scored, z = world()
    assert outcome(check(scored, LIMITS)) == "passed"
    assert outcome(check(replace(scored, p=sigmoid(distort(z))), LIMITS)) == "failed"


@pytest.mark.parametrize(("beyond", "wanted"), [(0.019, True), (0.021, False)])
def test_calibration_allows_two_points_of_error_beyond_chance(
    beyond: float, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored, _ = world()
    ece = 2 * gate.chance_ece(scored.p) + beyond
    monkeypatch.setattr(gate.Meter, "ece", lambda meter, weights: ece)
    assert gate.judged_calibration(scored, LIMITS)[0] is wanted


def test_calibration_is_that_of_the_report() -> None:
    scored, _ = world()
    found = measure(scored, 0.1, 1, 1)
    low, high = found["calibration_slope_low"], found["calibration_slope_high"]
    assert f"ECE {found['ece']:.4f}" in gate.calibrated(scored, LIMITS)["detail"]
    assert f"slope {low:.2f} to {high:.2f};" in gate.calibrated(scored, LIMITS)["detail"]


def test_den010_fails_where_one_payer_is_off_and_names_it() -> None:
    scored, z = world(9000)
    third = np.arange(9000) // 3000
    parts = {f"P{i}": scored.take(np.flatnonzero(third == i)) for i in range(3)}
    assert outcome(gate.payers_calibrated(parts, LIMITS)) == "passed"
    off = replace(scored, p=np.where(third == 1, sigmoid(z + 0.7), sigmoid(z - 0.08)))
    assert outcome(gate.calibrated(off, GateSettings(ece_allowed=0.1))) == "passed"
    bad = gate.payers_calibrated({f"P{i}": off.take(np.flatnonzero(third == i)) for i in range(3)}, LIMITS)
    assert outcome(bad) == "failed" and bad["detail"].startswith("P1: ECE")
    assert outcome(gate.payers_calibrated({}, LIMITS)) == "not_applicable"


def test_den011_fails_a_model_that_takes_too_much_work_to_explain(made_model: DenialModel) -> None:
    assert outcome(gate.quick(made_model, LIMITS)) == "passed"
    answer = gate.quick(made_model, GateSettings(max_steps=made_model.steps - 1))
    assert outcome(answer) == "failed" and f"{made_model.steps:,} steps a line" in answer["detail"]
    assert outcome(gate.quick(made_model, GateSettings(max_steps=made_model.steps))) == "passed"


def test_den012_fails_a_folder_that_is_too_heavy(made_model: DenialModel) -> None:
    assert outcome(gate.small(made_model, LIMITS)) == "passed"
    heavy = replace(made_model, card="x" * LIMITS.max_bytes)
    assert outcome(gate.small(heavy, LIMITS)) == "failed"


def test_a_judgement_is_conclusive_with_den001_and_den003() -> None:
    answers = [gate.answer("DEN001", True, ""), gate.answer("DEN003", False, ""), gate.not_applicable("DEN002", "")]
    assert gate.conclusive(answers)
    assert not gate.conclusive(answers[:1]) and not gate.conclusive(answers[1:])
    assert not gate.conclusive([gate.not_applicable("DEN001", ""), answers[1]])


def test_den003_expects_more_error_of_fewer_lines() -> None:
    few, many = world(600)[0], world(20_000)[0]
    assert gate.chance_ece(few.p) == pytest.approx(gate.chance_ece(many.p) * np.sqrt(20_000 / 600), rel=0.1)
    found = [measure(world(600, seed)[0], 0.1, 1, 1)["ece"] for seed in range(30)]
    assert gate.chance_ece(few.p) == pytest.approx(np.mean(found), rel=0.15)


@pytest.mark.parametrize("rows", [0, 499])
def test_statistical_checks_do_not_apply_below_support(rows: int) -> None:
    scored = world()[0].take(np.arange(rows))
    answers = [gate.beats_table(scored, scored.p, LIMITS, 1), gate.calibrated(scored, LIMITS)]
    assert [outcome(a) for a in answers] == ["not_applicable"] * 2
    assert all("500 with 50 are needed" in a["detail"] for a in answers)
    few = gate.claims_calibrated(scored.take(np.arange(min(rows, 249))), LIMITS)
    assert outcome(few) == "not_applicable" and "claims" in few["detail"] and "250 with 50" in few["detail"]
    assert gate.passed([*answers, few])


def test_one_failed_check_fails_the_gate() -> None:
    good, bad = gate.answer("DEN001", True, ""), gate.answer("DEN003", False, "")
    assert gate.passed([good, gate.not_applicable("DEN002", "")])
    assert not gate.passed([good, bad])
