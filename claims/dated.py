"""Lines about to be sent: what has no day of submission is submitted today."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from claims.identity import submission_id

IDENTITY = (
    "source_system", "payer_id", "billing_npi", "claim_id", "submitted_date", "claim_frequency_code",
    "payer_responsibility_code",
)  # fmt: skip


def dated(lines: pl.DataFrame, today: date) -> pl.DataFrame:
    """Lines without a day of submission as submitted today, with the submission_id that this gives them."""
    given = lines.get_column("submitted_date")
    if not given.null_count():
        return lines
    days = [day or today for day in given.to_list()]
    columns = [days if name == "submitted_date" else lines.get_column(name).to_list() for name in IDENTITY]
    known: dict[tuple[Any, ...], str] = {}
    ids = [known.get(row) or known.setdefault(row, submission_id(*row)) for row in zip(*columns, strict=True)]
    filled = lines.clone()  # columns are replaced one by one: with_columns takes 0.2 ms even for three lines
    for column in (pl.Series("submitted_date", days, pl.Date), pl.Series("submission_id", ids, pl.String)):
        filled.replace_column(lines.get_column_index(column.name), column)
    return filled
