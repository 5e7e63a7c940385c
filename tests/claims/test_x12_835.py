"""835 to outcomes and provider adjustments: which element a cell comes from, context, balance, damage."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from x12_made import interchange, told, units_of

from claims.events import RECORDS
from claims.identity import Keys
from claims.rows import Source
from claims.x12_835 import remittances_of

HEADER = """
    BPR*I*{paid}*C*ACH*CCP*01*1*DA*2*9**01*3*DA*4*20260220
    TRN*1*TRACE7*1999999999
    DTM*405*20260222
    N1*PR*PAYER*XV*P77
    N1*PE*PRACTICE*XX*1234567893
    REF*2U*NOT-THE-PAYER
    LX*1
"""
SERVICE = "hcpcs_code", "hcpcs_modifier_1", "hcpcs_modifier_2", "hcpcs_modifier_3", "hcpcs_modifier_4"


def remit(body, paid="0", header=HEADER, **how):
    content = interchange("835", header.format(paid=paid) + body, **how)
    return units_of(remittances_of, content)


def one(body, **how):
    """The unit of the only claim."""
    (unit, *_), flags = remit(body, **how)
    return unit, flags


LINE = """
    CLP*A1*1*150.00*100.00*20.00*MB*ICN9*11*1
    NM1*QC*1*SURNAME*GIVEN****MI*M1
    DTM*232*20260110
    SVC*HC:64483:RT:59*150*100**1
    DTM*472*20260112
    CAS*CO*45*30.00*1
    CAS*PR*2*15.00**3*5.00*1
    REF*6R*L-1
    AMT*B6*120
    LQ*HE*N115
    LQ*HE*M76
    LQ*RX*70
