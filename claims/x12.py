"""X12 as transactions: one source, streamed; the faults of its envelopes are flags, never errors.

Flags: isa_length, isa_unusable, junk, not_utf8, oversized_segment, truncated, missing_gs, missing_se, missing_ge,
missing_iea, stray_segment, segment_count, transaction_count, group_count, control_number, second_sender, test_data,
version_4010, unknown_version.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import BinaryIO

from claims.unit import Flag
from claims.x12_cells import iso_day
from claims.x12_isa import looks_like_x12 as looks_like_x12
from claims.x12_segments import Segment, Segments

ENVELOPE = frozenset({"ISA", "GS", "ST", "SE", "GE", "IEA"})
GUIDES = {
    "837": {"X222": "837P", "X098": "837P", "X223": "837I", "X096": "837I", "X224": "837D", "X097": "837D"},
    "277": {"X214": "277CA"},
}  # the implementation guide that GS08 or ST03 names -> kind


def element(segment: Segment, index: int) -> str:
    """An element of a segment, "" when it is not there."""
    return segment[index] if index < len(segment) else ""


def iso_date(raw: str) -> str:
    """CCYYMMDD as YYYY-MM-DD; anything else as it is, for the parser of the column to judge."""
    return f"{raw[:4]}-{raw[4:6]}-{raw[6:]}" if len(raw) == 8 and raw.isdecimal() else raw


@dataclass
class Transaction:
    """One ST..SE. Iterating gives each segment between the two once, as a list of elements, its id first.

    kind: 837P, 837I, 837D, 835, 277CA, 277 or what ST01 says; an 837 of no known guide counts as 837P. version: GS08,
    else ST03. sender, receiver: GS02 and GS03, else ISA06 and ISA08. group_date: GS04 as YYYY-MM-DD or "". cut: the
    source ended inside it (known once the segments are used up), so that the last claim may not be whole.
    """

    kind: str
    version: str
    sender: str
    receiver: str
    group_date: str
    control: str
    group_control: str
    interchange_control: str
    reader: Reader
    cut: bool = False
    _body: Iterator[Segment] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._body = self.reader.body(self)

    def __iter__(self) -> Iterator[Segment]:
        return self._body


class Reader:
    """One X12 source in constant memory. position: ordinal of the current segment in the source, from 1."""

    def __init__(self, stream: BinaryIO, flag: Flag) -> None:
        """UnreadableFileError: the source holds no ISA, or is encoded in UTF-16 or EBCDIC."""
        self.flag = flag
        self.position = 0
        self._source = Segments(stream, flag)
        self._segments = chain.from_iterable(self._source)
        self._pending: Segment | None = None
        self._interchange: Segment = []  # the open ISA and GS; [] where none is open
        self._group: Segment = []
        self._senders: set[str] = set()
        self._groups = self._transactions = 0  # in the open interchange, in the open group

    @property
    def component(self) -> str:
        """The component separator of the current interchange."""
        return self._source.component

    @property
    def repetition(self) -> str:
        """The repetition separator of the current interchange; "" before version 5010."""
        return self._source.repetition

    def transactions(self) -> Iterator[Transaction]:
        """Every ST..SE; what the consumer leaves of one is skipped before the next."""
        while (segment := self._next()) is not None:
            if segment[0] == "ST":
                transaction = self._opened(segment)
                yield transaction
                for _ in transaction:
                    pass
            else:
                self._envelope(segment)
        self._leave_interchange()

    def body(self, transaction: Transaction) -> Iterator[Segment]:
        """The segments up to SE; without one, up to the next segment of an envelope or the end of the source."""
        before = self.position - 1
        for segment in self._segments:
            self.position += 1
            if segment[0] not in ENVELOPE:
                yield segment
            elif segment[0] == "SE":
                self._counted("segment_count", segment, self.position - before, transaction.control)
                return
            else:
                self.flag("missing_se")
                self._pending = segment
                transaction.cut = segment[0] == "ISA"
                return
        self.flag("missing_se")
        transaction.cut = True

    def _next(self) -> Segment | None:
        if self._pending is not None:
            segment, self._pending = self._pending, None
            return segment
        found = next(self._segments, None)
        self.position += found is not None
        return found

    def _envelope(self, segment: Segment) -> None:
        match segment[0]:
            case "ISA":
                self._leave_interchange()
                self._interchange, self._groups, self._senders = segment, 0, set()
                if len(segment) != 17:
                    self.flag("isa_unusable")
                if element(segment, 15) == "T":
                    self.flag("test_data")
            case "GS":
                self._open_group(segment)
            case "GE" if self._group:
                self._counted("transaction_count", segment, self._transactions, element(self._group, 6))
                self._group = []
            case "IEA" if self._interchange:
                self._leave_group()
                self._counted("group_count", segment, self._groups, element(self._interchange, 13))
                self._interchange = []
            case "TA1":
                pass
            case _:
                self.flag("stray_segment" if self._interchange else "junk")

    def _open_group(self, segment: Segment) -> None:
        self._leave_group()
        self._group, self._transactions = segment, 0
        self._groups += 1
        self._senders.add(element(segment, 2))
        if len(self._senders) == 2:
            self.flag("second_sender")

    def _leave_group(self) -> None:
        if self._group:
            self.flag("missing_ge")
        self._group = []

    def _leave_interchange(self) -> None:
        self._leave_group()
        if self._interchange:
            self.flag("missing_iea")
        self._interchange = []

    def _opened(self, segment: Segment) -> Transaction:
        group, interchange = self._group, self._interchange
        if not group:
            self.flag("missing_gs")
        self._transactions += 1
        version = element(group, 8) or element(segment, 3)
        return Transaction(
            kind=self._kind(element(segment, 1), f"{version} {element(segment, 3)}"),
            version=version,
            sender=element(group, 2) or element(interchange, 6).strip(),
            receiver=element(group, 3) or element(interchange, 8).strip(),
            group_date=iso_day(element(group, 4)),
            control=element(segment, 2),
            group_control=element(group, 6),
            interchange_control=element(interchange, 13),
            reader=self,
        )

    def _kind(self, number: str, versions: str) -> str:
        if versions.startswith("004010"):
            self.flag("version_4010")
        for guide, kind in GUIDES.get(number, {}).items():
            if guide in versions:
                return kind
        if number != "837":
            return number
        self.flag("unknown_version")
        return "837P"

    def _counted(self, name: str, trailer: Segment, count: int, control: str) -> None:
        """Flag a trailer that counts otherwise than we did, or closes something else than what is open."""
        if element(trailer, 1).lstrip("0") != str(count).lstrip("0"):
            self.flag(name)
        if element(trailer, 2) != control:
            self.flag("control_number")
