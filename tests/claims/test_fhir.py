"""FHIR files to units, and on to accepted rows and labels: elements, references, reasons, and JSON of every wrong shape."""

from __future__ import annotations

import copy
import io
import json
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claims.adjustments import load_classes
from claims.errors import UnreadableFileError
from claims.events import RECORDS
from claims.fhir import looks_like_fhir, units_of
from claims.fields import PARSERS
from claims.identity import Keys
from claims.label import label_lines
from claims.match import match_outcomes
from claims.read import read_bytes
from claims.records import Records
from claims.rows import Source
from claims.settings import load_settings
from claims.unit import MOST_LINES, Unit

Json = dict[str, Any]
CPT = "http://www.ama-assn.org/go/cpt"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
NPI = "http://hl7.org/fhir/sid/us-npi"
PLACE = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
CARC = "https://x12.org/codes/claim-adjustment-reason-codes"
RARC = "https://x12.org/codes/remittance-advice-remark-codes"
GROUP = "https://x12.org/codes/claim-adjustment-group-codes"


def concept(code: str, system: str = "") -> Json:
    return {"coding": [{"system": system, "code": code} if system else {"code": code}]}


def usd(amount: float | str) -> Json:
    return {"value": amount, "currency": "USD"}


def npi(number: str) -> list[Json]:
    return [{"system": NPI, "value": number}]


PATIENT: Json = {
    "resourceType": "Patient", "id": "p1", "birthDate": "1966-08-21", "gender": "male",
    "name": [{"family": "Doe"}], "address": [{"line": ["1 Lane"], "state": "OH", "postalCode": "99999"}],
}  # fmt: skip
PAYER: Json = {
    "resourceType": "Organization", "id": "payer", "name": "Birch Mutual",
    "identifier": [{"type": concept("NPI"), "value": "1999999999"}, {"type": concept("payerid"), "value": "SYN02"}],
}  # fmt: skip
COVERAGE: Json = {
    "resourceType": "Coverage", "id": "c1", "subscriberId": "B55210", "order": 1, "type": concept("CI"),
    "payor": [{"reference": "Organization/payer"}], "class": [{"type": concept("group"), "value": "G"},
                                                              {"type": concept("plan"), "value": "GOLD"}],
}  # fmt: skip
CLINIC: Json = {
    "resourceType": "Organization", "id": "clinic", "identifier": npi("9800000001"), "address": [{"state": "KY"}],
}  # fmt: skip
DOCTOR: Json = {
    "resourceType": "Practitioner", "id": "d1", "identifier": npi("9700000001"),
    "qualification": [{"code": concept("208VP0014X", "http://nucc.org/provider-taxonomy")}],
}  # fmt: skip
REFERRER: Json = {"resourceType": "Practitioner", "id": "d2", "identifier": npi("9600000001")}
SITE: Json = {
    "resourceType": "Location", "id": "l1", "identifier": npi("9500000001"), "address": {"state": "TN", "city": "Town"},
}  # fmt: skip
AROUND = [PATIENT, PAYER, COVERAGE, CLINIC, DOCTOR, REFERRER, SITE]
CLAIM: Json = {
    "resourceType": "Claim", "id": "k1", "status": "active", "use": "claim", "created": "2026-10-30T08:00:00-05:00",
    "identifier": [{"value": "other"}, {"type": concept("PLAC"), "value": "AC-7001"}],
    "type": concept("professional"), "patient": {"reference": "Patient/p1"}, "provider": {"reference": "Organization/clinic"},
    "facility": {"reference": "Location/l1"},
    "insurance": [
        {"sequence": 2, "focal": False, "coverage": {"reference": "Coverage/none"}},
        {"sequence": 1, "focal": True, "coverage": {"reference": "Coverage/c1"}, "preAuthRef": ["AU-9", "AU-10"]},
    ],
    "careTeam": [
        {"sequence": 1, "provider": {"reference": "Practitioner/d2"}, "role": concept("referring")},
        {"sequence": 2, "provider": {"reference": "Practitioner/d1"}, "role": concept("performing")},
    ],
    "diagnosis": [
        {"sequence": 2, "diagnosisCodeableConcept": concept("M54.50", ICD)},
        {"sequence": 1, "diagnosisCodeableConcept": concept("M47.816", ICD)},
    ],
    "supportingInfo": [{"sequence": 1, "category": concept("info"), "valueString": "left side"}],
    "item": [
        {
            "sequence": 1, "productOrService": concept("64493", CPT), "modifier": [concept("LT"), concept("59")],
            "servicedDate": "2026-10-29", "locationCodeableConcept": concept("11", PLACE), "quantity": {"value": 1},
            "unitPrice": usd(910.00), "net": usd("910.00"), "diagnosisSequence": [1], "informationSequence": [1],
        },
        {
            "sequence": 2, "productOrService": concept("J1030"), "servicedPeriod": {"start": "2026-10-29", "end": "2026-10-30"},
            "quantity": {"value": 2}, "unitPrice": usd("12.25"), "diagnosisSequence": [2, 1],
            "extension": [{"url": "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-itemTraceNumber",
                           "valueIdentifier": {"value": "AC-7001-2"}}],
            "detail": [{"productOrService": concept("00009307303", "http://hl7.org/fhir/sid/ndc")}],
        },
    ],
}  # fmt: skip


