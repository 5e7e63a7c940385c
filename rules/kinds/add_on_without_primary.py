"""Add-on codes without one of their primaries on the same day."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rules.beside import Others, any_of, others
from rules.bulk import NOT_LOADED
from rules.parameters import AddOnWithoutPrimary
from rules.verdict import Asked, Verdict, three
from rules.words import code, listed

TABLE = "add_on"
WHOLE_LIST, OPEN_LIST = 1, 2  # add-ons with a list of primaries; those whose contractor may name others


def add_on_without_primary(asked: Asked) -> Verdict:
    """Broken when none of the primaries stands on the claim that day, or on another claim of the patient that day.

    The other claim must be of the same payer and provider. A code that is no add-on is none of the rule's business. A
    modifier does not help: only the list does.
    """
    said: AddOnWithoutPrimary = asked.said
    size = len(asked)
    told = asked.sheet.lines.code.take(asked.rows), asked.sheet.service[asked.rows]
    if said.table is None:
        kind = last_known = np.full(size, WHOLE_LIST)
    else:
        answer = asked.tables.add_ons(*told)
        kind, last_known = answer.indicator, answer.lapsed
        if not (last_known > 0).any():
            return Verdict(np.zeros(size, np.int8))
    beside = others(asked.sheet, asked.rows)
    found = any_of(beside.at, _primary(asked, said, beside), size)
    unloaded = kind == NOT_LOADED
    open_list = (last_known == OPEN_LIST) & ~found
    return Verdict(
        three(~found, unloaded | open_list, last_known > 0),
        told={"code": code(asked), "others": _primaries(asked, said)},
        why=_why(asked, unloaded, found),
        lapsed=unloaded & ~found & ~open_list & (last_known > 0),
        known=asked.known(TABLE) if said.table else None,
        assumed=asked.assumed(TABLE) if said.table else None,
    )


def _primary(asked: Asked, said: AddOnWithoutPrimary, beside: Others) -> np.ndarray:
    """(pairs,) whether what stands beside the line is a primary of its code, by the latest table where none speaks."""
    named = beside.code.flags(frozenset(said.primaries).__contains__)
    if said.table is None or not len(beside):
        return named
    rows = asked.rows[beside.at]
    answer = asked.tables.parents(asked.sheet.lines.code.take(rows), beside.code, asked.sheet.service[rows])
    primary: np.ndarray = named | (answer.lapsed == 1)
    return primary


def _primaries(asked: Asked, said: AddOnWithoutPrimary) -> Callable[[int], str]:
    """The primaries of the i-th row's code, in words."""

    def told(i: int) -> str:
        row = int(asked.rows[i])
        of_table = asked.tables.primaries(str(asked.sheet.lines.code[row]), int(asked.sheet.service[row]))
        return listed(dict.fromkeys((*said.primaries, *(of_table if said.table else ()))), "or")

    return told


def _why(asked: Asked, unloaded: np.ndarray, found: np.ndarray) -> Callable[[int], str]:
    def why(i: int) -> str:
        if not unloaded[i]:
            return "The payer may name primaries of this add-on that the list does not hold."
        missing = "The add-on list of this day is not loaded (denials rules refresh)"
        if found[i]:
            return f"{missing}."
        row = int(asked.rows[i])
        release = asked.tables.citation(TABLE, int(asked.sheet.service[row]))
        return f"{missing}; by {release}, {asked.sheet.lines.code[row]} stands without a primary."

    return why
