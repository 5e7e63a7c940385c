"""The side of a code that is done on one: RT, LT or 50, or the modifier of an eyelid, a finger or a toe."""

from __future__ import annotations

import re

from claims.texts import Level
from rules.sheet import NO, NOT_KNOWN, YES
from rules.verdict import Asked, Verdict, three
from rules.words import NO_MODIFIERS, code

SIDE = re.compile("RT|LT|50|E[1-4]|[FT][A1-9]")


def laterality_missing(asked: Asked) -> Verdict:
    """Broken when no modifier of the line says the side."""
    sided = asked.sheet.modifier_sets.codes(_sided)[asked.rows]
    return Verdict(three(sided == NO, sided == NOT_KNOWN), told={"code": code(asked)}, why=NO_MODIFIERS)


def _sided(pattern: Level) -> int:
    return NOT_KNOWN if pattern is None else YES if SIDE.search(pattern) else NO
