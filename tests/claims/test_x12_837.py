"""837 to lines: what each loop says, and that no loop speaks for another. All ids are invented."""

import io
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claims.errors import UnreadableFileError
from claims.fields import PARSERS
from claims.table import DIAGNOSES, DOCUMENTATION, REQUIRED
from claims.unit import MOST_LINES
from claims.x12 import Reader
from claims.x12_837 import claims_of

REFERENCE = os.environ.get("DENIALS_REFERENCE", "")
ISA = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *240615*1200*^*00501*000000007*0*P*:~"
BILLER = "HL*1**20*1~PRV*BI*PXC*BILLERTAX~NM1*85*2*PRACTICE*****XX*1000000001~N3*1 ROAD~N4*TOWN*KY*40001~REF*EI*99~"
PAY_TO = "NM1*87*2~N3*2 ROAD~N4*CITY*ZZ*99999~"
SUBSCRIBER = (
    "HL*2*1*22*0~SBR*P*18*PLAN1******CI~NM1*IL*1*SURNAME*GIVEN****MI*M1~N3*3 ROAD~N4*VILLE*YY*88888~"
    "DMG*D8*19500203*F~NM1*PR*2*PAYER ONE*****PI*P1~N3*4 ROAD~N4*PLACE*XX*77777~REF*2U*OTHER~"
)
PATIENT = "HL*3*2*23*0~PAT*19~NM1*QC*1*SURNAME*CHILD~N3*3 ROAD~N4*VILLE*YY*88888~DMG*D8*20100405*M~"
CLM = "CLM*A1*100***11:B:1*Y*A*Y*Y~"
LINE = "LX*1~SV1*HC:99213:25*100*UN*1~DTP*472*D8*20240601~"
OTHER_PAYER = (
    "SBR*S*18*PLAN9******MB~CAS*CO*45*20~AMT*D*80~OI***Y***Y~NM1*IL*1*OTHER*PERSON****MI*M9~N4*X*WW*66666~"
    "NM1*PR*2*PAYER NINE*****PI*P9~DTP*573*D8*20240501~REF*G1*AUTH9~REF*F8*ICN9~REF*9F*REFERRAL9~"
    "NM1*82*1~REF*G2*X~NM1*DN*1*A*B****XX*1999999999~PRV*PE*PXC*OTHERTAX~"
)
OTHER_LINE = "SVD*P9*80*HC:99213**1~CAS*CO*45*20~DTP*573*D8*20240501~REF*6R*CONTROL9~"


def document(*parts, version="005010X222A1", header="BHT*0019*00*1*20240610*1200*CH~", trailer=True):
    body = header + "".join(parts)
    end = f"SE*{body.count('~') + 2}*0001~GE*1*3~IEA*1*000000007~" if trailer else ""
    return f"{ISA}GS*HC*S*R*20240612*1200*3*X*{version}~ST*837*0001*{version}~{body}{end}"


def units(content):
    flags = Counter()
    reader = Reader(
        io.BytesIO(content if isinstance(content, bytes) else content.encode()), lambda f: flags.update([f])
    )
    read = (one for one in reader.transactions() if one.kind in ("837P", "837I"))
    return [unit for one in read for unit in claims_of(one, lambda f: flags.update([f]))], dict(flags)


def rows(*parts, **options):
    return [row for unit in units(document(*parts, **options))[0] for row in unit.rows]


def told(row, *names):
    return tuple(row[name] for name in names)


def claim(**columns):
    """The row of BILLER, SUBSCRIBER, CLM, LINE, and what a test changes of it."""
    empty = {n: "" for n in PARSERS["lines"] if n not in {"in_network_flag", "patient_age", *DOCUMENTATION}}
    return empty | {
        "claim_id": "A1", "claim_line_number": "1", "submitted_date": "2024-06-10", "payer_id": "P1",
        "claim_line_start_date": "2024-06-01", "claim_line_end_date": "2024-06-01", "payer_name": "PAYER ONE",
        "plan_id": "PLAN1", "claim_filing_indicator_code": "CI", "payer_responsibility_code": "P", "member_id": "M1",
        "patient_birth_date": "1950-02-03", "patient_sex": "F", "billing_npi": "1000000001",
        "rendering_npi": "1000000001", "rendering_taxonomy": "BILLERTAX", "service_state": "KY",
        "place_of_service_code": "11", "claim_frequency_code": "1", "claim_type": "professional",
        "hcpcs_code": "99213", "hcpcs_modifier_1": "25", "service_unit_quantity": "1", "charge_amount": "100",
    } | columns  # fmt: skip


