"""JW (some of a single-dose container was discarded) and JZ (nothing was) on lines of drugs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rules.parameters import DrugWastage
from rules.sheet import NOT_KNOWN, YES, Sheet
from rules.verdict import Asked, Told, Verdict, three
from rules.words import NO_MODIFIERS, code, modifiers

DISCARDED, NONE_DISCARDED = frozenset({"JW"}), frozenset({"JZ"})
NO_CONTAINER = "The claim does not tell whether the container was single-dose."


def drug_wastage(asked: Asked) -> Verdict:
    """Broken when both stand on a line, when none does though the container is single, or either on a bundled drug.

    Where a line of the same drug with JW stands beside it, the line of what was given needs neither.
    """
    said: DrugWastage = asked.said
    discarded = asked.sheet.modified(DISCARDED)[asked.rows]
    none_discarded = asked.sheet.modified(NONE_DISCARDED)[asked.rows]
    unclear = discarded == NOT_KNOWN
    either = (discarded == YES) | (none_discarded == YES)
    told: dict[str, Told] = {"code": code(asked), "found": modifiers(asked)}
    if said.container == "bundled":
        return Verdict(three(either, unclear, either | unclear), told=told, why=NO_MODIFIERS)
    both = (discarded == YES) & (none_discarded == YES)
    bare = ~either & ~unclear
    if bare.any():
        bare[bare] = ~_discarded_beside(asked.sheet, asked.rows[bare])
    if said.container == "single":
        return Verdict(three(both | bare, unclear), told=told, why=NO_MODIFIERS)
    return Verdict(three(both, unclear | bare), told=told, why=_why(unclear))


def _discarded_beside(sheet: Sheet, rows: np.ndarray) -> np.ndarray:
    """(rows,) whether another line of the claim and day has the same code and JW."""
    at, line = sheet.beside(rows)
    codes = sheet.lines.code.at
    alike = (codes[line] == codes[rows[at]]) & (sheet.modified(DISCARDED)[line] == YES)
    found: np.ndarray = np.bincount(at[alike], minlength=len(rows)) > 0
    return found


def _why(unclear: np.ndarray) -> Callable[[int], str]:
    return lambda i: NO_MODIFIERS if unclear[i] else NO_CONTAINER
