"""Where a service may be given, or may not."""

from __future__ import annotations

from rules.parameters import PlaceOfService
from rules.sheet import YES
from rules.verdict import Asked, Verdict, three
from rules.words import code

COLUMN = "place_of_service_code"
NO_PLACE = "The claim does not tell the place of service."


def place_of_service(asked: Asked) -> Verdict:
    """Broken in a place that is not of the value, or with `refused` in one that is."""
    said: PlaceOfService = asked.said
    sheet, rows = asked.sheet, asked.rows
    listed = sheet.has(COLUMN, frozenset(asked.value))[rows] == YES
    told = sheet.lines.text(COLUMN)

    def why(i: int) -> str:
        return NO_PLACE if told[int(rows[i])] is None else "The place of service is missing."

    return Verdict(
        three(listed == said.refused, ~told.flags(bool)[rows]),
        told={"code": code(asked), "place": lambda i: told[int(rows[i])]},
        why=why,
    )
