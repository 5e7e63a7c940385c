"""Reasons in the answer and in the table: they add up to the risks, and say which CARCs they are likely told by."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from claims.label import CATEGORIES
from claims.read import read_frame
from pipelines.show import likeliest
from serving.assess import Assessed
from serving.reasons import columns, told
from serving.score import Scorer
from serving.sheet import COLUMNS
from training.model import DenialModel
from training.reasons import Reasons

Json = dict[str, Any]
K = len(CATEGORIES)


@pytest.fixture
def assessed(scorer: Scorer, flat: pl.DataFrame) -> Assessed:
    """Forty lines of several claims, some of them of one line."""
    return scorer.assess(read_frame(flat, scorer.settings).lines)


@pytest.fixture
def reasons(scorer: Scorer) -> Reasons:
    assert isinstance(scorer.model, DenialModel) and scorer.model.reasons is not None
    return scorer.model.reasons


def added_up(listed: list[Json]) -> float:
    assert [one["category"] for one in sorted(listed, key=lambda one: -one["probability"])] == [
        one["category"] for one in listed
    ]
    assert {one["category"] for one in listed} == set(CATEGORIES)
    return math.fsum(one["probability"] for one in listed)


def test_probabilities_add_up_to_the_risk_of_line_and_claim(scorer: Scorer, claim: Json) -> None:
    other = copy.deepcopy(claim) | {"claim_id": "T-101", "payer_id": "NEVER-SEEN"}
    other["lines"] = other["lines"][:1]
    for one in scorer.score([claim, other])["claims"]:
        assert added_up(one["reasons"]) == pytest.approx(one["claim_denial_risk"], abs=1e-12)
        for line in one["lines"]:
            assert added_up(line["reasons"]) == pytest.approx(line["denial_risk"], abs=1e-12)
            assert all(len(reason["carc"]) <= 3 for reason in line["reasons"])


def test_a_claim_shares_out_its_risk_by_what_its_lines_add_up_to(assessed: Assessed) -> None:
    own, whole = assessed.reasons, assessed.claim_reasons
    np.testing.assert_allclose(own.sum(axis=1), assessed.risk, rtol=0, atol=1e-12)
    np.testing.assert_allclose(whole.sum(axis=1), assessed.claim_risk, rtol=0, atol=1e-12)
    sizes = np.bincount(assessed.claim)
    assert (sizes == 1).any() and (sizes > 1).any()
    for code, size in enumerate(sizes.tolist()):
        lines = own[assessed.claim == code].sum(axis=0)
        np.testing.assert_allclose(whole[code] / whole[code].sum(), lines / lines.sum(), rtol=1e-9)
        if size == 1:
            np.testing.assert_allclose(whole[code], own[assessed.claim == code][0], rtol=1e-12)


def test_the_dearest_claims_keep_their_reasons(assessed: Assessed) -> None:
    dear = assessed.dearest(3)
    place = {key: row for row, key in enumerate(assessed.lines.select("submission_id", "claim_line_number").rows())}
    rows = [place[key] for key in dear.lines.select("submission_id", "claim_line_number").rows()]
    assert rows != list(range(len(rows)))
    np.testing.assert_array_equal(dear.reasons, assessed.reasons[rows])
    np.testing.assert_allclose(dear.claim_reasons.sum(axis=1), dear.claim_risk, rtol=0, atol=1e-12)


def test_the_carcs_of_a_claim_are_those_of_the_line_where_the_category_is_likeliest(
    scorer: Scorer, claim: Json, reasons: Reasons, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Reasons, "likely_carcs", lambda self, payer, code: lambda category: [f"{code}-{category}"])
    found = scorer.score([claim])["claims"][0]
    by_code = {
        line["hcpcs_code"]: {r["category"]: r["probability"] for r in line["reasons"]} for line in found["lines"]
    }
    strongest = {name: max(by_code, key=lambda code, name=name: by_code[code][name]) for name in CATEGORIES}
    assert len(set(strongest.values())) == 2, "both lines must speak for something"
    assert {r["category"]: r["carc"] for r in found["reasons"]} == {
        name: [f"{code}-{name}"] for name, code in strongest.items()
    }
    assert all(
        r["carc"] == [f"{code['hcpcs_code']}-{r['category']}"] for code in found["lines"] for r in code["reasons"]
    )


def test_the_columns_are_the_three_likeliest_of_the_line(assessed: Assessed, reasons: Reasons) -> None:
    table = pl.DataFrame(list(columns(assessed)))
    assert table.columns == [name for name in COLUMNS if name.startswith("reason_")]
    for row, listed in zip(table.iter_rows(), told(assessed, reasons).lines, strict=True):
        assert row == tuple(value for one in listed[:3] for value in (one["category"], one["probability"]))


def test_only_carcs_of_the_sites_own_remittances_are_told(scorer: Scorer, assessed: Assessed, reasons: Reasons) -> None:
    seen = set(scorer.history.snapshot.outcomes["carc"].drop_nulls())
    codes = {code for listed in told(assessed, reasons).lines for one in listed for code in one["carc"]}
    assert codes and codes <= seen


def test_a_model_without_reasons_tells_empty_lists(scorer: Scorer, claim: Json) -> None:
    assert isinstance(scorer.model, DenialModel)
    mute = replace(scorer, model=replace(scorer.model, reasons=None))
    with_reasons, without = scorer.score([claim])["claims"][0], mute.score([claim])["claims"][0]
    assert without["reasons"] == [] and all(line["reasons"] == [] for line in without["lines"])
    assert without["claim_denial_risk"] == with_reasons["claim_denial_risk"]
    assert mute.score([])["claims"] == [] == scorer.score([])["claims"]


def test_the_starting_model_tells_what_was_frequent(scorer: Scorer, claim: Json) -> None:
    starting = Scorer.starting(scorer.settings)
    found = starting.score([claim])["claims"][0]
    assert added_up(found["reasons"]) == pytest.approx(found["claim_denial_risk"], abs=1e-12)
    json.dumps(found, allow_nan=False)


def test_a_folder_of_before_scores_as_it_did(scorer: Scorer, claim: Json, tmp_path: Path) -> None:
    assert isinstance(scorer.model, DenialModel)
    replace(scorer.model, reasons=None).save(tmp_path / "old")
    old = Scorer.load(tmp_path / "old", scorer.settings)
    assert old.score([claim])["claims"][0]["lines"][0]["reasons"] == []
    assert (
        old.score([claim])["claims"][0]["claim_denial_risk"] == scorer.score([claim])["claims"][0]["claim_denial_risk"]
    )


@pytest.mark.parametrize(
    ("carc", "words"), [([], "coverage limit: 9%"), (["222"], "coverage limit: 9% (as CARC 222)"),
                        (["222", "119"], "coverage limit: 9% (as CARC 222 or 119)")],
)  # fmt: skip
def test_the_likeliest_reason_in_words(carc: list[str], words: str) -> None:
    assert likeliest({"category": "coverage_limit", "probability": 0.09, "carc": carc}) == f"most likely for {words}"
