"""A score request to rows of cells: fields of a claim pass down to its lines, lists spread over their columns.

An absent key or null is not known (None); "" and [] are not present (""). Faults are told by position, never raised.
What tables leave in lists of dicts is made plain first: numpy's values are Python's; NaN, NaT and NA are null.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from claims.cells import is_finite, is_number, is_whole
from claims.fields import PARSERS, of_a_person
from claims.rows import Cells
from claims.table import DIAGNOSES, DOCUMENTATION, MODIFIERS

LISTS = {"modifiers": MODIFIERS, "diagnosis_codes": DIAGNOSES}
DEEPEST = 6  # claims, claim, lines, line, its pointers or its extra, a cell: what lies deeper is no cell
MISSING = frozenset({"NAType", "NaTType"})  # of pandas, which need not be here
GROUPS = {"documentation": frozenset(DOCUMENTATION), "extra": frozenset[str]()}
OF_A_LINE = frozenset({"claim_line_number", "claim_line_start_date", "hcpcs_code"})  # where a missing one is missing
Fields = dict[str, Any]


@dataclass
class Spread:
    """One object of a request, a claim or a line, as canonical columns."""

    values: Fields = field(default_factory=dict)
    extra: Fields = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)

    def under(self, line: Spread) -> Spread:
        """A line with what its claim says where it says nothing itself."""
        told = {name: value for name, value in line.values.items() if value is not None}
        return Spread(self.values | told, self.extra | line.extra, self.faults + line.faults)


@dataclass
class Request:
    """The rows of a request: their fields, and where each stood."""

    rows: list[Spread] = field(default_factory=list)
    claims: list[int] = field(default_factory=list)  # position of the row's claim
    lines: list[int | None] = field(default_factory=list)  # position of the line in its claim; None: the claim itself
    own: list[frozenset[str]] = field(default_factory=list)  # fields that stood on the line
    unknown: set[str] = field(default_factory=set)

    def add(self, row: Spread, claim: int, line: int | None, own: frozenset[str] = frozenset()) -> None:
        """One more row."""
        self.rows.append(row)
        self.claims.append(claim)
        self.lines.append(line)
        self.own.append(own)

    def cells(self) -> Cells:
        """Columns of the rows, in the order of first mention; what no row knows is not carried."""
        cells: Cells = {}
        for position, row in enumerate(self.rows):
            for name, value in row.values.items():
                if value is not None:
                    cells.setdefault(name, [None] * len(self.rows))[position] = value
        if any(row.extra for row in self.rows):
            cells["extra"] = [row.extra for row in self.rows]
        return cells

    def faults(self) -> dict[int, list[tuple[str, str]]]:
        """What was wrong with the shape of a row, by position."""
        return {position: list(row.faults) for position, row in enumerate(self.rows) if row.faults}

    def place(self, position: int, name: str) -> str:
        """Where a field of a row stood in the request: lines[0].hcpcs_code, or payer_id of the claim."""
        line = self.lines[position]
        if line is None or name == "lines":
            return name
        if name == "line":
            return f"lines[{line}]"
        on_line = name in self.own[position] or (name in OF_A_LINE and name not in self.rows[position].values)
        return f"lines[{line}].{name}" if on_line else name


def plain(value: Any, depth: int = 0) -> Any:
    """A value as JSON could have given it: numpy's as Python's, NaN, NaT and NA as None, no number without end.

    Lists and objects too deep to be understood are emptied.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, dict):
        return {_key(key): plain(cell, depth + 1) for key, cell in value.items()} if depth < DEEPEST else {}
    if isinstance(value, list | tuple):
        return [plain(cell, depth + 1) for cell in value] if depth < DEEPEST else []
    if isinstance(value, np.ndarray | np.generic):
        return plain(_of_numpy(value), depth)
    if isinstance(value, int):
        return value if is_finite(value) else math.inf if value > 0 else -math.inf
    missing = value.is_nan() if isinstance(value, Decimal) else isinstance(value, float) and math.isnan(value)
    return None if missing or type(value).__name__ in MISSING else value