def test_a_claim_carries_every_column_that_an_837_can():
    assert rows(BILLER, PAY_TO, SUBSCRIBER, CLM, LINE) == [claim()]
    assert set(REQUIRED["lines"]) <= set(claim())


def test_everything_that_a_line_can_say():
    full = (
        "CLM*A1*130.50***11:B:7*Y*A*Y*Y~DTP*431*D8*20240101~REF*F8*ICN1~REF*G1*AUTH1~REF*9F*REFERRAL1~REF*EA*MRN~"
        "NTE*ADD*of the claim~HI*ABK:M5416*ABF:M4726~HI*ABF:I10~HI*BG:01~"
        "NM1*DN*1*A*B****XX*1000000002~NM1*P3*1*A*B****XX*1000000009~NM1*82*1*A*B****XX*1000000003~PRV*PE*PXC*TAX3~"
        "NM1*77*2*PLACE*****XX*1000000004~N3*5 ROAD~N4*TOWN*OH*43001~"
        "LX*7~SV1*HC:64483:RT:59:76:XS:words*130.50*UN*2*24**1:3~DTP*472*RD8*20240601-20240603~DTP*463*D8*20240101~"
        "REF*6R*CONTROL1~NTE*ADD*first~NTE*DCP*second~NTE*TPO*third~LIN**N4*00003029305~CTP****1*ML~"
    )
    assert rows(BILLER, SUBSCRIBER, full) == [
        claim(
            claim_line_number="7", claim_line_end_date="2024-06-03", claim_frequency_code="7",
            rendering_npi="1000000003", rendering_taxonomy="TAX3", facility_npi="1000000004", service_state="OH",
            referring_npi="1000000002", place_of_service_code="24", hcpcs_code="64483", hcpcs_modifier_1="RT",
            hcpcs_modifier_2="59", hcpcs_modifier_3="76", hcpcs_modifier_4="XS", service_unit_quantity="2",
            charge_amount="130.50", diagnosis_code_1="M5416", diagnosis_code_2="M4726", diagnosis_code_3="I10",
            diagnosis_code_type="icd-10-cm", diagnosis_pointers="1,3", prior_authorization_number="AUTH1",
            referral_number="REFERRAL1", ndc_code="00003029305", original_reference_number="ICN1",
            line_item_control_no="CONTROL1", line_note="first second",
        )
    ]  # fmt: skip


def test_the_line_overrides_the_claim_and_the_next_line_does_not_inherit_it():
    head = (
        "CLM*A1*200***11:B:1~REF*G1*AUTH1~REF*9F*REFERRAL1~NM1*DN*1*A*B****XX*1000000002~"
        "NM1*82*1*A*B****XX*1000000003~PRV*PE*PXC*TAX3~NM1*77*2*PLACE*****XX*1000000004~N4*TOWN*OH*43001~"
    )
    own = (
        "REF*G1*AUTH2~REF*9F*REFERRAL2~NM1*82*1*A*B****XX*1000000005~NM1*77*2*PLACE*****XX*1000000006~N4*TOWN*IN*4~"
        "NM1*DN*1*A*B****XX*1000000007~"
    )
    names = (
        "prior_authorization_number", "referral_number", "rendering_npi", "rendering_taxonomy", "facility_npi",
        "service_state", "referring_npi",
    )  # fmt: skip
    first, second = rows(BILLER, SUBSCRIBER, head, LINE, own, LINE.replace("LX*1", "LX*2"))
    assert told(first, *names) == ("AUTH2", "REFERRAL2", "1000000005", "", "1000000006", "IN", "1000000007")
    assert told(second, *names) == ("AUTH1", "REFERRAL1", "1000000003", "TAX3", "1000000004", "OH", "1000000002")


