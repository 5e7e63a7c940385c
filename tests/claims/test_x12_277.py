"""277CA, 999 and 997 to rejections: refused claims and batches, and no others."""

import pytest
from x12_made import interchange, told, units_of

from claims.x12_277 import rejections_of

BATCH = """
    BHT*0085*08*X1*20260302*1023*TH
    HL*1**20*1
    NM1*PR*2*PAYER*****PI*P77
    TRN*1*200
    HL*2*1*21*1
    NM1*41*2*PRACTICE*****46*S1
    TRN*2*BATCH-9
    STC*A1:19:PR*20260302*WQ*500
    HL*3*2*19*1
    NM1*85*2*PRACTICE*****XX*1234567893
    TRN*1*0
    STC*A1:19:PR**WQ*500
"""
CLAIM = "HL*4*3*PT\nNM1*QC*1*SURNAME*GIVEN****MI*M1\nTRN*2*A1\n"
STATUS = "status_category_code", "status_code", "entity_code"


def read(body, kind="277", **how):
    return units_of(rejections_of, interchange(kind, body, **how))


def test_a_refused_claim_and_where_its_cells_come_from():
    (unit,), flags = read(BATCH + CLAIM + "STC*A7:562:85*20260303*U*120.50\nREF*1K*ICN\nDTP*472*D8*20260220")
    assert unit.rows == [
        {
            "transaction": "277CA", "claim_id": "A1", "known_date": "2026-03-03", "status_category_code": "A7",
            "status_code": "562", "entity_code": "85", "payer_id": "P77", "billing_npi": "1234567893",
            "charge_amount": "120.50", "control_number": "BATCH-9",
        }
    ]  # fmt: skip
    assert (unit.table, unit.faults, flags) == ("rejections", {}, {})


@pytest.mark.parametrize(
    ("statuses", "rows", "flags"),
    [
        ("STC*A2:20:PR*20260303*WQ*1", [], {"accepted_277ca": 1}),
        ("STC*A0:16:PR*20260303*WQ*1", [], {"accepted_277ca": 1}),
        ("STC*A4:35:PR*20260303*U*1", [], {"undecided_277ca": 1}),
        ("", [], {"undecided_277ca": 1}),
        ("STC*A3:21", [("A3", "21", "")], {}),
        ("STC*A6:116:PR*20260303", [("A6", "116", "PR")], {}),
        ("STC*A8:496:85*20260303", [("A8", "496", "85")], {}),
        ("STC*A1:19**U*1******A7:562:85*A8:128:85", [("A7", "562", "85"), ("A8", "128", "85")], {}),
        ("STC*A7:1:85\nSTC*A7:2:85", [("A7", "1", "85"), ("A7", "2", "85")], {}),
        ("STC*A7:1:85\nSVC*HC:64483*1\nSTC*A7:1:85\nSTC*A7:3:85", [("A7", "1", "85"), ("A7", "3", "85")], {}),
    ],
)
def test_which_statuses_refuse(statuses, rows, flags):
    units, found = read(BATCH + CLAIM + statuses)
    assert [status for unit in units for status in told(unit, *STATUS)] == rows
    assert len(units) == bool(rows)
    assert found == flags


def test_rows_of_one_status_stand_at_different_places():
    (unit,), _ = read(BATCH + CLAIM + "STC*A7:1*20260303*U*1******A7:2*A7:3\nSTC*A7:4")
    assert len(set(unit.at)) == 4


def test_claims_do_not_share_what_was_told_of_one():
    second = "HL*5*3*PT\nNM1*QC*1*X*Y\nREF*EJ*B2\nSTC*A3:21"
    provider = "\nHL*6*2*19*1\nNM1*85*2*OTHER*****FI*99\nHL*7*6*PT\nTRN*2*C3\nSTC*A3:21"
    units, flags = read(BATCH + CLAIM + "STC*A2:20*20260303\n" + second + provider)
    assert [told(unit, "claim_id", "billing_npi", "known_date") for unit in units] == [
        [("B2", "1234567893", "2026-03-02")], [("C3", "", "2026-03-02")],
    ]  # fmt: skip
    assert flags == {"accepted_277ca": 1}


def test_a_refused_batch_has_no_claim():
    body = BATCH.replace("STC*A1:19:PR*20260302*WQ*500", "STC*A8:496:41*20260302*U*500")
    (unit,), _ = read(body)
    assert told(unit, "claim_id", "control_number", *STATUS) == [("", "BATCH-9", "A8", "496", "41")]


def test_a_999_that_refuses_a_set_and_the_group():
    body = "AK1*HC*77*005010X222A1\nAK2*837*0009*005010X222A1\nIK3*PRV*12*2310*8\nIK4*3**7*NAME\nIK5*R*5\nAK9*R*1*1*0*1"
    units, flags = read(body, "999")
    names = "transaction", "claim_id", "known_date", "control_number", *STATUS
    assert [told(unit, *names) for unit in units] == [
        [("999", "", "2026-03-01", "0009", "R", "5", "")], [("999", "", "2026-03-01", "77", "R", "1", "")],
    ]  # fmt: skip
    assert len({unit.place for unit in units}) == 2
    assert flags == {}


@pytest.mark.parametrize(
    ("body", "flags"),
    [
        ("AK1*HC*1\nAK2*837*1\nIK5*A\nAK9*A*1*1*1", {"accepted_999": 2}),
        ("AK1*HC*1\nAK2*837*1\nIK5*E*5\nAK9*P*2*2*1", {"accepted_with_errors_999": 1, "partly_accepted_999": 1}),
        ("AK1*BE*1\nAK2*834*1\nIK5*R*5\nAK9*R*1*1*0", {"refused_not_claims": 2}),
        ("AK9\nIK5", {"undecided_999": 2}),
    ],
)
def test_a_999_that_refuses_no_claims(body, flags):
    assert read(body, "999") == ([], flags)