def why(code: str, amount: str | None = None, group: str = "CO", category: str = "denialreason") -> Json:
    told: Json = {
        "category": concept(category),
        "reason": {"coding": [{"system": GROUP, "code": group}, {"system": CARC, "code": code}]},
    }
    return told if amount is None else told | {"amount": usd(amount)}


def paid(category: str, amount: str) -> Json:
    return {"category": concept(category), "amount": usd(amount)}


EOB: Json = {
    "resourceType": "ExplanationOfBenefit", "id": "e1", "status": "active", "use": "claim", "outcome": "complete",
    "created": "2026-11-12", "payment": {"date": "2026-11-14", "amount": usd("20.00")},
    "identifier": [{"type": concept("uc"), "value": "ICN-77"}], "claim": {"reference": "Claim/k1"},
    "insurer": {"reference": "Organization/payer"}, "provider": {"reference": "Organization/clinic"},
    "patient": {"reference": "Patient/p1"}, "type": concept("professional"),
    "insurance": [{"focal": True, "coverage": {"reference": "Coverage/c1"}}],
    "item": [
        {
            "sequence": 1, "productOrService": concept("64493", CPT), "modifier": [concept("LT"), concept("59")],
            "servicedDate": "2026-10-29",
            "adjudication": [
                paid("submitted", "910.00"), paid("benefit", "0.00"), why("197", "910.00"),
                {"category": concept("denialreason"), "reason": concept("N115", RARC)},
            ],
        },
        {
            "sequence": 2, "productOrService": concept("J1030"), "servicedDate": "2026-10-29",
            "adjudication": [
                paid("submitted", "24.50"), paid("eligible", "22.00"), paid("paidtoprovider", "20.00"),
                paid("coinsurance", "2.00"), paid("deductible", "0.00"), why("45", "2.50"),
            ],
        },
    ],
}  # fmt: skip


def bundle(*resources: Any, kind: str = "collection") -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": one} for one in resources]}


def read(told: Any) -> tuple[list[Unit], Counter[str]]:
    """Units and flags of JSON, or of bytes."""
    flags: Counter[str] = Counter()
    content = told if isinstance(told, bytes) else json.dumps(told).encode()
    return list(units_of(io.BytesIO(content), lambda name: flags.update([name]))), flags


def lines(told: Any) -> list[dict[str, str]]:
    return [row for unit in read(told)[0] if unit.table == "lines" for row in unit.rows]


def outcomes(told: Any) -> list[dict[str, str]]:
    return [row for unit in read(told)[0] if unit.table == "outcomes" for row in unit.rows]


def records_of(units: list[Unit], table: str, home: Path) -> Records:
    """The rows of a table as the store would get them."""
    records = RECORDS[table](Source("f" * 32, "here", datetime(2026, 11, 23, tzinfo=UTC), Keys(home)), True)
    for unit in units:
        if unit.table == table and unit.rows:
            assert len(unit.rows) == len(unit.at) == len({*unit.at})
            names = list(dict.fromkeys(name for row in unit.rows for name in row))
            assert set(names) <= set(PARSERS[table])
            cells = {name: [row[name] for row in unit.rows] for name in names}
            records.take(cells, unit.at, {place: told for place, told in unit.faults.items() if place >= 0})
    assert records.rows == len(records.frame()) + len(records.rejected)
    return records


def ndjson(*resources: Any) -> bytes:
    return b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in resources) + b"\n"


# Claims


def test_a_claim_gives_the_columns_of_its_lines() -> None:
    first, second = lines(bundle(CLAIM, *AROUND))
    assert first == dict.fromkeys(first, "") | {
        "claim_id": "AC-7001", "claim_line_number": "1", "submitted_date": "2026-10-30", "claim_type": "professional",
        "claim_line_start_date": "2026-10-29", "claim_line_end_date": "2026-10-29", "payer_id": "SYN02",
        "payer_name": "Birch Mutual", "plan_id": "GOLD", "claim_filing_indicator_code": "CI", "payer_responsibility_code": "P",
        "member_id": "B55210", "patient_birth_date": "1966-08-21", "patient_sex": "male", "billing_npi": "9800000001",
        "rendering_npi": "9700000001", "rendering_taxonomy": "208VP0014X", "referring_npi": "9600000001",
        "facility_npi": "9500000001", "service_state": "TN", "place_of_service_code": "11", "hcpcs_code": "64493",
        "hcpcs_modifier_1": "LT", "hcpcs_modifier_2": "59", "service_unit_quantity": "1", "charge_amount": "910.00",
        "diagnosis_code_1": "M47.816", "diagnosis_code_2": "M54.50", "diagnosis_code_type": "icd-10-cm",
        "diagnosis_pointers": "1", "prior_authorization_number": "AU-9", "line_note": "left side",
    }  # fmt: skip
    told = {
        "claim_line_number": "2", "claim_line_end_date": "2026-10-30", "hcpcs_code": "J1030", "charge_amount": "24.500",
        "diagnosis_pointers": "2,1", "ndc_code": "00009307303", "line_item_control_no": "AC-7001-2", "line_note": "",
    }  # fmt: skip
    assert {name: second[name] for name in told} == told
    not_carried = {"in_network_flag", "patient_age", *(name for name in PARSERS["lines"] if name.startswith("doc_"))}
    assert set(first) == set(PARSERS["lines"]) - not_carried


