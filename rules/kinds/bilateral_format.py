"""How both sides are written: one line with 50 and 1 or 2 units, or a line each with RT and LT.

Of two lines the other may stand on another claim of the day, for the same payer and by the same provider.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rules.beside import others
from rules.parameters import BilateralFormat
from rules.sheet import NO, NOT_KNOWN, YES, Sheet
from rules.verdict import Asked, Verdict, three
from rules.words import NO_MODIFIERS, code, listed, quantity

BOTH, RIGHT, LEFT = frozenset({"50"}), frozenset({"RT"}), frozenset({"LT"})
ONE_SIDE, TWO_LINES, ONE_LINE, FIFTY, UNCLEAR = range(5)  # how a line is written; UNCLEAR: no modifiers are carried
NO_NOTION = "9"  # bilateral indicator of codes that the notion of sides does not apply to
NOT_IN_TABLE = -2  # of an indicator: the fee schedule of the day does not list the code
WORDS = {
    "50x1": "one line with 50 and 1 unit", "50x2": "one line with 50 and 2 units",
    "RTLT": "two lines, one with RT and one with LT",
}  # fmt: skip
UNITS, INDICATORS = "ncci_mue", "mpfs"
ONCE_A_SIDE = 2  # the most units a day of a code that is done once on a side


def bilateral_format(asked: Asked) -> Verdict:
    """Broken when both sides of a code are not written in a format of the value; [] = when 50 stands at all, or
    RT and LT both on a code that the notion of sides does not apply to.

    A line of one side alone is none of its business. Of a code that may be done several times on a side, a second
    unit or a line of the other side need not be the same place: the answer is then unknown.
    """
    said: BilateralFormat = asked.said
    written = _written(asked.sheet, asked.rows)
    business = written != ONE_SIDE
    if not asked.value and business.any():
        business &= (written == FIFTY) | (written == UNCLEAR) | _no_notion(asked)
    if not business.any():
        return Verdict(np.zeros(len(asked), np.int8))
    indicated, would_be = _indicated(asked, said, np.flatnonzero(business))
    accepted = _accepted(asked, written, asked.value)
    disputed = _accepted(asked, written, said.disputed) & ~accepted
    doubt = _doubt(asked, written, accepted) | disputed
    unknown = doubt | (indicated < NO)
    lapsed = (indicated == NOT_KNOWN) & (would_be == YES) & ~accepted & ~doubt
    words = listed([WORDS[form] for form in asked.value], "or")
    known_form = (written != FIFTY) | np.isin(asked.sheet.lines.units[asked.rows], (1, 2))
    return Verdict(
        three(~accepted, unknown, business & (indicated != NO)),
        told={"code": code(asked), "found": _found(asked, written), "accepted": lambda i: words},
        why=_why(asked, written, indicated, lapsed, disputed),
        suggested=lambda i: words if asked.value and known_form[i] else None,
        lapsed=lapsed,
        known=_known(asked, said, _several(asked, written, accepted)),
        assumed=asked.assumed(INDICATORS) if said.indicators else None,
    )


def _written(sheet: Sheet, rows: np.ndarray) -> np.ndarray:
    """(rows,) how the sides of each line are written."""
    written: np.ndarray
    fifty = sheet.modified(BOTH)[rows]
    right, left = (sheet.modified(side) == YES for side in (RIGHT, LEFT))
    written = np.where(right & left, ONE_LINE, ONE_SIDE)[rows]
    sided = rows[(right != left)[rows]]
    if len(sided):
        told = others(sheet, sided)
        mine = sided[told.at]
        theirs = [
            np.append(flags[told.line], sheet.past_modified(side, told.past))
            for side, flags in ((RIGHT, right), (LEFT, left))
        ]
        opposite = (told.code.at == sheet.lines.code.at[mine]) & np.where(right[mine], theirs[1], theirs[0])
        opposite[len(told.line) :] &= sheet.past.services.original[told.past]
        written[np.isin(rows, mine[opposite])] = TWO_LINES
    written[fifty == YES] = FIFTY
    written[fifty == NOT_KNOWN] = UNCLEAR
    return written


def _no_notion(asked: Asked) -> np.ndarray:
    """(rows,) whether the notion of sides does not apply to the code, by the fee schedule of the day or the latest."""
    told = asked.sheet.lines.code.take(asked.rows), asked.sheet.service[asked.rows]
    return asked.tables.last_indicator("bilateral", *told).flags(lambda level: level == NO_NOTION)


def _units_of_a_line(formats: Sequence[str]) -> list[int]:
    return [int(form.removeprefix("50x")) for form in formats if form.startswith("50x")]


def _accepted(asked: Asked, written: np.ndarray, formats: Sequence[str]) -> np.ndarray:
    """(rows,) whether the line is written in one of the formats."""
    accepted: np.ndarray = np.isin(asked.sheet.lines.units[asked.rows], _units_of_a_line(formats)) & (written == FIFTY)
    if "RTLT" in formats:
        accepted |= written == TWO_LINES
    return accepted


def _several(asked: Asked, written: np.ndarray, accepted: np.ndarray) -> np.ndarray:
    """Places of the rows that the limit of units decides: they may be several places on a side."""
    if not asked.value:
        return np.zeros(0, np.int64)
    more = (written == FIFTY) & (asked.sheet.lines.units[asked.rows] > 1) & bool(_units_of_a_line(asked.value))
    return np.flatnonzero(~accepted & ((written == TWO_LINES) | more))


def _doubt(asked: Asked, written: np.ndarray, accepted: np.ndarray) -> np.ndarray:
    """(rows,) whether what is written is not accepted and may yet be right: not known, or several places on a side."""
    units = asked.sheet.lines.units[asked.rows]
    doubt: np.ndarray = written == UNCLEAR
    fifty = (written == FIFTY) if _units_of_a_line(asked.value) else np.zeros(len(asked), bool)
    doubt |= fifty & np.isnan(units)
    several = _several(asked, written, accepted)
    if len(several):
        rows = asked.rows[several]
        limit = asked.tables.units(UNITS, asked.sheet.lines.code.take(rows), asked.sheet.service[rows]).lapsed_limit
        doubt[several[(limit > ONCE_A_SIDE) | (limit < 0)]] = True
    return doubt


def _known(asked: Asked, said: BilateralFormat, several: np.ndarray) -> np.ndarray:
    """(rows,) when the tables were published that decide: the fee schedule, and the unit limits of those `several`."""
    known = asked.known(INDICATORS) if said.indicators else np.zeros(len(asked), np.int64)
    if len(several):
        limits = asked.tables.known(UNITS, asked.sheet.service[asked.rows[several]])
        known[several] = np.maximum(known[several], limits)
    return known


def _indicated(asked: Asked, said: BilateralFormat, mine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) whether the code's indicator is one of the rule's, of the places `mine`; and by the latest table."""
    size = len(asked)
    if not said.indicators:
        return np.full(size, YES), np.full(size, YES)
    rows = asked.rows[mine]
    told = asked.sheet.lines.code.take(rows), asked.sheet.service[rows]
    indicated, would_be = np.full(size, NO), np.full(size, NO)

    def judged(indicator: str | None) -> int:
        return NOT_KNOWN if indicator is None else int(indicator in said.indicators) if indicator else NOT_IN_TABLE

    indicated[mine] = would_be[mine] = asked.tables.indicator("bilateral", *told).codes(judged)
    if (indicated == NOT_KNOWN).any():
        would_be[mine] = asked.tables.last_indicator("bilateral", *told).codes(judged)
    return indicated, would_be


