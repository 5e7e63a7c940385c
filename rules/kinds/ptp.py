"""Pairs of codes that one day does not pay together. The line asked is column 2: the one that would be denied."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rules.beside import Others, any_of, first_of, others_of_other_codes
from rules.bulk import NONE, NOT_LISTED, NOT_LOADED
from rules.parameters import Ptp
from rules.reference import VISIT
from rules.sheet import NO, NOT_KNOWN, YES
from rules.verdict import MET, Asked, Verdict, three
from rules.words import NO_MODIFIERS, OF_A_FACILITY, code

NEVER, WITH_MODIFIER = 0, 1  # indicators of CMS; 9 = the pair was never in force
TABLE = "ncci_ptp"


def ptp(asked: Asked) -> Verdict:
    """Broken beside a code that is never paid with it, or only with a modifier that does not stand.

    By the table a line alone on its day is none of the rule's business; without a table it is met.
    """
    said: Ptp = asked.said
    if not said.table and _nothing_stands(asked, said):
        return Verdict(np.full(len(asked), MET, np.int8))
    size, beside = len(asked), others_of_other_codes(asked.sheet, asked.rows)
    alone = ~any_of(beside.at, np.ones(len(beside), bool), size)
    indicator, last_known = _indicators(asked, beside)
    facility = asked.sheet.institutional[asked.rows] if said.table else np.zeros(size, bool)
    if facility.any():
        indicator, last_known = (np.where(facility[beside.at], NOT_LISTED, one) for one in (indicator, last_known))
    held = _held(asked, beside, last_known)
    pair = _broken(indicator, held)
    lapsed = (indicator == NOT_LOADED) & _broken(last_known, held)
    open_ = (indicator == NOT_LISTED) | (indicator == NOT_LOADED)
    open_ |= (indicator == WITH_MODIFIER) & (held == NOT_KNOWN)
    first, doubt = first_of(beside.at, pair, size), first_of(beside.at, open_, size)
    late = first_of(beside.at, lapsed, size)
    unknown = (first < 0) & (doubt >= 0)
    return Verdict(
        three(first >= 0, unknown, ~alone if said.table else None),
        told={"code": code(asked), "other": lambda i: beside.code[int(first[i])]},
        why=_why(asked, beside, indicator, np.where(late < 0, doubt, late), late >= 0),
        lapsed=unknown & (late >= 0),
        known=asked.known(TABLE) if said.table else None,
        assumed=asked.assumed(TABLE) if said.table else None,
    )


def _nothing_stands(asked: Asked, said: Ptp) -> bool:
    """Whether no line of the call has a code of the list, nor anything was done on another claim of a day."""
    return not asked.sheet.coded(frozenset(said.not_with)).any() and not len(asked.sheet.same_day(asked.rows)[0])


def _indicators(asked: Asked, beside: Others) -> tuple[np.ndarray, np.ndarray]:
    """(pairs,) what the table says on the day, and for a day without a table what the latest one says."""
    said: Ptp = asked.said
    if said.table:
        if not len(beside):
            return np.zeros(0, np.int8), np.zeros(0, np.int8)
        rows = asked.rows[beside.at]
        answer = asked.tables.pairs(asked.sheet.lines.code.take(rows), beside.code, asked.sheet.service[rows])
        return answer.indicator, answer.lapsed
    listed = beside.code.flags(frozenset(said.not_with).__contains__)
    indicator = np.where(listed, WITH_MODIFIER if said.bypass or said.on_either else NEVER, NONE)
    return indicator, indicator


def _held(asked: Asked, beside: Others, indicator: np.ndarray) -> np.ndarray:
    """(pairs,) int8 whether a modifier stands with which they may be paid together."""
    sheet, rows, said = asked.sheet, asked.rows[beside.at], asked.said
    if not (indicator == WITH_MODIFIER).any():
        return np.zeros(len(beside), np.int8)
    own: np.ndarray = sheet.modified(frozenset(said.bypass + said.on_either))[rows]
    if not said.on_either:
        return own
    either = frozenset(said.on_either)
    theirs = sheet.modified(either)[beside.line]
    if len(beside.past):
        theirs = np.append(theirs, sheet.past_modified(either, beside.past).astype(np.int8))
    theirs = np.where(sheet.lines.family.flags(VISIT.__eq__)[rows], NO, theirs)
    held: np.ndarray = np.where((own == YES) | (theirs == YES), YES, np.minimum(own, theirs))
    return held


def _broken(indicator: np.ndarray, held: np.ndarray) -> np.ndarray:
    broken: np.ndarray = (indicator == NEVER) | ((indicator == WITH_MODIFIER) & (held == NO))
    return broken


def _why(
    asked: Asked, beside: Others, indicator: np.ndarray, pair: np.ndarray, late: np.ndarray
) -> Callable[[int], str]:
    """What is not known of the i-th row; pair: (rows,) the pair in doubt; late: a pair of the latest table."""

    def why(i: int) -> str:
        said = indicator[pair[i]]
        if said == WITH_MODIFIER:
            return NO_MODIFIERS
        if asked.sheet.institutional[asked.rows[i]] and asked.said.table:
            return OF_A_FACILITY
        if said == NOT_LISTED:
            return "The pairs that are loaded do not hold these codes."
        missing = "The pairs of this quarter are not loaded (denials rules refresh)"
        if not late[i]:
            return f"{missing}."
        row = int(asked.rows[i])
        release = asked.tables.citation(TABLE, int(asked.sheet.service[row]))
        return f"{missing}; in {release}, {asked.sheet.lines.code[row]} with {beside.code[int(pair[i])]} was one."

    return why