def test_a_claim_is_accepted_and_its_person_becomes_keys(tmp_path: Path) -> None:
    units, flags = read(bundle(CLAIM, *AROUND))
    frame = records_of(units, "lines", tmp_path).frame()
    assert frame.height == 2 and frame["patient_age"].to_list() == [60, 60]
    assert frame["charge_amount"].cast(pl.String).to_list() == ["910.00", "24.50"]
    assert frame["patient_sex"].to_list() == ["M", "M"] and frame["diagnosis_code_1"].to_list() == ["M47816"] * 2
    assert "B55210" not in str(frame.rows()) and "Doe" not in str(units) and "1 Lane" not in str(units)
    assert flags == {"item_detail": 1}


def test_a_replacement_names_the_earlier_claim() -> None:
    related = {"relationship": concept("replaces"), "reference": {"value": "ICN-77"}}
    row = lines(
        CLAIM | {"related": [{"relationship": concept("replacedby"), "reference": {"value": "LATER"}}, related]}
    )[0]
    assert (row["original_reference_number"], row["claim_frequency_code"]) == ("ICN-77", "7")
    row = lines(CLAIM | {"related": [related | {"relationship": concept("prior")}]})[0]
    assert (row["original_reference_number"], row["claim_frequency_code"]) == ("ICN-77", "")
    bill = {"category": concept("typeofbill"), "code": concept("0138")}
    assert lines(CLAIM | {"related": [related], "supportingInfo": [bill]})[0]["claim_frequency_code"] == "8"
    earlier = CLAIM | {"id": "k0", "identifier": [{"value": "AC-1"}]}
    told = CLAIM | {"related": [{"claim": {"reference": "Claim/k0"}, "relationship": concept("prior")}]}
    assert lines(bundle(earlier, told))[-1]["original_reference_number"] == "AC-1"


def test_providers_of_a_line_come_before_those_of_the_claim() -> None:
    other = {"sequence": 3, "provider": {"identifier": npi("9400000001")[0]}, "role": concept("performing")}
    claim = CLAIM | {"careTeam": [*CLAIM["careTeam"], other]}
    claim["item"] = [CLAIM["item"][0] | {"careTeamSequence": [3]}, CLAIM["item"][1]]
    told = bundle(claim, *AROUND)
    assert [row["rendering_npi"] for row in lines(told)] == ["9400000001", "9700000001"]
    assert {row["referring_npi"] for row in lines(told)} == {"9600000001"}
    alone = bundle(CLAIM | {"careTeam": []}, *AROUND)
    assert {row["rendering_npi"] for row in lines(alone)} == {"9800000001"}


def test_diagnoses_keep_their_place_and_pointers_follow_them() -> None:
    codes = [{"sequence": n, "diagnosisCodeableConcept": concept(f"A{n:02d}", ICD)} for n in range(1, 15)]
    codes[4]["type"] = [concept("principal")]
    codes[1]["type"] = [concept("admitting")]
    units, flags = read(CLAIM | {"diagnosis": codes, "item": [CLAIM["item"][0] | {"diagnosisSequence": [5, 1, 2, 14]}]})
    row = units[0].rows[0]
    assert [row["diagnosis_code_1"], row["diagnosis_code_2"], row["diagnosis_code_3"]] == ["A05", "A01", "A03"]
    assert row["diagnosis_pointers"] == "1,2"
    assert flags["pointer_out_of_range"] == 1 and flags["more_than_twelve_diagnoses"] == 1


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"created": None}, "submitted_date", ""),
        ({"patient": {"reference": "#me"}, "contained": [PATIENT | {"id": "me", "birthDate": "1966"}]}, "patient_birth_date", ""),
        ({"identifier": None}, "claim_id", "k1"),
        ({"identifier": [{"value": "FIRST"}, {"value": "SECOND"}]}, "claim_id", "FIRST"),
        ({"type": concept("institutional")}, "claim_type", "institutional"),
        ({"insurance": [{"focal": True, "sequence": 3, "coverage": {}}]}, "payer_responsibility_code", "T"),
        ({"referral": {"identifier": {"value": "RF-1"}}}, "referral_number", "RF-1"),
        ({"supportingInfo": [{"category": concept("clm_freq_cd"), "code": concept("7")}]}, "claim_frequency_code", "7"),
    ],
)  # fmt: skip
def test_other_elements(change: Json, column: str, value: str) -> None:
    assert lines(bundle(CLAIM | change, *AROUND))[0][column] == value


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"productOrService": {"coding": [{"system": "http://local", "code": "12345"}]}}, "hcpcs_code", ""),
        ({"productOrService": {"coding": [{"system": "http://local", "code": "X"}, {"system": CPT, "code": "99213"}]}},
         "hcpcs_code", "99213"),
        ({"productOrService": None, "service": {"system": CPT, "code": "99214"}}, "hcpcs_code", "99214"),
        ({"net": {"value": "1.5e2", "currency": "USD"}}, "charge_amount", "1.5e2"),
        ({"net": {"value": 5, "currency": "CAD"}, "unitPrice": None}, "charge_amount", ""),
        ({"servicedDate": None}, "claim_line_start_date", "2026-10-01"),
        ({"sequence": None}, "claim_line_number", "1"),
        ({"locationAddress": {"state": "IN"}}, "service_state", "IN"),
        ({"locationAddress": {"state": "1 Lane"}}, "service_state", "TN"),
    ],
)  # fmt: skip
def test_other_elements_of_an_item(change: Json, column: str, value: str) -> None:
    period = {"billablePeriod": {"start": "2026-10-01", "end": "2026-10-02"}}
    assert lines(bundle(CLAIM | period | {"item": [CLAIM["item"][0] | change]}, *AROUND))[0][column] == value


