"""Calibration is increasing, finds the truth, survives one class, and claims combine in any order."""

from dataclasses import replace

import numpy as np
import pytest

from claims.errors import NoModelError
from training.calibrate import Calibration, calibrate, combine


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def sample(lines: int, distort: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(2)
    z = random.normal(-1.5, 1.2, lines)
    return z * distort, (random.random(lines) < sigmoid(z)).astype(float), np.arange(lines)


@pytest.mark.parametrize("distort", [0.5, 2.0])
def test_it_undoes_distorted_scores(distort: float) -> None:
    raw, y, claim = sample(40_000, distort)
    found = calibrate(raw, y, claim)
    assert found.method == "beta"
    assert np.abs(found.risk(raw) - sigmoid(raw / distort)).mean() < 0.01


def test_risk_is_strictly_increasing() -> None:
    raw, y, claim = sample(5000, 1.7)
    grid = np.linspace(-12, 12, 20_001)
    assert (np.diff(calibrate(raw, y, claim).risk(grid)) > 0).all()


def test_scores_that_point_the_wrong_way_fall_back_and_stay_increasing() -> None:
    raw, y, claim = sample(5000, 1.0)
    found = calibrate(-raw, y, claim)
    assert found.method == "identity"
    assert found.a == found.b == 1.0


def test_platt_where_beta_would_bend_back() -> None:
    random = np.random.default_rng(0)
    raw = random.normal(0, 2.5, 4000)
    y = (random.random(4000) < sigmoid(np.maximum(raw, -0.5) * 0.8 - np.minimum(raw, 0) * 0.8)).astype(float)
    found = calibrate(raw, y, np.arange(4000))
    assert found.method == "platt"
    assert found.a == found.b > 0


@pytest.mark.parametrize("y", [np.zeros(50), np.ones(50), np.zeros(0)])
def test_one_class_or_nothing_gives_finite_increasing_risks(y: np.ndarray) -> None:
    raw = np.linspace(-3, 1, len(y))
    found = calibrate(raw, y, np.arange(len(y)))
    risk = found.risk(np.array([-5.0, 0.0, 5.0]))
    assert np.isfinite(risk).all() and (np.diff(risk) > 0).all()


@pytest.mark.parametrize("shift", [-4.0, 0.0, 1.5])
def test_keeping_the_level_moves_the_offset_alone(shift: float) -> None:
    raw, y, claim = sample(5000, 1.7)
    found = calibrate(raw + shift, y, claim)
    kept = found.keeping_level(raw)
    assert kept.risk(raw).mean() == pytest.approx(sigmoid(raw).mean(), abs=1e-12)
    assert replace(kept, c=found.c) == found and kept.c != found.c


def test_no_lines_have_no_level() -> None:
    assert Calibration().keeping_level(np.zeros(0)) == Calibration()


def test_one_line_and_many_agree_to_the_last_bit() -> None:
    raw, _, _ = sample(501, 1.3)
    calibration = Calibration("beta", 1.3, 0.8, -0.2)
    together = calibration.risk(raw)
    assert all(calibration.risk(raw[i : i + n])[0] == together[i] for n in (1, 2, 3, 7) for i in range(len(raw)))


def test_a_claim_of_one_line_has_its_risk_exactly() -> None:
    risk = np.random.default_rng(1).random(100)
    assert (combine(risk, np.arange(100), 0.37) == risk).all()


def test_claim_risk_by_hand() -> None:
    risk, claim = np.array([0.1, 0.4, 0.2, 0.5]), np.array([0, 0, 0, 1])
    assert combine(risk, claim, 0.5) == pytest.approx([1 - 0.6 * (0.9 * 0.8) ** 0.5, 0.5])
    assert combine(risk, claim, 0.0) == pytest.approx([0.4, 0.5])
    assert combine(risk, claim, 1.0) == pytest.approx([1 - 0.6 * 0.9 * 0.8, 0.5])


def test_claim_risk_does_not_depend_on_the_order_of_lines_or_on_other_claims() -> None:
    random = np.random.default_rng(4)
    risk, claim = random.random(400), np.sort(random.integers(0, 90, 400))
    claim = np.unique(claim, return_inverse=True)[1]
    together = combine(risk, claim, 0.6)
    order = random.permutation(400)
    assert (combine(risk[order], claim[order], 0.6) == together).all()
    for one in range(claim.max() + 1):
        rows = claim == one
        assert combine(risk[rows], np.zeros(rows.sum(), int), 0.6)[0] == together[one]


def test_kappa_is_found() -> None:
    random = np.random.default_rng(6)
    claim = np.repeat(np.arange(8000), 3)
    risk = np.repeat(random.uniform(0.05, 0.4, 8000), 3)
    independent = (random.random(24_000) < risk).astype(float)
    together = (np.repeat(random.random(8000), 3) < risk).astype(float)
    raw = np.log(risk / (1 - risk))
    assert calibrate(raw, independent, claim).kappa > 0.85
    assert calibrate(raw, together, claim).kappa < 0.15


def test_certain_risks_stay_in_range() -> None:
    assert combine(np.array([1.0, 1.0, 0.0]), np.array([0, 0, 0]), 1.0)[0] == 1.0


@pytest.mark.parametrize("damage", [{"a": -1.0}, {"kappa": 2.0}, {"slope": 1.0}])
def test_a_damaged_file_is_refused(damage: dict[str, float]) -> None:
    with pytest.raises(NoModelError):
        Calibration.from_dict(Calibration().as_dict() | damage)