@pytest.mark.parametrize("line", ["", OTHER_LINE], ids=["claim", "claim and line"])
def test_another_payers_loops_never_speak_for_the_claim(line):
    second = LINE.replace("LX*1", "LX*2")
    found = rows(BILLER, SUBSCRIBER, CLM, OTHER_PAYER, LINE, line, second)
    assert found == [claim(), claim(claim_line_number="2")]
    assert rows(BILLER, SUBSCRIBER, CLM, OTHER_PAYER, OTHER_PAYER, LINE, line, CLM, LINE)[1] == claim()


def test_a_number_of_another_payer_on_the_line_is_not_this_payers():
    refs = "REF*G1*AUTH9**2U:P9~REF*9F*REFERRAL9**2U:P9~"
    assert rows(BILLER, SUBSCRIBER, CLM, LINE, refs) == [claim()]
    found = rows(BILLER, SUBSCRIBER, CLM, LINE, "REF*G1*AUTH1~", refs)
    assert found == [claim(prior_authorization_number="AUTH1")]
    loop = "NM1*PR*2*PAYER NINE*****PI*P9~REF*G1*AUTH9~"  # 4010: 2420G
    assert rows(BILLER, SUBSCRIBER, CLM, LINE, loop) == [claim()]


def test_the_patients_birth_and_sex_with_the_subscribers_number():
    next_subscriber = SUBSCRIBER.replace("*M1~", "*M2~").replace("DMG*D8*19500203*F~", "")
    child, same, after = rows(BILLER, SUBSCRIBER, PATIENT, CLM, LINE, CLM, LINE, next_subscriber, CLM, LINE)
    assert child == same == claim(patient_birth_date="2010-04-05", patient_sex="M")
    assert after == claim(member_id="M2", patient_birth_date="", patient_sex="")


def test_a_patient_who_says_nothing_does_not_have_the_subscribers_birth():
    (row,) = rows(BILLER, SUBSCRIBER, "HL*3*2*23*0~PAT*19~NM1*QC*1*SURNAME*CHILD~", CLM, LINE)
    assert row == claim(patient_birth_date="", patient_sex="")


def test_two_billing_providers():
    second = "HL*4**20*1~NM1*85*1*OTHER*PRACTICE****XX*1000000008~N4*TOWN*TN*37001~"
    bare = "HL*5**20*1~NM1*85*1*THIRD~"
    names = ("billing_npi", "rendering_npi", "rendering_taxonomy", "service_state", "member_id")
    one, two, three = rows(BILLER, SUBSCRIBER, CLM, LINE, second, SUBSCRIBER, CLM, LINE, bare, SUBSCRIBER, CLM, LINE)
    assert told(one, *names) == ("1000000001", "1000000001", "BILLERTAX", "KY", "M1")
    assert told(two, *names) == ("1000000008", "1000000008", "", "TN", "M1")
    assert told(three, *names) == ("", "", "", "", "M1")


def test_a_subscriber_does_not_inherit_from_the_one_before():
    (_, bare) = rows(BILLER, SUBSCRIBER, CLM, LINE, "HL*3*1*22*0~", CLM, LINE)
    names = (
        "member_id", "payer_id", "payer_name", "plan_id", "claim_filing_indicator_code", "payer_responsibility_code",
        "patient_birth_date", "patient_sex",
    )  # fmt: skip
    assert told(bare, *names) == ("",) * 8


@pytest.mark.parametrize(
    ("his", "column", "expected"),
    [
        ("HI*BK:7242*BF:7244~", "diagnosis_code_type", "icd-9-cm"),
        ("HI*ABK:M5416~", "diagnosis_code_type", "icd-10-cm"),
        ("", "diagnosis_code_type", ""),
        ("HI*ABF:M4726*ABK:M5416~", "diagnosis_code_1", "M4726"),
        ("HI*BP:00300~HI*ABK:M5416*ABF:I10~", "diagnosis_code_2", "I10"),
        ("HI*ABK:M5416*ABF:*ABF:I10~", "diagnosis_code_3", "I10"),
        ("HI*ABK:M5416~HI*APR:R51~HI*ABN:W19~HI*ABJ:R52~HI*ABF:I10~", "diagnosis_code_2", "I10"),
    ],
)
def test_diagnoses_keep_the_order_that_pointers_mean(his, column, expected):
    assert rows(BILLER, SUBSCRIBER, CLM, his, LINE)[0][column] == expected