def test_numbers_are_read_as_written() -> None:
    text = json.dumps(CLAIM | {"item": [CLAIM["item"][0] | {"net": usd("@")}]})
    for written, told in (
        ("910.10", "910.10"),
        ("1.5e2", "150"),
        ("1E-2", "0.01"),
        ("9" * 400, "9" * 400),
        ("NaN", "NaN"),
    ):
        assert lines(text.replace('"@"', written).encode())[0]["charge_amount"] == told


# References


def _linked(way: str) -> Any:
    """The claim, its patient named in one of the ways in which FHIR refers to a resource."""
    others = [one for one in AROUND if one is not PATIENT]
    marked = PATIENT | {"identifier": [{"system": "http://here/mrn", "value": "7"}]}
    ways: dict[str, tuple[Json, Json, str]] = {
        "relative": ({"reference": "Patient/p1"}, PATIENT, ""),
        "fullUrl": ({"reference": "urn:uuid:1"}, PATIENT, "urn:uuid:1"),
        "absolute": ({"reference": "https://here/fhir/Patient/p1"}, PATIENT, ""),
        "version": ({"reference": "https://here/fhir/Patient/p1/_history/3"}, PATIENT, "https://here/fhir/Patient/p1"),
        "conditional": ({"reference": "Patient?identifier=http://here/mrn|7"}, marked, ""),
        "logical": ({"type": "Patient", "identifier": {"system": "http://here/mrn", "value": "7"}}, marked, ""),
    }
    reference, patient, url = ways[way]
    whole = bundle(CLAIM | {"patient": reference}, *others)
    whole["entry"].append({"resource": patient} | ({"fullUrl": url} if url else {}))
    return whole


@pytest.mark.parametrize("way", ["relative", "fullUrl", "absolute", "version", "conditional", "logical"])
def test_references_in_a_bundle(way: str) -> None:
    units, flags = read(_linked(way))
    assert units[0].rows[0]["patient_birth_date"] == "1966-08-21"
    assert flags["unresolved_reference"] == 0


def test_contained_resources_and_identifiers_alone() -> None:
    claim = CLAIM | {
        "contained": [PATIENT | {"id": "a"}, COVERAGE | {"id": "b", "payor": [{"reference": "#c"}]}, PAYER | {"id": "c"}],
        "patient": {"reference": "#a"}, "insurance": [{"focal": True, "coverage": {"reference": "#b"}}],
        "provider": {"identifier": {"system": NPI, "value": "9800000001"}}, "careTeam": [], "facility": {},
    }  # fmt: skip
    units, flags = read(claim)
    row = units[0].rows[0]
    assert (row["patient_birth_date"], row["member_id"], row["payer_id"]) == ("1966-08-21", "B55210", "SYN02")
    assert row["billing_npi"] == row["rendering_npi"] == "9800000001"
    assert flags["unresolved_reference"] == 0


def test_a_role_and_a_place_speak_for_those_behind_them() -> None:
    role = {
        "resourceType": "PractitionerRole", "id": "r1", "practitioner": {"reference": "Practitioner/d1"},
        "specialty": [concept("207LP2900X", "http://nucc.org/provider-taxonomy")],
    }  # fmt: skip
    site = {"resourceType": "Location", "id": "l1", "managingOrganization": {"reference": "Organization/clinic"}}
    team = [{"sequence": 1, "provider": {"reference": "PractitionerRole/r1"}, "responsible": True}]
    row = lines(bundle(CLAIM | {"careTeam": team}, PATIENT, PAYER, COVERAGE, CLINIC, DOCTOR, role, site))[0]
    assert (row["rendering_npi"], row["rendering_taxonomy"]) == ("9700000001", "207LP2900X")
    assert (row["facility_npi"], row["service_state"]) == ("9800000001", "KY")


