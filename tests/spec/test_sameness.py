"""When two rows are one submission, one line, one event, one patient. DESIGN section 4."""

import polars as pl
import pytest
from ascii_table import rows

from claims.read import read_frame
from claims.settings import Settings

FIRST = {
    "claim_id": "A",
    "claim_line_number": "1",
    "claim_line_start_date": "2024-01-05",
    "payer_id": "p1",
    "hcpcs_code": "64483",
    "billing_npi": "1",
    "submitted_date": "2024-01-08",
    "claim_frequency_code": "",
    "payer_responsibility_code": "",
    "charge_amount": "5",
    "member_id": "M1",
    "patient_birth_date": "1960-01-01",
}
CASES = """
what is different                | field                     | value      | submission | row   | member | patient
nothing                          | claim_id                  | A          | same       | same  | same   | same
blanks around a value            | claim_id                  |  A         | same       | same  | same   | same
the payer in lower case          | payer_id                  | P1         | same       | same  | same   | same
a day written another way        | submitted_date            | 1/8/2024   | same       | same  | same   | same
another claim                    | claim_id                  | B          | other      | other | same   | same
another payer                    | payer_id                  | p2         | other      | other | same   | same
another billing provider         | billing_npi               | 2          | other      | other | same   | same
sent on another day              | submitted_date            | 2024-01-09 | other      | other | same   | same
frequency 1 said                 | claim_frequency_code      | 1          | same       | other | same   | same
a replacement                    | claim_frequency_code      | 7          | other      | other | same   | same
primary said                     | payer_responsibility_code | P          | same       | other | same   | same
secondary                        | payer_responsibility_code | S          | other      | other | same   | same
another line                     | claim_line_number         | 2          | same       | other | same   | same
another charge                   | charge_amount             | 6          | same       | other | same   | same
the charge with cents            | charge_amount             | 5.00       | same       | same  | same   | same
another member                   | member_id                 | M2         | same       | other | other  | other
the member id with dashes        | member_id                 | M-1        | same       | same  | same   | same
another birth, another age       | patient_birth_date        | 1961-01-01 | same       | other | same   | other
"""


@pytest.mark.parametrize("case", rows(CASES), ids=lambda case: case["what is different"])
def test_what_makes_two_rows_one(tmp_path, case):
    site = Settings(home=tmp_path)
    first, second = (
        read_frame(pl.DataFrame([row]), site).lines.row(0, named=True)
        for row in (FIRST, FIRST | {case["field"]: case["value"]})
    )
    for name, told in (
        ("submission_id", "submission"),
        ("row_hash", "row"),
        ("member_key", "member"),
        ("patient_id", "patient"),
    ):
        assert (first[name] == second[name]) == (case[told] == "same"), name


def test_another_source_system_is_another_submission(tmp_path):
    ids = [
        read_frame(pl.DataFrame([FIRST]), Settings(home=tmp_path, ingest={"source_system": system}))
        .lines["submission_id"]
        .item()
        for system in ("practice", "other")
    ]
    assert ids[0] != ids[1]


def test_another_site_knows_the_same_member_by_another_key(tmp_path):
    keys = [
        read_frame(pl.DataFrame([FIRST]), Settings(home=tmp_path / home)).lines["member_key"].item() for home in "ab"
    ]
    assert keys[0] != keys[1]