def _of_numpy(value: np.ndarray[Any, Any] | np.generic) -> Any:
    """Times come to the microsecond, which is all that Python knows."""
    kind = value.dtype.kind
    told = value.astype(f"{kind}8[us]") if kind in "mM" else value
    return told.tolist()


def _key(key: Any) -> str:
    """The name of a field; one that is neither text nor a number is told by its type."""
    if isinstance(key, str):
        return key
    return str(key) if is_number(key) and is_finite(key) else f"({type(key).__name__})"


def spread_claims(claims: list[Any]) -> Request:
    """Rows of a list of claims: nested ones with `lines`, or flat ones, each a line."""
    request = Request()
    for index, claim in enumerate(claims):
        if not isinstance(claim, dict):
            request.add(Spread(faults=[("claim", "must be an object")]), index, None)
        elif "lines" in claim or not ("hcpcs_code" in claim or "claim_line_number" in claim):
            _nested(claim, index, request)
        else:
            request.add(_spread(claim, request.unknown), index, None)
    return request


def _nested(claim: Fields, index: int, request: Request) -> None:
    whole = _spread(claim, request.unknown)
    lines = claim.get("lines")
    if not isinstance(lines, list) or not lines:
        whole.faults.append(("lines", "must be a list of at least one line"))
        request.add(whole, index, None)
        return
    for position, line in enumerate(lines):
        if isinstance(line, dict):
            own = _spread(line, request.unknown)
            request.add(whole.under(own), index, position, frozenset(own.values) | {n for n, _ in own.faults})
        else:
            fault = Spread(faults=[("line", "must be an object")])
            request.add(whole.under(fault), index, position)


def _spread(given: Fields, unknown: set[str]) -> Spread:
    spread = Spread()
    for name, value in given.items():
        if name in PARSERS["lines"]:
            spread.values[name] = "" if isinstance(value, list) and not value else value
        elif name in LISTS:
            _spread_list(name, value, spread)
        elif name in GROUPS:
            _spread_group(name, value, spread, unknown)
        elif name != "lines":
            _spread_other(name, value, spread, unknown)
    return spread


def _spread_list(name: str, value: Any, spread: Spread) -> None:
    columns = LISTS[name]
    if value is None:
        return
    if not isinstance(value, list | tuple) and value != "":
        spread.faults.append((name, "must be a list"))
        return
    told = ["" if cell is None else cell for cell in value]  # an empty one keeps its place: pointers count by it
    if any(cell != "" for cell in told[len(columns) :]):
        spread.faults.append((name, f"has more than {len(columns)} entries"))
        return
    spread.values.update(zip(columns, told + [""] * (len(columns) - len(told)), strict=False))


def _spread_group(name: str, value: Any, spread: Spread, unknown: set[str]) -> None:
    if value is None or value == "" or value == []:
        return
    if not isinstance(value, dict):
        spread.faults.append((name, "must be an object"))
        return
    for key, cell in value.items():
        if key in GROUPS[name]:
            spread.values[key] = cell
        elif name == "extra":
            _spread_other(key, cell, spread, unknown, "extra.")
        else:
            unknown.add(_writable(f"{name}.{key}"))


def _spread_other(name: Any, value: Any, spread: Spread, unknown: set[str], prefix: str = "") -> None:
    if not isinstance(name, str) or not name.startswith("x_") or of_a_person(name):
        unknown.add(_writable(f"{prefix}{name}"))
    elif is_whole(name):
        spread.extra[name] = value
    else:
        spread.faults.append(("extra", "has a name that is not valid Unicode"))


def _writable(name: str) -> str:
    """A field's name as it can be told: a question mark for half a character."""
    return name.encode(errors="replace").decode()