def test_what_cannot_be_found_is_flagged_and_costs_only_its_columns(tmp_path: Path) -> None:
    claim = CLAIM | {"insurer": {"reference": "Organization/SYN09", "display": "Elm Health"}}
    units, flags = read(claim)
    assert flags["unresolved_reference"] == 7  # patient, provider, facility, coverage, insurer and two carers
    row = units[0].rows[0]
    assert (row["payer_id"], row["payer_name"], row["member_id"]) == ("SYN09", "Elm Health", "")
    assert records_of(units, "lines", tmp_path).frame().height == 2


def test_a_person_who_pays_is_no_payer(tmp_path: Path) -> None:
    mine = COVERAGE | {"payor": [{"reference": "Patient/p1"}]}
    patient = PATIENT | {"identifier": [{"value": "SELF-1"}]}
    units, _ = read(bundle(CLAIM, patient, mine, CLINIC))
    assert "SELF-1" not in str(units)
    rejected = records_of(units, "lines", tmp_path).rejected
    assert [one.reason for one in rejected] == ["payer_id is missing"] * 2


@pytest.mark.parametrize(
    ("identifiers", "payer"),
    [
        ([("NPI", "1"), ("TAX", "2"), ("", "3"), ("payerid", "4")], "4"),
        ([("NPI", "1"), ("TAX", "2"), ("naiccode", "3"), ("", "4")], "3"),
        ([("NPI", "1"), ("TAX", "2"), ("MB", "3"), ("", "4")], "4"),
        ([("NPI", "1"), ("SS", "2")], "payer"),
    ],
)
def test_the_number_of_a_payer(identifiers: list[tuple[str, str]], payer: str) -> None:
    told = [{"type": concept(kind), "value": value} for kind, value in identifiers]
    others = [one for one in AROUND if one is not PAYER]
    assert lines(bundle(CLAIM, *others, PAYER | {"identifier": told}))[0]["payer_id"] == payer


# Remittances


def test_an_eob_gives_outcomes_in_the_columns_of_an_835() -> None:
    first, second = outcomes(bundle(CLAIM, EOB, *AROUND))
    assert first == dict.fromkeys(first, "") | {
        "claim_id": "AC-7001", "claim_line_number": "1", "known_date": "2026-11-14", "paid_date": "2026-11-14",
        "paid_amount": "0.00", "charge_amount": "910.00", "adjustments": "CO-197:910.00", "remark_codes": "N115",
        "payer_claim_control_number": "ICN-77", "payer_id": "SYN02", "billing_npi": "9800000001",
        "claim_line_start_date": "2026-10-29", "hcpcs_code": "64493", "hcpcs_modifier_1": "LT", "hcpcs_modifier_2": "59",
    }  # fmt: skip
    assert (second["allowed_amount"], second["paid_amount"]) == ("22.00", "20.00")
    assert second["adjustments"] == "CO-45:2.50;PR-2:2.00"


def test_denial_reasons_become_labels(tmp_path: Path) -> None:
    units, _ = read(bundle(CLAIM, EOB, *AROUND))
    sent, known = (records_of(units, table, tmp_path).frame() for table in ("lines", "outcomes"))
    labels = label_lines(sent, match_outcomes(sent, known), load_classes())
    assert labels.select("claim_line_number", "outcome", "y", "category", "carc").rows() == [
        (1, "denied", 1, "authorization", "197"), (2, "paid", 0, None, None),
    ]  # fmt: skip


def test_an_eob_alone_tells_its_claim_too(tmp_path: Path) -> None:
    received = {"category": concept("clmrecvddate"), "timingDate": "2026-10-31"}
    alone = {name: value for name, value in EOB.items() if name != "claim"} | {"supportingInfo": [received]}
    units, _ = read(bundle(alone, *AROUND))
    sent, known = (records_of(units, table, tmp_path).frame() for table in ("lines", "outcomes"))
    assert sent["claim_id"].to_list() == ["ICN-77"] * 2 and str(sent["submitted_date"][0]) == "2026-10-31"
    assert sent["charge_amount"].cast(pl.String).to_list() == ["910.00", "24.50"]
    labels = label_lines(sent, match_outcomes(sent, known), load_classes())
    assert labels["y"].to_list() == [1, 0]
    content = json.dumps(bundle(alone, *AROUND)).encode()
    batch = read_bytes(content, load_settings(tmp_path))
    assert (batch.claims_accepted, batch.claims_rejected) == (1, 0)  # one resource is one claim


@pytest.mark.parametrize(
    "change",
    [
        {"claim": {"reference": "Claim/elsewhere"}},
        {"insurer": None, "insurance": None},
        {"item": [EOB["item"][0] | {"productOrService": None}, EOB["item"][1]]},
        {"item": [EOB["item"][0] | {"servicedDate": None}]},
        {"item": [EOB["item"][0], None]},
    ],
)  # fmt: skip
def test_an_eob_that_says_less_gives_outcomes_alone(change: Json) -> None:
    alone = {name: value for name, value in EOB.items() if name != "claim"} | change
    units, _ = read(bundle(alone, *AROUND))
    assert [unit.table for unit in units] == ["outcomes"]


