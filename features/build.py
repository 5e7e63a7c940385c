"""The only way to make features: `build(lines, history)`, the same for one claim, a batch and a training set.

A row is a function of its claim's lines and of what was known strictly before the claim was submitted. Claims do not
see each other, except that a claim of the same call that was submitted earlier is part of the history of a later one.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from claims.texts import Gathered, Texts, release_arrow
from features.catalog import CATALOG, NUMBERS
from features.extra import Extra
from features.findings import finding_numbers
from features.history import History
from features.line import categories, claim_numbers, numbers
from features.request import with_request
from features.sessions import session_features
from features.table import FeatureTable
from rules.authorization import AUTHORIZATION_STATES
from rules.blocks import blocks
from rules.encode import Lines
from rules.findings import Findings
from rules.judge import judge_sheet
from rules.sheet import Sheet

AUTHORIZATION_NUMBERS = ("authorization_days_left", "authorization_units_left", "authorization_date_assumed")
CATEGORIES = tuple(f.name for f in CATALOG if f.dtype == "category")
Numbers = dict[str, np.ndarray]
Categories = dict[str, Texts]


def build(lines: pl.DataFrame, history: History) -> FeatureTable:
    """Features of (n,) lines: columns of claims.table.Line or of a Batch, every line with a submitted_date.

    A claim must come with all its lines. The table keeps what the rules say of them where one block holds them all.
    Raises ValueError for a line without submitted_date.
    """
    history = with_request(history, lines)
    whole = Lines(lines)
    parts = blocks(whole)
    if len(parts) == 1:
        return _alone(Sheet(whole, history.past), history, lines)
    release_arrow()
    # Touched at once: bit by bit costs a million lines a second.
    columns = np.full((len(NUMBERS), lines.height), np.nan, np.float32)
    texts = {name: Gathered(lines.height) for name in CATEGORIES}
    for rows in parts:
        sheet = Sheet(Lines(lines[rows]), history.past)
        made, told = _block(sheet, history, judge_sheet(sheet, history.rules))
        for at, name in enumerate(NUMBERS):
            columns[at, rows] = made[name]
        for name in CATEGORIES:
            texts[name].put(rows, told[name])
    told = {name: gathered.texts() for name, gathered in texts.items()}
    return FeatureTable(NUMBERS, columns.T, told, extra=Extra.of(lines.get_column("extra")))


def _alone(sheet: Sheet, history: History, lines: pl.DataFrame) -> FeatureTable:
    """Of lines that one block holds, with what the rules say of them."""
    found = judge_sheet(sheet, history.rules)
    made, told = _block(sheet, history, found)
    columns = np.empty((len(NUMBERS), len(sheet)), np.float32)
    for at, name in enumerate(NUMBERS):
        columns[at] = made[name]
    extra = Extra.of(lines.get_column("extra"))
    return FeatureTable(NUMBERS, columns.T, {name: told[name] for name in CATEGORIES}, found, extra)


def _block(sheet: Sheet, history: History, found: Findings) -> tuple[Numbers, Categories]:
    lines, chain = sheet.lines, sheet.chain
    codes = {name: history.past.vocabulary.encode(name, values) for name, values in lines.texts()}
    fits = sheet.authorization
    states = codes["authorization_state"] = fits[:, 0].astype(np.int64)
    usual_cents = history.charges.mean(codes["code"], lines.submitted, chain)
    usual_units = history.units.mean(codes["code"], lines.submitted, chain) / 1000.0
    own = numbers(lines, usual_cents, usual_units)
    made = {
        **own,
        **claim_numbers(lines, own),
        **dict(zip(AUTHORIZATION_NUMBERS, fits[:, 1:4].T, strict=True)),
        **session_features(history.past, codes, lines.service, lines.submitted, chain),
        **history.outcomes.features(codes, lines.submitted, chain),
        **finding_numbers(found, lines.claim, lines.claims),
    }
    return made, {**categories(lines), "authorization_match": Texts(list(AUTHORIZATION_STATES), states)}
