"""FHIR R4 files to units: a resource, a list of them, a Bundle (loaded whole: some hundred MB) or NDJSON (streamed).

Claim gives lines, ClaimResponse and ExplanationOfBenefit outcomes; an EOB that says all of its claim gives lines, too.
Other versions are read as far as their elements are those of R4. Flags: unresolved_reference, unsupported_resource,
not_a_claim, entered_in_error, cancelled_claim, not_adjudicated, no_claims, and those of docs/fhir.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import chain, count, islice
from typing import Any, BinaryIO

from claims.errors import UnreadableFileError
from claims.fhir_claim import claim_id_of, lines_of
from claims.fhir_elements import SUPPORTING, Json, References, day, entries, text
from claims.fhir_remittance import Remittance
from claims.unit import MOST_LINES, Flag, Unit

DEEPEST = 4  # Bundles in a Bundle
BLANKS = b" \t\r\n\xef\xbb\xbf"  # a byte order mark among them
KIND = re.compile(rb'"resourceType"\s*:\s*"([A-Za-z]{1,64})"')
BROKEN = object()  # what is no JSON


def looks_like_fhir(head: bytes) -> bool:
    """Whether the first bytes of a file are those of FHIR resources as JSON."""
    return head.lstrip(BLANKS)[:1] in (b"{", b"[") and KIND.search(head) is not None


def units_of(stream: BinaryIO, flag: Flag) -> Iterator[Unit]:
    """The claims and remittances of a stream, in its order. A line or resource that is none is a rejected unit.

    In NDJSON a reference finds what stands anywhere in the stream where it can be read twice, else what came before.
    Raises UnreadableFileError where the stream holds no JSON.
    """
    reading, empty = _Reading(flag), True
    for unit in reading.units(stream):
        empty = False
        yield unit
    if empty:
        flag("no_claims")


class _Reading:
    """The reading of one stream."""

    def __init__(self, flag: Flag) -> None:
        self.flag = flag
        self.places = count(1)
        self.references = References(flag)

    def units(self, stream: BinaryIO) -> Iterator[Unit]:
        start = stream.tell() if stream.seekable() else None
        lines = (line for line in stream if line.strip(BLANKS))
        head = list(islice(lines, 2))
        if not head:
            raise UnreadableFileError("the file is empty")
        if not _are_lines(head):
            yield from self._document(b"".join([*head, *lines]))
        elif start is None:
            yield from self._each_line(chain(head, lines))
        else:
            stream.seek(start)
            self._index_lines(stream)
            stream.seek(start)
            yield from self._each_line(line for line in stream if line.strip(BLANKS))

    def _document(self, content: bytes) -> Iterator[Unit]:
        told = _parsed(content)
        lines = [line for line in content.splitlines() if line.strip(BLANKS)] if told is BROKEN else []
        if told is not BROKEN:
            yield from self._all(told if isinstance(told, list) else [told])
        elif any(KIND.search(line) and isinstance(_parsed(line), dict) for line in lines):
            yield from self._each_line(lines)
        else:
            raise UnreadableFileError("the file begins like FHIR but is not valid JSON; export it anew")

    def _index_lines(self, stream: BinaryIO) -> None:
        """What claims may refer to; a line that begins as a claim need not be parsed for it."""
        for line in stream:
            found = KIND.search(line)
            told = _parsed(line) if found and found[1].decode() in SUPPORTING else None
            if isinstance(told, dict) and text(told.get("resourceType")) in SUPPORTING:
                self.references.add(told)

    def _each_line(self, lines: Iterable[bytes]) -> Iterator[Unit]:
        for line in lines:
            told = _parsed(line)
            if told is BROKEN:
                remitted = b"ClaimResponse" in line or b"ExplanationOfBenefit" in line
                yield self._refused("line", "is not valid JSON", "outcomes" if remitted else "lines")
            else:
                yield from self._units(told, self.references, 0)

    def _all(self, resources: list[Any]) -> Iterator[Unit]:
        for one in resources:
            self._index(one, "", self.references)
        for one in resources:
            yield from self._units(one, self.references, 0)

    def _index(self, resource: Any, full_url: str, references: References) -> None:
        kind = text(resource.get("resourceType")) if isinstance(resource, dict) else ""
        if kind in SUPPORTING or kind == "Claim":
            references.add(resource, full_url)
        if kind == "Claim":
            references.billed.add(claim_id_of(resource))

    def _units(self, resource: Any, references: References, depth: int) -> Iterator[Unit]:
        if not isinstance(resource, dict):
            yield self._refused("resource", "is not an object")
            return
        kind = text(resource.get("resourceType"))
        if kind == "Bundle" and depth < DEEPEST:
            yield from self._bundle(resource, references.inner(), depth + 1)
        elif kind == "Bundle":
            yield self._refused("Bundle", "lies too deep in others")
        elif kind in ("Claim", "ClaimResponse", "ExplanationOfBenefit"):
            read = self._billed if kind == "Claim" else self._remitted
            if any(len(entries(resource, name)) > MOST_LINES for name in ("item", "addItem")):
                table = "lines" if kind == "Claim" else "outcomes"
                yield self._refused("item", f"has more than {MOST_LINES:,} entries", table)
            elif self._counts(resource):
                yield from read(resource, references)
        elif kind in SUPPORTING:
            references.add(resource)
        elif kind:
            self.flag("unsupported_resource")
        else:
            yield self._refused("resourceType", "is missing")

    def _bundle(self, bundle: Json, references: References, depth: int) -> Iterator[Unit]:
        listed = entries(bundle, "entry")
        for entry in listed:
            if isinstance(entry, dict):
                self._index(entry.get("resource"), text(entry.get("fullUrl")), references)
        for entry in listed:
            if not isinstance(entry, dict):
                yield self._refused("entry", "is not an object")
            elif entry.get("resource") is not None:
                yield from self._units(entry["resource"], references, depth)

    def _counts(self, resource: Json) -> bool:
        """Whether a resource is a claim or a decision on one; requests for authorization and errors are flagged."""
        if text(resource.get("use")) in ("preauthorization", "predetermination"):
            self.flag("not_a_claim")
        elif text(resource.get("status")) == "entered-in-error":
            self.flag("entered_in_error")
        else:
            return True
        return False

    def _billed(self, claim: Json, references: References) -> Iterator[Unit]:
        if text(claim.get("status")) == "cancelled":
            self.flag("cancelled_claim")
        else:
            claim_id = claim_id_of(claim)
            references.billed.add(claim_id)
            yield lines_of(claim, references, self.places, claim_id, day(claim.get("created")))

    def _remitted(self, response: Json, references: References) -> Iterator[Unit]:
        remittance = Remittance(response, references)
        if remittance.is_waiting():
            self.flag("not_adjudicated")
            return
        if remittance.tells_the_claim():
            billed = lines_of(response, references, self.places, remittance.claim_id, remittance.received)
            billed.beside = True
            yield billed
        yield remittance.unit(self.places)

    def _refused(self, name: str, words: str, table: str = "lines") -> Unit:
        unit = Unit(table, next(self.places))
        unit.blame(-1, name, words)
        return unit


def _are_lines(head: list[bytes]) -> bool:
    """Whether the first two lines that say something are those of NDJSON, one of them broken perhaps."""
    return len(head) == 2 and head[0].strip(BLANKS) != b"[" and any(isinstance(_parsed(line), dict) for line in head)


def _parsed(content: bytes) -> Any:
    """JSON with numbers as text; what is no UTF-8 becomes half characters, which reject the cell that holds them."""
    try:
        told = content.lstrip(BLANKS).decode("utf-8", "surrogateescape")
        return json.loads(told, parse_float=_written, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return BROKEN


def _written(number: str) -> str:
    """A decimal as money is written: no exponent, unless it is beyond any amount."""
    if "e" not in number and "E" not in number:
        return number
    value = Decimal(number)
    return f"{value:f}" if -30 < value.adjusted() < 30 else number
