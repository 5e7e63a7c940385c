"""Which rows of a batch a table of the store does not hold yet, by the keys of each table.

The table is scanned part by part and never held: what this costs in memory depends on the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import dataframely as dy
import polars as pl
from deltalake import DeltaTable

PART = 400_000  # rows of a table that are looked through at a time, about
Parts = Sequence[pl.LazyFrame]  # of a table; one at least
Choice = Callable[[pl.DataFrame, Parts], pl.DataFrame]  # rows, the table -> the rows to write


def parts_of(delta: DeltaTable, folder: Path, schema: type[dy.Schema]) -> Parts:
    """A table in `folder` as scans of about PART rows each, by its files; the first is empty."""
    types = {name: column.dtype for name, column in schema.columns().items()}
    cast = [pl.col(name).cast(dtype) for name, dtype in types.items()]
    files = pl.DataFrame(delta.get_add_actions(flatten=True)).select("path", pl.col("num_records").cum_sum() // PART)
    paths = files.group_by("num_records", maintain_order=True).agg("path").get_column("path").to_list()
    return [pl.LazyFrame(schema=types), *(pl.scan_parquet([folder / n for n in names]).select(cast) for names in paths)]


def _unseen(*keys: str) -> Choice:
    """Keep the rows whose key is not in the table."""

    def choose(rows: pl.DataFrame, there: Parts) -> pl.DataFrame:
        fresh = rows.unique(keys, keep="first", maintain_order=True)
        return fresh.join(_seen(there, keys, fresh, keys), on=keys, how="anti", maintain_order="left")

    return choose


LINE_KEY = ["submission_id", "claim_line_number"]


def _seen(there: Parts, columns: Sequence[str], rows: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Columns of the rows that are there under the keys of `rows`."""
    asked = rows.select(keys).unique().lazy()
    found = (part.select(columns).join(asked, on=keys, how="semi") for part in there)
    return pl.concat([part.collect(engine="streaming") for part in found])


def _versions(rows: pl.DataFrame, there: Parts) -> pl.DataFrame:
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
