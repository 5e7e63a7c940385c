"""pandas frames in and out: the only place of serving that knows pandas, which it does not import by itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

import polars as pl

if TYPE_CHECKING:
    import pandas as pd


def is_pandas(x: Any) -> TypeGuard[pd.DataFrame]:
    """Whether x is a pandas frame; whoever has one has imported pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(x, pandas.DataFrame)


def from_pandas(frame: pd.DataFrame) -> pl.DataFrame:
    """The same rows and columns in polars; a column of mixed values becomes text, and what is missing null."""
    return pl.DataFrame([_column(str(name), frame.iloc[:, place]) for place, name in enumerate(frame.columns)])


def _column(name: str, column: pd.Series[Any]) -> pl.Series:
    try:
        return pl.from_pandas(column.rename(name).reset_index(drop=True))
    except (pl.exceptions.PolarsError, TypeError, ValueError):  # pyarrow's complaints are both of these
        missing = column.isna().tolist()
        cells = [None if gone else str(cell) for cell, gone in zip(column.tolist(), missing, strict=True)]
        return pl.Series(name, cells, pl.String)


def to_pandas(frame: pl.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """A polars frame of as many rows in pandas, under the index of `like`."""
    made = frame.to_pandas()
    made.index = like.index
    return made
