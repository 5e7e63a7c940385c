"""The scorer answers in kind, loses nothing, and gives a claim the same answer in whatever company it comes."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from claims.dated import dated
from claims.errors import ModelMismatchError, NoModelError, UnreadableFileError, UsageError
from claims.read import read_claims
from claims.settings import Settings
from claims.store import Store
from serving.score import Scorer
from serving.sheet import COLUMNS
from training.model import DenialModel

Json = dict[str, Any]


def without_ids(answer: Json) -> Json:
    """An answer without the one thing that differs from call to call."""
    told = copy.deepcopy(answer)
    for claim in told["claims"]:
        assert claim.pop("score_id")
    return told


def renamed(claim: Json, number: int) -> Json:
    """The claim under another claim_id."""
    return copy.deepcopy(claim) | {"claim_id": f"T-{number}"}


def test_a_folder_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoModelError, match=r"denials train.*denials promote") as caught:
        Scorer.load(tmp_path / "models" / "7", Settings(home=tmp_path))
    assert caught.value.exit_code == 14
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "champion").symlink_to("denial-7")  # a champion that is lost is an error, not a beginning
    with pytest.raises(NoModelError):
        Scorer.load(settings=Settings(home=tmp_path))
    assert not (tmp_path / "store").exists()


def test_model_that_fails_its_golden_claims_is_refused(site: Settings, scorer: Scorer, tmp_path: Path) -> None:
    wrong = [{"claim": row["claim"], "risks": [0.5] * len(row["risks"])} for row in scorer.model.golden]
    assert wrong
    parts = {n: getattr(scorer.model, n) for n in ("booster_text", "calibration", "columns", "levels", "versions")}
    type(scorer.model)(**parts, golden=tuple(wrong)).save(tmp_path / "other")
    with pytest.raises(ModelMismatchError):
        Scorer.load(tmp_path / "other", site)


def test_without_a_store_the_history_is_empty(site: Settings, claim: Json, tmp_path: Path) -> None:
    scorer = Scorer.load(site.models / "champion", Settings(home=tmp_path))
    answer = scorer.score([claim])
    assert answer["history_through"] is None
    assert len(answer["claims"][0]["lines"]) == 2
    assert not (tmp_path / "store").exists()


def test_scoring_leaves_history_and_store_alone(site: Settings, scorer: Scorer, claim: Json) -> None:
    before = Store.open(site).data_version()
    first = scorer.score([claim])
    scorer.score([renamed(claim, number) for number in range(20)])
    assert without_ids(scorer.score([claim])) == without_ids(first)
    assert Store.open(site).data_version() == before


def test_base_value_and_drivers_add_up(scorer: Scorer, claim: Json) -> None:
    for line in scorer.score([claim])["claims"][0]["lines"]:
        assert abs(line["base_value"] + sum(d["shap"] for d in line["drivers"]) - line["raw_score"]) < 1e-9
        assert line["drivers"][-1]["feature"] == "other"
        assert 1 < len(line["drivers"]) <= 7


def test_money_of_a_claim_is_the_sum_of_its_lines(scorer: Scorer, claim: Json) -> None:
    told = scorer.score([claim])["claims"][0]
    assert Decimal(told["expected_loss"]) == sum(Decimal(line["expected_loss"]) for line in told["lines"])
    assert Decimal(told["expected_loss"]) > 0


def test_answer_survives_json(scorer: Scorer, claim: Json) -> None:
    answer = scorer.score([claim])
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    again = scorer.score(json.loads(json.dumps([claim])))
    assert without_ids(again) == without_ids(answer)


def test_alone_and_in_a_batch_are_the_same(scorer: Scorer, claim: Json) -> None:
    claims = [renamed(claim, number) for number in range(30)]
    for number, one in enumerate(claims):
        one["payer_id"] = f"SYN0{number % 5 + 1}"
        one["lines"] = one["lines"][: number % 2 + 1]
        one["lines"][0]["charge_amount"] = f"{700 + number}.10"
    together = without_ids(scorer.score(claims))
    alone = [without_ids(scorer.score([one]))["claims"][0] for one in claims]
    assert together["claims"] == alone


def test_a_file_and_a_request_are_the_same(scorer: Scorer, claim: Json, tmp_path: Path) -> None:
    claims = [renamed(claim, number) for number in range(5)]
    (tmp_path / "claims.json").write_text(json.dumps({"claims": claims}))
    table = scorer.score(tmp_path / "claims.json")
    lines = [line for told in scorer.score(claims)["claims"] for line in told["lines"]]
    assert table["raw_score"].to_list() == [line["raw_score"] for line in lines]
    assert table["expected_loss"].to_list() == [Decimal(line["expected_loss"]) for line in lines]
    assert table["base_value"].to_list() == [line["base_value"] for line in lines]


def test_the_same_claim_twice_gets_the_same_answer_twice(scorer: Scorer, claim: Json) -> None:
    other = copy.deepcopy(claim)
    other["lines"][1]["modifiers"] = ["25"]
    alone = [without_ids(scorer.score([one]))["claims"][0] for one in (claim, other)]
    together = without_ids(scorer.score([claim, other, claim, other]))
    assert together["claims"] == [*alone, *alone]
    assert together["rejected"] == []
    assert alone[0]["lines"][1]["raw_score"] != alone[1]["lines"][1]["raw_score"]


def test_a_variant_beside_it_does_not_hide_that_a_claim_is_sent_again(scorer: Scorer, world: Any) -> None:
    single = world.lines.filter(pl.len().over("claim_id", "submitted_date") == 1)
    known = scorer.history.snapshot.outcomes.filter(y=1).select("submission_id")
    denied = scorer.history.snapshot.lines.join(known, on="submission_id", how="semi").select("claim_id")
    row = single.join(denied, on="claim_id", how="semi").row(0, named=True)
    row = {name: value for name, value in row.items() if value is not None}
    again = {"claim_id": "AGAIN-1", "submitted_date": str(scorer.settings.today()), "lines": [row]}
    del row["claim_id"], row["submitted_date"]
    variant = copy.deepcopy(again)
    variant["lines"][0]["service_unit_quantity"] = 7
    alone = [scorer.assess(read_claims([one], scorer.settings).lines).table.numbers for one in (again, variant)]
    together = scorer.assess(read_claims([again, variant], scorer.settings).lines).table.numbers
    assert np.array_equal(together, np.concatenate(alone), equal_nan=True)


def test_no_day_of_submission_is_today(scorer: Scorer, claim: Json) -> None:
    today = scorer.settings.today()
    assert without_ids(scorer.score([claim])) == without_ids(scorer.score([claim | {"submitted_date": str(today)}]))
    del claim["submitted_date"]
    left_out, given = (read_claims([one], scorer.settings) for one in (claim, claim | {"submitted_date": str(today)}))
    assert left_out.lines["submission_id"].to_list() != given.lines["submission_id"].to_list()
    assert dated(left_out.lines, today)["submission_id"].to_list() == given.lines["submission_id"].to_list()


def test_one_bad_claim_among_good_ones(scorer: Scorer, claim: Json) -> None:
    bad = renamed(claim, 2)
    for line in bad["lines"]:
        del line["hcpcs_code"]
    answer = scorer.score([renamed(claim, 1), bad, renamed(claim, 3)])
    assert [told["claim_id"] for told in answer["claims"]] == ["T-1", "T-3"]
    assert answer["rejected"] == [
        {
            "index": 1,
            "claim_id": "T-2",
            "errors": [
                {"field": "lines[0].hcpcs_code", "message": "missing"},
                {"field": "lines[1].hcpcs_code", "message": "missing"},
            ],
        }
    ]


def test_a_line_that_cannot_be_read_is_told_and_the_rest_is_scored(scorer: Scorer, claim: Json) -> None:
    claim["lines"][0]["charge_amount"] = "-5"
    told = scorer.score([claim])["claims"][0]
    assert [line["claim_line_number"] for line in told["lines"]] == [2]
    assert told["errors"][0]["field"] == "lines[0].charge_amount"
    assert told["errors"][0]["message"]


@pytest.mark.parametrize(
    "claims",
    [[], [{}], [None], [7], ["x"], [[]], [{"lines": []}], [{"lines": None}], [{"claim_id": "A", "lines": [None, 3]}]],
    ids=str,
)
def test_nothing_that_can_be_scored(scorer: Scorer, claims: list[Any]) -> None:
    answer = scorer.score(claims)
    assert answer["claims"] == []
    assert [row["index"] for row in answer["rejected"]] == list(range(len(claims)))
    assert all(row["errors"] for row in answer["rejected"])


ODD = [
    ("charge_amount", float("nan")), ("charge_amount", float("inf")), ("charge_amount", 9_999_999_999.99),
    ("charge_amount", 10**400), ("charge_amount", True), ("charge_amount", {"a": 1}), ("service_unit_quantity", -1),
    ("service_unit_quantity", 1e308), ("service_unit_quantity", float("nan")), ("service_unit_quantity", "many"),
    ("hcpcs_code", "\u0416\u4e2d\U0001f4a3"), ("hcpcs_code", "x" * 3000), ("hcpcs_code", 99213), ("hcpcs_code", ""),
    ("hcpcs_code", "a;b\n\x00c"), ("modifiers", ["\U0001f4a3", None]),
    ("modifiers", ["25"] * 9), ("modifiers", "25"), ("claim_line_start_date", "2031-01-01"),
    ("claim_line_start_date", "0001-01-01"), ("claim_line_start_date", 20261020), ("claim_line_number", -3),
    ("claim_line_number", 2**40), ("claim_line_number", "one"), ("diagnosis_pointers", [99, "x"]),
    ("diagnosis_pointers", {"a": []}), ("diagnosis_codes", ["\u0130" * 50]), ("payer_id", "\u4e2d\u6587"),
    ("payer_id", "{payer}{0}%s"), ("patient_birth_date", "2030-01-01"), ("patient_age", 10**9),
    ("submitted_date", "2099-12-31"), ("extra", {"x_a": float("nan"), "x_b": [1]}), ("documentation", 4),
    ("in_network_flag", "perhaps"), ("claim_id", None), ("payer_name", "{value} \u202e"), ("unheard_of", "secret"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), ODD, ids=[f"{n}-{ascii(v)[:20]}" for n, v in ODD])
def test_odd_values_are_scored_or_told_and_spoil_nothing_else(
    scorer: Scorer, claim: Json, field: str, value: Any
) -> None:
    good = renamed(claim, 1)
    odd = renamed(claim, 2)
    odd["lines"][0][field] = value
    answer = scorer.score([odd, good])
    told = json.dumps(answer, allow_nan=False, ensure_ascii=False)
    assert "secret" not in told
    mine = [told for told in without_ids(answer)["claims"] if told["claim_id"] == "T-1"]
    assert mine == without_ids(scorer.score([good]))["claims"]
    others = [told for told in answer["claims"] if told["claim_id"] != "T-1"]
    scored = sum(len(told["lines"]) for told in others)
    assert scored == 2 or any(told["errors"] for told in others) or answer["rejected"]
    for line in (line for told in others for line in told["lines"]):
        assert 0 < line["denial_risk"] < 1


def test_unknown_payer_and_code_are_scored(scorer: Scorer, claim: Json) -> None:
    claim["payer_id"] = "NOBODY"
    claim["lines"][0]["hcpcs_code"] = "0XX9T"
    lines = scorer.score([claim])["claims"][0]["lines"]
    assert [line["hcpcs_code"] for line in lines] == ["0XX9T", "99213"]


def test_a_service_that_lies_ahead_is_scored(scorer: Scorer, claim: Json) -> None:
    ahead = scorer.settings.today() + timedelta(days=30)
    for line in claim["lines"]:
        line["claim_line_start_date"] = str(ahead)
    assert len(scorer.score([claim])["claims"][0]["lines"]) == 2


def test_two_lines_with_one_number(scorer: Scorer, claim: Json) -> None:
    claim["lines"][1]["claim_line_number"] = 1
    told = scorer.score([claim])["claims"][0]
    assert len(told["lines"]) == 1
    assert [error["field"] for error in told["errors"]] == ["lines[1].claim_line_number"]


def test_flat_lines_of_one_claim_are_one_claim(scorer: Scorer, claim: Json) -> None:
    lines = claim.pop("lines")
    for name in ("documentation", "extra"):
        del claim[name]
    rows = [claim | line for line in lines]
    answer = scorer.score([*rows, rows[0] | {"claim_line_number": None}])
    assert [len(told["lines"]) for told in answer["claims"]] == [2]
    assert answer["rejected"] == []
    assert answer["claims"][0]["errors"] == [{"field": "claim_line_number", "message": "missing"}]
    nested = scorer.score([claim | {"lines": lines}])
    assert without_ids(nested)["claims"][0]["lines"] == without_ids(answer)["claims"][0]["lines"]


def test_frames_are_answered_in_kind(scorer: Scorer, flat: pl.DataFrame, tmp_path: Path) -> None:
    from_polars = scorer.score(flat)
    assert isinstance(from_polars, pl.DataFrame)
    assert from_polars.columns == list(COLUMNS)
    frame = flat.to_pandas()
    frame.index = pd.Index(np.arange(len(frame)) + 500)
    from_pandas = scorer.score(frame)
    assert isinstance(from_pandas, pd.DataFrame)
    assert list(from_pandas.columns) == list(COLUMNS)
    assert list(from_pandas.index) == list(frame.index)
    flat.write_csv(tmp_path / "lines.csv")
    flat.write_parquet(tmp_path / "lines.parquet")
    for other in (scorer.score(str(tmp_path / "lines.csv")), scorer.score(tmp_path / "lines.parquet")):
        assert other["denial_risk"].to_list() == from_polars["denial_risk"].to_list()
    assert from_pandas["denial_risk"].tolist() == from_polars["denial_risk"].to_list()


def test_a_pandas_column_of_mixed_types_is_read(scorer: Scorer, flat: pl.DataFrame) -> None:
    frame = flat.head(3).to_pandas()
    frame["claim_id"] = pd.Series([17, "A-2", 4.5], dtype=object)
    assert scorer.score(frame)["claim_id"].tolist() == ["17", "A-2", "4.5"]


def test_rejected_rows_stand_in_their_place(scorer: Scorer, flat: pl.DataFrame) -> None:
    broken = flat.with_row_index("at").with_columns(
        hcpcs_code=pl.when(pl.col("at").is_in([0, 7])).then(pl.lit("")).otherwise("hcpcs_code")
    )
    table = scorer.score(broken.drop("at"))
    assert table["claim_id"].to_list() == flat["claim_id"].to_list()
    assert np.flatnonzero(table["error"].is_not_null().to_numpy()).tolist() == [0, 7]
    assert "hcpcs_code" in table["error"][0]
    unscored = table.filter(pl.col("error").is_not_null()).drop("claim_id", "claim_line_number", "error")
    assert unscored.null_count().row(0) == (2,) * unscored.width
    assert table.filter(pl.col("error").is_null())["denial_risk"].null_count() == 0


def test_every_line_bad(scorer: Scorer, flat: pl.DataFrame) -> None:
    table = scorer.score(flat.with_columns(payer_id=pl.lit("")))
    assert len(table) == len(flat)
    assert table["denial_risk"].null_count() == len(flat)
    assert table["error"].null_count() == 0
    assert table.schema == pl.DataFrame(schema=COLUMNS).schema


def test_the_claim_s_values_are_repeated_on_its_lines(scorer: Scorer, flat: pl.DataFrame) -> None:
    table = scorer.score(flat)
    shared = table.group_by("score_id").agg(
        pl.col("claim_denial_risk", "band", "decision", "claim_id").n_unique(), pl.col("denial_risk").max(),
        risk=pl.col("claim_denial_risk").first(), lines=pl.len(),
    )  # fmt: skip
    assert (shared["claim_denial_risk"] == 1).all()
    assert (shared["risk"] >= shared["denial_risk"]).all()
    assert (shared["lines"] > 1).any()
    single = shared.filter(lines=1)
    assert (single["risk"] == single["denial_risk"]).all()


def test_nothing_to_score(scorer: Scorer, world: Any) -> None:
    with pytest.raises(UnreadableFileError, match="no claim lines"):
        scorer.score(world.outcomes)
    with pytest.raises(UsageError):
        scorer.score(42)


def test_columns_that_a_model_without_reasons_cannot_fill_are_null(scorer: Scorer, flat: pl.DataFrame) -> None:
    assert isinstance(scorer.model, DenialModel)
    table = replace(scorer, model=replace(scorer.model, reasons=None)).score(flat)
    empty = [c for c in COLUMNS if c.startswith("reason_")]
    assert table.select(empty).null_count().row(0) == (len(flat),) * len(empty)
    assert table["history_through"].unique().to_list() == [scorer.history.through]
    assert isinstance(scorer.history.through, date)
