"""Submitted claims as FHIR R4 Claim resources, in the shapes of US guides: contained parties, coded concepts.

Names, streets and ZIP codes are placeholders that occur nowhere else (x12_envelope).
"""

from __future__ import annotations

from typing import Any

from claims.table import DIAGNOSES, MODIFIERS
from data.synthetic.x12_envelope import CITY, GIVEN, PRACTICE, STREET, SURNAME, ZIP

Json = dict[str, Any]
HL7 = "http://terminology.hl7.org/CodeSystem"
CARIN = "http://hl7.org/fhir/us/carin-bb/CodeSystem"
NPI = "http://hl7.org/fhir/sid/us-npi"
OWN = "http://synthetic.invalid"  # systems of code lists that have no agreed address
TRACE = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-itemTraceNumber"
PLACES = "https://www.cms.gov/Medicare/Coding/place-of-service-codes"
TAXONOMY = "http://nucc.org/provider-taxonomy"
SEXES = {"M": "male", "F": "female"}
RANKS = {"P": 1, "S": 2, "T": 3}


def concept(system: str, code: str) -> Json:
    """A CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code}]}


def usd(amount: str) -> Json:
    """Money."""
    return {"value": float(amount), "currency": "USD"}


def named(kind: str, value: str, system: str = f"{HL7}/v2-0203") -> Json:
    """An identifier with its type."""
    return {"type": concept(system, kind), "value": value}


def trace(number: str) -> Json:
    """The practice's number of a line, as an extension of its item."""
    return {"url": TRACE, "valueIdentifier": {"value": number}}


def payer(row: Json) -> Json:
    """The organization that pays, as a contained resource."""
    own = named("payerid", row["payer_id"], f"{CARIN}/C4BBIdentifierType")
    return _told({"resourceType": "Organization", "id": "payer", "identifier": [own], "name": row["payer_name"]})


def npi_of(kind: str, ident: str, npi: str | None) -> Json:
    """A provider with an NPI, as a contained resource."""
    return {"resourceType": kind, "id": ident, "identifier": [{"system": NPI, "value": npi}]}


def service(row: Json) -> Json:
    """Code and modifiers of a line."""
    system = "http://www.ama-assn.org/go/cpt" if row["hcpcs_code"][0].isdigit() else f"{CARIN}/HCPCS"
    modifiers = [concept(f"{CARIN}/modifier", row[name]) for name in MODIFIERS if row[name]]
    return _told({"productOrService": concept(system, row["hcpcs_code"]), "modifier": modifiers})


def claim(rows: list[Json], ident: str) -> Json:
    """One submission, from its lines (rows of the frame `lines`)."""
    row = rows[0]
    notes = {place: one["line_note"] for place, one in enumerate(rows, 2) if one["line_note"]}
    return _told({
        "resourceType": "Claim", "id": ident, "contained": _contained(row),
        "identifier": [named("PLAC", row["claim_id"])], "status": "active",
        "type": concept(f"{HL7}/claim-type", row["claim_type"]), "use": "claim",
        "patient": {"reference": "#patient"}, "created": row["submitted_date"].isoformat(),
        "insurer": {"reference": "#payer"}, "provider": {"reference": "#billing"},
        "priority": concept(f"{HL7}/processpriority", "normal"),
        "facility": {"reference": "#facility"} if row["facility_npi"] else None,
        "referral": {"reference": "#referral"} if row["referral_number"] else None,
        "related": _related(row), "careTeam": _team(row), "supportingInfo": _information(row, notes),
        "diagnosis": _diagnoses(row), "insurance": [_told({
            "sequence": 1, "focal": True, "coverage": {"reference": "#coverage"},
            "preAuthRef": [row["prior_authorization_number"]] if row["prior_authorization_number"] else None,
        })],
        "item": [_item(one, place if place in notes else 0) for place, one in enumerate(rows, 2)],
    })  # fmt: skip


def _told(resource: Json) -> Json:
    """Without what is not present: FHIR has no empty elements."""
    return {name: value for name, value in resource.items() if value is not None and value != []}