def test_a_claim_response_takes_services_from_its_request() -> None:
    item = {
        "itemSequence": 2,
        "adjudication": [paid("benefit", "22.00"), why("45", "2.50", category="adjustmentreason")],
    }
    response = {
        "resourceType": "ClaimResponse", "id": "r", "status": "active", "use": "claim", "created": "2026-11-12",
        "outcome": "complete", "request": {"reference": "Claim/k1"}, "insurer": {"reference": "Organization/payer"},
        "requestor": {"reference": "Organization/clinic"}, "identifier": [{"value": "ICN-78"}], "item": [item],
    }  # fmt: skip
    (row,) = outcomes(bundle(response, CLAIM, *AROUND))
    told = {
        "claim_id": "AC-7001", "claim_line_number": "2", "hcpcs_code": "J1030", "claim_line_start_date": "2026-10-29",
        "charge_amount": "24.500", "paid_amount": "22.00", "line_item_control_no": "AC-7001-2", "billing_npi": "9800000001",
        "payer_claim_control_number": "ICN-78", "known_date": "2026-11-12", "paid_date": "",
    }  # fmt: skip
    assert {name: row[name] for name in told} == told
    assert read(response | {"item": [], "outcome": "queued"})[1] == {
        "not_adjudicated": 1, "no_claims": 1, "unresolved_reference": 1,
    }  # fmt: skip


def _group_way(way: str) -> Json:
    coding, extension = {"system": CARC, "code": "50"}, {"url": "http://any", "valueCode": "PR"}
    ways: dict[str, Json] = {
        "coding": {"reason": {"coding": [coding, {"system": GROUP, "code": "PR"}]}},
        "category": {"category": concept("PR"), "reason": {"coding": [coding]}},
        "extension": {"extension": [extension], "reason": {"coding": [coding]}},
        "of the reason": {
            "reason": {"extension": [{"url": "x", "valueCodeableConcept": concept("PR")}], "coding": [coding]}
        },
        "of the coding": {
            "reason": {"coding": [coding | {"extension": [{"url": "x", "valueCoding": {"code": "PR"}}]}]}
        },
        "nested": {"extension": [{"url": "x", "extension": [extension]}], "reason": {"coding": [coding]}},
        "in the code": {"reason": {"coding": [coding | {"code": "PR-50"}]}},
        "in the code, tight": {"reason": {"coding": [coding | {"code": "PR50"}]}},
    }
    return {"amount": usd("5.00")} | ways[way]


@pytest.mark.parametrize("way", ["coding", "category", "extension", "of the reason", "of the coding", "nested", "in the code",
                                 "in the code, tight"])  # fmt: skip
def test_where_the_group_of_an_adjustment_is_found(way: str) -> None:
    units, flags = read(EOB | {"item": [EOB["item"][0] | {"adjudication": [_group_way(way)]}]})
    assert units[0].rows[0]["adjustments"] == "PR-50:5.00"
    assert flags["group_code_missing"] == 0


@pytest.mark.parametrize(
    ("adjudication", "adjustments", "flag"),
    [
        ([why("1", "5.00", group="")], "PR-1:5.00", "group_code_missing"),
        ([why("50", "5.00", group="")], "CO-50:5.00", "group_code_missing"),
        ([why("50")], "CO-50", ""),
        ([why("50"), paid("noncovered", "7.00")], "CO-50:7.00", ""),
        ([why("50"), why("96"), paid("noncovered", "7.00")], "CO-50;CO-96", ""),
        ([why("50", "80.00", category="eligible")], "CO-50", ""),
        ([why("1", "5.00", group="PR"), paid("deductible", "5.00")], "PR-1:5.00", ""),
        ([paid("copay", "5.00")], "PR-3:5.00", ""),
        ([{"reason": concept("12", "http://local/reasons"), "amount": usd("1.00")}], "", "unknown_reason_code"),
        ([{"reason": concept("ar002"), "amount": usd("1.00")}], "", "unknown_reason_code"),
        ([{"reason": concept("B7"), "amount": usd("1.00")}], "CO-B7:1.00", "group_code_missing"),
    ],
)  # fmt: skip
def test_adjustments(adjudication: list[Json], adjustments: str, flag: str) -> None:
    units, flags = read(EOB | {"item": [EOB["item"][0] | {"adjudication": adjudication}]})
    assert units[0].rows[0]["adjustments"] == adjustments
    assert not flag or flags[flag] == 1


def test_what_goes_to_the_patient_is_paid_too() -> None:
    told = [paid("paidtoprovider", "0.00"), paid("paidtopatient", "80.00"), paid("benefit", "81.00")]
    assert outcomes(EOB | {"item": [EOB["item"][0] | {"adjudication": told}]})[0]["paid_amount"] == "80.00"


