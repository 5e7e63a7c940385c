"""Rows of cells to rows of a table: reasons, duplicates, derived columns, the site's own columns."""

import io
import json
from datetime import date
from decimal import Decimal

import dataframely as dy
import polars as pl
import pytest

from claims import batch as batches
from claims.fields import PARSERS, SCHEMAS
from claims.read import read_frame
from claims.settings import Settings

LINE = {
    "claim_id": "A1",
    "claim_line_number": "1",
    "claim_line_start_date": "2024-01-05",
    "payer_id": "p1",
    "hcpcs_code": "64483",
}
OUTCOME = {"claim_id": "A1", "claim_line_number": "1", "known_date": "2024-02-01", "adjustments": "CO-45:10"}
GRANT = {
    "prior_authorization_number": "au1",
    "member_id": "M-1",
    "hcpcs_codes": "64483 64484",
    "valid_from": "2024-01-01",
}


@pytest.fixture
def read(tmp_path):
    def read(*rows, **columns):
        frame = pl.DataFrame([row | columns for row in rows], infer_schema_length=None)
        batch = read_frame(frame, Settings(home=tmp_path))
        for table in batch.file["kind"].item().split("+"):
            accepted, rejected = getattr(batch, table), batch.rejects.filter(pl.col("table") == table)
            assert sorted([*accepted["row"], *rejected["row"]]) == list(range(1, len(rows) + 1))
        return batch

    return read


def _reasons(batch):
    return dict(zip(batch.rejects["row"], batch.rejects["reason"], strict=True))


def test_codes_are_written_one_way(read):
    given = LINE | {
        "hcpcs_code": " j1030",
        "diagnosis_code_1": "m54.16",
        "hcpcs_modifier_1": "rt",
        "patient_sex": "female",
    }
    row = read(given).lines.row(0, named=True)
    assert [
        row[name] for name in ("hcpcs_code", "diagnosis_code_1", "hcpcs_modifier_1", "patient_sex", "payer_id")
    ] == [
        "J1030",
        "M5416",
        "RT",
        "F",
        "P1",
    ]


def test_a_bad_cell_rejects_its_row_with_the_field_and_never_the_value(read):
    bad = [
        {"charge_amount": "12 dollars"},
        {"charge_amount": "-3"},
        {"charge_amount": "99999999999"},
        {"submitted_date": "32/13/2024"},
        {"service_unit_quantity": "two"},
        {"claim_line_number": ""},
        {"claim_line_end_date": "2024-01-04"},
        {"hcpcs_code": " ", "payer_id": ""},
    ]
    defaults = {"charge_amount": "1", "submitted_date": "", "service_unit_quantity": "", "claim_line_end_date": ""}
    batch = read(LINE | defaults, *(LINE | defaults | {"claim_id": f"B{i}"} | fault for i, fault in enumerate(bad)))
    assert len(batch.lines) == 1
    assert _reasons(batch) == {
        2: "charge_amount is not an amount of money",
        3: "charge_amount is negative",
        4: "charge_amount is above 9,999,999,999.99",
        5: "submitted_date is not a date (YYYY-MM-DD, YYYYMMDD or M/D/YYYY)",
        6: "service_unit_quantity is not a number",
        7: "claim_line_number is missing",
        8: "claim_line_end_date lies before claim_line_start_date",
        9: "payer_id is missing; hcpcs_code is missing",
    }
    told = dict(zip(batch.rejects["row"], batch.rejects["field"], strict=True))
    assert told[9] == "payer_id;hcpcs_code"
    assert batch.rejects["claim_id"].to_list()[0] == "B0"
    assert batch.rejects["claim_line_number"].to_list() == ["1", "1", "1", "1", "1", None, "1", "1"]