def _contained(row: Json) -> list[Json]:
    billing = npi_of("Organization", "billing", row["billing_npi"])
    address = [{"line": [STREET], "city": CITY, "state": row["service_state"], "postalCode": ZIP}]
    facility = npi_of("Location", "facility", row["facility_npi"]) | {"name": PRACTICE, "address": address[0]}
    rendering = npi_of("Practitioner", "rendering", row["rendering_npi"])
    referring = npi_of("Practitioner", "referring", row["referring_npi"])
    referral = {"resourceType": "ServiceRequest", "id": "referral", "identifier": [{"value": row["referral_number"]}]}
    parts = (
        (True, _patient(row, address)), (True, payer(row)), (True, _coverage(row)),
        (True, billing | {"name": PRACTICE, "address": address}), (row["rendering_npi"], rendering),
        (row["referring_npi"], referring), (row["facility_npi"], facility), (row["referral_number"], referral),
    )  # fmt: skip
    return [part for there, part in parts if there]


def _patient(row: Json, address: list[Json]) -> Json:
    return {
        "resourceType": "Patient", "id": "patient", "identifier": [named("MB", row["member_id"])],
        "name": [{"family": SURNAME, "given": [GIVEN]}], "gender": SEXES.get(row["patient_sex"], "unknown"),
        "birthDate": row["patient_birth_date"].isoformat(), "address": address,
    }  # fmt: skip


def _coverage(row: Json) -> Json:
    plan = {"type": concept(f"{HL7}/coverage-class", "plan"), "value": row["plan_id"]}
    return _told({
        "resourceType": "Coverage", "id": "coverage", "status": "active", "subscriberId": row["member_id"],
        "type": concept(f"{OWN}/claim-filing-indicator", row["claim_filing_indicator_code"]),
        "beneficiary": {"reference": "#patient"}, "payor": [{"reference": "#payer"}],
        "class": [plan] if row["plan_id"] else [], "order": RANKS[row["payer_responsibility_code"]],
    })  # fmt: skip


def _related(row: Json) -> list[Json]:
    number = row["original_reference_number"]
    kind = concept(f"{HL7}/ex-relatedclaimrelationship", "prior")
    return [{"relationship": kind, "reference": {"value": number}}] if number else []


def _team(row: Json) -> list[Json]:
    roles = (("rendering", "performing"), ("referring", "referring"))
    team = [
        {"sequence": place, "provider": {"reference": f"#{name}"},
         "role": concept(f"{CARIN}/C4BBClaimCareTeamRole", role)}
        for place, (name, role) in enumerate(roles, 1) if row[f"{name}_npi"]
    ]  # fmt: skip
    if row["rendering_npi"] and row["rendering_taxonomy"]:
        team[0]["qualification"] = concept(TAXONOMY, row["rendering_taxonomy"])
    return team


def _information(row: Json, notes: dict[int, str]) -> list[Json]:
    """The frequency as number 1, then the notes under the numbers that the items name."""
    frequency = concept(f"{OWN}/claim-frequency", row["claim_frequency_code"])
    first = {"sequence": 1, "category": concept(f"{OWN}/supporting-information", "claim-frequency"), "code": frequency}
    category = concept(f"{HL7}/claiminformationcategory", "info")
    return [first, *({"sequence": n, "category": category, "valueString": note} for n, note in notes.items())]


def _diagnoses(row: Json) -> list[Json]:
    system = f"http://hl7.org/fhir/sid/{row['diagnosis_code_type']}"
    codes = [row[name] for name in DIAGNOSES if row[name]]
    return [
        {"sequence": place, "diagnosisCodeableConcept": concept(system, f"{code[:3]}.{code[3:]}".rstrip(".")),
         "type": [concept(f"{HL7}/ex-diagnosistype", "principal" if place == 1 else "clinical")]}
        for place, code in enumerate(codes, 1)
    ]  # fmt: skip


def _item(row: Json, note: int) -> Json:
    start, end = row["claim_line_start_date"], row["claim_line_end_date"] or row["claim_line_start_date"]
    number = row["line_item_control_no"]
    ndc = {"sequence": 1, "productOrService": concept("http://hl7.org/fhir/sid/ndc", row["ndc_code"])}
    pointers = row["diagnosis_pointers"]
    days = {"servicedDate": start.isoformat()}
    period = {"servicedPeriod": {"start": start.isoformat(), "end": end.isoformat()}}
    return _told({
        "extension": [trace(number)] if number else None, "sequence": row["claim_line_number"],
        "careTeamSequence": [1] if row["rendering_npi"] else None,
        "diagnosisSequence": [int(one) for one in pointers.split(",")] if pointers else None,
        "informationSequence": [note] if note else None, **service(row), **(days if start == end else period),
        "locationCodeableConcept": concept(PLACES, row["place_of_service_code"]),
        "quantity": {"value": row["service_unit_quantity"]}, "net": usd(row["charge_amount"]),
        "detail": [ndc] if row["ndc_code"] else None,
    })  # fmt: skip
