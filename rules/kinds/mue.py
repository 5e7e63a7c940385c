"""How many units of a code a line or a day may have, by the table of limits or by the value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rules.beside import of_the_same
from rules.bulk import NONE, NOT_LISTED, NOT_LOADED
from rules.parameters import Mue
from rules.sheet import Sheet
from rules.verdict import Asked, Verdict, three
from rules.words import OF_A_FACILITY, code, quantity

BY_LINE, NOT_TOLD = 1, 0  # adjudication; 2 and 3 = by day


def mue(asked: Asked) -> Verdict:
    """Broken when the units are more than the limit: of the line, or of all lines of the code that day.

    By day count the lines of the claim and those of the patient's other original claims for the payer. A line with
    50 counts its own units, so that lines with RT and LT of one unit each are two.
    """
    said: Mue = asked.said
    limit, last_known, by_line = _limits(asked, said)
    own = asked.sheet.lines.units[asked.rows]
    units, whole = _of_the_day(asked.sheet, asked.rows)
    units, whole = np.where(by_line, np.nan_to_num(own), units), np.where(by_line, ~np.isnan(own), whole)
    broken = (limit >= 0) & (units > limit)
    unknown = ~broken & ((limit == NOT_LISTED) | (limit == NOT_LOADED) | ~whole)
    lapsed = (limit == NOT_LOADED) & (last_known >= 0) & (units > last_known)
    return Verdict(
        three(broken, unknown, limit != NONE),
        told={"code": code(asked), "units": lambda i: quantity(units[i]), "limit": limit},
        why=_why(asked, said, limit, units, last_known),
        lapsed=lapsed,
        known=asked.known(said.table) if said.table else None,
        assumed=asked.assumed(said.table) if said.table else None,
    )


def _limits(asked: Asked, said: Mue) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows,) limit on the day; what the latest table says where none speaks; whether it is a limit of each line."""
    size = len(asked)
    if said.table is None:
        limit = np.full(size, int(asked.value))
        return limit, limit, np.full(size, said.per == "line")
    rows, sheet = asked.rows, asked.sheet
    answer = asked.tables.units(said.table, sheet.lines.code.take(rows), sheet.service[rows])
    by_line = answer.lapsed_adjudication == BY_LINE
    if said.per == "line":
        by_line |= answer.lapsed_adjudication == NOT_TOLD
    facility = sheet.institutional[rows]
    if not facility.any():
        return answer.limit, answer.lapsed_limit, by_line
    return *(np.where(facility, NOT_LISTED, limit) for limit in (answer.limit, answer.lapsed_limit)), by_line


def _of_the_day(sheet: Sheet, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) units of the line's code on its day as far as they are known, and whether all are."""
    at, line = sheet.beside(rows, itself=True)
    codes = sheet.lines.code.at
    alike = codes[line] == codes[rows[at]]
    at, units = at[alike], sheet.lines.units[line[alike]]
    back, past = sheet.same_day(rows)
    if len(back):
        services = sheet.past.services
        same = services.original[past] & of_the_same(sheet, rows[back], past)
        same &= services.code[past] == sheet.encoded("code", sheet.lines.code)[rows[back]]
        at, units = np.append(at, back[same]), np.append(units, services.units[past[same]])
    known = ~np.isnan(units)
    total = np.bincount(at, weights=np.where(known, units, 0.0), minlength=len(rows))
    return total, np.bincount(at[~known], minlength=len(rows)) == 0


def _why(asked: Asked, said: Mue, limit: np.ndarray, units: np.ndarray, last_known: np.ndarray) -> Callable[[int], str]:
    def why(i: int) -> str:
        if limit[i] >= 0:
            return "The claim does not tell the units."
        if said.table and asked.sheet.institutional[asked.rows[i]]:
            return OF_A_FACILITY
        if limit[i] == NOT_LISTED:
            return "The unit limits that are loaded do not hold this code."
        missing = "The unit limits of this quarter are not loaded (denials rules refresh)"
        if said.table is None or last_known[i] < 0 or units[i] <= last_known[i]:
            return f"{missing}."
        release = asked.tables.citation(said.table, int(asked.sheet.service[int(asked.rows[i])]))
        return f"{missing}; in {release} the limit was {int(last_known[i])}, and {quantity(units[i])} are billed."

    return why
