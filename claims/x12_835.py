"""Remittances (835: 005010X221A1, and 4010 as far as it has the same elements) to outcomes and provider adjustments.

Flags: unbalanced_line, unbalanced_claim, allowed_mismatch (AMT*B6 is not payment and patient's share),
component_separator (another than the ISA's), stray_service_line, stray_adjustment, and those of claims/x12_payment.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import polars as pl

from claims.adjustments import load_classes
from claims.unit import Flag, Row, Unit
from claims.x12 import Transaction, element
from claims.x12_cells import Few, service, split, written
from claims.x12_payment import Payment
from claims.x12_segments import Segment

BLANKS = [""] * 8  # so that elements which were left out can be asked for
CLAIM_REMARKS = {"MOA": (3, 4, 5, 6, 7), "MIA": (5, 20, 21, 22, 23)}


def remittances_of(transaction: Transaction, flag: Flag) -> Iterator[Unit]:
    """One unit of outcomes for each CLP, then one of all PLB where there are any.

    Rows of a claim: each SVC; and, where there is no SVC or an adjustment of the whole claim, one without a code or
    control number, whose charge is the claim's. Reversals (status 22) are rows with the amounts they carry.
    """
    return _Remittance(transaction, flag).units()


@cache
def _cost_shares() -> frozenset[str]:
    """The CARCs that under PR are the patient's share of what was allowed."""
    shares = load_classes().filter(pl.col("class") == "cost_share", pl.col("group").is_in(["", "PR"]))
    return frozenset(shares["carc"])


class _Part:
    """What was told of a claim (loop 2100) or of a service line (2110)."""

    __slots__ = ("adjusted", "adjustments", "allowed", "at", "control", "day", "head", "remarks", "share")

    def __init__(self, head: Segment, at: int) -> None:
        self.head = head + BLANKS
        self.at = at
        self.adjustments: list[str] = []
        self.adjusted: float = 0  # cents
        self.share: float = 0  # cents of it that the patient bears
        self.remarks: list[str] = []
        self.day = self.control = self.allowed = ""


