"""How findings spell what they tell: a line's code and modifiers, lists in words, days."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta

from claims.texts import Level
from rules.verdict import Asked

NO_MODIFIERS = "The claim does not tell the modifiers."
OF_A_FACILITY = "This is a facility's own claim, and the tables that are loaded are the practitioners'."
_EPOCH = date(1970, 1, 1)


def listed(words: Iterable[str], joint: str = "and", none: str = "none") -> str:
    """One, two and three."""
    *most, last = list(words) or [none]
    return f"{', '.join(most)} {joint} {last}" if most else last


def code(asked: Asked) -> Callable[[int], Level]:
    """The procedure code of the i-th row."""
    return lambda i: asked.sheet.lines.code[int(asked.rows[i])]


def modifiers(asked: Asked) -> Callable[[int], str]:
    """The modifiers of the i-th row."""
    return lambda i: listed(filter(None, (asked.sheet.modifier_sets[int(asked.rows[i])] or "").split("-")))


def day(number: int) -> str:
    """A day since 1970-01-01 as a date."""
    return (_EPOCH + timedelta(days=number)).isoformat()


def quantity(number: float) -> str:
    """A number of units, without a point where it is whole."""
    return f"{number:g}"
