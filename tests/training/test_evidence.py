"""Evidence: what a line's counts say of it, where it lies at a threshold, and the interval that goes with the grade."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from claims.settings import EvidenceSettings
from claims.texts import Texts
from features.table import FeatureTable
from training.calibrate import combine
from training.evidence import (
    CELL,
    CODE,
    FAMILY,
    GRADES,
    HIGH,
    LOW,
    NONE,
    SPREAD,
    Evidence,
    evidence_of,
    interval,
    of_claims,
)
from training.evidence import PAYER as PAYER_COUNT
from training.starting import StartingModel

SETTINGS = EvidenceSettings(high_from=100, medium_from=30, payer_from=20, service_from=5, stale_days=180)
TRAINED = date(2026, 6, 1)


@dataclass(frozen=True)
class Learned:
    """As much of a model as evidence asks for."""

    levels: dict[str, tuple[str, ...]]
    as_of: date = TRAINED

    def claim_risk(self, risk: np.ndarray, claim: np.ndarray) -> np.ndarray:
        return combine(risk, claim, 0.6)


MODEL: Any = Learned({"payer_id": ("P1",), "hcpcs_code": ("64483",)})
RICH = {CELL: 500, PAYER_COUNT: 5_000, CODE: 900, FAMILY: 2_000}


def told(payer: str = "P1", code: str = "64483", day: date = TRAINED, model: Any = MODEL, **counts: float) -> str:
    """The grade of one line with the counts of RICH but those given."""
    held = RICH | {name: counts[key] for key, name in (("cell", CELL), ("payer_seen", PAYER_COUNT), ("seen", CODE),
                                                       ("family", FAMILY)) if key in counts}  # fmt: skip
    numbers = np.array([list(held.values())], np.float32)
    table = FeatureTable(tuple(held), numbers, {"payer_id": Texts.of([payer]), "hcpcs_code": Texts.of([code])})
    (name,) = evidence_of(table, np.array([0.3]), np.array([day], "datetime64[D]"), model, SETTINGS).names
    return name


@pytest.mark.parametrize(
    ("grade", "given"),
    [
        ("high", {"cell": 100}), ("medium", {"cell": 99}), ("medium", {"cell": 30}), ("low", {"cell": 29}),
        ("low", {"cell": 0}), ("low", {"cell": float("nan")}),
        ("low", {"payer_seen": 20, "cell": 3}), ("none", {"payer_seen": 19}),
        ("none", {"payer": "P2"}), ("none", {"payer_seen": float("nan")}),
        ("low", {"seen": 4}), ("low", {"code": "62321"}),
        ("low", {"seen": 4, "cell": 0, "family": 20}), ("none", {"seen": 4, "cell": 0, "family": 19}),
        ("high", {"day": TRAINED + timedelta(days=180)}), ("medium", {"day": TRAINED + timedelta(days=181)}),
        ("none", {"cell": 0, "day": TRAINED + timedelta(days=181)}),
        ("none", {"payer_seen": 0, "day": TRAINED + timedelta(days=181)}),
    ],
)  # fmt: skip
def test_grades_at_their_thresholds(grade: str, given: dict[str, Any]) -> None:
    assert told(**given) == grade


def test_the_starting_model_knows_any_payer_and_is_never_more_than_low() -> None:
    starting = StartingModel(-2.0, np.zeros(1), {})
    assert told(model=starting, payer="P7") == "low"
    assert told(model=starting, payer="P7", payer_seen=19) == "none"


RISKS = 1.0 / (1.0 + np.exp(-np.linspace(-9, 9, 2_001)))


@pytest.mark.parametrize("grade", range(len(GRADES)))
def test_an_interval_holds_its_risk_and_rises_with_it(grade: int) -> None:
    low, high = interval(RISKS, np.full(len(RISKS), grade))
    assert (low < RISKS).all() and (high > RISKS).all() and low.min() > 0 and high.max() < 1
    assert (np.diff(low) >= 0).all() and (np.diff(high) >= 0).all()


def test_less_evidence_is_a_wider_interval() -> None:
    ends = [interval(RISKS, np.full(len(RISKS), grade)) for grade in range(len(GRADES))]
    for (low, high), (inner_low, inner_high) in pairwise(ends):
        assert (low <= inner_low).all() and (high >= inner_high).all()
    assert {len(side) for sides in SPREAD.values() for side in sides} == {4}


def test_without_evidence_nothing_is_said_with_confidence() -> None:
    risk = np.array([0.01, 0.05, 0.12, 0.5, 0.9])
    low, high = interval(risk, np.full(5, NONE))
    assert (high - low)[1:].min() > 0.4 and (low < 0.1181).all()


def test_risks_of_0_and_1_do_no_harm() -> None:
    low, high = interval(np.array([0.0, 1.0]), np.array([LOW, LOW]))
    assert np.isfinite([low, high]).all() and low.tolist()[0] == 0.0 and high.tolist()[1] == 1.0


def lines(risk: list[float], grade: list[int]) -> Evidence:
    return Evidence(np.array(grade), *interval(np.array(risk), np.array(grade)))


@pytest.mark.parametrize(
    ("risk", "grade", "expected"),
    [
        ([0.4, 0.02], [HIGH, LOW], "high"),  # the other line cannot be the riskier one
        ([0.4, 0.3], [HIGH, LOW], "low"),
        ([0.4, 0.1], [HIGH, NONE], "none"),  # it may well be
        ([0.02, 0.4], [HIGH, LOW], "low"),  # the riskiest always matters
        ([0.4], [NONE], "none"),
    ],
)
def test_a_claim_is_as_sure_as_the_weakest_of_the_lines_that_matter(
    risk: list[float], grade: list[int], expected: str
) -> None:
    p, claim = np.array(risk), np.zeros(len(risk), np.int64)
    whole = of_claims(lines(risk, grade), p, claim, MODEL)
    assert whole.names == [expected]
    assert whole.low[0] < MODEL.claim_risk(p, claim)[0] < whole.high[0]


def test_claims_are_told_apart_and_none_is_no_harm() -> None:
    p, claim = np.array([0.4, 0.1, 0.2]), np.array([1, 0, 1])
    known = lines([0.4, 0.1, 0.2], [HIGH, NONE, LOW])
    whole = of_claims(known, p, claim, MODEL)
    assert whole.names == ["none", "low"] and whole.low[0] == known.low[1]
    empty = Evidence(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    assert len(of_claims(empty, np.zeros(0), np.zeros(0, np.int64), MODEL).grade) == 0
