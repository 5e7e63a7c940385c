"""Which rows of a batch a table of the store does not hold yet, by the keys of each table.

The table is scanned and never held: what this costs in memory depends on the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

Choice = Callable[[pl.DataFrame, pl.LazyFrame], pl.DataFrame]  # rows, the table -> the rows to write


def _unseen(*keys: str) -> Choice:
    """Keep the rows whose key is not in the table."""

    def choose(rows: pl.DataFrame, there: pl.LazyFrame) -> pl.DataFrame:
        fresh = rows.unique(keys, keep="first", maintain_order=True)
        return fresh.join(_seen(there, keys, fresh, keys), on=keys, how="anti", maintain_order="left")

    return choose


LINE_KEY = ["submission_id", "claim_line_number"]


def _seen(there: pl.LazyFrame, columns: Sequence[str], rows: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Columns of the rows that are there under the keys of `rows`; scanned, so that the others are never held."""
    scanned = there.select(columns).join(rows.lazy().select(keys).unique(), on=keys, how="semi")
    return scanned.collect(engine="streaming")


def _versions(rows: pl.DataFrame, there: pl.LazyFrame) -> pl.DataFrame:
    """Keep the rows whose content is new for their line, numbered after the versions that are there."""
    seen = _seen(there, [*LINE_KEY, "version", "row_hash"], rows, LINE_KEY)
    fresh = rows.unique([*LINE_KEY, "row_hash"], keep="first", maintain_order=True)
    fresh = fresh.join(seen, on=[*LINE_KEY, "row_hash"], how="anti", maintain_order="left")
    last = seen.group_by(LINE_KEY).agg(last=pl.col("version").max())
    return fresh.join(last, on=LINE_KEY, how="left", maintain_order="left").with_columns(
        version=pl.col("last").fill_null(0) + pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(LINE_KEY)
    )


CHOICES: dict[str, Choice] = {
    "lines": _versions, "outcomes": _unseen("outcome_id"), "authorizations": _unseen("authorization_id"),
    "rejections": _unseen("rejection_id"), "provider_adjustments": _unseen("provider_adjustment_id"),
    "rejects": _unseen("file_id", "table", "row"), "quality": _unseen("file_id", "flag"), "files": _unseen("file_id"),
}  # fmt: skip
