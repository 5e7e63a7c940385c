"""How many outcomes of some files belong to a line of the store: claims/match.py, for some claims at a time.

Whether an outcome matches depends on the lines and outcomes of claims with its number alone, so that claims can be
taken in parts, and memory does not grow with the store.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from claims.match import PAYER_ID_LENGTH, match_outcomes
from claims.store import Store

PART = 100_000  # outcomes matched at a time, about
NUMBER = pl.col("claim_id").str.head(PAYER_ID_LENGTH)  # what a payer may have left of it


def matched_by_file(
    store: Store, files: Collection[str], classes: pl.DataFrame, outcomes: int
) -> dict[str, tuple[int, int]]:
    """file_id -> (matched, unmatched) of the outcomes first seen in it; `outcomes`: about how many they are."""
    parts = outcomes // PART + 1
    told = [_matched(store, list(files), classes, NUMBER.hash() % parts == part) for part in range(parts)]
    whole = pl.concat(told).group_by("file_id").agg(pl.col("matched", "unmatched").sum())
    return {file: (matched, unmatched) for file, matched, unmatched in whole.iter_rows()}


def _matched(store: Store, files: list[str], classes: pl.DataFrame, part: pl.Expr) -> pl.DataFrame:
    """file_id, matched, unmatched of some claims."""
    ours = pl.col("file_id").is_in(files)
    numbers = store.outcomes(part, ours).select(NUMBER.unique()).to_series()
    near = NUMBER.is_in(numbers.implode())
    rows = match_outcomes(store.lines(part, near), store.outcomes(part, near), classes).filter(ours)
    each = rows.group_by("file_id", "outcome_id").agg(matched=pl.col("line").is_not_null().any())
    return each.group_by("file_id").agg(pl.col("matched").sum(), unmatched=(~pl.col("matched")).sum())
