"""Requests: nesting, overriding, bad shapes; and that a claim is the same line whichever way it comes."""

import copy
import csv
import io
import json
import math
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims.errors import DenialsError, UsageError
from claims.fields import PARSERS, SCHEMAS
from claims.read import read_claims, read_file, read_frame
from claims.settings import Settings

LINE = {"claim_line_number": 1, "claim_line_start_date": "2026-11-19", "hcpcs_code": "64483", "modifiers": ["RT"]}
CLAIM = {"claim_id": "PM-1", "payer_id": "87726", "diagnosis_codes": ["M54.16", "M51.36"], "lines": [LINE]}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Settings(home=tmp_path_factory.mktemp("site"))


def _with(line=None, **claim):
    whole = copy.deepcopy(CLAIM) | claim
    whole["lines"] = [LINE | (line or {})]
    return {name: value for name, value in whole.items() if value is not ...}


def test_a_line_overrides_its_claim_and_null_does_not(site):
    claim = CLAIM | {
        "place_of_service_code": "11",
        "lines": [
            LINE,
            LINE | {"claim_line_number": 2, "place_of_service_code": "24"},
            LINE | {"claim_line_number": 3, "place_of_service_code": None, "modifiers": []},
        ],
    }
    lines = read_claims([claim], site).lines
    assert lines["place_of_service_code"].to_list() == ["11", "24", "11"]
    assert lines["hcpcs_modifier_1"].to_list() == ["RT", "RT", ""]
    assert lines["diagnosis_code_2"].to_list() == ["M5136"] * 3
    assert lines["submission_id"].n_unique() == 1
    assert lines["claim_index"].to_list() == [0, 0, 0]
    assert lines["submitted_date"].to_list() == [None] * 3


def test_documentation_and_extra(site):
    claim = _with(
        documentation={"doc_pain_score": 7, "doc_imaging": True, "doc_mood": 1}, extra={"x_b": 2, "x_a": None, "y": 1}
    )
    claim["lines"][0]["documentation"] = {"doc_pain_score": "8"}
    claim["lines"][0]["extra"] = {"x_c": True, "x_d": "a "}
    batch = read_claims([claim], site)
    row = batch.lines.row(0, named=True)
    assert (row["doc_pain_score"], row["doc_imaging"], row["extra"]) == (
        8.0,
        True,
        '{"x_b": 2, "x_c": true, "x_d": "a"}',
    )
    assert batch.unknown_columns == ("documentation.doc_mood", "extra.y")


def test_a_bad_line_is_told_by_its_place_and_the_rest_is_kept(site):
    claim = CLAIM | {"lines": [LINE, LINE | {"claim_line_number": 2, "charge_amount": "much", "hcpcs_code": ""}]}
    batch = read_claims([claim, _with(payer_id=...), CLAIM | {"claim_id": "PM-3"}], site)
    assert batch.lines["claim_index"].to_list() == [0, 2]
    told = batch.rejects.select("row", "field", "reason", "claim_id", "claim_line_number", "claim_index", "line_index")
    assert told.rows() == [
        (
            2,
            "lines[1].charge_amount;lines[1].hcpcs_code",
            "charge_amount is not an amount of money; hcpcs_code is missing",
            "PM-1",
            "2",
            0,
            1,
        ),
        (3, "payer_id", "payer_id is missing", "PM-1", "1", 1, 0),
    ]
    assert batch.file.select("rows", "accepted", "rejected").row(0) == (4, 2, 2)


