"""The generated files: the same for the same seed, in the columns of the tables, in a possible order of time."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from claims import table
from data.synthetic import Generated, generate, load_world
from data.synthetic.samples import write_sample

SAMPLE = Path(__file__).parents[2] / "data" / "synthetic" / "sample"
FRAMES = ("lines", "outcomes", "authorizations", "truth")
KEPT = {"version", "submission_id", "row_hash", "source_system", "extra", "file_id", "loaded_at"}


def original(generated: Generated) -> pl.DataFrame:
    return generated.truth.filter(pl.col("kind") == "original")


def test_the_same_world_claims_and_seed_give_the_same_files(tmp_path: Path) -> None:
    for name, seed in (("first", 3), ("second", 3), ("other", 4)):
        made = generate(load_world("small"), 300, seed=seed)
        made.write(tmp_path / name)
        assert not (tmp_path / name / "truth.csv").exists()
        made.write_truth(tmp_path / name / "truth.csv")
    for name in FRAMES:
        first, second, other = ((tmp_path / d / f"{name}.csv").read_bytes() for d in ("first", "second", "other"))
        assert first == second
        assert first != other


def test_claims_counts_original_primary_claims(small: Generated) -> None:
    assert original(small)["claim_id"].n_unique() == 4000
    assert 2.2 <= original(small).height / 4000 <= 2.8


def test_the_lines_have_exactly_the_columns_that_a_file_may_carry(small: Generated) -> None:
    stored = set(table.Line.columns()) - KEPT - {"member_key", "patient_id", "patient_age"}
    assert set(small.lines.columns) == stored | set(table.RAW_LINE_COLUMNS)
    assert set(table.REQUIRED["lines"]) <= set(small.lines.columns)


def test_no_diagnosis_stands_after_an_empty_place(small: Generated) -> None:
    """A claim form has no gaps, and neither 837 nor FHIR can carry one."""
    first, second, third = (small.lines[f"diagnosis_code_{i}"] for i in (1, 2, 3))
    assert first.is_not_null().all() and third.is_not_null().any()
    assert not (second.is_null() & third.is_not_null()).any()


def test_outcomes_and_authorizations_carry_columns_of_their_tables_only(small: Generated) -> None:
    assert set(small.outcomes.columns) <= set(table.Outcome.columns())
    assert set(small.authorizations.columns) <= set(table.Authorization.columns()) | {"member_id"}


def test_money_is_decimal_text_dates_are_iso_and_identifiers_are_invented(small: Generated, tmp_path: Path) -> None:
    small.write(tmp_path)
    lines = pl.read_csv(tmp_path / "lines.csv", infer_schema=False)
    outcomes = pl.read_csv(tmp_path / "outcomes.csv", infer_schema=False)
    assert lines["charge_amount"].str.contains(r"^\d+\.\d\d$").all()
    assert outcomes["paid_amount"].str.contains(r"^-?\d+\.\d\d$").all()
    assert lines["submitted_date"].str.contains(r"^\d{4}-\d\d-\d\d$").all()
    assert outcomes["adjustments"].drop_nulls().str.contains(r"^([A-Z]{2}-\w+:-?\d+\.\d\d;?)+$").all()
    assert lines["claim_id"].str.starts_with("SYN").all()
    assert lines["rendering_npi"].str.starts_with("9").all()
    assert not lines["diagnosis_code_1"].str.contains(".", literal=True).any()


def test_adjustments_and_payment_add_up_to_the_charge(small: Generated) -> None:
    once = small.outcomes.filter(pl.col("claim_status_code") != "22")
    charges = small.lines.select("claim_id", "claim_line_number", "payer_id", "submitted_date", "charge_amount")
    joined = once.join(
        charges.unique(["claim_id", "claim_line_number", "payer_id"]), on=["claim_id", "claim_line_number", "payer_id"]
    )
    total = joined.select(
        pl.col("adjustments").fill_null("").str.extract_all(r":-?\d+\.\d\d").list.eval(
            pl.element().str.slice(1).cast(pl.Float64)).list.sum() + pl.col("paid_amount").cast(pl.Float64)
        - pl.col("charge_amount").cast(pl.Float64)
    ).to_series()  # fmt: skip
    assert total.abs().max() < 0.005


def test_nothing_is_known_before_it_was_sent_or_after_the_end(small: Generated) -> None:
    truth, end = small.truth, date(2026, 10, 31)
    assert (truth["known_date"] > truth["submitted_date"]).all()
    assert (small.lines["submitted_date"] >= small.lines["claim_line_start_date"]).all()
    assert small.lines["submitted_date"].max() <= end
    assert small.outcomes["known_date"].max() <= end
    assert (small.outcomes["known_date"] >= small.outcomes["paid_date"]).all()


def test_medicare_pays_in_about_two_weeks_others_later_with_a_tail(small: Generated) -> None:
    lag = original(small).select("payer_id", days=(pl.col("known_date") - pl.col("submitted_date")).dt.total_days())
    median = dict(lag.group_by("payer_id").agg(pl.col("days").median()).iter_rows())
    assert 12 <= median.pop("SYN01") <= 17
    assert all(20 <= m <= 45 for m in median.values())
    assert lag["days"].quantile(0.999) > 70


def test_some_lines_are_pending_and_some_are_never_answered(small: Generated) -> None:
    lines = original(small)
    silent = lines.filter(pl.col("answered") == 0)
    assert 0.002 < silent.height / lines.height < 0.02
    told = small.outcomes.select("claim_id", "claim_line_number", "payer_id").unique()
    keys = ["claim_id", "claim_line_number", "payer_id"]
    without = lines.join(told, on=keys, how="anti")
    late = without.filter((pl.col("answered") == 1) & (pl.col("known_date") > date(2026, 10, 31)))
    assert late.height > 50


@pytest.mark.parametrize("kind", ["original", "resubmission", "duplicate", "secondary"])
def test_every_kind_of_submission_is_there(small: Generated, kind: str) -> None:
    assert small.truth.filter(pl.col("kind") == kind).height > 20


def test_resubmissions_come_as_each_payer_takes_them(small: Generated) -> None:
    later = (
        small.truth.filter(pl.col("kind") == "resubmission").select("claim_id", "submitted_date", "payer_id").unique()
    )
    lines = small.lines.join(later, on=["claim_id", "submitted_date", "payer_id"])
    part_b = lines.filter(pl.col("claim_filing_indicator_code") == "MB")
    other = lines.filter(pl.col("claim_filing_indicator_code") != "MB")
    assert (other["claim_frequency_code"] == "7").all() and other["original_reference_number"].is_not_null().all()
    assert (part_b["claim_frequency_code"] == "1").all() and part_b["original_reference_number"].is_null().all()
    first = set(original(small)["claim_id"])
    same = part_b["claim_id"].is_in(list(first))
    assert same.any() and not same.all()
    renamed = part_b.filter(~same).with_columns(pl.lit("SYN").alias("x") + pl.col("claim_id").str.slice(4))
    repeated = [
        "hcpcs_code",
        "hcpcs_modifier_1",
        "service_unit_quantity",
        "claim_line_start_date",
        "rendering_npi",
        "claim_line_number",
    ]
    before = small.lines.select(pl.col("claim_id").alias("x"), *repeated).unique()
    assert renamed.join(before, on=["x", *repeated], nulls_equal=True).height >= renamed.height


def test_reversals_take_back_what_was_paid_and_are_followed_by_a_correction(small: Generated) -> None:
    back = small.outcomes.filter(pl.col("claim_status_code") == "22")
    assert back.height > 20
    assert (back["paid_amount"].cast(pl.Float64) <= 0).all()
    keys = ["claim_id", "claim_line_number", "payer_claim_control_number"]
    both = small.outcomes.join(back.select(*keys, pl.col("paid_amount").alias("taken")), on=keys)
    assert (
        both.filter(pl.col("paid_amount").cast(pl.Float64) == -pl.col("taken").cast(pl.Float64)).height >= back.height
    )


def test_a_retro_authorization_is_known_only_after_the_denial(small: Generated) -> None:
    retro = small.authorizations.filter(pl.col("prior_authorization_number").str.starts_with("SYNZ"))
    assert retro.height > 3
    assert (retro["known_date"] > retro["valid_from"]).all()
    number = small.lines.join(
        retro.select("prior_authorization_number", known="known_date"), on="prior_authorization_number"
    )
    assert (number["claim_frequency_code"] == "7").all()
    assert (number["known"] < number["submitted_date"]).all()


def test_lines_denied_by_design_are_out_of_the_target(small: Generated) -> None:
    keys = ["claim_id", "claim_line_number", "payer_id", "submitted_date"]
    out = small.truth.filter((pl.col("kind") == "original") & (pl.col("target") == 0))
    lines = out.join(small.lines, on=keys)
    cent = lines["charge_amount"] == "0.01"
    never = lines["hcpcs_modifier_1"].is_in(["GY"]).fill_null(False)
    assert cent.any() and never.any() and (out["denied"] == 0).all()
    assert set(out.filter(~(cent | never))["carc"]) <= {"24"}


def test_the_sample_is_what_its_command_makes(tmp_path: Path) -> None:
    write_sample(tmp_path)
    for made in tmp_path.iterdir():
        assert (SAMPLE / made.name).read_bytes() == made.read_bytes()
    assert sum(f.stat().st_size for f in SAMPLE.iterdir()) < 200_000


def test_the_sample_request_holds_five_claims_after_the_end() -> None:
    request = json.loads((SAMPLE / "score_request.json").read_text())
    assert len(request["claims"]) == 5
    days = [line["claim_line_start_date"] for claim in request["claims"] for line in claim["lines"]]
    assert min(days) > "2026-10-31"
