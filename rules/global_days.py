"""Global days of codes by the fee schedule of a day: for how long a procedure's own after-care goes on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claims.texts import Level, Texts
from rules.bulk import BulkTables

NOTHING, NOT_LISTED = -1, -2  # no procedure with days of its own; one that the fee schedule on file does not list
LONGEST = 90  # the highest that a fee schedule gives
_SURGERY = ("1", "2", "3", "4", "5", "6")  # first digits of the codes that can have global days


@dataclass(frozen=True)
class GlobalDays:
    """days: (rows,) int64 0, 10, 90, NOTHING or NOT_LISTED by the day's release; silent: none speaks, so by the latest.

    A code that is not listed has none, unless it is one of surgery.
    """

    days: np.ndarray
    silent: np.ndarray

    @classmethod
    def of(cls, tables: BulkTables, code: Texts, day: np.ndarray) -> GlobalDays:
        """Of each code on its day."""
        told = tables.indicator("global_days", code, day)
        silent = told.flags(lambda level: level is None)
        if silent.any():
            told = tables.last_indicator("global_days", code, day)
        listed, days = told.flags(bool), told.codes(_number)
        days[~listed & code.flags(_surgical)] = NOT_LISTED
        return cls(days, silent)


def _number(level: Level) -> int:
    """000, 010 and 090 are days; words in their place (XXX, ZZZ, YYY, MMM) none."""
    return int(level) if level and level.isdigit() else NOTHING


def _surgical(code: Level) -> bool:
    return code is not None and code.isdigit() and code.startswith(_SURGERY)