BAD = [
    (None, "claim", "claim must be an object"),
    ([], "claim", "claim must be an object"),
    ({}, "lines", "lines must be a list of at least one line"),
    (CLAIM | {"lines": []}, "lines", "lines must be a list of at least one line"),
    (CLAIM | {"lines": {"a": 1}}, "lines", "lines must be a list of at least one line"),
    (CLAIM | {"lines": ["x"]}, "lines[0]", "line must be an object"),
    (_with(claim_id={"a": 1}), "claim_id", "claim_id must be text or a number"),
    (_with(claim_id=True), "claim_id", "claim_id must be text or a number"),
    (_with(payer_id=math.nan), "payer_id", "payer_id is missing"),
    (_with({"charge_amount": math.inf}), "lines[0].charge_amount", "charge_amount is not an amount of money"),
    (_with({"charge_amount": [1]}), "lines[0].charge_amount", "charge_amount must be text or a number"),
    (_with({"claim_line_number": True}), "lines[0].claim_line_number", "claim_line_number must be text or a number"),
    (_with({"modifiers": "RT"}), "lines[0].modifiers", "modifiers must be a list"),
    (_with({"modifiers": ["RT"] * 5}), "lines[0].modifiers", "modifiers has more than 4 entries"),
    (_with({"modifiers": [{"a": 1}]}), "lines[0].hcpcs_modifier_1", "hcpcs_modifier_1 must be text or a number"),
    (_with(diagnosis_codes=["M1"] * 13), "diagnosis_codes", "diagnosis_codes has more than 12 entries"),
    (
        _with({"diagnosis_pointers": [0]}),
        "lines[0].diagnosis_pointers",
        "diagnosis_pointers does not point to diagnoses 1 to 12",
    ),
    (_with(documentation=[1]), "documentation", "documentation must be an object"),
    (_with(extra={"x_a": math.inf}), "extra", "extra holds a number that is not finite"),
    (_with(payer_id=10**5000), "payer_id", "payer_id is not a finite number"),
    (_with({"charge_amount": -(10**5000)}), "lines[0].charge_amount", "charge_amount is not an amount of money"),
    (_with(extra={"x_a": 10**5000}), "extra", "extra holds a number that is not finite"),
    (_with({"modifiers": [[[[[["RT"]]]]]]}), "lines[0].hcpcs_modifier_1", "hcpcs_modifier_1 must be text or a number"),
    (_with({"claim_line_start_date": pd.NaT}), "lines[0].claim_line_start_date", "claim_line_start_date is missing"),
    (_with(extra={"x_a": [1]}), "extra", "extra must be text or a number"),
    (_with(claim_id="PM\ud800"), "claim_id", "claim_id contains a character that is not valid Unicode"),
    (
        _with({"hcpcs_code": "6448\udfff"}),
        "lines[0].hcpcs_code",
        "hcpcs_code contains a character that is not valid Unicode",
    ),
    (_with(member_id="\udc80M1"), "member_id", "member_id contains a character that is not valid Unicode"),
    (
        _with({"modifiers": ["\ud800"]}),
        "lines[0].hcpcs_modifier_1",
        "hcpcs_modifier_1 contains a character that is not valid Unicode",
    ),
    (_with(extra={"x_a": "\ud800"}), "extra", "extra contains a character that is not valid Unicode"),
    (_with(extra={"x_\ud800": 1}), "extra", "extra has a name that is not valid Unicode"),
    (_with(patient_birth_date="2026-11-20"), "patient_birth_date", "patient_birth_date lies after the day of service"),
]


@pytest.mark.parametrize(("claim", "field", "reason"), BAD)
def test_a_bad_claim_is_told_and_the_next_one_is_read(site, claim, field, reason):
    batch = read_claims([claim, CLAIM], site)
    assert batch.rejects.select("row", "field", "reason", "claim_index").rows() == [(1, field, reason, 0)]
    assert batch.lines.select("row", "claim_index").rows() == [(2, 1)]


def test_a_line_number_stands_once_in_a_claim_but_equal_claims_may_stand_side_by_side(site):
    twice = CLAIM | {"lines": [LINE, LINE | {"hcpcs_code": "99214"}]}
    batch = read_claims([twice, CLAIM, CLAIM], site)
    assert batch.rejects.select("row", "field", "reason").rows() == [
        (2, "lines[1].claim_line_number", "claim_line_number repeats that of row 1")
    ]
    assert batch.lines["claim_index"].to_list() == [0, 1, 2]


