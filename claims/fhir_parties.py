"""Who a FHIR claim speaks of: payer, coverage, patient, providers and place, as columns of `lines`.

Persons lend a member id, a birth date and a sex, to be keyed and aged in memory; an address lends its state.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from claims.fhir_elements import (
    Json,
    References,
    child,
    children,
    code_in,
    code_of,
    codings,
    day,
    identifiers,
    information,
    text,
    texts,
    type_and_id,
    value_of,
)
from claims.unit import Row

RENDERING = (frozenset({"performing", "rendering", "82"}), frozenset({"primary"}))
REFERRING = frozenset({"referring", "referrer", "dn", "p3"})
OF_A_PERSON = frozenset({"mb", "um", "mr", "ss", "sb", "sn", "pi", "pt", "an", "dl", "pat"})  # types of identifiers
NO_PAYER = frozenset({"npi", "tax", "en", "ein"}) | OF_A_PERSON
PLACES, PLACE = re.compile(r"place.?of.?service", re.IGNORECASE), re.compile(r"[0-9]{2}")
FILING = re.compile(r"claim.?filing", re.IGNORECASE)
FILING_CODE = re.compile(r"1[1-7]|09|AM|BL|CH|CI|DS|FI|HM|LM|M[ABC]|OF|TV|VA|WC|ZZ")
TAXONOMY, TAXONOMY_CODE = re.compile("taxonomy", re.IGNORECASE), re.compile(r"[0-9]{3}[A-Z0-9]{6}X")
RESPONSIBILITY = {str(place): letter for place, letter in enumerate("PSTABCDEFGH", 1)}


@dataclass(frozen=True)
class Carer:
    """One of the care team."""

    sequence: str
    roles: frozenset[str]
    responsible: bool
    entry: Json
    provider: Json


class Parties:
    """The parties of a Claim, ClaimResponse or ExplanationOfBenefit."""

    def __init__(self, claim: Json, references: References) -> None:
        self.claim, self.references = claim, references
        insurances = list(children(claim, "insurance")) or list(children(claim, "coverage"))
        focal = [one for one in insurances if one.get("focal") is True] or insurances or [{}]
        self.insurance: Json = focal[0]

    @cached_property
    def coverage(self) -> Json:
        """The coverage of the insurance that the claim is sent to."""
        return self.references.follow(self.claim, self.insurance, "coverage")

    @cached_property
    def provider(self) -> Json:
        """Who bills."""
        return self.references.follow(self.claim, self.claim, "provider")

    def payer(self) -> Row:
        """payer_id (where no identifier is told: the payer's id on its server), its name, plan and place in line."""
        payer, name = self.insurer
        plans = (one for one in children(self.coverage, "class") if code_in(one, "type", {"plan"}))
        order = text(self.coverage.get("order")) or text(self.insurance.get("sequence"))
        return {
            "payer_id": payer_id(payer) or name,
            "payer_name": text(payer.get("name")) or text(child(self.claim, "insurer").get("display")),
            "plan_id": value_of(next(plans, {}), "value"),
            "claim_filing_indicator_code": code_of(self.coverage, "type", FILING, FILING_CODE),
            "payer_responsibility_code": RESPONSIBILITY.get(order, ""),
        }

    @cached_property
    def insurer(self) -> tuple[Json, str]:
        """The organization that pays, and its id on the server it comes from."""
        name = ""
        for holder, element in ((self.coverage, "payor"), (self.coverage, "insurer"), (self.claim, "insurer")):
            found = self.references.follow(holder if "contained" in holder else self.claim, holder, element)
            kind, own = type_and_id(text(child(holder, element).get("reference")))
            name = name or (own if kind == "Organization" else "")
            if found and found.get("resourceType") in ("Organization", ""):
                return found, name
        return {}, name

    def patient(self) -> Row:
        """member_id, birth date (a year alone is flagged, and not read) and sex."""
        patient = self.references.follow(self.claim, self.claim, "patient")
        born = day(patient.get("birthDate"))
        if 0 < len(born) < 10:
            self.references.flag("partial_birth_date")
        return {
            "member_id": member_id(self.coverage, patient),
            "patient_birth_date": born if len(born) >= 10 else "",
            "patient_sex": text(patient.get("gender")),
        }

    def npi(self, provider: Json) -> str:
        """The NPI of a provider; of a role that of who plays it, of a place that of who runs it; "" where none is."""
        told = list(identifiers(provider))
        named = (value for system, types, value in told if system.endswith("us-npi") or "npi" in types.split())
        bare = (value for system, types, value in told if not system and not types and re.fullmatch("[0-9]{10}", value))
        if found := next(named, "") or next(bare, ""):
            return found
        for element in ("practitioner", "organization", "managingOrganization"):
            if element in provider:
                behind = self.references.follow(self.claim, provider, element)
                return self.npi({"identifier": behind.get("identifier")})
        return ""

    @cached_property
    def _team(self) -> list[Carer]:
        return [
            Carer(
                text(one.get("sequence") or one.get("sequenceLinkId")),
                frozenset(code.lower() for _, code, _ in codings(one, "role")),
                one.get("responsible") is True,
                one,
                self.references.follow(self.claim, one, "provider"),
            )
            for one in children(self.claim, "careTeam")
        ]

    def carers(self, item: Json) -> Row:
        """Who rendered the item (else who bills) and who referred: those that the item names before the others."""
        named = {*texts(item, "careTeamSequence"), *texts(item, "careTeamLinkId")}
        team = sorted(self._team, key=lambda one: one.sequence not in named)
        ranks = [[one for one in team if one.roles & roles] for roles in RENDERING]
        ranks += [[one for one in team if one.responsible and not one.roles & REFERRING]]
        ranks += [[one for one in team if not one.roles][: len(team) == 1]]
        rendering = next((rank[0] for rank in ranks if rank), Carer("", frozenset(), True, {}, self.provider))
        referring = next((one.provider for one in team if one.roles & REFERRING), {})
        return {
            "rendering_npi": self.npi(rendering.provider) or self.npi(self.provider),
            "rendering_taxonomy": taxonomy_of(rendering.entry) or taxonomy_of(rendering.provider),
            "referring_npi": self.npi(referring),
        }

    @cached_property
    def _facility(self) -> Json:
        found = self.references.follow(self.claim, self.claim, "facility")
        stated = next(information(self.claim, {"servicefacility"}), {})
        return found or self.references.follow(self.claim, stated, "valueReference")

    def place(self, item: Json) -> Row:
        """Where: the item's place, else the claim's facility; the state else that of who bills."""
        place = self.references.follow(self.claim, item, "locationReference") or self._facility
        states = (child(item, "locationAddress"), child(place, "address"), child(self.provider, "address"))
        told = ({"of": item.get("locationCodeableConcept")}, {"of": place.get("type")})
        return {
            "facility_npi": self.npi(place),
            "service_state": next(filter(None, map(state_of, states)), ""),
            "place_of_service_code": next(filter(None, (code_of(one, "of", PLACES, PLACE) for one in told)), ""),
        }


def payer_id(payer: Json) -> str:
    """The identifier by which a payer is billed: its payer id, its NAIC code, else the first of no other kind."""
    told = [(system, set(types.split()), value) for system, types, value in identifiers(payer)]
    for known in ({"payerid", "niip"}, {"naiccode", "naic"}):
        if found := next((value for _, types, value in told if known & types), ""):
            return found
    other = (v for s, types, v in told if not NO_PAYER & types and not s.endswith(("us-npi", "us-ssn", "113883.4.4")))
    return next(other, "")


def member_id(coverage: Json, patient: Json) -> str:
    """The subscriber's id, else the member number of the coverage, else that of the patient."""
    told = (
        value
        for holder in (coverage, patient)
        for _, types, value in identifiers(holder)
        if {"mb", "um"} & set(types.split())
    )
    return value_of(coverage, "subscriberId") or next(told, "")


def taxonomy_of(provider: Json) -> str:
    """The first code of a provider taxonomy that a provider, a role or one of a care team states."""
    holders = [provider, *({"code": one.get("code")} for one in children(provider, "qualification"))]
    told = (code_of(one, n, TAXONOMY, TAXONOMY_CODE) for one in holders for n in ("qualification", "specialty", "code"))
    return next(filter(None, told), "")


def state_of(address: Json) -> str:
    """The state of an address where it is the usual two letters."""
    told = text(address.get("state"))
    return told if re.fullmatch("[A-Za-z]{2}", told) else ""
