"""What payers say, row by row: outcomes, authorizations, rejections before adjudication, provider adjustments.

An event is the same wherever it comes from again: its id is made of what was delivered and of its ordinal among equals.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import repeat

from claims.cells import Memo
from claims.fields import MADE, STORED
from claims.identity import digest, row_digests
from claims.records import Lines, Records
from claims.rows import Rows, Source

SPAN = 100_000  # different events of one transaction set among which equals are counted: memory has an end


class Events(Records):
    """Events with ids of their own. The cells of a stream may have `scope`, a number: equals are counted within it."""

    ident: str  # the column of the id

    def __init__(self, source: Source, columnwise: bool = False, streamed: bool = False) -> None:
        super().__init__(source, columnwise, streamed)
        self.memos |= {"scope": Memo(int)} if streamed else {}
        self.seen: Counter[str] = Counter()
        self.scope: int | None = None
        self.span = SPAN if streamed else math.inf

    def identify(self, rows: Rows) -> None:
        """The id: the delivered fields and the ordinal among equal events of the scope, or else of this source."""
        scopes = rows.values.pop("scope", None) or repeat(None, len(rows.numbers))
        contents = delivered(self, rows, self.ident.removesuffix("_id"))
        rows.values[self.ident] = [self._counted(*event) for event in zip(contents, scopes, strict=True)]

    def _counted(self, content: str, scope: int | None) -> str:
        if scope != self.scope or len(self.seen) >= self.span:
            self.scope = scope
            self.seen.clear()
        self.seen[content] += 1
        return digest((content, str(self.seen[content])))


class Outcomes(Events):
    """Adjudication events."""

    table, ident = "outcomes", "outcome_id"

    def derive(self, rows: Rows) -> None:
        """The day an event became known: as given, or else the day of payment."""
        count = len(rows.numbers)
        known, paid = (rows.values.get(name) or [None] * count for name in ("known_date", "paid_date"))
        rows.values["known_date"] = [k or p for k, p in zip(known, paid, strict=True)]
        for position, value in enumerate(rows.values["known_date"]):
            if value is None:
                rows.blame(position, "known_date", "is missing, and so is paid_date")


class Rejections(Events):
    """Refusals before adjudication."""

    table, ident = "rejections", "rejection_id"


class ProviderAdjustments(Events):
    """Adjustments of payments beside their claims."""

    table, ident = "provider_adjustments", "provider_adjustment_id"


class Authorizations(Records):
    """States of authorizations."""

    table = "authorizations"

    def __init__(self, source: Source, columnwise: bool = False, streamed: bool = False) -> None:
        super().__init__(source, columnwise, streamed)
        self.seen: dict[str, int] = {}

    def derive(self, rows: Rows) -> None:
        """Keys from member ids; a period must not end before it begins."""
        values = rows.values
        if "member_id" in values:
            values["member_key"] = [self.source.keys.member(member) for member in values.pop("member_id")]
        if "valid_from" in values and "valid_to" in values:
            for position, (first, last) in enumerate(zip(values["valid_from"], values["valid_to"], strict=True)):
                if first and last and last < first:
                    rows.blame(position, "valid_to", "lies before valid_from")

    def identify(self, rows: Rows) -> None:
        """authorization_id; an exact repeat of an earlier row is rejected."""
        ids = rows.values["authorization_id"] = delivered(self, rows, "authorization")
        self._reject_repeats(rows, ids, self.seen)


def delivered(records: Records, rows: Rows, kind: str) -> list[str]:
    """Ids over what was delivered: an empty field and one that was not carried are the same here."""
    stored = (name for name in STORED[records.table] if name not in MADE or name == "member_key")
    columns = [
        [None if value == "" else value for value in rows.values[name]] if name in rows.values else None
        for name in stored
    ]
    return row_digests(columns, len(rows.numbers), f"{kind} {records.source.source_system}")


RECORDS: dict[str, type[Records]] = {
    kind.table: kind for kind in (Lines, Outcomes, Authorizations, Rejections, ProviderAdjustments)
}