def test_flat_claims_are_lines(site):
    flat = {"claim_id": "A", "payer_id": "p", **LINE}
    batch = read_claims([flat, flat | {"claim_id": "B"}, flat | {"claim_line_number": 2}, flat], site)
    assert batch.lines.select("row", "claim_index").rows() == [(1, 0), (2, 1), (3, 0)]
    assert batch.rejects.select("row", "field").rows() == [(4, "claim_line_number")]


def test_a_frequency_code_with_leading_zeros_and_codes_in_lower_case_are_the_usual_ones(site):
    told = {"claim_frequency_code": "01", "payer_responsibility_code": "p", "claim_filing_indicator_code": "mb"}
    batch = read_claims([CLAIM | told, CLAIM | {"claim_frequency_code": "1", "payer_responsibility_code": "P"}], site)
    assert batch.lines.select(list(told)).row(0) == ("1", "P", "MB")
    assert batch.lines["submission_id"].n_unique() == 1


def test_fields_whose_names_are_no_text_are_told(site):
    assert read_claims([CLAIM | {7: 1, 10**5000: 1, None: 1}], site).unknown_columns == ("(NoneType)", "(int)", "7")


def test_numpy_values_are_those_of_python(site):
    flat = {"claim_id": "A", "payer_id": "p", **LINE, "claim_line_number": 2}
    usual = {"charge_amount": 5, "service_unit_quantity": 1.5, "doc_imaging": True, "submitted_date": "2026-11-20"}
    usual |= {"modifiers": ["RT", "LT"], "x_a": 3, "x_b": False, "x_c": 0.5}
    theirs = {
        "claim_line_number": np.int64(2), "charge_amount": np.int64(5), "service_unit_quantity": np.float32(1.5),
        "doc_imaging": np.bool_(True), "submitted_date": np.datetime64("2026-11-20", "ns"), "x_a": np.int8(3),
        "modifiers": np.array(["RT", "LT"]), "x_b": np.bool_(False), "x_c": np.float64(0.5),
    }  # fmt: skip
    told = [read_claims([flat | row], site).lines.drop("file_id", "loaded_at").rows() for row in (usual, theirs)]
    assert told[0] == told[1]
    assert len(told[0]) == 1


NONE = [None, math.nan, np.float64("nan"), np.datetime64("NaT"), pd.NaT, pd.NA, Decimal("NaN"), Decimal("sNaN")]


@pytest.mark.parametrize("none", NONE, ids=repr)
def test_what_a_table_writes_for_missing_is_not_known(site, none):
    names = ("charge_amount", "submitted_date", "payer_name", "hcpcs_modifier_1", "patient_birth_date", "member_id")
    names += ("documentation", "extra", "modifiers", "x_a", "doc_imaging", "claim_line_end_date")
    flat = {"claim_id": "A", "payer_id": "p", **LINE}
    batch = read_claims([flat | dict.fromkeys(names, none)], site)
    told = batch.lines.row(0, named=True)
    assert {told[name] for name in ("charge_amount", "submitted_date", "payer_name", "hcpcs_modifier_1")} == {None}
    assert told["extra"] is told["patient_id"] is None


def test_the_rows_of_a_pandas_table_with_gaps_are_read(site):
    row = {"claim_id": "A", "payer_id": "p", "hcpcs_code": "64483", "claim_line_start_date": "2026-11-19"}
    table = pd.DataFrame([row | {"claim_line_number": 1}, row | {"claim_line_number": 2, "charge_amount": 7}])
    table["submitted_date"] = pd.to_datetime(pd.Series([None, "2026-11-20"]))
    batch = read_claims(table.to_dict("records"), site)
    assert batch.lines.select("charge_amount", "submitted_date").rows() == [
        (None, None),
        (Decimal("7.00"), date(2026, 11, 20)),
    ]


