"""What else was done on a line's day: the other lines of its claim, and the patient's services of other claims.

Services of other claims stand beside a line where they went to the same payer and no other provider gave them: edits
between codes hold for one provider, one payer, one patient, one day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claims.texts import Texts
from rules.encode import MISS
from rules.sheet import Sheet


@dataclass(frozen=True)
class Others:
    """(pairs,) at: place in the rows asked, and code. line: the lines of the sheet that the first pairs are of; past:
    the past services that the rest are of.
    """

    at: np.ndarray
    code: Texts
    line: np.ndarray
    past: np.ndarray

    def __len__(self) -> int:
        """Pairs."""
        return len(self.at)

    def of(self, kept: np.ndarray) -> Others:
        """The pairs (bool, pairs) that are kept."""
        own = len(self.line)
        return Others(self.at[kept], self.code.take(kept), self.line[kept[:own]], self.past[kept[own:]])


def others(sheet: Sheet, rows: np.ndarray) -> Others:
    """All that was done on the day of each row."""
    at, line = sheet.beside(rows)
    back, past = sheet.same_day(rows)
    if len(back):
        same = of_the_same(sheet, rows[back], past)
        back, past = back[same], past[same]
    if not len(back):
        return Others(at, sheet.lines.code.take(line), line, past)
    return Others(np.append(at, back), _codes(sheet, line, past), line, past)


def others_of_other_codes(sheet: Sheet, rows: np.ndarray) -> Others:
    """As `others`, without what has the line's own code."""
    told = others(sheet, rows)
    return told.of(told.code.at != sheet.lines.code.at[rows][told.at])


def of_the_same(sheet: Sheet, rows: np.ndarray, past: np.ndarray) -> np.ndarray:
    """(pairs,) whether a past service went to the payer of the row and was not given by another provider."""
    payer = sheet.encoded("payer", sheet.lines.text("payer_id"))[rows]
    provider, theirs = sheet.encoded("provider", sheet.lines.provider)[rows], sheet.past.services.provider[past]
    named = sheet.lines.provider.flags(bool)[rows]
    same: np.ndarray = sheet.past.services.payer[past] == payer
    same &= (provider == theirs) | (theirs == MISS["provider"]) | ~named
    return same


def stands_beside(sheet: Sheet, rows: np.ndarray, codes: frozenset[str]) -> np.ndarray:
    """(rows,) whether another line of the claim and day has one of the codes."""
    coded, day = sheet.coded(codes), sheet.day_of_claim
    if not coded.any():
        return np.zeros(len(rows), bool)
    count = np.bincount(day[coded], minlength=int(day.max()) + 1)
    found: np.ndarray = count[day[rows]] > coded[rows]
    return found


def first_of(at: np.ndarray, pairs: np.ndarray, size: int) -> np.ndarray:
    """(size,) int64: the first of the pairs (bool, pairs) of each place; -1 where there is none."""
    first = np.full(size, -1)
    found = np.flatnonzero(pairs)[::-1]
    first[at[found]] = found
    return first


def any_of(at: np.ndarray, pairs: np.ndarray, size: int) -> np.ndarray:
    """(size,) whether one of the pairs (bool, pairs) is of the place."""
    found = np.zeros(size, bool)
    found[at[pairs]] = True
    return found


def _codes(sheet: Sheet, line: np.ndarray, past: np.ndarray) -> Texts:
    """The codes of lines and of past services; the levels of the lines keep their places."""
    code = sheet.lines.code
    known = list(sheet.past.vocabulary.codes["code"])
    theirs = Texts.of([known[one] if one < len(known) else None for one in sheet.past.services.code[past].tolist()])
    aside = np.zeros(len(line), np.int64)
    own = Texts(code.levels, np.append(code.at[line], np.zeros(len(past), np.int64)))
    return own.overlaid(Texts(theirs.levels, np.append(aside, theirs.at)), np.arange(len(own)) >= len(line))
