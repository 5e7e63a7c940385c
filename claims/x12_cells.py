"""Elements of X12 to cells, each different one read once: calendar days, cents, and the service that a composite names.

Amounts are whole cents; one that is no amount is nan, so that no sum with it ever balances.
"""

from __future__ import annotations

import math

from claims.cells import CellError, Memo
from claims.quantities import day, money

PROCEDURES = frozenset({"HC", "ER", "IV", "WK", "HP", "AD", ""})  # qualifiers of what the column hcpcs_code can hold
MODIFIERS = ("hcpcs_modifier_1", "hcpcs_modifier_2", "hcpcs_modifier_3", "hcpcs_modifier_4")


class Few(Memo):
    """A Memo that stays small: a reader's memory must not grow with its file."""

    LIMIT = 20_000


def iso_day(raw: str) -> str:
    """A day as YYYY-MM-DD; "" for what is no day, or none between 1990 and 2100."""
    try:
        found = day(raw)
    except CellError:
        return ""
    return found.isoformat() if found else ""


def cents(raw: str) -> float:
    """An amount as whole cents; 0 where there is none, nan where it is no amount."""
    try:
        found = money(raw)
    except CellError:
        return math.nan
    return int(found.scaleb(2)) if found is not None else 0


def written(amount: float) -> str:
    """Whole cents as decimal text; "" for nan."""
    return f"{amount / 100:.2f}" if amount == amount else ""


def split(composite: str, separator: str) -> list[str]:
    """The components of a composite such as HC:99213:25. Some senders use another separator than their ISA tells:
    where the ISA's is not in it, the character after the qualifier of two is taken if it can be one.
    """
    if separator and separator in composite:
        return composite.split(separator)
    other = composite[2:3]
    return composite.split(other) if other and not other.isalnum() and not other.isspace() else [composite]


def service(composite: str, separator: str) -> dict[str, str]:
    """hcpcs_code and its modifiers; all "" where the composite names none (a revenue code, a drug, nothing)."""
    parts = split(composite, separator) + [""] * 6
    named = parts[0] in PROCEDURES
    return {
        "hcpcs_code": parts[1] if named else "",
        **dict(zip(MODIFIERS, parts[2:6] if named else [""] * 4, strict=True)),
    }