def test_more_than_twelve_diagnoses():
    his = "HI*ABK:A00" + "".join(f"*ABF:A{number:02}" for number in range(1, 12)) + "~HI*ABF:A12~"
    (unit,), flags = units(document(BILLER, SUBSCRIBER, CLM, his, LINE))
    assert told(unit.rows[0], *DIAGNOSES) == tuple(f"A{number:02}" for number in range(12))
    assert flags == {"diagnoses_beyond_12": 1}


@pytest.mark.parametrize(
    ("pointers", "expected", "flags"),
    [
        ("1", "1", {}), ("2:1", "2,1", {}), ("01:02", "1,2", {}), ("1:::", "1", {}), ("", "", {}),
        ("1:3", "1", {"pointer_out_of_range": 1}), ("9", "", {"pointer_out_of_range": 1}),
        ("0", "", {"pointer_out_of_range": 1}), ("A:1", "1", {"pointer_out_of_range": 1}),
    ],
)  # fmt: skip
def test_pointers_out_of_range_are_dropped_and_counted(pointers, expected, flags):
    line = LINE.replace("*UN*1~", f"*UN*1***{pointers}~")
    (unit,), found = units(document(BILLER, SUBSCRIBER, CLM, "HI*ABK:M5416*ABF:I10~", line))
    assert (unit.rows[0]["diagnosis_pointers"], found, unit.faults) == (expected, flags, {})


INSTITUTIONAL = (
    "CLM*A1*150***13:A:1~DTP*434*RD8*20240530-20240602~CL1*1**01~HI*ABK:M5416~HI*ABJ:R52~HI*ABF:I10~"
    "NM1*71*1*A*B****XX*1000000002~PRV*AT*PXC*ATTENDING~"
)
SV2 = "LX*1~SV2*0360*HC:64483:RT*100*UN*1~LX*2~SV2*0250**50*UN*3~DTP*472*D8*20240601~"


def test_an_institutional_claim():
    first, second = rows(BILLER, SUBSCRIBER, INSTITUTIONAL, SV2, version="005010X223A2")
    assert first == claim(
        claim_line_start_date="2024-05-30", claim_line_end_date="2024-06-02", claim_type="institutional",
        place_of_service_code="", hcpcs_code="64483", hcpcs_modifier_1="RT", diagnosis_code_1="M5416",
        diagnosis_code_2="I10", diagnosis_code_type="icd-10-cm", rendering_npi="1000000002",
        rendering_taxonomy="ATTENDING",
    )  # fmt: skip
    names = ("claim_line_start_date", "claim_line_end_date", "hcpcs_code", "charge_amount", "service_unit_quantity")
    assert told(second, *names) == ("2024-06-01", "2024-06-01", "", "50", "3")


@pytest.mark.parametrize("order", [1, -1])
def test_who_renders_comes_before_who_attends_in_any_order(order):
    loops = ["NM1*71*1*A*B****XX*1000000002~PRV*AT*PXC*T2~", "NM1*82*1*A*B****XX*1000000003~PRV*PE*PXC*T3~"][::order]
    first, _ = rows(BILLER, SUBSCRIBER, INSTITUTIONAL.split("NM1")[0], *loops, SV2, version="005010X223A2")
    assert told(first, "rendering_npi", "rendering_taxonomy") == ("1000000003", "T3")


def test_numbers_of_persons_never_stand_in_for_an_npi_and_persons_are_no_payers():
    parts = (
        BILLER.replace("*XX*1000000001", "*34*123456789"),
        SUBSCRIBER.replace("NM1*PR*2*PAYER ONE", "NM1*PR*1*SURNAME"),
        CLM,
        "NM1*82*1*A*B****24*123456789~NM1*77*2*A*****MI*M1~N4*TOWN*40001*40001~",
        LINE,
    )
    names = ("billing_npi", "rendering_npi", "facility_npi", "payer_name", "service_state")
    assert told(rows(*parts)[0], *names) == ("", "", "", "", "KY")


