"""What an 835 tells of the payment as a whole: its days, who paid whom, the provider adjustments (PLB), its balance.

payer_id: REF*2U of the payer, else N104 under XV or PI, else REF*NF, for many payer ids of claims are NAIC codes. A tax
or trading partner id (TRN03, EO, HI) never equals a claim's payer id; then it is better not given than wrong.
Flags: unbalanced_transaction, invalid_date, known_date_assumed.
"""

from __future__ import annotations

from claims.unit import Flag, Row, Unit
from claims.x12 import Transaction, element
from claims.x12_cells import Few, cents, iso_day, split
from claims.x12_segments import Segment

PAYER_IDS = ("2U", "XV", "PI", "NF")  # the surest first


class Payment:
    """One transaction's header and trailer, filled segment by segment."""

    def __init__(self, transaction: Transaction, flag: Flag) -> None:
        self.transaction, self.flag = transaction, flag
        self.cents, self.days = Few(cents), Few(iso_day)
        self.bpr: Segment = []
        self.produced = self.trace = self.npi = self.party = ""
        self.payer_ids: dict[str, str] = {}
        self.adjustments: list[tuple[Segment, int]] = []  # PLB segments, where they stand
        self.expected: float = 0  # cents: what claims were paid, less provider adjustments
        self._shared: Row | None = None  # made when first needed

    def read(self, segment: Segment) -> None:
        """A segment of the header: BPR, TRN, DTM, N1 or REF."""
        self._shared = None
        name, first, second = segment[0], element(segment, 1), element(segment, 2)
        if name == "BPR":
            self.bpr = segment
        elif name == "TRN":
            self.trace = second
        elif name == "DTM" and first == "405":
            self.produced = second
        elif name == "REF" and self.party == "PR":
            self.payer_ids[first] = second
        elif name == "N1":
            self._party(first, element(segment, 3), element(segment, 4))

    def _party(self, party: str, qualifier: str, ident: str) -> None:
        self.party = party
        if party == "PR":
            self.payer_ids = {qualifier: ident}
        elif party == "PE":
            self.npi = ident if qualifier == "XX" else ""

    def day(self, raw: str) -> str:
        """A day as YYYY-MM-DD, "" for none; what is no day is flagged."""
        found: str = self.days[raw]
        if raw and not found:
            self.flag("invalid_date")
        return found

    def shared(self) -> Row:
        """The cells that every row of the transaction has: its days and its payer."""
        if self._shared is None:
            paid, produced = self.day(element(self.bpr, 16)), self.day(self.produced)
            known = max(paid, produced)
            if not known:
                self.flag("known_date_assumed")
            payer = next((self.payer_ids[name] for name in PAYER_IDS if self.payer_ids.get(name)), "")
            self._shared = {
                "known_date": known or self.transaction.group_date, "paid_date": paid or produced, "payer_id": payer,
            }  # fmt: skip
        return self._shared

    def provider_adjustments(self) -> Unit | None:
        """One row for each of up to six pairs of every PLB; their places run on from the segment's, so as to differ."""
        unit = Unit("provider_adjustments", self.adjustments[0][1] if self.adjustments else 0)
        for segment, at in self.adjustments:
            for place in range(3, len(segment), 2):
                if segment[place] or element(segment, place + 1):
                    unit.add(self._adjustment(segment, place), max(at, unit.at[-1] + 1) if unit.at else at)
        return unit if unit.rows else None

    def _adjustment(self, segment: Segment, place: int) -> Row:
        reason, reference = (*split(segment[place], self.transaction.reader.component), "")[:2]
        amount = element(segment, place + 1)
        self.expected -= self.cents[amount]
        return {
            **self.shared(),
            "provider_npi": segment[1],
            "fiscal_date": self.day(element(segment, 2)),
            "reason_code": reason,
            "reference_id": reference,
            "amount": amount,
            "trace_number": self.trace,
            "claim_reference": "",
        }

    def balance(self) -> None:
        """Flag a payment that is not what claims were paid less the provider adjustments, all of them read."""
        if self.bpr and self.cents[element(self.bpr, 2)] != self.expected:
            self.flag("unbalanced_transaction")