class _Remittance:
    """One transaction while it is read."""

    def __init__(self, transaction: Transaction, flag: Flag) -> None:
        self.transaction, self.reader, self.flag = transaction, transaction.reader, flag
        self.payment = Payment(transaction, flag)
        self.cents, self.days, self.services = self.payment.cents, self.payment.days, Few(self._service)
        self.shares = _cost_shares()
        self.claim: _Part | None = None
        self.line: _Part | None = None  # the last of `lines`
        self.lines: list[_Part] = []
        self.readers: dict[str, Callable[[Segment], Unit | None]] = {
            "CLP": self._clp, "SVC": self._svc, "CAS": self._cas, "DTM": self._dtm, "REF": self._ref, "AMT": self._amt,
            "LQ": self._lq, "MOA": self._remarks, "MIA": self._remarks, "LX": self._lx, "PLB": self._plb,
            "N1": self._header, "BPR": self._header, "TRN": self._header,
        }  # fmt: skip

    def units(self) -> Iterator[Unit]:
        """See `remittances_of`."""
        readers = self.readers
        for segment in self.transaction:
            reader = readers.get(segment[0])
            if reader is not None:
                unit = reader(segment)
                if unit is not None:
                    yield unit
        for last in (self._closed(self.transaction.cut), self.payment.provider_adjustments()):
            if last is not None:
                yield last
        self.payment.balance()

    # Segments

    def _header(self, segment: Segment) -> Unit | None:
        unit = self._closed()
        self.payment.read(segment)
        return unit

    def _lx(self, segment: Segment) -> Unit | None:
        return self._closed()

    def _plb(self, segment: Segment) -> Unit | None:
        self.payment.adjustments.append((segment + BLANKS[:1], self.reader.position))
        return self._closed()

    def _clp(self, segment: Segment) -> Unit | None:
        unit = self._closed()
        self.claim = _Part(segment, self.reader.position)
        return unit

    def _svc(self, segment: Segment) -> None:
        if self.claim is None:
            self.flag("stray_service_line")
            return
        self.line = _Part(segment, self.reader.position)
        self.lines.append(self.line)

    def _cas(self, segment: Segment) -> None:
        part = self.line or self.claim
        if part is None:
            self.flag("stray_adjustment")
            return
        if len(segment) % 3 == 0:  # the last code stands without its amount
            segment = [*segment, ""]
        for place in range(2, len(segment) - 1, 3):
            group, carc, amount = segment[1], segment[place], segment[place + 1]
            if carc or amount:
                part.adjustments.append(f"{group}-{carc}:{amount}" if amount else f"{group}-{carc}")
                taken = self.cents[amount]
                part.adjusted += taken
                if group == "PR" and carc in self.shares:
                    part.share += taken

    def _dtm(self, segment: Segment) -> None:
        if self.claim is None or len(segment) < 3:
            self.payment.read(segment)
            return
        _, qualifier, raw = segment[:3]
        if self.line is None:
            if qualifier == "232":
                self.claim.day = self.days[raw] or self.payment.day(raw)
        elif qualifier == "472" or (qualifier == "150" and not self.line.day):
            self.line.day = self.days[raw] or self.payment.day(raw)

    def _ref(self, segment: Segment) -> None:
        if self.claim is None:
            self.payment.read(segment)
        elif self.line is not None and len(segment) > 2 and segment[1] == "6R":
            self.line.control = segment[2]

    def _amt(self, segment: Segment) -> None:
        if self.line is not None and len(segment) > 2 and segment[1] == "B6":
            self.line.allowed = segment[2]

    def _lq(self, segment: Segment) -> None:
        part = self.line or self.claim
        if part is not None and len(segment) > 2 and segment[1] == "HE":
            part.remarks.append(segment[2])

    def _remarks(self, segment: Segment) -> None:
        if self.claim is not None:
            self.claim.remarks += [element(segment, place) for place in CLAIM_REMARKS[segment[0]]]

    # Rows

    def _closed(self, cut: bool = False) -> Unit | None:
        """The claim that ended, if one was open. `cut`: the file ends here, so it counts only if it balances."""
        claim, lines = self.claim, self.lines
        if claim is None:
            return None
        shared = self._of_claim(claim)
        rows = [self._line(line, claim, shared) for line in lines]
        unit = Unit("outcomes", claim.at, rows, [line.at for line in lines])
        for index, row in enumerate(rows):
            if not (row["hcpcs_code"] or row["line_item_control_no"]):
                unit.blame(index, "hcpcs_code", "is missing")
        if not lines or claim.adjustments:
            unit.add(self._whole(claim, shared, alone=not lines), claim.at)
        if not self._balances(claim, lines) and cut:
            unit.blame(-1, "", "the file ends within this claim")
        self.payment.expected += self.cents[claim.head[4]]
        self.claim, self.line, self.lines = None, None, []
        return unit

    def _of_claim(self, claim: _Part) -> Row:
        head = claim.head
        return {
            **self.payment.shared(),
            "claim_id": head[1],
            "claim_status_code": head[2],
            "payer_claim_control_number": head[7],
            "billing_npi": self.payment.npi,
        }

    def _whole(self, claim: _Part, shared: Row, alone: bool) -> Row:
        """The row of a whole claim; beside its lines it has not their payments once more."""
        return {
            **shared,
            **self.services[""],
            "line_item_control_no": "",
            "claim_line_start_date": claim.day,
            "charge_amount": claim.head[3],
            "paid_amount": claim.head[4] if alone else "",
            "allowed_amount": self._allowed(claim, claim.head[4]) if alone else "",
            "adjustments": ";".join(claim.adjustments),
            "remark_codes": _distinct(claim.remarks),
        }

    def _line(self, line: _Part, claim: _Part, shared: Row) -> Row:
        head, submitted = line.head, self.services[line.head[6]]
        return {
            **shared,
            **(submitted if submitted["hcpcs_code"] else self.services[head[1]]),
            "line_item_control_no": line.control,
            "claim_line_start_date": line.day or claim.day,
            "charge_amount": head[2],
            "paid_amount": head[3],
            "allowed_amount": self._allowed(line, head[3]),
            "adjustments": ";".join(line.adjustments),
            "remark_codes": _distinct(line.remarks + claim.remarks) if line.remarks or claim.remarks else "",
        }

    def _allowed(self, part: _Part, paid: str) -> str:
        """As the payer states it (AMT*B6), else what was paid and the patient's share."""
        derived = self.cents[paid] + part.share
        if part.allowed:
            if self.cents[part.allowed] != derived:
                self.flag("allowed_mismatch")
            return part.allowed
        return written(derived) if part.share else paid

    def _balances(self, claim: _Part, lines: list[_Part]) -> bool:
        """Whether charge less adjustments is payment, for the claim and for each line; what fails it is flagged."""
        amount, adjusted, whole = self.cents, claim.adjusted, True
        for line in lines:
            if amount[line.head[2]] - line.adjusted != amount[line.head[3]]:
                self.flag("unbalanced_line")
                whole = False
            adjusted += line.adjusted
        if amount[claim.head[3]] - adjusted == amount[claim.head[4]]:
            return whole
        self.flag("unbalanced_claim")
        return False

    def _service(self, composite: str) -> Row:
        separator = self.reader.component
        if separator not in composite and len(split(composite, separator)) > 1:
            self.flag("component_separator")
        return service(composite, separator)


def _distinct(codes: list[str]) -> str:
    return ";".join(dict.fromkeys(filter(None, codes)))
