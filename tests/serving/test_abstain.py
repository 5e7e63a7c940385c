"""What a reader is told where too little is known: wide intervals, a review, and words."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from claims.settings import Settings
from serving.score import Scorer

Json = dict[str, Any]


@pytest.fixture(scope="module")
def starting(site: Settings) -> Scorer:
    """The starting model of the practice that has a store."""
    return Scorer.starting(site)


def strange(claim: Json) -> Json:
    """The claim to a payer that nobody has heard of."""
    return claim | {"payer_id": "NEW-PAYER", "payer_name": "New Payer"}


def test_a_payer_nobody_knows_gets_a_review_and_the_words_why(scorer: Scorer, claim: Json) -> None:
    (told,) = scorer.score([strange(claim)])["claims"]
    assert (told["evidence"], told["band"], told["decision"]) == ("none", "medium", "review")
    low, high = told["risk_interval"]
    assert low < told["claim_denial_risk"] < high and high - low > 0.4
    for line in told["lines"]:
        assert "not enough recent history" in line["drivers"][-1]["sentence"]
        assert abs(line["base_value"] + sum(d["shap"] for d in line["drivers"]) - line["raw_score"]) < 1e-9


def test_a_payer_that_is_known_gets_a_grade_and_no_such_words(scorer: Scorer, claim: Json) -> None:
    (told,) = scorer.score([claim])["claims"]
    assert told["evidence"] in ("low", "medium", "high")
    assert all(line["drivers"][-1]["sentence"] is None for line in told["lines"])


def test_the_answer_and_the_table_say_the_same(scorer: Scorer, flat: pl.DataFrame) -> None:
    table = scorer.score(flat)
    assert (table["risk_low"] < table["denial_risk"]).all() and (table["denial_risk"] < table["risk_high"]).all()
    assert set(table["evidence"].to_list()) <= {"none", "low", "medium", "high"}
    one = table.group_by("score_id").agg(pl.col("evidence").n_unique())
    assert (one["evidence"] == 1).all()
    assert set(table.filter(evidence="none")["decision"].to_list()) <= {"review"}


def test_alone_and_in_a_batch_the_evidence_is_the_same(scorer: Scorer, claim: Json) -> None:
    claims = [claim | {"claim_id": f"T-{i}", "payer_id": f"SYN0{i + 1}"} for i in range(3)] + [strange(claim)]
    told = ("evidence", "risk_interval")
    together = [[one[name] for name in told] for one in scorer.score(claims)["claims"]]
    alone = [[scorer.score([one])["claims"][0][name] for name in told] for one in claims]
    assert together == alone and len({grade for grade, _ in together}) > 1


def test_the_starting_model_uses_the_few_outcomes_and_is_never_sure(starting: Scorer, flat: pl.DataFrame) -> None:
    assert starting.notice and "mature lines of the practice" in starting.notice
    table = starting.score(flat)
    assert set(table["evidence"].to_list()) <= {"none", "low"}
    assert table["model_version"].unique().to_list() == ["starting"]
    assert (table["risk_high"] - table["risk_low"]).min() > 0.2
    assert table["denial_risk"].n_unique() > 5


def test_the_starting_model_explains_itself(starting: Scorer, claim: Json) -> None:
    (told,) = starting.score([claim])["claims"]
    for line in told["lines"]:
        assert abs(line["base_value"] + sum(d["shap"] for d in line["drivers"]) - line["raw_score"]) < 1e-9
        assert "No model is trained yet" in line["drivers"][-1]["sentence"]
        assert any(d["sentence"] and d["feature"].startswith("denied_rate__") for d in line["drivers"])


def test_a_trained_model_needs_no_notice(scorer: Scorer) -> None:
    assert scorer.notice is None
