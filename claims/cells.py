"""One cell to text; what to do with cells that hold something else; each different cell of a column parsed once.

A parser takes what a file, a frame or JSON can hold and returns the value, "" for an empty text, or None for an empty
typed cell; it raises CellError, whose words never repeat the cell, where the cell holds something else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

LONGEST_TEXT = 2000
LARGEST_NUMBER = 10**30  # beyond it nothing is meant as a number
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # half of a character: JSON can spell it, no text can hold it

Parser = Callable[[Any], Any]


class CellError(ValueError):
    """Why a cell was not understood: words that follow the name of its field."""


def attempt(parse: Parser, raw: Any) -> Any:
    """The parsed value, or the error as a value; None (not known) stays None."""
    if raw is None:
        return None
    try:
        return parse(raw)
    except CellError as fault:
        return fault


class Memo(dict[Any, Any]):
    """Cells of one column to their values, each different cell parsed once. A null cell of a column is an empty one.

    `null`: what it is read as instead; None stays None (not known). `limit`: values kept at a time.
    """

    LIMIT = 200_000  # identifiers would otherwise fill the memory of a long read

    def __init__(self, parse: Parser, null: str | None = "", limit: int = LIMIT) -> None:
        super().__init__()
        self.parse = parse
        self.null = null
        self.limit = limit
        self.faulty = False  # whether any cell so far was not understood

    def __missing__(self, raw: Any) -> Any:
        if len(self) >= self.limit:
            self.clear()
        value = attempt(self.parse, self.null if raw is None else raw)
        self.faulty = self.faulty or type(value) is CellError
        self[raw] = value
        return value


def text(raw: Any) -> str:
    """Free text or an identifier: runs of blanks become one, ends are stripped. CellError for half a character."""
    value = raw if type(raw) is str else _scalar_text(raw)
    if not (value.isascii() and value.isprintable()):
        value = " ".join(value.split())
        if _CONTROL.search(value):
            raise CellError("contains control characters")
        if not is_whole(value):
            raise CellError("contains a character that is not valid Unicode")
    if len(value) > LONGEST_TEXT:
        raise CellError(f"is longer than {LONGEST_TEXT} characters")
    return value.strip()


def is_whole(value: str) -> bool:
    """Whether a text holds whole characters only, so that it can be written as UTF-8."""
    return _SURROGATE.search(value) is None


def _scalar_text(raw: Any) -> str:
    if isinstance(raw, str):
        return str(raw)
    if isinstance(raw, datetime):
        return raw.isoformat(sep=" ")
    if isinstance(raw, date):
        return raw.isoformat()
    if is_number(raw):
        return _number_text(raw)
    raise CellError("must be text or a number")


def is_number(raw: Any) -> bool:
    """Whether a typed cell holds a number; True and False are none."""
    return isinstance(raw, int | float | Decimal) and not isinstance(raw, bool)


def is_finite(raw: int | float | Decimal) -> bool:
    """Whether a number is none of nan, inf or one too large to be meant."""
    finite = raw.is_finite() if isinstance(raw, Decimal) else math.isfinite(raw) if isinstance(raw, float) else True
    return finite and -LARGEST_NUMBER < raw < LARGEST_NUMBER


def _number_text(raw: int | float | Decimal) -> str:
    """A number as an identifier is written: 87726.0, as a table with gaps stores it, is 87726."""
    if not is_finite(raw):
        raise CellError("is not a finite number")
    return str(int(raw)) if raw == int(raw) else str(raw)