def test_a_reference_with_an_empty_fourth_element_is_the_claims_own():
    line = LINE + "REF*6R*X1***~REF*G1*AUTH9**~"
    first, *_ = rows(BILLER, SUBSCRIBER, CLM, line)
    assert told(first, "line_item_control_no", "prior_authorization_number") == ("X1", "AUTH9")


PLANTED = [f"SECRET{number}" for number in range(40)]


def test_names_addresses_and_other_numbers_of_persons_are_never_read():
    secret = iter(PLANTED)
    person = "".join(f"*{next(secret)}" for _ in range(5))
    place = f"N3*{next(secret)}*{next(secret)}~N4*{next(secret)}*KY*{next(secret)}*{next(secret)}~"
    numbers = f"REF*SY*{next(secret)}~REF*EA*{next(secret)}~PER*IC*{next(secret)}*TE*{next(secret)}~"
    content = document(
        f"NM1*41*1{person}*46*{next(secret)}~{numbers}", f"HL*1**20*1~NM1*85*1{person}*XX*1~{place}{numbers}",
        f"NM1*87*1{person}~{place}HL*2*1*22*1~SBR*P*18**{next(secret)}*****CI~",
        f"NM1*IL*1{person}*MI*M1~{place}DMG*D8*19500203*F~{numbers}NM1*PR*2*PAYER*****PI*P1~{place}",
        f"HL*3*2*23*0~PAT*19~NM1*QC*1{person}~{place}{numbers}",
        f"{CLM}{numbers}NTE*ADD*{next(secret)}~K3*{next(secret)}~PWK*OZ*BM***AC*{next(secret)}~",
        f"NM1*DN*1{person}*XX*1~{numbers}NM1*82*1{person}*XX*1~NM1*77*2*{next(secret)}*****XX*1~{place}{numbers}",
        f"SBR*S*18*{next(secret)}*{next(secret)}~NM1*IL*1{person}*MI*{next(secret)}~{place}{numbers}",
        f"{LINE}{numbers}NM1*82*1{person}*XX*1~{place}NM1*PW*2~{place}",
    )  # fmt: skip
    found, _ = units(content)
    assert len(found) == 1
    assert "SECRET" not in repr(found)


def test_a_bad_claim_costs_only_itself():
    found, _ = units(document(BILLER, SUBSCRIBER, CLM, LINE, "CLM*B1*50~HI~", "CLM*C1*100***11:B:1~", LINE))
    assert [len(unit.rows) for unit in found] == [1, 1, 1]
    assert [unit.faults for unit in found] == [
        {}, {-1: [("claim_line_number", "is missing: the claim has no service line")]}, {},
    ]  # fmt: skip
    assert found[2].rows == [claim(claim_id="C1")]
    assert [unit.place for unit in found] == sorted({unit.place for unit in found})


def test_a_claim_that_does_not_add_up_is_flagged_and_kept():
    for charge, flags in (("100.00", {}), ("100.01", {"unbalanced_claim": 1}), ("x", {"unbalanced_claim": 1})):
        (unit,), found = units(document(BILLER, SUBSCRIBER, CLM.replace("*100*", f"*{charge}*"), LINE))
        assert (unit.faults, found) == ({}, flags)


def test_the_last_claim_of_a_file_that_was_cut_off_is_rejected_and_those_before_it_kept():
    whole = document(BILLER, SUBSCRIBER, CLM, LINE, CLM.replace("A1", "B1"), LINE)
    found, flags = units(whole[: whole.rindex("UN")])
    assert found[0].faults == {}
    assert ("", "the file ends before the claim does") in found[1].faults[-1]
    assert flags["truncated"] == 1
    found, _ = units(whole.replace("SE*", "XX*"))
    assert [unit.faults for unit in found] == [{}, {}]


def test_line_numbers_that_repeat_or_are_none_become_ordinals():
    for numbers in (("1", "1"), ("", "x"), ("2", "2")):
        (unit,), flags = units(document(BILLER, SUBSCRIBER, CLM.replace("100", "200"), *(
            LINE.replace("LX*1", f"LX*{number}") for number in numbers)))  # fmt: skip
        assert [row["claim_line_number"] for row in unit.rows] == ["1", "2"]
        assert flags == {"line_number": 1}
        assert len(set(unit.at)) == 2


