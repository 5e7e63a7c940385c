"""One cell to a code as it is compared everywhere: codes, diagnoses, modifiers, lists of them, adjustments.

See claims/cells.py for what a parser is.
"""

from __future__ import annotations

import re
from typing import Any

from claims.cells import CellError, Parser, text
from claims.quantities import money

_LOOSE_GROUP = re.compile(r"(?<![^;,|\s])(CO|PR|OA|PI|CR)[-\s]*(?=[A-Z]?[0-9])")  # CO45, CO 45
_LOOSE_AMOUNT = re.compile(r"\s*[:=]\s*(?:\$\s*)?")  # CO-45: $120.00
_ADJUSTMENT = re.compile(r"(CO|PR|OA|PI|CR)-([A-Z0-9]{1,4})(?::(.+))?")
_LISTED = re.compile(r"[;,|\s]+")
_PADDED_DIGIT = re.compile(r"0+[0-9]")
_SEXES = {"MALE": "M", "FEMALE": "F", "UNKNOWN": "U"}


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
    value = _shaped(tight_code(raw), 7, "a procedure code")
    return value.zfill(5) if value.isdecimal() else value


def place(raw: Any) -> str:
    """A place of service: two digits."""
    value = _shaped(tight_code(raw), 2, "a place of service of two digits")
    return value.zfill(2) if value.isdecimal() else value


def diagnosis(raw: Any) -> str:
    """An ICD code: upper case, no dot."""
    return _shaped(tight_code(raw).replace(".", ""), 8, "a diagnosis code")


def modifier(raw: Any) -> str:
    """A modifier: two letters or digits."""
    return _shaped(tight_code(raw), 2, "a modifier of two characters")


def _shaped(value: str, most: int, what: str) -> str:
    """Nothing, or letters and digits that can be such a code. Codes are learned and shown; a name must not slip in."""
    if len(value) > most or not (value.isalnum() or not value):
        raise CellError(f"is not {what}")
    return value


def frequency(raw: Any) -> str:
    """A claim frequency code: one digit, whatever zeros stand before it."""
    value = tight_code(raw)
    return value[-1] if _PADDED_DIGIT.fullmatch(value) else value


def sex(raw: Any) -> str:
    """M, F or U where the source spells them out; any other letter as it is, any other word U."""
    value = code(raw)
    return _SEXES.get(value, value if len(value) < 2 else "U")


def listed(raw: Any, one: Parser = tight_code) -> str:
    """Codes joined by ';', whatever of ; , | or blanks stood between them."""
    return ";".join(one(token) for token in _LISTED.split(text(raw)) if token)


def procedures(raw: Any) -> str:
    """HCPCS codes joined by ';'."""
    return listed(raw, procedure)


def adjustments(raw: Any) -> str:
    """GROUP-CARC:amount joined by ';', amounts with two decimals; a code may stand without its amount.

    CO45, CO 45 and CO-45: $120.00, as exports print them, become CO-45 and CO-45:120.00.
    """
    told = _LOOSE_AMOUNT.sub(":", _LOOSE_GROUP.sub(r"\1-", code(raw)))
    return ";".join(_adjustment(token) for token in _LISTED.split(told) if token)


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
