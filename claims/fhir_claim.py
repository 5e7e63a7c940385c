"""The billed claim of a FHIR R4 Claim or ExplanationOfBenefit: its items to rows of `lines` (columns: docs/fhir.md).

A column that FHIR can carry and the resource leaves out is "".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property

from claims.cells import CellError
from claims.fhir_elements import (
    Json,
    References,
    amount_in,
    by_category,
    child,
    children,
    code_in,
    code_of,
    codings,
    day,
    entries,
    identifiers,
    information,
    money,
    text,
    texts,
    value_of,
)
from claims.fhir_parties import Parties
from claims.fields import PARSERS
from claims.quantities import money as amount_of
from claims.quantities import quantity
from claims.table import DIAGNOSES, DOCUMENTATION, MODIFIERS
from claims.unit import Row, Unit

NOT_CARRIED = frozenset({"in_network_flag", "patient_age", *DOCUMENTATION})
EMPTY: Row = dict.fromkeys((name for name in PARSERS["lines"] if name not in NOT_CARRIED), "")
ACCOUNT = frozenset({"plac", "an", "pcn", "patientaccountnumber"})  # types of the practice's own number of a claim
REPLACES = frozenset({"replaces", "replaced", "replacement", "corrected", "7"})
VOIDS = frozenset({"void", "voids", "cancel", "cancels", "8"})
REPLACED_BY = frozenset({"replacedby", "replaced-by"})  # what came after says nothing of what came before
NOT_BILLED = frozenset({"admitting", "patientreasonforvisit"})  # diagnoses that no line points to
NOTES = frozenset({"info", "other", "additionalinformation", "freeformmessage"})
CLAIM_TYPES = frozenset({"professional", "institutional", "pharmacy", "oral", "vision"})
PROCEDURES = re.compile(r"cpt|hcpcs|113883\.6\.(12|14|285)$", re.IGNORECASE)
PROCEDURE = re.compile(r"[A-Z0-9][0-9]{3}[A-Z0-9]")
NDC, NDC_CODE = re.compile(r"/ndc$|113883\.6\.69$", re.IGNORECASE), re.compile(r"[0-9]{11}")
FREQUENCY = re.compile("freq", re.IGNORECASE)
ICD = {
    "icd-10-cm": re.compile(r"icd-?10|113883\.6\.90$", re.IGNORECASE),
    "icd-9-cm": re.compile(r"icd-?9|113883\.6\.103$", re.IGNORECASE),
}
CONTROL_NUMBER = "extension-itemTraceNumber"  # of Da Vinci PAS


def lines_of(claim: Json, references: References, places: Iterator[int], claim_id: str, sent: str) -> Unit:
    """The unit of a billed claim, sent that day: a row for each item; an item that is no object is a faulty row."""
    billed = BilledClaim(claim, references)
    whole = billed.whole() | {"claim_id": claim_id, "submitted_date": sent}
    unit = Unit("lines", next(places))
    for index, item in enumerate(entries(claim, "item")):
        if isinstance(item, dict):
            unit.add(whole | billed.line(item, index + 1), next(places))
        else:
            unit.add(dict(whole), next(places))
            unit.blame(index, "item", "is not an object")
    if not unit.rows:
        unit.add(whole, unit.place)  # rejected with its claim_id, which tells the sender which one it is
        unit.blame(-1, "item", "is missing")
    return unit


def account_number(claim: Json) -> str:
    """The identifier that its type calls the practice's own: PLAC, AN or PCN; "" where none is."""
    return next((value for _, types, value in identifiers(claim) if ACCOUNT & set(types.split())), "")


def claim_id_of(claim: Json) -> str:
    """The practice's number of a claim, else its first identifier, else its id."""
    first = next((value for _, _, value in identifiers(claim)), "")
    return account_number(claim) or first or text(claim.get("id"))


