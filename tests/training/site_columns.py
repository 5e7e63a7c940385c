"""Columns of the site put on the lines of a small practice, and outcomes that depend on one of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from small_practice import Practice

from training.cohort import KEY


def carrying(practice: Practice, columns: Mapping[str, Sequence[Any]]) -> Practice:
    """The practice with these columns (one value a line; None = absent) on its lines."""
    names = sorted(columns)
    rows = zip(*(columns[name] for name in names), strict=True)
    told = [{n: v for n, v in zip(names, row, strict=True) if v is not None} for row in rows]
    texts = [json.dumps(one, ensure_ascii=False) if one else None for one in told]
    return replace(practice, lines=practice.lines.with_columns(extra=pl.Series(texts, dtype=pl.String)))


def denied(practice: Practice) -> np.ndarray:
    """(lines,) 1.0 denied, 0.0 not, nan where no outcome is known."""
    told = practice.cut(practice.today).outcomes.select(*KEY, "y")
    y = practice.lines.select(KEY).join(told, on=KEY, how="left", maintain_order="left")["y"]
    return y.cast(pl.Float64).fill_null(np.nan).to_numpy()


def denying(practice: Practice, which: np.ndarray) -> Practice:
    """The practice with the first outcomes of these lines (bool, lines) turned into denials."""
    key = ["claim_id", "claim_line_number"]
    chosen = practice.lines.filter(pl.Series(which)).select(key).unique().with_columns(turned=True)
    told = practice.outcomes.join(chosen, on=key, how="left", maintain_order="left")
    turned = pl.col("turned").fill_null(False)
    changed = told.with_columns(
        paid_amount=pl.when(turned).then(pl.lit(0)).otherwise("paid_amount").cast(pl.Decimal(12, 2)),
        adjustments=pl.when(turned).then(pl.lit("CO-197:50.00")).otherwise("adjustments"),
    )
    return replace(practice, outcomes=changed.select(practice.outcomes.columns))