def test_a_gap_in_a_list_keeps_its_place_as_it_does_in_a_file(site, tmp_path):
    head = "claim_id,payer_id,claim_line_number,claim_line_start_date,hcpcs_code,hcpcs_modifier_1,hcpcs_modifier_2"
    path = tmp_path / "gap.csv"
    path.write_text(
        f"{head},diagnosis_code_1,diagnosis_code_2,diagnosis_code_3,diagnosis_pointers\n"
        "PM-1,87726,1,2026-11-19,64483,,RT,M54.5,,G89.4,3\n"
    )
    columns = [
        "hcpcs_modifier_1",
        "hcpcs_modifier_2",
        *(f"diagnosis_code_{n}" for n in (1, 2, 3)),
        "diagnosis_pointers",
    ]
    assert read_file(path, site).lines.select(columns).row(0) == ("", "RT", "M545", "", "G894", "3")
    for gap in ("", None, " "):
        told = {"modifiers": [gap, "RT"], "diagnosis_pointers": [3]}
        batch = read_claims([_with(told, diagnosis_codes=["M54.5", gap, "G89.4"])], site)
        assert batch.lines.select(columns).row(0) == ("", "RT", "M545", "", "G894", "3")
    assert len(read_claims([_with(diagnosis_codes=["M54.5"] + [""] * 20)], site).lines) == 1


OF_PEOPLE = (
    "name patient_name first_name firstname lname surname provider_name plan_contact_name address addr1 street_address "
    "patient_address_2 city zip zip5 zipcode zip_code postal_code ssn last4ssn phone homephone cell_phone phone_1 "
    "phonenumber telephone email e_mail fax dob birth_date birthdate date_of_birth dateofbirth patient_birth mrn "
    "patient_mrn medical_record_number member_id patientid policyholder_name social_security_number"
)
OF_NONE = (
    "clinic plan_name drug_name planname plan_name_2 payer_name birth_weight stillbirth initial_visit telehealth_visit "
    "namespace zipped post_op medical_records_sent patient_age member_months renamed mailed_date state policy_type"
)


@pytest.mark.parametrize(("names", "stored"), [(OF_PEOPLE, False), (OF_NONE, True)])
def test_columns_of_the_site_that_tell_who_someone_is_are_reported_and_not_stored(site, names, stored):
    columns = [f"x_{name}" for name in names.split()]
    flat = {"claim_id": "A", "payer_id": "p", **LINE} | dict.fromkeys(columns, "QX")
    frame = pl.DataFrame({name: [value] for name, value in flat.items() if name != "modifiers"})
    nested = [CLAIM | {"extra": dict.fromkeys(columns, "QX")}]
    for batch, prefix in (
        (read_claims([flat], site), ""),
        (read_frame(frame, site), ""),
        (read_claims(nested, site), "extra."),
    ):
        held = json.loads(batch.lines["extra"].item() or "{}")
        assert list(held) == (sorted(columns) if stored else [])
        assert sorted(batch.unknown_columns) == ([] if stored else sorted(prefix + name for name in columns))
        assert ("x_" in batch.file["columns"].item()) == stored


def test_no_list_and_an_empty_list(site):
    with pytest.raises(UsageError):
        read_claims({"claims": []}, site)
    batch = read_claims([], site)
    assert len(batch.lines) == len(batch.rejects) == 0
    assert batch.file["rows"].item() == 0


def test_every_batch_has_the_same_columns(site, tmp_path):
    frame = pl.DataFrame({name: ["1"] for name in ("claim_id", "claim_line_number", "payer_id", "hcpcs_code")})
    batch = read_frame(frame.with_columns(claim_line_start_date=pl.lit("2024-01-01")), site)
    request = read_claims([CLAIM], site)
    assert request.lines.drop("claim_index").schema == batch.lines.schema
    assert request.outcomes.schema == batch.outcomes.schema
    assert request.rejects.drop("claim_index", "line_index").schema == batch.rejects.schema
    assert request.file.schema == batch.file.schema
    assert list(batch.lines.columns) == [*(n for n in SCHEMAS["lines"].columns() if n != "version"), "row"]


def test_a_json_file_is_a_request(site, tmp_path):
    path = tmp_path / "claims.csv"  # the name tells nothing
    path.write_text("\ufeff " + json.dumps({"claims": [CLAIM]}))
    batch = read_file(path, site)
    assert batch.lines["claim_id"].to_list() == ["PM-1"]
    assert batch.file["name"].item() == "claims.csv"


