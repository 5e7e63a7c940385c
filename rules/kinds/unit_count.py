"""Units that count what the code means: levels, joints or muscles, against a limit or against the record.

Both sides of a level are one level, however they are written: RT and LT lines of a code pair up, and of a line with 50
(or with RT and LT) two units are one level. Codes without sides have no such pairs. A session may stand on two claims.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claims.texts import Texts, distinct
from rules.beside import others
from rules.parameters import UnitCount
from rules.record import Element, plain
from rules.sheet import NO, NOT_KNOWN, YES
from rules.verdict import Asked, Told, Verdict, three
from rules.words import code

RIGHT, LEFT, BOTH = frozenset({"RT"}), frozenset({"LT"}), frozenset({"50"})
NO_UNITS = "The units or the modifiers of a line are not known."
NO_SIDES = "Whether right and left are one level is not known: the fee schedule that is loaded does not list the code."
WITH_SIDES = ("1", "3")  # bilateral indicators of codes that are done on one side or on both


def unit_count(asked: Asked) -> Verdict:
    """Broken where more is billed than the limit or the record allows, or where the record is not of the code.

    Unknown where the record does not tell, or where the units or modifiers of a line decide and are not known, or
    whether its code has two sides.
    """
    said: UnitCount = asked.said
    element = Element.of(asked, said.element)
    if said.measure.startswith("documented"):
        return _documented(asked, said, element)
    levels, most = _levels(asked)
    limit = element.values if said.measure == "units_documented" else np.full(len(asked), float(asked.value))
    broken = levels > limit
    return Verdict(
        three(broken, np.isnan(limit) | ((most > limit) & ~broken)),
        told=_told(asked, element, levels, limit),
        why=lambda i: element.why() if np.isnan(limit[i]) else NO_UNITS if np.isinf(most[i]) else NO_SIDES,
    )


def _documented(asked: Asked, said: UnitCount, element: Element) -> Verdict:
    below = said.measure == "documented_at_least"
    broken = element.values < asked.value if below else element.values > asked.value
    units = asked.sheet.lines.units[asked.rows]
    told = _told(asked, element, units, np.full(len(asked), float(asked.value)))
    return Verdict(three(broken, element.missing), told=told, why=lambda i: element.why())


def _told(asked: Asked, element: Element, units: np.ndarray, limit: np.ndarray) -> dict[str, Told]:
    return {
        "units": lambda i: plain(units[i]), "limit": lambda i: plain(limit[i]), "documented": element.told,
        "code": code(asked),
    }  # fmt: skip


@dataclass(frozen=True)
class _Billed:
    """(pairs,) what counts for the rows asked. at: place in the rows; code; units, nan = not known.

    right, left, both: int8 whether RT, LT or 50 stands, NOT_KNOWN where no modifiers are carried.
    """

    at: np.ndarray
    code: Texts
    units: np.ndarray
    right: np.ndarray
    left: np.ndarray
    both: np.ndarray


def _billed(asked: Asked) -> _Billed:
    """The lines of the rule's codes on the row's claim and day; for levels those of other claims as well."""
    sheet, codes = asked.sheet, frozenset(asked.period.rule.codes)
    told = others(sheet, asked.rows)
    kept = told.code.flags(codes.__contains__)
    if asked.said.measure == "levels":
        kept[len(told.line) :] &= sheet.past.services.original[told.past]
    else:
        kept[len(told.line) :] = False
    told = told.of(kept)
    line, past = np.append(asked.rows, told.line), told.past
    own = Texts(told.code.levels, np.append(sheet.lines.code.at[asked.rows], told.code.at))
    sides = [np.append(sheet.modified(one)[line], sheet.past_modified(one, past)) for one in (RIGHT, LEFT, BOTH)]
    units = np.append(sheet.lines.units[line], sheet.past.services.units[past])
    return _Billed(np.append(np.arange(len(asked)), told.at), own, units, *sides)


def _levels(asked: Asked) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) levels of the rule's codes on the row's day: as few as they may be, and as many.

    The sides of a code that has none in the fee schedule are no pairs; whether one that it does not list has any is not
    known. What is not known counts nothing, or without end.
    """
    billed = _billed(asked)
    first, alike = distinct(billed.at * len(billed.code.levels) + billed.code.at)
    unknown = np.isnan(billed.units) | (billed.both == NOT_KNOWN)
    units = np.where(np.isnan(billed.units), 0.0, billed.units)
    right, left = billed.right == YES, billed.left == YES
    two = unknown | (billed.both == YES) | (right & left)

    def total(of: np.ndarray, units: np.ndarray) -> np.ndarray:
        return np.bincount(alike[of], units[of], minlength=len(first))

    sides = np.maximum(total(~two & right, units), total(~two & left, units))
    paired = sides + total(two, np.ceil(units / 2)) + total(~two & ~right & ~left, units)
    alone = total(np.ones(len(units), bool), units)
    sided = _sided(asked, billed, first) if (paired != alone).any() else np.full(len(first), NOT_KNOWN)
    at, size = billed.at[first], len(asked)
    least = np.bincount(at, np.where(sided == NO, alone, paired), minlength=size)
    most = np.bincount(at, np.where(sided == YES, paired, alone), minlength=size)
    most[billed.at[unknown]] = np.inf
    return least, most


def _sided(asked: Asked, billed: _Billed, first: np.ndarray) -> np.ndarray:
    """(codes,) int64 whether a code has two sides, by the fee schedule of the day or the latest one."""
    day = asked.sheet.service[asked.rows[billed.at[first]]]
    told = asked.tables.last_indicator("bilateral", billed.code.take(first), day)
    return told.codes(lambda level: int(level in WITH_SIDES) if level else NOT_KNOWN)