def test_service_lines_without_lx_are_lines():
    (unit,), flags = units(document(BILLER, SUBSCRIBER, CLM.replace("100", "300"), LINE.replace("LX*1~", "") * 3))
    assert [row["claim_line_number"] for row in unit.rows] == ["1", "2", "3"]
    assert flags == {"missing_lx": 3, "line_number": 1}


def test_a_claim_of_too_many_lines_is_rejected_before_it_fills_the_memory():
    lines = "".join(LINE.replace("LX*1", f"LX*{number}") for number in range(1, MOST_LINES + 9))
    many, after = units(document(BILLER, SUBSCRIBER, CLM, lines, CLM, LINE))[0]
    assert len(many.rows) == MOST_LINES
    assert many.faults[-1][0][0] == "claim_line_number"
    assert after.rows == [claim()]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("BHT*0019*00*1*20240610*1200*CH~", "2024-06-10"),
        ("BHT*0019*00*1**1200*CH~", "2024-06-12"),
        ("", "2024-06-12"),
        ("BHT*0019*00*1*junk*1200*CH~", "junk"),
    ],
)
def test_the_day_of_submission(header, expected):
    assert rows(BILLER, SUBSCRIBER, CLM, LINE, header=header)[0]["submitted_date"] == expected


def test_dates_are_kept_as_they_are_where_they_are_none():
    (row,) = rows(BILLER, SUBSCRIBER, CLM, LINE.replace("20240601", "June 1"))
    assert row["claim_line_start_date"] == "June 1"
    (row,) = rows(BILLER, SUBSCRIBER, CLM, LINE.split("DTP")[0])
    assert row["claim_line_start_date"] == ""


SAMPLES = sorted(Path(REFERENCE, "x12", "samples").rglob("*")) if REFERENCE else []
NOT_WELL_FORMED = ("malformed", "messy")  # they say so themselves


@pytest.mark.skipif(not REFERENCE, reason="DENIALS_REFERENCE is not set: the sample files are not here")
def test_every_sample_gives_one_unit_a_claim():
    files = [path for path in SAMPLES if path.is_file() and b"ST*837*" in path.read_bytes()]
    assert len(files) > 40
    for path in files:
        content = path.read_bytes()
        found, _ = units(content)
        told = content.count(b"CLM*") if b"X224" not in content else 0
        if not any(word in path.name for word in NOT_WELL_FORMED):
            assert (len(found), [unit.faults for unit in found]) == (told, [{}] * told), path.name


def delivered(content):
    """CLM segments that the transport hands out inside 837s."""
    reader = Reader(io.BytesIO(content), lambda _: None)
    read = (one for one in reader.transactions() if one.kind in ("837P", "837I"))
    return sum(segment[0] == "CLM" for one in read for segment in one)


WHOLE = document(BILLER, SUBSCRIBER, PATIENT, CLM, "HI*ABK:A~", OTHER_PAYER, LINE, OTHER_LINE, CLM, LINE, LINE).encode()
CUTS = st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 40), st.binary(max_size=6))


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CUTS, min_size=1, max_size=5), st.sampled_from([b"", WHOLE]))
def test_no_claim_is_lost_whatever_happens_to_a_file(cuts, after):
    content = WHOLE
    for at, length, instead in cuts:
        content = content[:at] + instead + content[at + length :]
    _conserved(content + after)


@settings(max_examples=150)
@given(st.lists(st.integers(0, WHOLE.count(b"~")), max_size=40))
def test_no_claim_is_lost_whatever_the_order_of_segments(order):
    segments = WHOLE.split(b"~")
    _conserved(b"~".join([*segments[:3], *(segments[place] for place in order), b""]))


def _conserved(content):
    try:
        expected = delivered(content)
    except UnreadableFileError:
        return
    found, _ = units(content)
    assert len(found) == expected
    for unit in found:
        assert unit.rows or unit.faults
        assert len(unit.rows) == len(unit.at) == len(set(unit.at))
        assert all(set(row) == set(claim()) for row in unit.rows)
