"""One cell to a day, an amount of USD, a number, an age, or yes and no."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from claims.cells import CellError, is_finite, is_number, text

FIRST_DAY = date(1990, 1, 1)
LAST_DAY = date(2100, 12, 31)
LARGEST_AMOUNT = Decimal("9999999999.99")
CENT = Decimal("0.01")
OLDEST_TOLD = 90  # older patients are told as 90
OLDEST_BELIEVED = 130

_YEAR_FIRST = re.compile(r"([0-9]{4})([-/]?)([0-9]{1,2})\2([0-9]{1,2})")
_MONTH_FIRST = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_MIDNIGHT = re.compile(r"[ T](00:00(:00(\.0+)?)?(Z|[+-]00:?00)?|12:00(:00)? ?AM)$", re.IGNORECASE)
_MONEY = re.compile(r"(?:([+-]?)\$?|\$([+-]))((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)?(?:\.[0-9]*)?)(-?)")
_NUMBER = re.compile(r"[+-]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)?(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")
_DIGIT = re.compile(r"[0-9]")
_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})


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
    """USD to the cent, a half cent rounded away from zero; (12.00) and 12.00- are negative; below ten billion."""
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
    if is_number(raw):
        return Decimal(repr(raw)) if is_finite(raw) else Decimal("Infinity")
    value = text(raw).replace(" ", "")
    if not value:
        return None
    negative = value.startswith("(") and value.endswith(")")
    found = _MONEY.fullmatch(value[1:-1] if negative else value)
    before, inside, digits, after = found.groups("") if found else ("", "", "", "")
    sign = before + inside + after
    if len(sign) > 1 or not _DIGIT.search(digits):
        raise CellError("is not an amount of money")
    amount = Decimal(digits.replace(",", ""))
    return -amount if negative != (sign == "-") else amount


def number(raw: Any) -> float | None:
    """A finite number; thousands commas are allowed."""
    if is_number(raw):
        value = float(raw) if is_finite(raw) else math.inf
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
    """A number that is not negative; below ten billion, so that sums of thousandths stay whole numbers."""
    value = number(raw)
    if value is not None and value < 0:
        raise CellError("is negative")
    if value is not None and value > LARGEST_AMOUNT:
        raise CellError("is above 9,999,999,999.99")
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
