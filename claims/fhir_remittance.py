"""FHIR R4 ClaimResponse and ExplanationOfBenefit: their items to rows of `outcomes` (columns: docs/fhir.md).

A row without a line stands for the whole claim: where there are no items, or reasons are told of the claim itself. What
a payer cancelled is a reversal (status 22) with every amount turned round.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from claims.cells import CellError
from claims.fhir_claim import account_number, charge_of, claim_id_of, control_number, service_days, service_of
from claims.fhir_elements import (
    Json,
    References,
    amount_in,
    by_category,
    child,
    children,
    code_in,
    day,
    entries,
    information,
    money,
    text,
    texts,
    type_and_id,
)
from claims.fhir_parties import Parties, payer_id
from claims.fhir_reasons import SHARES, reasons_of, turned
from claims.fields import PARSERS
from claims.quantities import money as amount_of
from claims.unit import Flag, Row, Unit

EMPTY: Row = dict.fromkeys((name for name in PARSERS["outcomes"] if name != "denied"), "")
REVERSAL = "22"
NOT_ADJUDICATED = frozenset({"queued", "error"})


class Remittance:
    """One ClaimResponse or ExplanationOfBenefit."""

    def __init__(self, response: Json, references: References) -> None:
        self.response, self.references = response, references
        self.asked = "claim" if response.get("resourceType") == "ExplanationOfBenefit" else "request"
        self.claim = references.follow(response, response, self.asked)
        self.parties = Parties(response, references)
        self.cancelled = text(response.get("status")) == "cancelled"

    @cached_property
    def claim_id(self) -> str:
        """The practice's number: of the claim it answers, of an account, else an identifier of its own."""
        own = self.response
        account = next(information(own, {"patientaccountnumber"}), {})
        return (
            claim_id_of(self.claim)
            or text(account.get("valueString") or child(account, "code").get("text"))
            or account_number(own)
            or type_and_id(text(child(own, self.asked).get("reference")))[1]
            or claim_id_of(own)
        )

    @property
    def received(self) -> str:
        """The day on which the payer got the claim, as near as an EOB comes to the day it was sent."""
        return day(next(information(self.response, {"clmrecvddate"}), {}).get("timingDate"))

    def tells_the_claim(self) -> bool:
        """Whether an EOB stands for its claim, too: it names none, and all its items say code and day, and who pays."""
        if self.asked in self.response or self.claim_id in self.references.billed:
            return False
        items = entries(self.response, "item")
        whole = [isinstance(item, dict) and self._tells_the_line(item) for item in items]
        return bool(whole) and all(whole) and bool(self.claim_id) and any(self.parties.insurer)

    def _tells_the_line(self, item: Json) -> bool:
        return bool(service_of(item, self.references)["hcpcs_code"] and service_days(item, self.response)[0])

    def unit(self, places: Iterator[int]) -> Unit:
        """The unit of its outcomes; one that says nothing at all is rejected as a whole."""
        unit, whole = Unit("outcomes", next(places)), self._whole()
        for name in ("item", "addItem"):
            for item in entries(self.response, name):
                if isinstance(item, dict):
                    unit.add(whole | self._line(item), next(places))
                else:
                    unit.blame(len(unit.rows), name, "is not an object")
                    unit.add(dict(whole), next(places))
        told = self._of_the_claim()
        if told["adjustments"] or (not unit.rows and any(told.values())):
            unit.add(whole | told, next(places))
        if not unit.rows:
            unit.blame(-1, "item", "is missing")
        return unit

    def is_waiting(self) -> bool:
        """Whether it decides nothing: in the queue, or turned away for an error, without an item."""
        return text(self.response.get("outcome")) in NOT_ADJUDICATED and not entries(self.response, "item")

    def _whole(self) -> Row:
        created, paid = day(self.response.get("created")), day(child(self.response, "payment").get("date"))
        known = max(created, paid)
        if not known and (known := day(child(self.response, "meta").get("lastUpdated"))):
            self.references.flag("known_date_of_the_server")
        requestor = self.references.follow(self.response, self.response, "requestor")
        billing = self.parties.provider or requestor or self.references.follow(self.claim, self.claim, "provider")
        return EMPTY | {
            "claim_id": self.claim_id,
            "known_date": known,
            "paid_date": paid,
            "claim_status_code": REVERSAL if self.cancelled else "",
            "payer_claim_control_number": self._number_of_the_payer(),
            "payer_id": payer_id(self.parties.insurer[0]),
            "billing_npi": self.parties.npi(billing),
        }

    def _number_of_the_payer(self) -> str:
        told = [(one, text(one.get("value"))) for one in children(self.response, "identifier")]
        typed = (value for one, value in told if code_in(one, "type", {"uc"}))
        return next(typed, "") or next((value for _, value in told if value != self.claim_id), "")

    def _line(self, item: Json) -> Row:
        """The columns of an item; what an item of a ClaimResponse leaves to the claim is taken from there."""
        numbers = texts(item, "itemSequence") or texts(item, "sequenceLinkId") or texts(item, "sequence")
        number = numbers[0] if len(numbers) == 1 else ""
        billed = item if "productOrService" in item or "service" in item else self._billed(number)
        found = by_category(item)
        charge = amount_in(found, self.references.flag, "submitted") or charge_of(item, self.references)
        return {
            "claim_line_number": number,
            "line_item_control_no": control_number(item) or control_number(billed),
            "claim_line_start_date": service_days(billed, self.claim or self.response)[0],
            **service_of(billed, self.references),
            **self._amounts(item, found, charge or charge_of(billed, self.references)),
        }

    def _billed(self, number: str) -> Json:
        items = (one for one in children(self.claim, "item") if text(one.get("sequence")) == number)
        return next(items, {}) if number else {}

    def _of_the_claim(self) -> Row:
        flag, found = self.references.flag, by_category(self.response, "adjudication", "total")
        if entries(self.response, "item"):  # whose shares of the patient are summed up here
            found = {category: one for category, one in found.items() if category not in SHARES}
        told = self._amounts(self.response, found, amount_in(found, flag, "submitted"))
        paid = money(child(self.response, "payment"), "amount", flag)
        return told | {"paid_amount": self._signed(paid) if paid else told["paid_amount"]}

    def _amounts(self, node: Json, found: dict[str, Json], charge: str) -> Row:
        flag = self.references.flag
        adjustments, remarks = reasons_of(node, found, flag)
        return {
            "charge_amount": self._signed(charge),
            "paid_amount": self._signed(paid_of(found, flag)),
            "allowed_amount": self._signed(amount_in(found, flag, "allowed", "eligible")),
            "adjustments": ";".join(f"{code}:{self._signed(cut)}" if cut else code for code, cut in adjustments),
            "remark_codes": ";".join(remarks),
        }

    def _signed(self, amount: str) -> str:
        return turned(amount) if self.cancelled else amount


def paid_of(found: dict[str, Json], flag: Flag) -> str:
    """What was paid by category, to provider and patient together; else the benefit."""
    told = [amount_in(found, flag, category) for category in ("paidtoprovider", "paidtopatient")]
    stated = [amount for amount in told if amount]
    if len(stated) < 2:
        return next(iter(stated), "") or amount_in(found, flag, "benefit", "paid", "payment")
    try:
        return str(sum(filter(None, map(amount_of, stated))))
    except CellError:
        return stated[0]
