"""Not known (null) and not present (""): what each kind of source says by leaving something out. DESIGN section 4."""

import pytest
from ascii_table import rows

from claims.read import read_claims, read_file
from claims.settings import Settings

BASE = "claim_id,claim_line_number,claim_line_start_date,payer_id,hcpcs_code"
NULL, EMPTY = None, ""
WATCHED = (
    "prior_authorization_number",
    "hcpcs_modifier_1",
    "hcpcs_modifier_4",
    "diagnosis_code_2",
    "charge_amount",
    "submitted_date",
)


@pytest.fixture
def site(tmp_path):
    return Settings(home=tmp_path)


def _told(batch):
    row = batch.lines.row(0, named=True)
    return {name: row[name] for name in WATCHED}


def test_a_file_knows_the_columns_of_its_header_and_no_others(site, tmp_path):
    path = tmp_path / "lines.csv"
    path.write_text(f"{BASE},prior_authorization_number,hcpcs_modifier_1,charge_amount\nA,1,2024-01-01,p,64483,,,\n")
    batch = read_file(path, site)
    assert _told(batch) == {
        "prior_authorization_number": EMPTY,
        "hcpcs_modifier_1": EMPTY,
        "hcpcs_modifier_4": NULL,
        "diagnosis_code_2": NULL,
        "charge_amount": NULL,
        "submitted_date": NULL,
    }
    assert batch.file["columns"].item().split(";") == [
        *BASE.split(","),
        "prior_authorization_number",
        "hcpcs_modifier_1",
        "charge_amount",
    ]


JSON = """
case                 | key              | authorization | modifier_1 | modifier_4 | diagnosis_2
nothing said         |                  |               |            |            |
null said            | null             |               |            |            |
empty said           | empty            | ""            | ""         | ""         | ""
one said             | one              | AU1           | RT         | ""         | ""
"""
SAID = {
    "null": {"prior_authorization_number": None, "modifiers": None, "diagnosis_codes": None},
    "empty": {"prior_authorization_number": "", "modifiers": [], "diagnosis_codes": []},
    "one": {"prior_authorization_number": "au1", "modifiers": ["rt"], "diagnosis_codes": ["M54.16"]},
    None: {},
}


@pytest.mark.parametrize("case", rows(JSON), ids=lambda case: case["case"])
def test_json_knows_what_it_says(site, case):
    line = {"claim_line_number": 1, "claim_line_start_date": "2024-01-01", "hcpcs_code": "64483"}
    batch = read_claims([{"claim_id": "A", "payer_id": "p", "lines": [line], **SAID[case["key"]]}], site)
    told = _told(batch)
    assert [told[name] for name in WATCHED[:4]] == [
        case["authorization"],
        case["modifier_1"],
        case["modifier_4"],
        case["diagnosis_2"],
    ]
    carried = "prior_authorization_number" in batch.file["columns"].item().split(";")
    assert carried == (case["authorization"] is not None)


def test_an_empty_list_is_said_and_an_empty_text_too(site):
    line = {"claim_line_number": 1, "claim_line_start_date": "2024-01-01", "hcpcs_code": "64483"}
    for empty in ("", []):
        row = read_claims(
            [{"claim_id": "A", "payer_id": "p", "lines": [line | {"modifiers": empty, "diagnosis_pointers": empty}]}],
            site,
        )
        assert row.lines.select("hcpcs_modifier_1", "hcpcs_modifier_4", "diagnosis_pointers").row(0) == ("", "", "")


def test_another_column_does_not_change_what_is_known_of_this_one(site, tmp_path):
    path = tmp_path / "lines.csv"
    path.write_text(f"{BASE},referral_number\nA,1,2024-01-01,p,64483,R1\nB,1,2024-01-01,p,64483,\n")
    lines = read_file(path, site).lines
    assert lines["referral_number"].to_list() == ["R1", ""]
    assert lines["prior_authorization_number"].to_list() == [None, None]