def test_a_cancelled_eob_is_a_reversal() -> None:
    row = outcomes(bundle(CLAIM, EOB | {"status": "cancelled"}, *AROUND))[1]
    assert row["claim_status_code"] == "22"
    assert (row["charge_amount"], row["paid_amount"], row["adjustments"]) == (
        "-24.50",
        "-20.00",
        "CO-45:-2.50;PR-2:-2.00",
    )


def test_reasons_of_the_whole_claim_are_a_row_without_a_line() -> None:
    whole = {"adjudication": [why("29", "934.50")], "total": [paid("submitted", "934.50"), paid("benefit", "0.00")]}
    row = outcomes(EOB | whole | {"item": [], "payment": {"amount": usd("0.00")}})[-1]
    told = {
        "claim_line_number": "",
        "hcpcs_code": "",
        "charge_amount": "934.50",
        "paid_amount": "0.00",
        "adjustments": "CO-29:934.50",
    }
    assert {name: row[name] for name in told} == told
    assert len(outcomes(EOB | {"total": [*whole["total"], paid("deductible", "9.00")]})) == 2
    assert outcomes(EOB | {"item": None, "total": [paid("deductible", "9.00")]})[0]["adjustments"] == "PR-1:9.00"
    assert len(outcomes(EOB | whole)) == 3


def test_the_number_of_the_account_names_the_claim() -> None:
    account = {"category": concept("patientaccountnumber"), "valueString": "ACCT-5"}
    assert {row["claim_id"] for row in outcomes(EOB | {"supportingInfo": [account]})} == {"ACCT-5"}
    assert {row["claim_id"] for row in outcomes(EOB)} == {"k1"}
    logical = {"claim": {"type": "Claim", "identifier": {"value": "AC-7001"}}}
    assert {row["claim_id"] for row in outcomes(EOB | logical)} == {"AC-7001"}


# Files


@pytest.mark.parametrize("kind", ["collection", "batch", "searchset", "transaction"])
def test_bundles_of_any_type(kind: str) -> None:
    assert len(lines(bundle(CLAIM, *AROUND, kind=kind))) == 2


def test_lists_of_resources_bundles_in_bundles_and_pretty_print() -> None:
    assert lines([CLAIM, *AROUND]) == lines(bundle(CLAIM, *AROUND)) == lines(bundle(bundle(CLAIM, *AROUND)))
    pretty = b"\xef\xbb\xbf\r\n" + json.dumps(bundle(CLAIM, *AROUND), indent=2).replace("\n", "\r\n").encode()
    assert lines(pretty) == lines(bundle(CLAIM, *AROUND))
    deep = CLAIM
    for _ in range(9):
        deep = bundle(deep)
    (unit,), _ = read(deep)
    assert unit.faults == {-1: [("Bundle", "lies too deep in others")]}


def test_ndjson_keeps_its_order_and_loses_only_the_broken_line() -> None:
    content = ndjson(
        CLAIM, b'{"resourceType": "Claim", "id": ', CLAIM | {"id": "k2", "identifier": None}, b"", EOB, *AROUND
    )
    units, _ = read(content)
    assert [unit.table for unit in units] == ["lines", "lines", "lines", "outcomes"]
    assert units[1].rows == [] and units[1].faults == {-1: [("line", "is not valid JSON")]}
    assert [unit.rows[0]["claim_id"] for unit in (units[0], units[2])] == ["AC-7001", "k2"]
    assert units[0].rows[0]["payer_id"] == "SYN02"  # told on a later line
    places = [unit.place for unit in units] + [at for unit in units for at in unit.at]
    assert len(places) == len({*places})
    first_broken = ndjson(b'{"resourceType": "Claim", "id": ', CLAIM, EOB)
    assert [len(unit.rows) for unit in read(first_broken)[0]] == [0, 2, 2]
    two_broken = ndjson(b'{"resourceType": ', b"{", CLAIM)
    assert [len(unit.rows) for unit in read(two_broken)[0]] == [0, 0, 2]


class Once(io.BytesIO):
    """A stream that can be read once."""

    def seekable(self) -> bool:
        return False


def test_a_stream_that_is_read_once_finds_what_came_before() -> None:
    flags: Counter[str] = Counter()
    content = ndjson(*AROUND, CLAIM)
    (unit,) = units_of(Once(content), lambda name: flags.update([name]))
    assert unit.rows[0]["payer_id"] == "SYN02"
    (unit,) = units_of(Once(ndjson(CLAIM, *AROUND)), lambda name: flags.update([name]))
    assert unit.rows[0]["payer_id"] == "" and flags["unresolved_reference"] > 1


def test_what_is_no_claim_is_flagged() -> None:
    others = [
        CLAIM | {"use": "preauthorization"}, CLAIM | {"status": "entered-in-error"}, CLAIM | {"status": "cancelled"},
        {"resourceType": "Observation"}, {"resourceType": "OperationOutcome"},
    ]  # fmt: skip
    units, flags = read(bundle(*others))
    assert units == []
    assert flags == {
        "not_a_claim": 1, "entered_in_error": 1, "cancelled_claim": 1, "unsupported_resource": 2, "no_claims": 1,
    }  # fmt: skip
    assert read({"resourceType": "Bundle"})[1] == {"no_claims": 1}


