"""X12 and FHIR as one stream of units: each transaction set, or resource, by the reader of its kind.

Flags beside those of the readers: unsupported_transaction (a kind that holds neither claims nor what became of them).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from claims import fhir
from claims.unit import Flag, Unit
from claims.x12 import Reader, Transaction, looks_like_x12
from claims.x12_277 import rejections_of
from claims.x12_278 import authorizations_of
from claims.x12_835 import remittances_of
from claims.x12_837 import claims_of

READERS: dict[str, Callable[[Transaction, Flag], Iterator[Unit]]] = {
    "837P": claims_of, "837I": claims_of, "837D": claims_of, "835": remittances_of, "277CA": rejections_of,
    "999": rejections_of, "997": rejections_of, "278": authorizations_of,
}  # fmt: skip


class Told(NamedTuple):
    """A unit and the number of the transaction set, or resource, that it stood in: equal events are counted there."""

    scope: int
    unit: Unit


class Feed(ABC):
    """A source of units. `kinds` and `flags` (with their counts) grow while it is read."""

    form: str

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.kinds: dict[str, None] = {}
        self.flags: Counter[str] = Counter()

    def flag(self, name: str) -> None:
        """Count a fault that keeps nothing out."""
        self.flags[name] += 1

    @abstractmethod
    def units(self) -> Iterator[Told]:
        """Every unit in the order of the source. Raises UnreadableFileError for a source that is of another form."""


class X12Feed(Feed):
    """Interchanges, whatever transaction sets they hold. `kinds`: 837P, 835, ..."""

    form = "x12"

    def units(self) -> Iterator[Told]:
        """See Feed; the scope is the ordinal of the transaction set."""
        for ordinal, transaction in enumerate(Reader(self.stream, self.flag).transactions(), 1):
            self.kinds[transaction.kind] = None
            reader = READERS.get(transaction.kind)
            if reader is None:
                self.flag("unsupported_transaction")
                continue
            for unit in reader(transaction, self.flag):
                yield Told(ordinal, unit)


class FhirFeed(Feed):
    """Resources, Bundles or NDJSON."""

    form = "fhir"

    def units(self) -> Iterator[Told]:
        """See Feed; every resource is a scope of its own, so that one that stands twice counts once."""
        for unit in fhir.units_of(self.stream, self.flag):
            yield Told(unit.place, unit)


def form_of(head: bytes) -> type[Feed] | None:
    """The feed for a source that begins with these bytes; None for what is neither X12 nor FHIR."""
    if looks_like_x12(head):
        return X12Feed
    return FhirFeed if fhir.looks_like_fhir(head) else None
