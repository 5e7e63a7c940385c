"""Facts drawn in text, for tests of the manager's tables."""

from __future__ import annotations

from datetime import date

import ascii_table
import polars as pl

from dashboard.facts import Facts

AS_OF = date(2026, 7, 1)
DEFAULTS = {
    "submission": "1", "submitted_date": "2026-01-05", "payer_id": "P1", "code": "64483", "family": "esi",
    "diagnosis": "M5416", "state": "mature", "young": "no",
}  # fmt: skip
TYPES = {
    "submission": pl.UInt32, "submitted_date": pl.Date, "payer_id": pl.String, "code": pl.String, "family": pl.String,
    "diagnosis": pl.String, "state": pl.String, "young": pl.Boolean, "y": pl.Int8, "category": pl.String,
    "carc": pl.String, "denied_cents": pl.Int64,
}  # fmt: skip


def facts(text: str) -> Facts:
    """Facts of lines drawn in text, each `n` times (a column n, by default 1)."""
    rows = []
    for drawn in ascii_table.rows(text):
        row = DEFAULTS | {name: cell for name, cell in drawn.items() if cell is not None}
        rows += [{name: row.get(name) for name in TYPES}] * (int(row.get("n", 1)))
    frame = pl.DataFrame(rows, schema=dict.fromkeys(TYPES, pl.String)).with_columns(
        pl.col("submitted_date").str.to_date(), young=pl.col("young") == "yes"
    )
    frame = frame.cast(TYPES).with_columns(month=pl.col("submitted_date").dt.truncate("1mo")).sort("submitted_date")
    ids = frame["payer_id"].unique().sort()
    payers = pl.DataFrame({"payer_id": ids, "label": ids.to_list(), "days": [30.0] * len(ids)})
    return Facts(AS_OF, frame, payers.cast({"payer_id": pl.String, "label": pl.String}), {"capitated": 2}, "v", 0)
