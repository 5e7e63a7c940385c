"""The checks against the champion: each fails on a challenger made to fail it, and does not apply without support."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from made_up import VERSIONS, outcome, sigmoid, world

from claims.settings import GateSettings
from features.table import FeatureTable
from training import champion, gate
from training.champion import Duel
from training.evaluation import Answer
from training.examples import Examples
from training.metrics import Metrics, Scored
from training.model import DenialModel

LIMITS = GateSettings()


def duel(z: np.ndarray, y: np.ndarray, mine: np.ndarray, theirs: np.ndarray, payers: list[str]) -> Duel:
    """Lines of one claim each, of these payers in turn, with the log-odds that either side gives them."""
    lines = pl.DataFrame(
        {
            "submission_id": [f"S{i:06}" for i in range(len(z))],
            "payer_id": [payers[i % len(payers)] for i in range(len(z))],
            "charge_amount": np.ones(len(z)),
        }
    )
    found = Examples(lines, FeatureTable((), np.zeros((len(z), 0)), {}), y, y)
    p, q = sigmoid(mine), sigmoid(theirs)
    codes = np.arange(len(z))
    return Duel(found, p, q, Scored(y, p, codes, np.ones(len(z))), Scored(y, q, codes, np.ones(len(z))))


@pytest.mark.parametrize(("code", "what"), [("DEN002", "lines"), ("DEN007", "claims")])
def test_den002_and_den007_fail_only_what_is_surely_worse_than_the_champion(code: str, what: str) -> None:
    scored, z = world()
    worse = replace(scored, p=sigmoid(z + np.random.default_rng(0).normal(0, 1.5, len(z))))
    asked: Any = {"limits": LIMITS, "seed": 1, "what": what}
    assert outcome(champion.not_worse(code, worse, scored.p, **asked)) == "failed"
    better = champion.not_worse(code, scored, worse.p, **asked)
    assert outcome(better) == "passed" and better["code"] == code and f"AUROC of {what}" in better["detail"]
    assert outcome(champion.not_worse(code, scored, scored.p, **asked)) == "passed"
    few = scored.take(np.arange(240))
    assert outcome(champion.not_worse(code, few, few.p, **asked)) == "not_applicable"


@pytest.mark.parametrize(("high", "wanted"), [(-0.0019, "passed"), (-0.0021, "failed")])
def test_what_two_seeds_differ_by_is_a_tie(monkeypatch: pytest.MonkeyPatch, high: float, wanted: str) -> None:
    scored, _ = world()
    found: Metrics = {"difference": -0.01, "low": -0.02, "high": high}
    monkeypatch.setattr(champion, "difference", lambda *given: found)
    assert outcome(champion.not_worse("DEN002", scored, scored.p, LIMITS, 1)) == wanted


def test_the_bootstrap_draws_whole_claims() -> None:
    """The same lines told ten times over are no more evidence than once."""
    scored, z = world(800)
    worse = sigmoid(z + np.random.default_rng(0).normal(0, 0.5, len(z)))
    ten = np.repeat(np.arange(800), 10)
    copied = Scored(scored.y[ten], worse[ten], scored.unit[ten], scored.charge[ten])
    once = champion.not_worse("DEN002", replace(scored, p=worse), scored.p, LIMITS, 1)
    assert champion.not_worse("DEN002", copied, scored.p[ten], LIMITS, 1)["detail"] == once["detail"]


def test_what_cannot_be_measured_does_not_apply(monkeypatch: pytest.MonkeyPatch) -> None:
    scored, _ = world()
    nothing: Metrics = {"difference": None, "low": None, "high": None}
    monkeypatch.setattr(champion, "difference", lambda *given: nothing)
    assert outcome(champion.not_worse("DEN002", scored, scored.p, LIMITS, 1)) == "not_applicable"


@pytest.mark.parametrize("harm", ["ranking", "calibration"])
def test_den008_fails_a_model_that_gains_over_all_and_loses_one_payer(harm: str) -> None:
    scored, z = world(12_000)
    random = np.random.default_rng(3)
    payers = ["SMALL", "P1", "P2", "P3"]
    one = np.arange(len(z)) % 4 == 1
    theirs = z + random.normal(0, 0.6, len(z))
    hurt = z + random.normal(0, 1.6, len(z)) if harm == "ranking" else z + 0.6
    fight = duel(z, scored.y, np.where(one, hurt, z), theirs, payers)
    assert outcome(champion.judge_duel(fight, LIMITS, 1)[0]) == "passed"
    answer = champion.payers_kept(fight, LIMITS, 1)
    assert outcome(answer) == "failed"
    assert (
        f"lost on P1 {'AUROC -' if harm == 'ranking' else 'ECE +'}" in answer["detail"] and "P2" not in answer["detail"]
    )
    good = champion.payers_kept(duel(z, scored.y, z, theirs, payers), LIMITS, 1)
    assert outcome(good) == "passed" and "4 payers" in good["detail"] and "margins 0.02" in good["detail"]


def test_den008_lets_a_loss_within_the_margin_and_noise_pass() -> None:
    scored, z = world(12_000)
    slightly = z + np.random.default_rng(4).normal(0, 0.15, len(z))
    assert outcome(champion.payers_kept(duel(z, scored.y, slightly, z, ["A", "B"]), LIMITS, 1)) == "passed"
    strict = GateSettings(payer_auroc_margin=0.0, payer_ece_margin=0.0)
    worse = z + np.random.default_rng(4).normal(0, 0.6, len(z))
    assert outcome(champion.payers_kept(duel(z, scored.y, worse, z, ["A", "B"]), strict, 1)) == "failed"


def test_den008_does_not_apply_where_no_payer_has_support() -> None:
    scored, z = world(1000)
    answer = champion.payers_kept(duel(z, scored.y, z, z, [f"P{i}" for i in range(10)]), LIMITS, 1)
    assert outcome(answer) == "not_applicable" and "300 lines with 30 denials" in answer["detail"]
    paid = duel(z, np.zeros(len(z)), z, z, ["NEVER DENIES"])
    assert outcome(champion.payers_kept(paid, LIMITS, 1)) == "not_applicable"


def test_without_a_champion_its_three_checks_say_why() -> None:
    answers = champion.judge_duel("there is no champion", LIMITS, 1)
    assert [(a["code"], a["outcome"]) for a in answers] == [
        (code, "not_applicable") for code in ("DEN002", "DEN007", "DEN008")
    ]
    assert {a["detail"] for a in answers} == {"there is no champion"}


def test_a_duel_is_judged_on_lines_claims_and_payers() -> None:
    scored, z = world(3000)
    worse = z + np.random.default_rng(0).normal(0, 2.5, len(z))
    lost = champion.judge_duel(duel(z, scored.y, worse, z, ["A"]), LIMITS, 1)
    assert [(a["code"], a["outcome"]) for a in lost] == [(code, "failed") for code in ("DEN002", "DEN007", "DEN008")]
    won = champion.judge_duel(duel(z, scored.y, z, worse, ["A"]), LIMITS, 1)
    assert [a["outcome"] for a in won] == ["passed"] * 3


def test_den013_fails_a_model_of_which_less_was_shown_than_of_the_champion(made_model: DenialModel) -> None:
    shown: list[Answer] = [gate.answer("DEN001", True, ""), gate.answer("DEN003", True, "")]
    evaluation: Any = {"gate": shown}
    judged = replace(made_model, versions=VERSIONS | {"version": "1", "evaluation": evaluation})
    unshown = [gate.not_applicable("DEN001", ""), *shown[1:]]
    assert outcome(champion.judged_as_well(judged, made_model, unshown)) == "failed"
    assert outcome(champion.judged_as_well(judged, made_model, shown)) == "passed"
    assert outcome(champion.judged_as_well(judged, judged, unshown)) == "not_applicable"
    assert outcome(champion.judged_as_well("there is no champion", made_model, unshown)) == "not_applicable"
    for nothing in (None, {"gate": unshown}):
        young = replace(made_model, versions=VERSIONS | {"version": "1", "evaluation": nothing})
        assert outcome(champion.judged_as_well(young, made_model, unshown)) == "not_applicable"
