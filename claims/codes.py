"""One cell to one value: text, codes, dates, money (USD), numbers, yes or no, adjustments.

Every parser takes what a file, a frame or JSON can hold and returns the value, "" for an empty text, or None for an
empty typed cell; it raises CellError where the cell holds something else. A fault's words never repeat the cell.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

FIRST_DAY = date(1990, 1, 1)
LAST_DAY = date(2100, 12, 31)
LARGEST_AMOUNT = Decimal("9999999999.99")
LONGEST_TEXT = 2000
CENT = Decimal("0.01")
OLDEST_TOLD = 90  # older patients are told as 90
OLDEST_BELIEVED = 130

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/]?)([0-9]{1,2})\2([0-9]{1,2})")
_MONTH_FIRST = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_MIDNIGHT = re.compile(r"[ T](00:00(:00(\.0+)?)?(Z|[+-]00:?00)?|12:00(:00)? ?AM)$", re.IGNORECASE)
_MONEY = re.compile(r"([0-9]{1,3}(,[0-9]{3})+|[0-9]+)?(\.[0-9]*)?")
_NUMBER = re.compile(r"[+-]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)?(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")
_DIGIT = re.compile(r"[0-9]")
_ADJUSTMENT = re.compile(r"(CO|PR|OA|PI|CR)-([A-Z0-9]{1,4})(?::(.+))?")
_LISTED = re.compile(r"[;,|\s]+")
_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})
_SEXES = {"MALE": "M", "FEMALE": "F", "UNKNOWN": "U"}

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
    """Cells of one column to their values, each different cell parsed once. A null cell of a column is an empty one."""

    LIMIT = 200_000  # values kept at a time: identifiers would otherwise fill the memory of a long read

    def __init__(self, parse: Parser) -> None:
        super().__init__()
        self.parse = parse

    def __missing__(self, raw: Any) -> Any:
        if len(self) >= self.LIMIT:
            self.clear()
        value = attempt(self.parse, "" if raw is None else raw)
        self[raw] = value
        return value


def text(raw: Any) -> str:
    """Free text or an identifier: runs of blanks become one, ends are stripped."""
    value = raw if type(raw) is str else _scalar_text(raw)
    if not (value.isascii() and value.isprintable()):
        value = " ".join(value.split())
        if _CONTROL.search(value):
            raise CellError("contains control characters")
    if len(value) > LONGEST_TEXT:
        raise CellError(f"is longer than {LONGEST_TEXT} characters")
    return value.strip()


def _scalar_text(raw: Any) -> str:
    if isinstance(raw, str):
        return str(raw)
    if isinstance(raw, datetime):
        return raw.isoformat(sep=" ")
    if isinstance(raw, date):
        return raw.isoformat()
    if _is_number(raw):
        return _number_text(raw)
    raise CellError("must be text or a number")


def _is_number(raw: Any) -> bool:
    return isinstance(raw, int | float | Decimal) and not isinstance(raw, bool)


def _number_text(raw: int | float | Decimal) -> str:
    """A number as an identifier is written: 87726.0, as a table with gaps stores it, is 87726."""
    if not math.isfinite(raw) or abs(raw) >= 10**30:
        raise CellError("is not a finite number")
    return str(int(raw)) if raw == int(raw) else str(raw)


def code(raw: Any) -> str:
    """A code: upper case."""
    return text(raw).upper()


def tight_code(raw: Any) -> str:
    """A code that holds no blanks: modifiers, NPIs, states."""
    return code(raw).replace(" ", "")


def word(raw: Any) -> str:
    """A word of a fixed list: lower case."""
    return text(raw).lower()


def procedure(raw: Any) -> str:
    """A HCPCS or CPT code; a number that lost its leading zeros in a spreadsheet gets them back."""
    value = tight_code(raw)
    return value.zfill(5) if value.isdecimal() else value


def place(raw: Any) -> str:
    """A place of service: two digits."""
    value = tight_code(raw)
    return value.zfill(2) if value.isdecimal() else value


def diagnosis(raw: Any) -> str:
    """An ICD code: upper case, no dot."""
    return tight_code(raw).replace(".", "")


def sex(raw: Any) -> str:
    """M, F or U where the source spells them out; any other code as it is."""
    value = code(raw)
    return _SEXES.get(value, value)


def day(raw: Any) -> date | None:
    """A calendar day between 1990 and 2100. A time of day other than midnight is a fault: it may shift the day."""
    return _within(_read_day(raw))


def birth_day(raw: Any) -> date | None:
    """A date of birth: any day of this or the last century."""
    value = _read_day(raw)
    if value is not None and value.year < 1890:
        raise CellError("lies before 1890")
    return value


def _within(value: date | None) -> date | None:
    if value is not None and not FIRST_DAY <= value <= LAST_DAY:
        raise CellError("lies outside 1990 to 2100")
    return value


def _read_day(raw: Any) -> date | None:
    if isinstance(raw, datetime):
        if raw.time() != time(0):
            raise CellError("carries a time of day")
        return raw.date()
    if isinstance(raw, date):
        return raw
    value = _MIDNIGHT.sub("", text(raw))
    if not value:
        return None
    try:
        return date(*_day_parts(value))
    except ValueError as error:
        raise CellError("is not a date (YYYY-MM-DD, YYYYMMDD or M/D/YYYY)") from error


def _day_parts(value: str) -> tuple[int, int, int]:
    if found := _YEAR_FIRST.fullmatch(value):
        if not found[2] and len(value) != 8:
            raise CellError("is not a date (YYYY-MM-DD, YYYYMMDD or M/D/YYYY)")
        return int(found[1]), int(found[3]), int(found[4])
    if found := _MONTH_FIRST.fullmatch(value):
        return int(found[3]), int(found[1]), int(found[2])
    raise CellError("is not a date (YYYY-MM-DD, YYYYMMDD or M/D/YYYY)")


def money(raw: Any) -> Decimal | None:
    """USD to the cent, a half cent rounded away from zero; (12.00) is negative; 9,999,999,999.99 is the most."""
    value = _read_money(raw)
    if value is None:
        return None
    if not value.is_finite():
        raise CellError("is not an amount of money")
    if abs(value) > LARGEST_AMOUNT:
        raise CellError("is above 9,999,999,999.99")
    rounded = value.quantize(CENT, ROUND_HALF_UP)
    if abs(rounded) > LARGEST_AMOUNT:
        raise CellError("is above 9,999,999,999.99")
    return rounded if rounded else Decimal("0.00")


def charge(raw: Any) -> Decimal | None:
    """Money that is not negative: a reversal is an outcome, not a charge."""
    value = money(raw)
    if value is not None and value < 0:
        raise CellError("is negative")
    return value


def _read_money(raw: Any) -> Decimal | None:
    if isinstance(raw, Decimal):
        return raw
    if _is_number(raw):
        return Decimal(repr(raw)) if abs(raw) < 10**30 else Decimal("Infinity")
    value = text(raw).replace(" ", "")
    if not value:
        return None
    negative = value.startswith("(") and value.endswith(")")
    digits = value[1:-1] if negative else value
    if digits.startswith(("-", "$-")):
        negative, digits = not negative, digits.replace("-", "", 1)
    digits = digits.removeprefix("$")
    if not (_MONEY.fullmatch(digits) and _DIGIT.search(digits)):
        raise CellError("is not an amount of money")
    amount = Decimal(digits.replace(",", ""))
    return -amount if negative else amount


def number(raw: Any) -> float | None:
    """A finite number; thousands commas are allowed."""
    if _is_number(raw):
        value = float(raw) if abs(raw) < 10**30 else math.inf
    else:
        written = text(raw)
        if not written:
            return None
        if not (_NUMBER.fullmatch(written) and _DIGIT.search(written)):
            raise CellError("is not a number")
        value = float(written.replace(",", ""))
    if not math.isfinite(value):
        raise CellError("is not a finite number")
    return value + 0.0  # -0.0 becomes 0.0


def quantity(raw: Any) -> float | None:
    """A number that is not negative."""
    value = number(raw)
    if value is not None and value < 0:
        raise CellError("is negative")
    return value


def count(raw: Any) -> int | None:
    """A whole number of 0 or more that 32 bits hold; 1.0 is 1."""
    value = number(raw)
    if value is None:
        return None
    if value != int(value):
        raise CellError("is not a whole number")
    if not 0 <= value < 2**31:
        raise CellError("is negative or too large")
    return int(value)


def age(raw: Any) -> int | None:
    """Whole years, 90 and over as 90."""
    value = quantity(raw)
    if value is None:
        return None
    if value > OLDEST_BELIEVED:
        raise CellError(f"is above {OLDEST_BELIEVED} years")
    return min(int(value), OLDEST_TOLD)


def flag(raw: Any) -> bool | None:
    """Yes or no, in the usual spellings."""
    if isinstance(raw, bool):
        return raw
    value = text(raw).lower()
    if not value:
        return None
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise CellError("is not yes or no")


def listed(raw: Any, one: Parser = tight_code) -> str:
    """Codes joined by ';', whatever of ; , | or blanks stood between them."""
    return ";".join(one(token) for token in _LISTED.split(text(raw)) if token)


def procedures(raw: Any) -> str:
    """HCPCS codes joined by ';'."""
    return listed(raw, procedure)


def adjustments(raw: Any) -> str:
    """GROUP-CARC:amount joined by ';', amounts with two decimals; a code may stand without its amount."""
    return ";".join(_adjustment(token) for token in _LISTED.split(code(raw)) if token)


def _adjustment(token: str) -> str:
    found = _ADJUSTMENT.fullmatch(token)
    if not found:
        raise CellError("is not a list of adjustments such as CO-45:120.00;PR-2:12.00")
    if found[3] is None:
        return token
    return f"{found[1]}-{found[2]}:{money(found[3])}"


def pointers(raw: Any) -> str:
    """Positions of a line's diagnoses, 1 to 12, joined by ','; the letters A to L of the paper form are understood."""
    cells = raw if isinstance(raw, list | tuple) else [raw]
    tokens = [token for cell in cells for token in re.split(r"[;,:|\s]+", code(cell)) if token]
    return ",".join(place for token in tokens for place in _pointer(token))


def _pointer(token: str) -> list[str]:
    if re.fullmatch(r"[A-L]{1,12}", token):
        return [str(ord(letter) - ord("A") + 1) for letter in token]
    if re.fullmatch(r"0?[1-9]|1[0-2]", token):
        return [str(int(token))]
    raise CellError("does not point to diagnoses 1 to 12")
