"""278 answers to authorizations: what was decided, for which codes, until when; and nothing from a question."""

import pytest
from x12_made import interchange, told, units_of

from claims.x12_278 import authorizations_of

PATIENT = """
    BHT*0007*11*X1*20260302*1023*18
    HL*1**20*1
    NM1*X3*2*PAYER*****PI*P77
    HL*2*1*21*1
    NM1*1P*2*PRACTICE*****XX*1234567893
    HL*3*2*22*1
    NM1*IL*1*SURNAME*GIVEN****MI*M1
    HL*4*3*EV*1
"""
EVENT = "UM*HS*I*4*11:B\nHCR*{action}*{number}\nDTP*AAH*RD8*20260310-20260331\n"


def read(body, patient=PATIENT):
    return units_of(authorizations_of, interchange("278", patient + body))


def rows(body, *names):
    units, flags = read(body)
    return [row for unit in units for row in told(unit, *names)], flags


def test_an_approved_event_and_where_its_cells_come_from():
    body = "UM*HS*I*4*11:B\nHCR*A1*AUTH1\nDTP*AAH*RD8*20260310-20260331\nHI*ABK:M5416\nHSD*VS*3\nNM1*SJ*1*X*Y****XX*1992000001"
    service = "\nHL*5*4*SS*0\nSV1*HC:64483:RT*100*UN*2"
    (unit,), flags = read(body + service)
    assert unit.rows == [
        {
            "prior_authorization_number": "AUTH1", "payer_id": "P77", "member_id": "M1", "known_date": "2026-03-02",
            "status": "approved", "hcpcs_codes": "64483", "units_authorized": "2", "valid_from": "2026-03-10",
            "valid_to": "2026-03-31", "place_of_service_code": "11", "rendering_npi": "1992000001",
        }
    ]  # fmt: skip
    assert (unit.table, unit.faults, flags) == ("authorizations", {}, {})


@pytest.mark.parametrize(
    ("action", "found", "flags"),
    [
        ("A1", [("approved",)], {}),
        ("A2", [("approved",)], {}),
        ("A6", [("approved",)], {}),
        ("A3", [("denied",)], {}),
        ("A4", [("pending",)], {}),
        ("CT", [("pending",)], {}),
        ("C", [("cancelled",)], {}),
        ("NA", [], {"authorization_not_required": 1}),
        ("ZZ", [], {"authorization_undecided": 1}),
    ],
)
def test_what_an_action_means(action, found, flags):
    assert rows(EVENT.format(action=action, number="N1"), "status") == (found, flags)


def test_services_of_one_number_are_one_authorization():
    """What was denied of it is not covered by it; the sum of units is that of what was approved."""
    body = (
        EVENT.format(action="A2", number="N1")
        + """
        HL*5*4*SS*0
        HCR*A1
        SV1*HC:64483*1*UN*2
        HL*6*4*SS*0
        HCR*A3
        SV1*HC:20610*1*UN*9
        HL*7*4*SS*0
        HCR*A1*N1
        SV1*HC:64484*1*UN*1
        HL*8*4*SS*0
        HCR*A1*N2
        DTP*472*D8*20260315
        SV2*0360*HC:62323*1*UN*1
    """
    )
    names = "prior_authorization_number", "status", "hcpcs_codes", "units_authorized", "valid_from", "valid_to"
    assert rows(body, *names) == (
        [
            ("N1", "approved", "64483;64484", "3", "2026-03-10", "2026-03-31"),
            ("N2", "approved", "62323", "1", "2026-03-15", "2026-03-15"),
        ],
        {},
    )


@pytest.mark.parametrize(
    ("dates", "first", "last"),
    [
        ("DTP*007*D8*20260301\nDTP*036*D8*20260630\nDTP*AAH*D8*20260310", "2026-03-01", "2026-06-30"),
        ("DTP*007*RD8*20260301-20260630", "2026-03-01", "2026-06-30"),
        ("DTP*007*D8*20260301", "2026-03-01", ""),
        ("DTP*472*D8*20260310", "2026-03-10", "2026-03-10"),
        ("DTP*AAH*RD8*20260310-20260312", "2026-03-10", "2026-03-12"),
        ("DTP*036*D8*20260630", "", "2026-06-30"),
        ("", "", ""),
    ],
)
def test_from_when_until_when(dates, first, last):
    assert rows(f"HCR*A1*N1\n{dates}", "valid_from", "valid_to") == ([(first, last)], {})


def test_units_of_a_pattern_are_no_total():
    found, _ = rows("HCR*A1*N1\nHSD*VS*2*WK**34*6", "units_authorized", "hcpcs_codes")
    assert found == [("", "")]
    assert rows("HCR*A1*N1\nHSD*VS*12", "units_authorized")[0] == [("12",)]


def test_a_decision_without_a_number_of_its_own():
    assert rows("HCR*A4\nREF*NT*T1", "prior_authorization_number")[0] == [("T1",)]
    assert rows("HCR*A3\nREF*BB*B1\nREF*NT*T1", "prior_authorization_number")[0] == [("B1",)]
    assert rows("HCR*A3", "prior_authorization_number")[0] == [("",)]


def test_patients_do_not_share_what_was_decided():
    body = "HCR*A1*N1\nHL*5*2*22*1\nNM1*IL*1*X*Y****MI*M2\nHL*6*5*23*1\nNM1*QC*1*X*Z\nHL*7*6*EV*1\nHCR*A3*N2"
    assert rows(body, "member_id", "prior_authorization_number", "status")[0] == [
        ("M1", "N1", "approved"), ("M2", "N2", "denied"),
    ]  # fmt: skip


def test_a_type_of_bill_is_no_place_of_service():
    assert rows("UM*HS*I*4*13:A\nHCR*A1*N1", "place_of_service_code")[0] == [("",)]


@pytest.mark.parametrize(
    ("body", "flag"), [("UM*HS*I*4", "authorization_request"), ("AAA*N**33*C", "authorization_error")]
)
def test_what_decides_nothing(body, flag):
    assert read(body) == ([], {flag: 1})
