"""Units that count what the code means: levels, joints or muscles, against a limit or against the record.

Both sides of a level are one level, however they are written: RT and LT lines of a code pair up, and of a line with 50
(or with RT and LT) two units are one level.
"""

from __future__ import annotations

import numpy as np

from claims.texts import distinct
from rules.parameters import UnitCount
from rules.record import Element, plain
from rules.sheet import NOT_KNOWN, YES
from rules.verdict import Asked, Told, Verdict, three
from rules.words import code


def unit_count(asked: Asked) -> Verdict:
    """Broken where more is billed than the limit or the record allows, or where the record is not of the code.

    Unknown where the record does not tell, or the units or modifiers of a line are not known. All lines of the rule's
    codes of one claim and day are told alike.
    """
    said: UnitCount = asked.said
    element = Element.of(asked, said.element)
    if said.measure.startswith("documented"):
        return _documented(asked, said, element)
    levels, unsure = _levels(asked)
    limit = element.values if said.measure == "units_documented" else np.full(len(asked), float(asked.value))
    broken = levels > limit
    return Verdict(
        three(broken, np.isnan(limit) | (unsure & ~broken)),
        told=_told(asked, element, levels, limit),
        why=lambda i: element.why() if np.isnan(limit[i]) else "The units or the modifiers of a line are not known.",
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


def _levels(asked: Asked) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) levels of the rule's codes on the row's claim and day; whether something not known may add to them."""
    sheet = asked.sheet
    line = np.flatnonzero(sheet.coded(frozenset(asked.period.rule.codes)))
    day = sheet.day_of_claim[line]
    first, alike = distinct(day * len(sheet.lines.code.levels) + sheet.lines.code.at[line])
    units = sheet.lines.units[line]
    right, left, both = (sheet.modified(frozenset({one}))[line] for one in ("RT", "LT", "50"))
    unsure = np.isnan(units) | (both == NOT_KNOWN)
    units = np.where(np.isnan(units), 0.0, units)
    two = unsure | (both == YES) | ((right == YES) & (left == YES))

    def total(of: np.ndarray) -> np.ndarray:
        return np.bincount(alike[of], units[of], minlength=len(first))

    sides = np.maximum(total(~two & (right == YES)), total(~two & (left == YES)))
    halves = np.bincount(alike[two], np.ceil(units[two] / 2), minlength=len(first))
    levels = sides + halves + total(~two & (right != YES) & (left != YES))
    size = int(sheet.day_of_claim.max(initial=-1)) + 1
    of_day = np.bincount(day[first], levels, minlength=size)
    least = np.bincount(day, unsure, minlength=size) > 0
    mine = sheet.day_of_claim[asked.rows]
    return of_day[mine], least[mine]