"""


def test_a_line_and_where_its_cells_come_from():
    unit, flags = one(LINE, paid="100.00")
    assert unit.rows == [
        {
            "claim_id": "A1", "claim_status_code": "1", "payer_claim_control_number": "ICN9", "payer_id": "P77",
            "billing_npi": "1234567893", "known_date": "2026-02-22", "paid_date": "2026-02-20", "hcpcs_code": "64483",
            "hcpcs_modifier_1": "RT", "hcpcs_modifier_2": "59", "hcpcs_modifier_3": "", "hcpcs_modifier_4": "",
            "line_item_control_no": "L-1", "claim_line_start_date": "2026-01-12", "charge_amount": "150",
            "paid_amount": "100", "allowed_amount": "120", "adjustments": "CO-45:30.00;PR-2:15.00;PR-3:5.00",
            "remark_codes": "N115;M76",
        }
    ]  # fmt: skip
    assert (unit.table, unit.place, unit.at, flags) == ("outcomes", 11, [14], {})


def test_the_cells_become_a_row_of_outcomes(tmp_path):
    unit, _ = one(LINE)
    records = RECORDS["outcomes"](Source("f", "practice", datetime.now(UTC), Keys(tmp_path)), False)
    records.take({name: [cell] for name, cell in unit.rows[0].items()}, unit.at)
    row = records.frame().row(0, named=True)
    assert not records.rejected
    assert (row["known_date"], row["allowed_amount"]) == (date(2026, 2, 22), Decimal("120.00"))
    assert (row["adjustments"], row["remark_codes"]) == ("CO-45:30.00;PR-2:15.00;PR-3:5.00", "N115;M76")


@pytest.mark.parametrize(
    ("payer", "expected"),
    [
        ("N1*PR*X*XV*V1\nREF*NF*60054\nREF*2U*U1", "U1"),
        ("N1*PR*X*XV*V1\nREF*NF*60054", "V1"),
        ("N1*PR*X*PI*I1", "I1"),
        ("N1*PR*X\nREF*EO*E1\nREF*NF*60054\nREF*HI*H1", "60054"),
        ("N1*PR*X*FI*123456789\nREF*EO*E1", ""),
        ("N1*PR*X", ""),
    ],
)
def test_the_payer_is_named_as_a_claim_would(payer, expected):
    unit, _ = one(
        LINE, header=f"BPR*I*0************20260220\nTRN*1*T*1999999999\n{payer}\nN1*PE*Y*FI*9\nREF*2U*Z\nLX*1\n"
    )
    assert told(unit, "payer_id", "billing_npi") == [(expected, "")]


@pytest.mark.parametrize(
    ("paid", "produced", "known", "paid_date", "flag"),
    [
        ("20260220", "20260222", "2026-02-22", "2026-02-20", {}),
        ("20260220", "20260219", "2026-02-20", "2026-02-20", {}),
        ("20260220", "", "2026-02-20", "2026-02-20", {}),
        ("", "20260222", "2026-02-22", "2026-02-22", {}),
        ("20261341", "20260222", "2026-02-22", "2026-02-22", {"invalid_date": 1}),
        ("", "", "2026-03-01", "", {"known_date_assumed": 1}),
    ],
)
def test_the_day_on_which_it_became_known(paid, produced, known, paid_date, flag):
    header = f"BPR*I*100*C*ACH*CCP*01*1*DA*2*9**01*3*DA*4*{paid}\nDTM*405*{produced}\nLX*1\n"
    unit, flags = one(LINE, header=header)
    assert told(unit, "known_date", "paid_date") == [(known, paid_date)]
    assert flags == flag


def test_the_submitted_code_where_another_was_adjudicated():
    body = "CLP*A*1*9*9\nSVC*HC:99213:25*5*5**1*HC:99214:25:GA*1\nSVC*HC:99213*4*4**1*HC*1"
    assert told(one(body)[0], *SERVICE) == [("99214", "25", "GA", "", ""), ("99213", "", "", "", "")]


def test_every_triple_of_several_segments_in_order():
    body = """
        CLP*A*1*70*10
        SVC*HC:64483*70*10
        CAS*CO*45*10**97*5.5*1*96*4
        CAS*PR*1*.5
        CAS*OA*23*20**94*-9
        CAS*PI*45*29**22
    """
    unit, flags = one(body, paid="10")
    assert told(unit, "adjustments") == [
        ("CO-45:10;CO-97:5.5;CO-96:4;PR-1:.5;OA-23:20;OA-94:-9;PI-45:29;PI-22",)
    ]  # fmt: skip
    assert flags == {}


def test_reversals_and_corrections_stand_side_by_side():
    body = """
        CLP*A*22*-100*-80**MB*ICN1
        SVC*HC:64483*-100*-80
        DTM*472*20260110
        CAS*CO*45*-20
        CLP*A*1*100*0**MB*ICN2
        SVC*HC:64483*100*0
        DTM*472*20260110
        CAS*CO*50*100
    """
    units, flags = remit(body, paid="-80")
    names = "claim_status_code", "payer_claim_control_number", "charge_amount", "paid_amount", "adjustments"
    assert [told(unit, *names) for unit in units] == [
        [("22", "ICN1", "-100", "-80", "CO-45:-20")],
        [("1", "ICN2", "100", "0", "CO-50:100")],
    ]
    assert flags == {}


def test_a_claim_without_service_lines_is_a_row_of_its_own():
    body = "CLP*A*4*100*0\nCAS*PR*27*100\nMIA*0****MA01***************MA02*N1\nDTM*232*20260110"
    unit, flags = one(body)
    names = (
        *SERVICE[:2],
        "line_item_control_no",
        "claim_line_start_date",
        "charge_amount",
        "paid_amount",
        "allowed_amount",
    )
    assert told(unit, *names, "adjustments", "remark_codes") == [
        ("", "", "", "2026-01-10", "100", "0", "0", "PR-27:100", "MA01;MA02;N1")
    ]
    assert (unit.at, flags) == ([unit.place], {})


def test_an_adjustment_of_the_claim_beside_its_lines_is_a_row_that_carries_only_that():
    body = "CLP*A*1*100*60\nCAS*CO*45*30\nMOA***MA130\nSVC*HC:64483*100*90\nCAS*PR*2*10\nLQ*HE*N1"
    unit, flags = one(body, paid="60")
    names = "hcpcs_code", "charge_amount", "paid_amount", "allowed_amount", "adjustments", "remark_codes"
    assert told(unit, *names) == [
        ("", "100", "", "", "CO-45:30", "MA130"), ("64483", "100", "90", "100.00", "PR-2:10", "N1;MA130"),
    ]  # fmt: skip
    assert flags == {}
    assert sorted(unit.at) == [unit.place, unit.place + 3]


def test_what_belongs_to_the_claim_is_not_taken_for_the_line_s():
    body = """
        CLP*A*1*9*9
        REF*6R*CLAIMS
        REF*2U*NOBODY
        AMT*B6*1
        DTM*472*20250101
        DTM*050*20250102
        SVC*HC:64483*9*9
        DTM*232*20250103
        REF*2U*NOBODY
    """
    unit, flags = one(body, paid="9")
    assert told(unit, "line_item_control_no", "allowed_amount", "claim_line_start_date", "payer_id") == [
        ("", "9", "", "P77")
    ]
    assert flags == {}


def test_the_day_of_service_of_a_line():
    body = """
        CLP*A*1*4*4
        DTM*232*20260101
        DTM*233*20260109
        SVC*HC:1*1*1
        DTM*472*20260105
        SVC*HC:2*1*1
        DTM*150*20260106
        DTM*151*20260107
        SVC*HC:3*1*1
        SVC*HC:4*1*1
        DTM*472*20261301
    """
    unit, flags = one(body, paid="4")
    assert [day for (day,) in told(unit, "claim_line_start_date")] == [
        "2026-01-05",
        "2026-01-06",
        "2026-01-01",
        "2026-01-01",
    ]
    assert flags == {"invalid_date": 1}


def test_a_split_line_is_as_many_rows():
    body = "CLP*A*1*90*90\nSVC*HC:64483*60*60**2\nREF*6R*7\nSVC*HC:64483*30*30**1\nREF*6R*7"
    assert told(one(body)[0], "line_item_control_no", "charge_amount") == [("7", "60"), ("7", "30")]


@pytest.mark.parametrize(
    ("line", "allowed", "flags"),
    [
        ("SVC*HC:1*100*60\nCAS*CO*45*30\nCAS*PR*1*3**2*3**3*4", "70.00", {}),
        ("SVC*HC:1*100*60\nCAS*CO*45*30\nCAS*PR*1*10\nAMT*B6*70.00", "70.00", {}),
        ("SVC*HC:1*100*60\nCAS*CO*45*30\nCAS*PR*1*10\nAMT*B6*65", "65", {"allowed_mismatch": 1}),
        ("SVC*HC:1*100*60\nCAS*PR*96*40", "60", {}),
        ("SVC*HC:1*100*60\nCAS*OA*1*40", "60", {}),
    ],
)
def test_what_was_allowed(line, allowed, flags):
    unit, found = one(f"CLP*A*1*100*60\n{line}", paid="60")
    assert (told(unit, "allowed_amount"), found) == ([(allowed,)], flags)


def test_a_line_without_a_code_is_refused_unless_a_number_names_it():
    body = "CLP*A*1*3*3\nSVC*NU:0450*1*1\nSVC*NU:0450*1*1\nREF*6R*2\nSVC**1*1"
    unit, _ = one(body)
    assert unit.faults == {0: [("hcpcs_code", "is missing")], 2: [("hcpcs_code", "is missing")]}
    assert told(unit, "hcpcs_code") == [("",)] * 3


def test_provider_adjustments_of_up_to_six_pairs_a_segment():
    plb = "PLB*1234567893*20261231*WO:ICN1*10*FB*-4.50*L6:R3*-.5*72:R4*1*CS:R5*2*50:R6*3\nPLB*5*20261231*WO:R7*1"
    (_, unit), flags = remit(f"CLP*A*1*100*100\nSVC*HC:1*100*100\n{plb}", paid="88")
    assert unit.rows[0] == {
        "known_date": "2026-02-22", "paid_date": "2026-02-20", "payer_id": "P77", "provider_npi": "1234567893",
        "fiscal_date": "2026-12-31", "reason_code": "WO", "reference_id": "ICN1", "amount": "10",
        "trace_number": "TRACE7", "claim_reference": "",
    }  # fmt: skip
    assert told(unit, "reason_code", "reference_id", "amount")[1:] == [
        ("FB", "", "-4.50"), ("L6", "R3", "-.5"), ("72", "R4", "1"), ("CS", "R5", "2"), ("50", "R6", "3"), ("WO", "R7", "1"),
    ]  # fmt: skip
    assert unit.table == "provider_adjustments"
    assert len(set(unit.at)) == 7
    assert flags == {}


@pytest.mark.parametrize(
    ("body", "paid", "flags"),
    [
        ("CLP*A*1*100.10*60.05\nSVC*HC:1*100.10*60.05\nCAS*CO*45*40.05", "60.05", {}),
        ("CLP*A*1*100*60\nSVC*HC:1*100*60\nCAS*CO*45*39.99", "60", {"unbalanced_line": 1, "unbalanced_claim": 1}),
        ("CLP*A*1*101*60\nSVC*HC:1*100*60\nCAS*CO*45*40", "60", {"unbalanced_claim": 1}),
        ("CLP*A*1*100*60\nSVC*HC:1*100*60\nCAS*CO*45*40", "60.01", {"unbalanced_transaction": 1}),
        ("CLP*A*1*1*1\nSVC*HC:1*1*1\nPLB*1*20261231*L6*-0.01", "1.01", {}),
        ("CLP*A*1*1*1\nSVC*HC:1*1*1\nPLB*1*20261231*L6*0.01", "1.01", {"unbalanced_transaction": 1}),
        ("CLP*A*1*x*0\nSVC*HC:1*0*0", "0", {"unbalanced_claim": 1}),
    ],
)
def test_what_does_not_balance_is_flagged_and_kept(body, paid, flags):
    unit, found = one(body, paid=paid)
    assert (len(unit.rows), unit.faults, found) == (1, {}, flags)


def test_the_claim_in_which_the_file_ends_counts_only_if_it_balances():
    whole = "CLP*A*1*100*60\nSVC*HC:1*100*60\nCAS*CO*45*40"
    units, flags = remit(whole + "\nCLP*B*1*100*0\nSVC*HC:1*100*0", closed=False)
    assert [unit.faults for unit in units] == [{}, {-1: [("", "the file ends within this claim")]}]
    assert flags["missing_se"] == 1
    assert remit(whole, closed=False)[0][0].faults == {}


def test_another_separator_than_the_interchange_tells():
    unit, flags = one("CLP*A*1*2*2\nSVC*HC>64483>RT*1*1\nSVC*HC:64484*1*1", paid="2")
    assert told(unit, *SERVICE[:2]) == [("64483", "RT"), ("64484", "")]
    assert flags == {"component_separator": 1}


def test_what_lost_its_claim_is_flagged():
    units, flags = remit("SVC*HC:1*1*1\nCAS*CO*45*1\nLQ*HE*N1\nAMT*B6*1\nMOA***M1\nREF*6R*1\nDTM*472*20260101")
    assert (units, flags) == ([], {"stray_service_line": 1, "stray_adjustment": 1})


def test_bare_segments_do_no_harm():
    units, _ = remit(
        "CLP\nCAS\nDTM\nREF\nAMT\nLQ\nMOA\nMIA\nSVC\nCAS*CO\nDTM*472\nREF*6R\nAMT*B6\nLQ*HE\nPLB\nN1\nBPR\nTRN"
    )
    assert [(unit.table, len(unit.rows)) for unit in units] == [("outcomes", 1)]