def test_half_a_character_in_a_json_file_rejects_its_row_and_no_other(site, tmp_path):
    path = tmp_path / "claims.json"
    text = json.dumps({"claims": [CLAIM | {"claim_id": "PM-\ud800"}, CLAIM | {"claim_id": "PM-\U0001f600"}]})
    assert "\\ud800" in text
    path.write_text(text, encoding="ascii")
    batch = read_file(path, site)
    assert batch.lines["claim_id"].to_list() == ["PM-\U0001f600"]  # the two halves of a character make one
    assert batch.rejects.select("row", "field", "reason", "claim_id").rows() == [
        (1, "claim_id", "claim_id contains a character that is not valid Unicode", None)
    ]


def test_a_field_whose_name_cannot_be_written_is_told_with_a_question_mark(site):
    batch = read_claims([CLAIM | {"z\ud800": 1, "documentation": {"doc_\udfff": 1}, "extra": {"y\ud800": 1}}], site)
    assert batch.unknown_columns == ("documentation.doc_?", "extra.y?", "z?")
    assert len(batch.lines) == 1


TEXT = st.sampled_from(["", " a", "B-2", "m54.16", "Ünï", "59", "05"])
CELL = {
    "submitted_date": st.sampled_from(["", "2026-11-20", "11/21/2026", "20261119"]),
    "claim_line_end_date": st.sampled_from(["", "2026-11-19", "2026-11-01"]),
    "patient_birth_date": st.sampled_from(["", "1960-02-29", "2026-12-01"]),
    "patient_age": st.sampled_from(["", "30", "96"]),
    "charge_amount": st.sampled_from(["", "1,450.00", "$3", "-1", "0.125", "x"]),
    "member_id": TEXT,
    "service_unit_quantity": st.sampled_from(["", "1", "2.50", "-1"]),
    "in_network_flag": st.sampled_from(["", "Y", "0"]),
    "diagnosis_pointers": st.sampled_from(["", "1,2", "AB", "99"]),
    "hcpcs_modifier_1": TEXT,
    "diagnosis_code_1": TEXT,
    "doc_pain_score": st.sampled_from(["", "7", "7.5"]),
    "doc_imaging": st.sampled_from(["", "true", "N"]),
    "plan_id": TEXT,
    "line_note": TEXT,
    "claim_frequency_code": st.sampled_from(["", "1", "7"]),
    "place_of_service_code": st.sampled_from(["", "5"]),
}
assert set(CELL) <= set(PARSERS["lines"])


@given(st.lists(st.fixed_dictionaries(CELL), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_a_claim_is_the_same_from_a_file_and_from_json(site, rows):
    """Every column is carried by both, so known and present do not differ either."""
    flat = [
        {
            "claim_id": f"C{i}",
            "payer_id": "p",
            "claim_line_number": "1",
            "claim_line_start_date": "2026-11-19",
            "hcpcs_code": "64483",
        }
        | row
        for i, row in enumerate(rows)
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(flat[0]))
    writer.writeheader()
    writer.writerows(flat)
    path = site.home / "same.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    nested = [
        {name: value for name, value in row.items() if name != "hcpcs_code"} | {"lines": [{"hcpcs_code": "64483"}]}
        for row in flat
    ]
    own = ["file_id", "loaded_at"]
    from_file = read_file(path, site)
    for batch in (read_claims(flat, site), read_claims(nested, site)):
        assert batch.lines.drop(*own, "claim_index").rows() == from_file.lines.drop(own).rows()
        assert batch.rejects["reason"].to_list() == from_file.rejects["reason"].to_list()
    SCHEMAS["lines"].validate(
        from_file.lines.with_columns(version=pl.lit(1, pl.Int32)).select(list(SCHEMAS["lines"].columns()))
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("a\ud800"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [*PARSERS["lines"], "lines", "modifiers", "extra", "documentation", "x_a", "zz", "x_\udfff"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4))
@settings(max_examples=150, deadline=None)
def test_no_json_makes_the_reader_fail(site, claims):
    try:
        batch = read_claims(claims, site)
    except DenialsError:
        return
    assert batch.file["rows"].item() == len(batch.lines) + len(batch.rejects)