def _found(asked: Asked, written: np.ndarray) -> Callable[[int], str]:
    def found(i: int) -> str:
        if written[i] != FIFTY:
            return WORDS["RTLT"] if written[i] == TWO_LINES else "one line with RT and LT"
        units = asked.sheet.lines.units[int(asked.rows[i])]
        if np.isnan(units):
            return "a line with 50"
        return f"one line with 50 and {quantity(units)} unit{'' if units == 1 else 's'}"

    return found


def _why(
    asked: Asked, written: np.ndarray, indicated: np.ndarray, lapsed: np.ndarray, disputed: np.ndarray
) -> Callable[[int], str]:
    def why(i: int) -> str:
        row = int(asked.rows[i])
        if written[i] == UNCLEAR:
            return NO_MODIFIERS
        if disputed[i]:
            return "The payer's own pages disagree on this form."
        if indicated[i] == NOT_IN_TABLE:
            return "The fee schedule that is loaded does not list the code."
        if indicated[i] == NOT_KNOWN:
            release = asked.tables.citation(INDICATORS, int(asked.sheet.service[row]))
            told = f"; by {release} this would not be taken" if lapsed[i] else ""
            return f"No fee schedule is loaded for this day (denials rules refresh){told}."
        if np.isnan(asked.sheet.lines.units[row]):
            return "The claim does not tell the units."
        return f"{asked.sheet.lines.code[row]} may be done several times on a side: the lines do not tell."

    return why
