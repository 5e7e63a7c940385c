"""Refusals before adjudication, which are no denials: claims by 277CA (005010X214), batches by it, 999 or 997.

Flags: accepted_277ca (claims), undecided_277ca (claims with neither acceptance nor refusal), accepted_999,
accepted_with_errors_999, partly_accepted_999, refused_not_claims (of a 999 about something else than claims).
"""

from __future__ import annotations

from collections.abc import Iterator

from claims.unit import Flag, Row, Unit
from claims.x12 import Transaction, element
from claims.x12_cells import iso_day, split
from claims.x12_segments import Segment

REFUSED = frozenset(
    {"A3", "A6", "A7", "A8"}
)  # claim status categories: returned, missing or invalid or relational data
ACCEPTED = frozenset({"A0", "A1", "A2", "A5"})
CLAIM_LEVELS = frozenset({"PT", "22", "23"})  # HL03 of a claim; others: source, receiver, provider
NOT_TAKEN = frozenset({"R", "M", "W", "X"})  # of a set or group: refused, by syntax or security; E is taken with errors
TAKEN = {"A": "accepted_999", "E": "accepted_with_errors_999", "P": "partly_accepted_999"}


def rejections_of(transaction: Transaction, flag: Flag) -> Iterator[Unit]:
    """One unit of table rejections for each refused claim or batch of a 277CA, and set or group of a 999 or 997.

    A claim's rows are its distinct refusing statuses, those of its service lines among them. claim_id is "" for a
    batch. control_number: of the refused batch (its BHT03, as TRN02 gives it), set (AK202) or group (AK102).
    """
    return (_statuses if transaction.kind == "277CA" else _acknowledgements)(transaction, flag)


# 277CA


class _Level:
    """One HL of a 277CA: who it is about and what was told of it."""

    def __init__(self, name: str, at: int) -> None:
        self.at = at
        self.is_claim = name in CLAIM_LEVELS
        self.claim_id = self.other_id = ""
        self.statuses: list[tuple[Segment, int]] = []

    def unit(self, shared: Row, separator: str, flag: Flag) -> Unit | None:
        """Its refusal, if there is one; a claim without is counted."""
        unit = Unit("rejections", self.at)
        seen: set[tuple[str, ...]] = set()
        categories = set()
        for segment, at in self.statuses:
            for place in (1, 10, 11):
                told = (*split(element(segment, place), separator), "", "", "")[:3]
                categories.add(told[0])
                if told[0] in REFUSED and told not in seen:
                    seen.add(told)
                    unit.add(self._row(shared, segment, told), max(at, unit.at[-1] + 1) if unit.at else at)
        if not unit.rows and self.is_claim:
            flag("accepted_277ca" if categories & ACCEPTED else "undecided_277ca")
        return unit if unit.rows else None

    def _row(self, shared: Row, segment: Segment, told: tuple[str, ...]) -> Row:
        return {
            **shared,
            "claim_id": (self.claim_id or self.other_id) if self.is_claim else "",
            "known_date": iso_day(element(segment, 2)) or shared["known_date"],
            "status_category_code": told[0],
            "status_code": told[1],
            "entity_code": told[2],
            "charge_amount": element(self.statuses[0][0], 4),
        }


def _statuses(transaction: Transaction, flag: Flag) -> Iterator[Unit]:
    reader = transaction.reader
    shared = {
        "transaction": "277CA", "known_date": transaction.group_date, "payer_id": "", "billing_npi": "",
        "control_number": "",
    }  # fmt: skip
    level = _Level("", reader.position)
    for segment in transaction:
        name, first, second = segment[0], element(segment, 1), element(segment, 2)
        if name == "HL":
            if unit := level.unit(shared, reader.component, flag):
                yield unit
            level = _Level(element(segment, 3), reader.position)
            if element(segment, 3) == "19":
                shared["billing_npi"] = ""
        elif name == "STC":
            level.statuses.append((segment, reader.position))
        elif name == "BHT":
            shared["known_date"] = iso_day(element(segment, 4)) or transaction.group_date
        elif name == "TRN" and first == "2":
            level.claim_id = second
            if not level.is_claim and not shared["control_number"]:
                shared["control_number"] = second
        elif name == "REF" and first == "EJ":
            level.other_id = second
        elif name == "NM1" and element(segment, 9):
            _party(shared, first, element(segment, 8), element(segment, 9))
    if unit := level.unit(shared, reader.component, flag):
        yield unit


def _party(shared: Row, party: str, qualifier: str, ident: str) -> None:
    if party == "PR" and qualifier in ("PI", "XV"):
        shared["payer_id"] = ident
    elif party == "85" and qualifier == "XX":
        shared["billing_npi"] = ident


# 999 and 997


def _acknowledgements(transaction: Transaction, flag: Flag) -> Iterator[Unit]:
    group: Segment = []
    sent: Segment = []
    for segment in transaction:
        name = segment[0]
        if name == "AK1":
            group = segment
        elif name == "AK2":
            sent = segment
        elif name in ("IK5", "AK5"):
            yield from _refusal(transaction, segment, element(sent, 2), element(sent, 1) == "837", 2, flag)
        elif name == "AK9":
            yield from _refusal(transaction, segment, element(group, 2), element(group, 1) == "HC", 5, flag)


def _refusal(
    transaction: Transaction, told: Segment, control: str, of_claims: bool, reason: int, flag: Flag
) -> Iterator[Unit]:
    """What IK5 or AK9 says; `reason`: where its first syntax error code stands."""
    code = element(told, 1)
    if code not in NOT_TAKEN:
        flag(TAKEN.get(code, "undecided_999"))
    elif not of_claims:
        flag("refused_not_claims")
    else:
        row = {
            "claim_id": "", "known_date": transaction.group_date, "transaction": transaction.kind, "payer_id": "",
            "billing_npi": "", "status_category_code": code, "status_code": element(told, reason), "entity_code": "",
            "charge_amount": "", "control_number": control,
        }  # fmt: skip
        yield Unit("rejections", transaction.reader.position, [row], [transaction.reader.position])
