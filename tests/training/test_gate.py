"""Each check of the gate fails on what it is there to catch, and does not apply without support."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from claims.texts import Texts
from features.history import History
from features.table import FeatureTable
from training import gate
from training.evaluation import Answer
from training.examples import Examples
from training.metrics import Metrics, Scored, measure
from training.model import DenialModel


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def world(lines: int = 4000, seed: int = 1) -> tuple[Scored, np.ndarray]:
    """Scored lines whose probabilities are right, and the log-odds behind them."""
    random = np.random.default_rng(seed)
    z = random.normal(-1.7, 1.1, lines)
    y = (random.random(lines) < sigmoid(z)).astype(float)
    return Scored(y, sigmoid(z), np.arange(lines) // 2, np.ones(lines)), z


def outcome(answer: Answer) -> str:
    return answer["outcome"]


def test_den001_passes_a_better_model_and_fails_one_that_is_no_better() -> None:
    scored, z = world()
    table = sigmoid(z + np.random.default_rng(0).normal(0, 1.5, len(z)))
    assert outcome(gate.beats_table(scored, table, 1)) == "passed"
    assert outcome(gate.beats_table(replace(scored, p=table), scored.p, 1)) == "failed"
    assert outcome(gate.beats_table(scored, scored.p, 1)) == "failed"


def test_den002_fails_only_what_is_surely_worse_than_the_champion() -> None:
    scored, z = world()
    worse = replace(scored, p=sigmoid(z + np.random.default_rng(0).normal(0, 1.5, len(z))))
    assert outcome(gate.not_worse(worse, scored.p, 1)) == "failed"
    assert outcome(gate.not_worse(scored, worse.p, 1)) == "passed"
    assert outcome(gate.not_worse(scored, scored.p, 1)) == "passed"
    assert outcome(gate.not_worse(None, None, 1)) == "not_applicable"


def test_den002_does_not_apply_where_nothing_can_be_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    scored, _ = world()
    nothing: Metrics = {"difference": None, "low": None, "high": None}
    monkeypatch.setattr(gate, "difference", lambda *given: nothing)
    assert outcome(gate.not_worse(scored, scored.p, 1)) == "not_applicable"


@pytest.mark.parametrize("distort", [lambda z: z + 0.7, lambda z: 2.0 * z + 1.4, lambda z: 0.5 * z - 0.8])
def test_den003_fails_risks_that_are_off_or_of_the_wrong_slope(distort: Any) -> None:
    scored, z = world()
    assert outcome(gate.calibrated(scored, measure(scored, 0.1, 1, 50))) == "passed"
    off = replace(scored, p=sigmoid(distort(z)))
    assert outcome(gate.calibrated(off, measure(off, 0.1, 1, 50))) == "failed"


@pytest.mark.parametrize(("beyond", "wanted"), [(0.019, "passed"), (0.021, "failed")])
def test_den003_allows_two_points_of_error_beyond_chance(beyond: float, wanted: str) -> None:
    scored, _ = world()
    ece = 2 * gate.chance_ece(scored.p) + beyond
    metrics: Metrics = {"ece": ece, "calibration_slope_low": 0.9, "calibration_slope_high": 1.1}
    assert outcome(gate.calibrated(scored, metrics)) == wanted


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


@pytest.mark.parametrize("lines", [0, 499])
def test_statistical_checks_do_not_apply_below_support(lines: int) -> None:
    scored = world()[0].take(np.arange(lines))
    answers = [
        gate.beats_table(scored, scored.p, 1),
        gate.not_worse(scored, scored.p, 1),
        gate.calibrated(scored, measure(scored, 0.1, 1, 5)),
    ]
    assert [outcome(a) for a in answers] == ["not_applicable"] * 3
    assert all("500 with 50 are needed" in a["detail"] for a in answers)
    assert gate.passed(answers)


def frame(submissions: list[str], numbers: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"submission_id": submissions, "claim_line_number": numbers})


def examples(values: np.ndarray) -> Examples:
    lines = frame([f"S{i // 2}" for i in range(len(values))], [i % 2 + 1 for i in range(len(values))])
    table = FeatureTable(("charge",), values[:, None], {"code": Texts.of([f"C{i}" for i in range(len(values))])})
    return Examples(lines, table, np.zeros(len(values)), np.zeros(len(values)))


@pytest.mark.parametrize("wrong", [None, "batch mean", "codes of the batch"])
def test_den004_fails_features_that_depend_on_the_rest_of_the_batch(
    monkeypatch: pytest.MonkeyPatch, wrong: str | None
) -> None:
    values = np.where(np.arange(40) % 5 == 0, np.nan, np.arange(40.0))

    def build(lines: pl.DataFrame, history: Any) -> FeatureTable:
        place = [2 * int(s[1:]) + n - 1 for s, n in lines.select("submission_id", "claim_line_number").iter_rows()]
        numbers, codes = values[place], [f"C{i}" for i in place]
        if wrong == "batch mean":
            numbers = numbers - np.nanmean(numbers)
        if wrong == "codes of the batch":
            codes = [f"C{i}" for i in range(len(place))]
        return FeatureTable(("charge",), numbers[:, None], {"code": Texts.of(codes)})

    monkeypatch.setattr(gate, "build", build)
    whole = examples(values)
    batch = replace(whole, table=build(whole.lines, None))
    answer = gate.parity(batch, whole.lines, History.empty(), seed=1)
    assert outcome(answer) == ("failed" if wrong else "passed")
    if wrong:
        assert ("charge" if wrong == "batch mean" else "code") in answer["detail"]


@dataclass(frozen=True)
class OffByALittle:
    """A model whose contributions miss the raw score."""

    model: DenialModel

    def raw_score(self, X: np.ndarray) -> np.ndarray:
        return self.model.raw_score(X)

    def contributions(self, X: np.ndarray) -> np.ndarray:
        return self.model.contributions(X) + 1e-8


def test_den005_fails_contributions_that_do_not_add_up(made_model: DenialModel) -> None:
    X = np.random.default_rng(0).random((700, 5))
    assert outcome(gate.additive(made_model, X)) == "passed"
    assert outcome(gate.additive(OffByALittle(made_model), X)) == "failed"
    assert outcome(gate.additive(made_model, X[:0])) == "not_applicable"


def test_den006_fails_features_into_which_the_future_reached() -> None:
    values = np.where(np.arange(20) % 5 == 0, np.nan, np.arange(20.0))
    now, later = examples(values), values.copy()
    later[7] += 1e-12
    assert outcome(gate.past_unchanged(now.take(np.arange(10)), now)) == "passed"
    answer = gate.past_unchanged(now.take(np.arange(10)), examples(later))
    assert outcome(answer) == "failed" and "charge" in answer["detail"]
    assert outcome(gate.past_unchanged(now.take(np.arange(0)), now)) == "not_applicable"


def test_one_failed_check_fails_the_gate() -> None:
    good, bad = gate.answer("DEN001", True, ""), gate.answer("DEN003", False, "")
    assert gate.passed([good, gate.not_applicable("DEN002", "")])
    assert not gate.passed([good, bad])