def test_an_exact_repeat_of_a_line_is_a_duplicate_and_other_content_is_not(read):
    batch = read(LINE, LINE | {"claim_id": "A2"}, LINE, LINE | {"hcpcs_code": "99214"}, LINE | {"claim_id": " A2"})
    assert _reasons(batch) == {3: "duplicate of row 1", 5: "duplicate of row 2"}
    assert batch.lines["row"].to_list() == [1, 2, 4]


def test_equal_outcomes_of_one_file_are_two_events_with_ids_of_their_own(read):
    first, again = read(OUTCOME, OUTCOME), read(OUTCOME, OUTCOME)
    assert first.outcomes["outcome_id"].n_unique() == 2
    assert first.outcomes["outcome_id"].to_list() == again.outcomes["outcome_id"].to_list()


def test_an_outcome_is_the_same_whatever_empty_columns_come_with_it(read):
    ids = [
        batch.outcomes["outcome_id"].item() for batch in (read(OUTCOME), read(OUTCOME, remark_codes="", paid_date=""))
    ]
    assert ids[0] == ids[1] != read(OUTCOME | {"adjustments": "CO-45:10.01"}).outcomes["outcome_id"].item()


def test_an_outcome_is_known_when_paid_unless_told(read):
    batch = read(
        OUTCOME,
        OUTCOME | {"known_date": ""},
        OUTCOME | {"known_date": "", "paid_date": ""},
        OUTCOME | {"known_date": "soon"},
        OUTCOME | {"adjustments": "45"},
        paid_date="2024-01-31",
    )
    assert batch.outcomes["known_date"].to_list() == [date(2024, 2, 1), date(2024, 1, 31), date(2024, 1, 31)]


def test_outcomes_that_cannot_be_dated_or_understood_are_rejected(read):
    empty = {"known_date": "", "paid_date": ""}
    batch = read(
        OUTCOME | empty,
        OUTCOME | {"known_date": "soon", "paid_date": "2024-01-01"},
        OUTCOME | {"adjustments": "45", "paid_date": ""},
        OUTCOME | {"adjustments": "CO-197", "paid_date": ""},
    )
    assert _reasons(batch) == {
        1: "known_date is missing, and so is paid_date",
        2: "known_date is not a date (YYYY-MM-DD, YYYYMMDD or M/D/YYYY)",
        3: "adjustments is not a list of adjustments such as CO-45:120.00;PR-2:12.00",
    }
    assert batch.outcomes["adjustments"].to_list() == ["CO-197"]


def test_authorizations(read):
    batch = read(GRANT, GRANT, GRANT | {"status": "DENIED"}, GRANT | {"valid_to": "2023-01-01"})
    assert _reasons(batch) == {2: "duplicate of row 1", 4: "valid_to lies before valid_from"}
    row = batch.authorizations.row(0, named=True)
    assert (row["prior_authorization_number"], row["hcpcs_codes"]) == ("AU1", "64483;64484")
    assert "member_id" not in row
    assert row["member_key"] == read(LINE | {"member_id": "m1"}).lines["member_key"].item()


def test_the_sites_own_columns_become_one_object_with_numbers_where_all_are(read):
    own = [{"x_b": "7", "x_a": "PCP", "x_code": "007", "x_f": "1.5"}, {"x_b": "", "x_a": "", "x_code": "8", "x_f": "2"}]
    batch = read(*(LINE | {"claim_id": str(i)} | row for i, row in enumerate(own)))
    assert [json.loads(text) for text in batch.lines["extra"]] == [
        {"x_a": "PCP", "x_b": 7, "x_code": "007", "x_f": 1.5},
        {"x_a": "", "x_code": "8", "x_f": 2.0},
    ]
    assert list(json.loads(batch.lines["extra"][0])) == ["x_a", "x_b", "x_code", "x_f"]
    assert batch.unknown_columns == ()


def test_unknown_columns_are_reported_and_not_used(read):
    batch = read(LINE, patient_name="Somebody", paid_amount="3")
    assert batch.unknown_columns == ("patient_name", "paid_amount")
    assert "Somebody" not in str(batch.lines.rows()) + str(batch.file.rows())