@pytest.mark.parametrize("content", [b"", b"\n \n", b"{", b'{"resourceType": "Claim"', b'{"resourceType": "Claim",\n"item": [\n{}',
                                     b"ISA*00*", b'[{"resourceType":', b"[" * 100_000])  # fmt: skip
def test_what_is_no_json_is_unreadable(content: bytes) -> None:
    with pytest.raises(UnreadableFileError) as told:
        read(content)
    assert "Claim" not in str(told.value)


def test_a_bad_resource_costs_only_itself(tmp_path: Path) -> None:
    bad = [
        None,
        7,
        "Claim",
        [],
        {},
        {"resourceType": 3},
        {"resourceType": "Claim"},
        CLAIM | {"item": [None, CLAIM["item"][0]]},
    ]
    units, flags = read(bundle(CLAIM, *bad, *AROUND))
    assert [len(unit.rows) for unit in units] == [2, 0, 0, 0, 0, 1, 2]
    assert flags["unsupported_resource"] == 1
    assert units[-1].faults == {0: [("item", "is not an object")]}
    records = records_of([unit for unit in units if -1 not in unit.faults], "lines", tmp_path)
    assert records.frame().height == 2  # the last repeats the first line of the first claim
    assert [one.reason for one in records.rejected] == ["item is not an object", "duplicate of row 2"]


def test_a_claim_of_too_many_items_is_rejected_before_it_fills_the_memory() -> None:
    many = [CLAIM["item"][0]] * (MOST_LINES + 1)
    response = {"resourceType": "ClaimResponse", "addItem": many}
    (claim, answer, other), _ = read(bundle(CLAIM | {"item": many}, response, CLAIM, *AROUND))
    assert [(unit.table, unit.rows, unit.faults[-1][0][0]) for unit in (claim, answer)] == [
        ("lines", [], "item"), ("outcomes", [], "item"),
    ]  # fmt: skip
    assert len(other.rows) == len(CLAIM["item"])


def test_bytes_that_are_no_text_reject_the_row_that_holds_them(tmp_path: Path) -> None:
    content = ndjson(CLAIM, CLAIM | {"id": "k2"}).replace(b'"AC-7001"', b'"AC-\xff"', 1)
    units, _ = read(content.replace(b"Coverage/c1", b"Coverage/\xff"))
    records = records_of(units, "lines", tmp_path)
    assert {one.reason.partition(";")[0] for one in records.rejected[:2]} == {
        "claim_id contains a character that is not valid Unicode"
    }


def test_what_looks_like_fhir() -> None:
    assert looks_like_fhir(b'\xef\xbb\xbf\n{"id": "1", "resourceType" : "Claim"')
    assert looks_like_fhir(b'[{"resourceType":"Claim"')
    assert not looks_like_fhir(b'{"claims": [{"claim_id": "1"')
    assert not looks_like_fhir(b"resourceType,Claim")
    assert not looks_like_fhir(b"")


# Whatever JSON there is

NAMES = sorted({name for one in (CLAIM, EOB, PATIENT, COVERAGE, CLAIM["item"][0], EOB["item"][0]) for name in one}
               | {"reference", "identifier", "value", "coding", "code", "system", "start", "entry", "resource", "contained"})  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(
    ["Claim", "Patient/p1", "#a", "CO", "45", "2026-13-45", "CO-45", "/", "Patient?identifier=|", "\udc80", "1e999999999"]
)  # fmt: skip
SHAPES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


def _spots(node: Any) -> list[tuple[Any, Any]]:
    found = [(node, key) for key in (node if isinstance(node, dict) else range(len(node)))]
    return found + [
        spot for holder, key in found if isinstance(holder[key], dict | list) for spot in _spots(holder[key])
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_shape_of_json_raises(home: Path, data: st.DataObject) -> None:
    whole = copy.deepcopy(bundle(CLAIM, EOB, *AROUND))
    for _ in range(data.draw(st.integers(1, 4))):
        holder, key = data.draw(st.sampled_from(_spots(whole)))
        holder[key] = data.draw(SHAPES)
    units, _ = read(whole)
    for unit in units:
        assert unit.rows or unit.faults
        assert all(isinstance(cell, str) for row in unit.rows for cell in row.values())
        assert len(unit.rows) == len(unit.at)
    for table in ("lines", "outcomes"):
        records_of(units, table, home)


@given(SHAPES)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_shape_of_a_whole_file_raises(told: Any) -> None:
    read(told)
    read({"resourceType": "Bundle", "entry": told})
    read({"resourceType": "ClaimResponse", "item": told, "adjudication": told, "request": told})


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_change_of_bytes_raises_anything_else(data: st.DataObject) -> None:
    content = bytearray(
        data.draw(st.sampled_from([ndjson(CLAIM, EOB), json.dumps(bundle(CLAIM, EOB), indent=1).encode()]))
    )
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(UnreadableFileError):
        read(bytes(content[: data.draw(st.integers(0, len(content)))]))
