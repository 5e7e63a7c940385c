"""Modifiers that may not stand together on a line, or not at all on these codes."""

from __future__ import annotations

from claims.texts import Level
from rules.sheet import NO, NOT_KNOWN, YES
from rules.verdict import Asked, Verdict, three
from rules.words import NO_MODIFIERS, code, listed


def modifier_conflict(asked: Asked) -> Verdict:
    """Broken when all modifiers of one of the value's lists stand on the line."""
    patterns = asked.sheet.modifier_sets

    def conflict(pattern: Level) -> tuple[str, ...]:
        held = frozenset((pattern or "").split("-"))
        return next((together for together in asked.value if held.issuperset(together)), ())

    def judged(pattern: Level) -> int:
        return NOT_KNOWN if pattern is None else YES if conflict(pattern) else NO

    told = patterns.take(asked.rows)
    outcome = told.codes(judged)
    return Verdict(
        three(outcome == YES, outcome == NOT_KNOWN),
        told={"code": code(asked), "found": lambda i: listed(conflict(told[i]))},
        why=NO_MODIFIERS,
    )
