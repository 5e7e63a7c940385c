"""Answers to requests for authorization (278 response, 005010X217) to the table authorizations.

Of several rows of a number the last holds, so its services of the best status (approved, pending, denied) are one row:
codes joined, units summed. A1, A2 (in part) and A6 (modified) approve what the answer lists; A4 and CT are pending.
Flags: authorization_request (no answer), authorization_error (AAA), authorization_not_required (HCR NA),
authorization_undecided (neither an event nor its service has an HCR).
"""

from __future__ import annotations

from collections.abc import Iterator

from claims.cells import CellError
from claims.quantities import quantity
from claims.unit import Flag, Row, Unit
from claims.x12 import Transaction, element
from claims.x12_cells import iso_day, service, split
from claims.x12_segments import Segment

STATUSES = {
    "A1": "approved", "A2": "approved", "A6": "approved", "A4": "pending", "CT": "pending", "A3": "denied",
    "C": "cancelled",
}  # fmt: skip
ORDER = ("approved", "pending", "denied", "cancelled")
SERVICES = {"SV1": (1, 4), "SV2": (2, 5), "SV3": (1, 6)}  # where the procedure and its units stand
NUMBERS = ("BB", "NT")  # REF: the number of an earlier decision, the payer's own for what it has not decided
PROVIDERS = ("SJ", "82")


def authorizations_of(transaction: Transaction, flag: Flag) -> Iterator[Unit]:
    """One unit for each patient event that was decided; a request gives none.

    A row without a number keeps prior_authorization_number "" and is rejected later: nothing could name it.
    """
    return _Answers(transaction, flag).units()


class _Decision:
    """One HL of a patient's event or of a service of it: what was decided, on what."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.action = self.code = self.units = self.place = self.provider = ""
        self.numbers: dict[str, str] = {}
        self.days: dict[str, str] = {}

    def read(self, segment: Segment, separator: str) -> None:
        """Any segment of the loop."""
        name, first, second = segment[0], element(segment, 1), element(segment, 2)
        if name == "HCR":
            self.action, self.numbers["HCR"] = first, second
        elif name == "REF" and first in NUMBERS:
            self.numbers[first] = second
        elif name == "DTP":
            self.days[first] = element(segment, 3)
        elif name == "UM":
            place = [*split(element(segment, 4), separator), ""]
            self.place = place[0] if place[1] == "B" else ""  # A: a type of bill
        elif name in SERVICES:
            at, units = SERVICES[name]
            self.code, self.units = service(element(segment, at), separator)["hcpcs_code"], element(segment, units)
        elif name == "HSD" and not self.units and not element(segment, 3):  # a rate per week is no total
            self.units = second
        elif name == "NM1" and first in PROVIDERS and element(segment, 8) == "XX":
            self.provider = element(segment, 9)

    def under(self, event: _Decision) -> _Decision:
        """What holds of a service: its own, else what was decided on the whole event."""
        self.numbers = event.numbers | {name: number for name, number in self.numbers.items() if number}
        self.days = self.days or event.days
        self.action, self.place = self.action or event.action, self.place or event.place
        self.provider = self.provider or event.provider
        return self

    def number(self) -> str:
        """The number that a claim would carry."""
        return next((self.numbers[name] for name in ("HCR", *NUMBERS) if self.numbers.get(name)), "")

    def period(self) -> tuple[str, str]:
        """First and last day: of the certification, else of the service, else of the event; "" where it is open."""
        told = next((self.days[name] for name in ("007", "472", "AAH") if self.days.get(name)), "")
        first, _, last = told.partition("-")
        whole = "007" not in self.days  # a service's one day is its last day too
        last = last or self.days.get("036", "") or (first if whole else "")
        return iso_day(first) or first, iso_day(last) or last  # what is no day is rejected with its row


class _Answers:
    """One transaction while it is read."""

    def __init__(self, transaction: Transaction, flag: Flag) -> None:
        self.transaction, self.flag = transaction, flag
        self.shared = {"payer_id": "", "member_id": "", "known_date": transaction.group_date}
        self.event: _Decision | None = None
        self.services: list[_Decision] = []

    def units(self) -> Iterator[Unit]:
        """See `authorizations_of`."""
        reader, seen = self.transaction.reader, set()
        for segment in self.transaction:
            seen.add(segment[0])
            if segment[0] == "HL":
                yield from self._level(element(segment, 3), reader.position)
            elif self.event is not None:
                (self.services[-1] if self.services else self.event).read(segment, reader.component)
            else:
                self._header(segment)
        yield from self._closed()
        if "HCR" not in seen:
            self.flag("authorization_error" if "AAA" in seen else "authorization_request")

    def _header(self, segment: Segment) -> None:
        name, first, qualifier = segment[0], element(segment, 1), element(segment, 8)
        if name == "BHT":
            self.shared["known_date"] = iso_day(element(segment, 4)) or self.transaction.group_date
        elif name == "NM1" and first in ("X3", "PR") and qualifier in ("PI", "XV"):
            self.shared["payer_id"] = element(segment, 9)
        elif name == "NM1" and first == "IL":
            self.shared["member_id"] = element(segment, 9)

    def _level(self, level: str, at: int) -> Iterator[Unit]:
        if level == "SS" and self.event is not None:
            self.services.append(_Decision(at))
            return
        yield from self._closed()
        if level == "22":
            self.shared["member_id"] = ""
        if level in ("EV", "SS"):
            self.event = _Decision(at)

    def _closed(self) -> Iterator[Unit]:
        event, self.event = self.event, None
        services, self.services = self.services, []
        if event is None:
            return
        unit = Unit("authorizations", event.at)
        decided = [one.under(event) for one in services] or [event]
        by_number: dict[str, list[_Decision]] = {}
        for one in decided:
            if one.action in STATUSES:
                by_number.setdefault(one.number(), []).append(one)
            elif one.action == "NA":
                self.flag("authorization_not_required")
            elif one.action or services or event.numbers:
                self.flag("authorization_undecided")
        for number, group in by_number.items():
            status = min((STATUSES[one.action] for one in group), key=ORDER.index)
            alike = [one for one in group if STATUSES[one.action] == status]
            unit.add(self._row(number, status, alike), alike[0].at)
        if unit.rows:
            yield unit

    def _row(self, number: str, status: str, alike: list[_Decision]) -> Row:
        periods = [one.period() for one in alike]
        return {
            **self.shared,
            "prior_authorization_number": number,
            "status": status,
            "hcpcs_codes": ";".join(dict.fromkeys(one.code for one in alike if one.code)),
            "units_authorized": _total([one.units for one in alike]),
            "valid_from": min(first for first, _ in periods),
            "valid_to": "" if any(not last for _, last in periods) else max(last for _, last in periods),
            "place_of_service_code": alike[0].place,
            "rendering_npi": alike[0].provider,
        }


def _total(units: list[str]) -> str:
    """The sum as text; one cell as it is, and "" where any of several says nothing that can be added."""
    if len(units) == 1:
        return units[0]
    try:
        told = [quantity(cell) for cell in units]
    except CellError:
        return ""
    return "" if None in told else f"{sum(filter(None, told)):g}"
