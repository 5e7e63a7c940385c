"""Fields of a line that must be filled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from rules.sheet import NO, NOT_KNOWN, YES, Sheet
from rules.verdict import Asked, Verdict, three
from rules.words import code, listed

EMPTY = frozenset({""})
PLACE = "place_of_service_code"  # of an institutional claim its type of bill says it


def missing_field(asked: Asked) -> Verdict:
    """Broken when one of the fields is left empty; unknown when the source does not carry one of them."""
    told = np.stack([_missing(asked.sheet, column)[asked.rows] for column in asked.value])
    empty = (told == YES).any(axis=0)
    unknown = ~empty & (told == NOT_KNOWN).any(axis=0)
    fields = _fields(asked, told)
    return Verdict(
        three(empty, unknown),
        told={"code": code(asked), "fields": fields(YES)},
        why=lambda i: f"The source does not carry {fields(NOT_KNOWN)(i)}.",
    )


def _missing(sheet: Sheet, column: str) -> np.ndarray:
    """(lines,) int8 whether a field is empty. A number or a date that is null is not known."""
    if column == PLACE:
        return np.where(sheet.institutional, NO, sheet.has(column, EMPTY))
    told = sheet.lines.frame.get_column(column)
    if told.dtype == pl.String:
        return sheet.has(column, EMPTY)
    if (nulls := told.null_count()) in (0, len(told)):  # to_numpy() costs 30 us on three lines
        return np.full(len(told), NOT_KNOWN if nulls else NO)
    return np.where(told.is_null().to_numpy(), NOT_KNOWN, NO)


def _fields(asked: Asked, told: np.ndarray) -> Callable[[int], Callable[[int], str]]:
    names = [column.replace("_", " ") for column in asked.value]

    def of(state: int) -> Callable[[int], str]:
        return lambda i: listed(name for name, one in zip(names, told[:, i], strict=True) if one == state)

    return of