def test_a_typed_frame_gives_the_same_line_as_text(tmp_path):
    text = pl.DataFrame(
        [
            LINE
            | {
                "charge_amount": "1450.10",
                "service_unit_quantity": "2",
                "in_network_flag": "Y",
                "patient_age": "67",
                "plan_id": "12",
                "doc_pain_score": "7",
            }
        ]
    )
    typed = text.with_columns(
        pl.col("claim_line_start_date").str.to_datetime(),
        pl.col("claim_line_number").cast(pl.Int64),
        pl.col("charge_amount").cast(pl.Float64),
        pl.col("service_unit_quantity").cast(pl.Decimal(10, 3)),
        pl.col("hcpcs_code").cast(pl.Int64),
        pl.col("plan_id").cast(pl.Float64),
        pl.lit(True).alias("in_network_flag"),
        pl.col("payer_id").cast(pl.Categorical),
        pl.col("doc_pain_score").cast(pl.Int8),
    )
    content = io.BytesIO()
    typed.write_parquet(content)
    site = Settings(home=tmp_path)
    frames = [text, typed, pl.read_parquet(io.BytesIO(content.getvalue()))]
    rows = [read_frame(frame, site).lines.drop("file_id", "loaded_at").row(0) for frame in frames]
    assert rows[0] == rows[1] == rows[2]
    assert Decimal("1450.10") in rows[0]


def test_numbers_that_are_none_or_too_large_are_rejected(read):
    batch = read(
        LINE | {"charge_amount": float("nan"), "plan_id": 2**63 - 1}, LINE | {"charge_amount": 1.0, "plan_id": 2}
    )
    assert _reasons(batch) == {1: "charge_amount is not an amount of money"}
    batch = read(LINE | {"claim_line_number": 2**40})
    assert _reasons(batch) == {1: "claim_line_number is negative or too large"}


def test_age_is_whole_years_at_the_service_and_90_at_most(read):
    births = ["1954-01-05", "1954-01-06", "1930-01-01", "2024-01-06", "", "2024-01-05"]
    batch = read(
        *(LINE | {"claim_id": str(i), "patient_birth_date": b, "patient_age": "44"} for i, b in enumerate(births))
    )
    assert batch.lines["patient_age"].to_list() == [70, 69, 90, 44, 0]
    assert _reasons(batch) == {4: "patient_birth_date lies after the day of service"}


def test_accepted_rows_keep_every_rule_of_their_schema(read):
    batch = read(LINE | {"patient_age": "99", "charge_amount": "3"}, LINE | {"claim_id": "A2"})
    for table, extra in (("lines", {"version": pl.lit(1, pl.Int32)}), ("outcomes", {})):
        SCHEMAS[table].validate(getattr(batch, table).with_columns(**extra).select(list(SCHEMAS[table].columns())))


def test_a_rule_that_only_the_schema_knows_still_rejects(read, monkeypatch):
    class Stricter(SCHEMAS["lines"]):
        @dy.rule()
        def not_for_a2(cls) -> pl.Expr:
            return pl.col("claim_id") != "A2"

    monkeypatch.setitem(batches.SCHEMAS, "lines", Stricter)
    batch = read(LINE, LINE | {"claim_id": "A2"}, LINE | {"claim_id": "A3"}, LINE)
    assert batch.lines["claim_id"].to_list() == ["A1", "A3"]
    assert _reasons(batch) == {2: "breaks the rule 'not for a2'", 4: "duplicate of row 1"}
    assert batch.file.select("rows", "accepted", "rejected").row(0) == (4, 2, 2)


def test_every_stored_column_but_ours_can_be_delivered():
    assert "charge_amount" in PARSERS["lines"]
    assert not set(PARSERS["lines"]) & {"row_hash", "submission_id", "member_key", "file_id", "extra"}
