"""Elements of FHIR JSON of any shape, and what a reference refers to. Nothing here raises, whatever the JSON holds.

Numbers are text as they were written (claims/fhir.py parses them so). Of a supporting resource only what some column
needs is kept: no name of a person, no address but its state, no narrative.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from claims.unit import Flag

Json = dict[str, Any]
SUPPORTING = frozenset({
    "Patient", "Coverage", "Organization", "Practitioner", "PractitionerRole", "Location", "Condition",
    "ServiceRequest",
})  # fmt: skip
KEPT = frozenset({
    "resourceType", "id", "identifier", "birthDate", "gender", "subscriberId", "payor", "insurer", "class", "type",
    "order", "practitioner", "organization", "managingOrganization", "specialty", "code", "qualification", "contained",
})  # fmt: skip
_RELATIVE = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,128})(?:/_history/.*)?")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?identifier=(?:([^|]*)\|)?(.+)")


def text(value: Any) -> str:
    """A primitive as text; "" for anything that is none, and for true and false."""
    return value.strip() if isinstance(value, str) else ""


def child(node: Any, name: str) -> Json:
    """The object of that name; of a list its first; {} where there is none."""
    value = node.get(name) if isinstance(node, dict) else None
    return value if isinstance(value, dict) else next(iter(children(node, name)), {})


def children(node: Any, name: str) -> list[Json]:
    """The objects of that name, in order; what is no object is passed over."""
    value = node.get(name) if isinstance(node, dict) else None
    if isinstance(value, list):
        return [one for one in value if isinstance(one, dict)]
    return [value] if isinstance(value, dict) else []


def entries(node: Any, name: str) -> list[Any]:
    """Everything of that name as a list, null and other misfits among it."""
    value = node.get(name) if isinstance(node, dict) else None
    return value if isinstance(value, list) else [] if value is None else [value]


def texts(node: Any, name: str) -> list[str]:
    """The primitives of that name that say something."""
    return [told for told in map(text, entries(node, name)) if told]


def value_of(node: Any, name: str) -> str:
    """The first primitive of that name; of a Money, Quantity or Identifier its value."""
    for one in entries(node, name):
        told = text(one.get("value")) if isinstance(one, dict) else text(one)
        if told:
            return told
    return ""


def codings(node: Any, *names: str) -> list[tuple[str, str, Json]]:
    """(system, code, coding) of the concepts of those names; a bare coding or code counts as one of its own."""
    found: list[tuple[str, str, Json]] = []
    for name in names:
        for one in entries(node, name):
            if isinstance(one, dict):
                told = [*children(one, "coding"), one] if "code" in one else children(one, "coding")
                found += [(text(coding.get("system")), text(coding.get("code")), coding) for coding in told]
            else:
                found.append(("", text(one), {}))
    return [coding for coding in found if coding[1]]


def code_in(node: Any, name: str, known: Collection[str]) -> str:
    """The first code of the concepts of that name that is one of the known ones, in lower case; "" for none."""
    return next((code.lower() for _, code, _ in codings(node, name) if code.lower() in known), "")


def code_of(node: Any, name: str, system: re.Pattern[str], shape: re.Pattern[str]) -> str:
    """The code of a system that the pattern finds, else one of that shape of which no system is told; "" for none."""
    told = [(where, code) for where, code, _ in codings(node, name)]
    named = next((code for where, code in told if system.search(where)), "")
    return named or next((code for where, code in told if not where and shape.fullmatch(code.upper())), "")


def information(claim: Json, categories: Collection[str]) -> Iterator[Json]:
    """Supporting information of these categories."""
    return (one for one in children(claim, "supportingInfo") if code_in(one, "category", categories))


def money(node: Any, name: str, flag: Flag) -> str:
    """The amount of USD of that name; one of another currency is flagged as foreign_currency and not read."""
    amount = child(node, name)
    if text(amount.get("currency") or amount.get("code")).upper() not in ("", "USD"):
        flag("foreign_currency")
        return ""
    return value_of(amount, "value")


def by_category(node: Any, *names: str) -> dict[str, Json]:
    """The first of the adjudications (of those names: totals, too) of each category, which is in lower case."""
    found: dict[str, Json] = {}
    for name in names or ("adjudication",):
        for one in children(node, name):
            for _, code, _ in codings(one, "category"):
                found.setdefault(code.lower(), one)
    return found


def amount_in(found: dict[str, Json], flag: Flag, *categories: str) -> str:
    """The amount of the first of these categories that is there."""
    return next((money(found[one], "amount", flag) for one in categories if one in found), "")


def day(value: Any) -> str:
    """The calendar day of a date or dateTime, as its own zone has it; anything else as it is."""
    told = text(value)
    return told[:10] if len(told) > 10 and told[10] in "T " else told


def identifiers(node: Any) -> Iterator[tuple[str, str, str]]:
    """(system, codes of its type joined by blanks, value) of each identifier that has a value."""
    for one in children(node, "identifier"):
        if value := text(one.get("value")):
            yield text(one.get("system")), " ".join(code.lower() for _, code, _ in codings(one, "type")), value


@dataclass
class References:
    """Resources by what may refer to them, of a Bundle or of a file."""

    flag: Flag
    found: ChainMap[str, Json] = field(default_factory=ChainMap)
    billed: set[str] = field(default_factory=set)  # claim ids of the Claims there are

    def inner(self) -> References:
        """Those of a Bundle within: its own come first."""
        return References(self.flag, self.found.new_child(), self.billed)

    def add(self, resource: Json, full_url: str = "") -> None:
        """Index a resource under its fullUrl, Type/id and identifiers; of two with one key the first stays."""
        kind = text(resource.get("resourceType"))
        kept = trimmed(resource) if kind in SUPPORTING else resource
        keys = [full_url, f"{kind}/{text(resource.get('id'))}"] if text(resource.get("id")) else [full_url]
        keys += [f"{kind}?{system}|{value}" for system, _, value in identifiers(resource)]
        for key in filter(None, keys):
            self.found.maps[0].setdefault(key, kept)

    def follow(self, root: Json, node: Any, name: str) -> Json:
        """The resource that the first reference of that name refers to; a stand-in with the identifier that it states;
        {} where it states nothing. What cannot be found is flagged as unresolved_reference.

        root: the resource that holds the reference, whose contained resources it may mean.
        """
        reference = child(node, name)
        target = text(reference.get("reference"))
        found = self._contained(root, target[1:]) if target.startswith("#") else self._elsewhere(target)
        found = found or self._by_identifier(reference)
        if not found and target:
            self.flag("unresolved_reference")
        return found

    def _contained(self, root: Json, name: str) -> Json:
        return next((one for one in children(root, "contained") if name and text(one.get("id")) == name), {})

    def _elsewhere(self, target: str) -> Json:
        if target in self.found:
            return self.found[target]
        if asked := _CONDITIONAL.fullmatch(target):
            return self.found.get(f"{asked[1]}?{asked[2] or ''}|{asked[3]}", {})
        kind, name = type_and_id(target)
        return self.found.get(f"{kind}/{name}", {}) if kind else {}

    def _by_identifier(self, reference: Json) -> Json:
        stated = next(identifiers(reference), None)
        if stated is None:
            return {}
        kind = text(reference.get("type")) or type_and_id(text(reference.get("reference")))[0]
        known = self.found.get(f"{kind}?{stated[0]}|{stated[2]}")
        name = text(reference.get("display")) if kind == "Organization" else ""  # else it may be that of a person
        return known or {"resourceType": kind, "identifier": reference.get("identifier"), "name": name}


def type_and_id(target: str) -> tuple[str, str]:
    """Type and id of a relative or absolute reference; ("", "") for any other."""
    found = _RELATIVE.fullmatch(target)
    return (found[1], found[2]) if found else ("", "")


def trimmed(resource: Json) -> Json:
    """What of a supporting resource some column needs: of an address the state, of a name that of an organization."""
    kept = {name: value for name, value in resource.items() if name in KEPT}
    states = [{"state": text(one.get("state"))} for one in children(resource, "address")]
    if states:
        kept["address"] = states
    if text(resource.get("resourceType")) == "Organization":
        kept["name"] = text(resource.get("name"))
    return kept
