"""The only way to make features: `build(lines, history)`, the same for one claim, a batch and a training set.

A row is a function of its claim's lines and of what was known strictly before the claim was submitted. Claims do not
see each other, except that a claim of the same call that was submitted earlier is part of the history of a later one.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from features.catalog import AUTHORIZATION_STATES, NUMBERS
from features.encode import Lines
from features.history import History
from features.line import categories, claim_numbers, numbers
from features.table import FeatureTable

AUTHORIZATION_NUMBERS = ("authorization_days_left", "authorization_units_left", "authorization_date_assumed")
PLACE = {name: i for i, name in enumerate(NUMBERS)}


class _Sheet:
    """The numbers while they are written: column by column, so that a million lines need no second copy."""

    def __init__(self, lines: int) -> None:
        self.columns = np.empty((len(NUMBERS), lines), np.float64)

    def write(self, name: str, values: np.ndarray, rows: slice) -> None:
        self.columns[PLACE[name], rows] = values

    def write_all(self, values: dict[str, np.ndarray]) -> None:
        for name, column in values.items():
            self.columns[PLACE[name]] = column


def build(lines: pl.DataFrame, history: History) -> FeatureTable:
    """Features of (n,) lines: columns of claims.table.Line or of a Batch, every line with a submitted_date.

    A claim must come with all its lines. Raises ValueError for a line without submitted_date.
    """
    history = history.with_lines(lines)
    coded, sheet = Lines(lines), _Sheet(lines.height)
    codes = {name: history.vocabulary.encode(name, values) for name, values in coded.texts().items()}
    chain = history.chains.chain_of(lines)
    fits = history.authorizations.match(coded, chain)
    codes["authorization_state"] = fits[:, 0].astype(np.int64)
    usual_cents = history.charges.mean(codes["code"], coded.submitted, chain)
    usual_units = history.units.mean(codes["code"], coded.submitted, chain) / 1000.0
    own = numbers(coded, usual_cents, usual_units)
    sheet.write_all(own)
    sheet.write_all(claim_numbers(coded, own))
    sheet.write_all(dict(zip(AUTHORIZATION_NUMBERS, fits[:, 1:].T, strict=True)))
    history.sessions.write(codes, coded.service, coded.submitted, chain, sheet.write)
    history.outcomes.write(codes, coded.submitted, chain, sheet.write)
    states: list[str | None] = [AUTHORIZATION_STATES[int(state)] for state in fits[:, 0]]
    return FeatureTable(NUMBERS, sheet.columns.T, {**categories(coded), "authorization_match": states})