class BilledClaim:
    """What a claim says of itself and of each of its items."""

    def __init__(self, claim: Json, references: References) -> None:
        self.claim, self.references = claim, references
        self.parties = Parties(claim, references)

    def whole(self) -> Row:
        """The columns of the claim, the same on each of its lines."""
        parties = self.parties
        return EMPTY | parties.payer() | parties.patient() | self._diagnoses[0] | self._earlier() | {
            "billing_npi": parties.npi(parties.provider),
            "claim_type": code_in(self.claim, "type", CLAIM_TYPES),
            "prior_authorization_number": self._preauthorization(),
            "referral_number": self._referral(),
        }  # fmt: skip

    def line(self, item: Json, ordinal: int) -> Row:
        """The columns that the item says itself, or by what it points to."""
        start, end = service_days(item, self.claim)
        return {
            "claim_line_number": text(item.get("sequence")) or str(ordinal),
            "claim_line_start_date": start,
            "claim_line_end_date": end,
            **service_of(item, self.references),
            **self.parties.carers(item),
            **self.parties.place(item),
            "service_unit_quantity": value_of(item, "quantity"),
            "charge_amount": charge_of(item, self.references),
            "diagnosis_pointers": self._pointers(item),
            "ndc_code": self._ndc(item),
            "line_item_control_no": control_number(item),
            "line_note": self._note(item),
        }

    def _preauthorization(self) -> str:
        told = texts(self.parties.insurance, "preAuthRef") or texts(self.claim, "preAuthRef")
        return next(iter(told), "")

    def _referral(self) -> str:
        order = self.references.follow(self.claim, self.claim, "referral")
        return next((value for _, _, value in identifiers(order)), "")

    def _earlier(self) -> Row:
        """The claim that this one follows, and the frequency: as told, else as the relationship has it."""
        number = frequency = ""
        for related in children(self.claim, "related"):
            relation = {code.lower() for _, code, _ in codings(related, "relationship")}
            if relation & REPLACED_BY or number:
                continue
            frequency = "7" if relation & REPLACES else "8" if relation & VOIDS else ""
            named = value_of(related, "reference")
            number = named or claim_id_of(self.references.follow(self.claim, related, "claim"))
        return {"original_reference_number": number, "claim_frequency_code": self._frequency() or frequency}

    def _frequency(self) -> str:
        """A code that is called a frequency, else the last digit of a type of bill."""
        for one in children(self.claim, "supportingInfo"):
            if any(FREQUENCY.search(system + code) for system, code, _ in codings(one, "category")):
                return _stated(one)
        stated = (code for system, code, _ in codings(self.claim, "type", "subType") if FREQUENCY.search(system))
        bill = next(information(self.claim, {"typeofbill"}), {})
        return next(stated, "") or _stated(bill)[-1:]

    @cached_property
    def _diagnoses(self) -> tuple[Row, dict[str, int]]:
        """The columns, and the position of each sequence: the principal first, then by sequence, twelve at most."""
        billed: list[tuple[bool, int, Json]] = []
        for one in children(self.claim, "diagnosis"):
            kinds = {code.lower() for _, code, _ in codings(one, "type")}
            if not kinds & NOT_BILLED:
                billed.append(("principal" not in kinds, _number(one.get("sequence")), one))
        billed.sort(key=lambda told: told[:2])
        if len(billed) > len(DIAGNOSES):
            self.references.flag("more_than_twelve_diagnoses")
        kept = [one for _, _, one in billed[: len(DIAGNOSES)]]
        codes = [self._diagnosis(one) for one in kept]
        row = dict(zip(DIAGNOSES, (code for code, _ in codes), strict=False))
        row["diagnosis_code_type"] = next((kind for _, kind in codes if kind), "")
        return row, {text(one.get("sequence")): place for place, one in enumerate(kept, 1)}

    def _diagnosis(self, diagnosis: Json) -> tuple[str, str]:
        condition = self.references.follow(self.claim, diagnosis, "diagnosisReference")
        told = [*codings(diagnosis, "diagnosisCodeableConcept", "diagnosis"), *codings(condition, "code")]
        for kind, system in ICD.items():
            for where, code, _ in told:
                if system.search(where):
                    return code, kind
        return next((code for where, code, _ in told if not where), ""), ""

    def _pointers(self, item: Json) -> str:
        named = texts(item, "diagnosisSequence") or texts(item, "diagnosisLinkId")
        places = [self._diagnoses[1].get(one) for one in named]
        if None in places:
            self.references.flag("pointer_out_of_range")
        return ",".join(str(place) for place in places if place)

    def _ndc(self, item: Json) -> str:
        details = list(children(item, "detail"))
        if details:
            self.references.flag("item_detail")
        told = (code_of(one, "productOrService", NDC, NDC_CODE) for one in [item, *details])
        return next(filter(None, told), "")

    def _note(self, item: Json) -> str:
        named = texts(item, "informationSequence")
        told = (
            text(one.get("valueString")) for one in information(self.claim, NOTES) if text(one.get("sequence")) in named
        )
        return next(told, "")


def service_of(item: Json, references: References) -> Row:
    """hcpcs_code and modifiers of an item."""
    codes = (code_of(item, name, PROCEDURES, PROCEDURE) for name in ("productOrService", "service"))
    told = list(dict.fromkeys(code.upper() for _, code, _ in codings(item, "modifier") if len(code) == 2))
    if len(told) > len(MODIFIERS):
        references.flag("more_than_four_modifiers")
    modifiers = [*told, *[""] * len(MODIFIERS)]
    return {"hcpcs_code": next(filter(None, codes), ""), **dict(zip(MODIFIERS, modifiers, strict=False))}


def service_days(item: Json, claim: Json) -> tuple[str, str]:
    """First and last day of an item, else of its claim."""
    for holder, one, period in ((item, "servicedDate", "servicedPeriod"), (claim, "", "billablePeriod")):
        start = day(holder.get(one)) or day(child(holder, period).get("start"))
        end = day(child(holder, period).get("end")) or start
        if start or end:
            return start or end, end
    return "", ""


def charge_of(item: Json, references: References) -> str:
    """What was billed: the net amount, the submitted one, or the price of a unit times the units."""
    flag = references.flag
    told = money(item, "net", flag) or amount_in(by_category(item), flag, "submitted")
    price = "" if told else money(item, "unitPrice", flag)
    try:
        cents, units = amount_of(price), quantity(value_of(item, "quantity"))
    except CellError:
        return told or price
    return told or price if cents is None or units is None else str(cents * Decimal(repr(units)))


def control_number(item: Json) -> str:
    """The practice's number of a line: the trace number of an item."""
    traces = (one for one in children(item, "extension") if text(one.get("url")).endswith(CONTROL_NUMBER))
    return value_of(next(traces, {}), "valueIdentifier")


def _stated(information: Json) -> str:
    return next((code for _, code, _ in codings(information, "code")), "") or text(information.get("valueString"))


def _number(sequence: object) -> int:
    """A sequence as a number; one that is none comes last."""
    told = text(sequence)
    return int(told) if told.isdecimal() and len(told) < 10 else 10**9
