"""The layouts of CMS's quarterly files: how each is recognised by its header cells, and how a row of it is read.

Columns move and headers run over several rows from release to release, so a column is found by its own cell or by it
together with the one above. Dates are yyyymmdd, yyyyddd (day of the year) or as spreadsheets print them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from claims import codes
from claims.cells import CellError
from claims.errors import RuleBookError
from rules.edits import code_number

SEARCHED = 80  # rows of a file among which its header is looked for
_FORMATS = {8: "%Y%m%d", 7: "%Y%j"}
_MEMO = 200_000
_DATED = re.compile(r"\d{1,2}[/-]\d{1,2}[/-]\d{2,4}|[\d.*$%]+")
Cells = dict[str, str]
Row = tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """One kind of file. fields: name -> what its squeezed header cell matches; read: the cells of a row of the table.

    `read` raises CellError, whose words follow "the row".
    """

    table: str
    title: str
    fields: dict[str, str]
    optional: dict[str, str]
    read: Callable[[Cells], Row]

    def columns(self, own: Sequence[str], above: Sequence[str]) -> dict[str, int]:
        """Where each field stands, by its cell in a row or that cell under the one above it; {} for another layout."""
        found: dict[str, int] = {}
        for name, pattern in (self.fields | self.optional).items():
            for place, cell in enumerate(own):
                higher = above[place] if place < len(above) else ""
                if re.fullmatch(pattern, cell) or re.fullmatch(pattern, higher + cell):
                    found[name] = place
                    break
        return found if self.fields.keys() <= found.keys() else {}


@dataclass(frozen=True)
class Recognised:
    """A file's layout, where its fields stand, its header's row with its text, and the text above it."""

    layout: Layout
    columns: dict[str, int]
    row: int
    header: str
    preamble: str


def recognise(rows: Sequence[Sequence[str]]) -> Recognised | None:
    """The layout of the first rows of a file; None for one that is not known."""
    squeezed = [[_squeezed(cell) for cell in row] for row in rows]
    for place, own in enumerate(squeezed):
        for layout in LAYOUTS:
            columns = layout.columns(own, squeezed[place - 1] if place else [])
            if columns:
                return Recognised(layout, columns, place, _text(rows[place : place + 1]), _text(rows[:place]))
    return None


def _text(rows: Sequence[Sequence[str]]) -> str:
    return " ".join(" ".join(cell.split()) for row in rows for cell in row)


def refusal(name: str, rows: Sequence[Sequence[str]]) -> RuleBookError:
    """What is said of a file of no known layout: its header cells, never cells that may be content."""
    filled = ([cell.strip() for cell in row if cell.strip()] for row in rows)
    header = next((row for row in filled if len(row) > 2 and not any(map(_DATED.fullmatch, row))), None)
    found = ", ".join(" ".join(cell.split())[:40] for cell in header[:12]) if header else "no row of header cells"
    expected = "; ".join(f"{layout.title} ({', '.join(layout.fields)})" for layout in LAYOUTS)
    return RuleBookError(
        f"{name} has no layout that is known here. Found: {found}. Expected the header cells of one of: {expected}. "
        "Nothing was changed; give CMS's file as published, text or CSV (a workbook: saved as CSV)"
    )


def _squeezed(cell: str) -> str:
    return re.sub(r"[^a-z0-9]", "", cell.lower())


def code_in(raw: str) -> str:
    """The code that a cell holds; "" for none."""
    try:
        return _code(raw)
    except CellError:
        return ""


@lru_cache(maxsize=_MEMO)
def _code(raw: str) -> str:
    """A code as claims hold it. Raises CellError."""
    try:
        value = codes.procedure(raw.replace(".", ""))
    except CellError:
        value = ""
    if code_number(value) < 0:
        raise CellError("has no code of five letters or digits")
    return value


@lru_cache(maxsize=_MEMO)
def _date(raw: str) -> date | None:
    """A date, None where the cell says that there is none. Raises CellError."""
    told = raw.strip().removesuffix(".0")
    if told in ("", "*", "0"):
        return None
    form = "%m/%d/%Y" if "/" in told else "%Y-%m-%d" if "-" in told else _FORMATS.get(len(told), "")
    try:
        return datetime.strptime(told, form).date()
    except ValueError as error:
        raise CellError("has a date that is not understood") from error


@lru_cache(maxsize=_MEMO)
def _from(raw: str) -> str:
    """An effective date; an edit has one. Raises CellError."""
    day = _date(raw)
    if day is None:
        raise CellError("has no effective date")
    return str(day)


@lru_cache(maxsize=_MEMO)
def _to(raw: str) -> str:
    """The last day on which an edit applies: the one before its deletion date; "" = no end. Raises CellError."""
    day = _date(raw)
    return str(day - timedelta(days=1)) if day else ""


@lru_cache(maxsize=_MEMO)
def _digit(raw: str, known: str) -> str:
    """The digit with which an indicator begins. Raises CellError."""
    digit = raw.strip()[:1]
    if not digit or digit not in known:
        raise CellError(f"has an indicator that is none of {', '.join(known)}")
    return digit


def _pair(cells: Cells) -> Row:
    indicator = _digit(cells["modifier indicator"], "019")
    days = _from(cells["effective date"]), _to(cells["deletion date"])
    return _code(cells["column 1"]), _code(cells["column 2"]), indicator, *days


def _unit_limit(cells: Cells) -> Row:
    limit = cells["MUE value"].strip().removesuffix(".0")
    if not limit.isdecimal() or int(limit) >= 1 << 31:
        raise CellError("has a limit that is not a number of units")
    told = cells.get("adjudication indicator", "")
    return _code(cells["code"]), str(int(limit)), _digit(told, "123") if told.strip() else ""


def _indicators(cells: Cells) -> Row:
    names = ("status", "bilateral", "global days", "multiple procedure")
    told = tuple(codes.tight_code(cells[name]) for name in names)
    if not all(told) or max(map(len, told)) > 3:
        raise CellError("has an indicator that is empty or longer than three characters")
    days = told[2].zfill(3)  # a spreadsheet makes 0 of 000
    return _code(cells["code"]), codes.modifier(cells["modifier"]), *told[:2], days, told[3]


def _add_on(cells: Cells) -> Row:
    ends = [_to(cells[name]) for name in ("deletion date", "add-on deleted", "primary deleted") if name in cells]
    days = _from(cells["effective date"]), min((end for end in ends if end), default="")
    return _code(cells["add-on code"]), _code(cells["primary code"]), _digit(cells["type"], "123"), *days


LAYOUTS = (
    Layout(
        "ncci_ptp",
        "NCCI practitioner pairs",
        {"column 1": "column1", "column 2": "column2", "effective date": "effective.*", "deletion date": "deletion.*",
         "modifier indicator": "modifier.*"},
        {},
        _pair,
    ),
    Layout(
        "ncci_mue",
        "NCCI unit limits",
        {"code": "(hcpcs)?(cpt)?code", "MUE value": "(.*services)?muevalues?"},
        {"adjudication indicator": ".*adjudicationindicator"},
        _unit_limit,
    ),
    Layout(
        "mpfs",
        "Medicare physician fee schedule, relative value file",
        {"code": "hcpcs", "modifier": "mod", "status": "statuscode", "global days": "globdays",
         "multiple procedure": "multproc", "bilateral": "bilatsurg"},
        {},
        _indicators,
    ),
    Layout(
        "add_on",
        "NCCI add-on codes",
        {"add-on code": "addoncode", "primary code": "primarycode", "type": "(aocedit)?type",
         "effective date": "(aocedit)?eff.*", "deletion date": "aoceditdel.*|deletion.*"},
        {"add-on deleted": "aocdel.*", "primary deleted": "primarycodedel.*"},
        _add_on,
    ),
)  # fmt: skip
