"""Frames from tables drawn in text: the data of the spec tests.

The first row names the columns. An empty cell is null, `""` is an empty text. Columns that a table leaves out are
null, or the defaults below where a row must have them. Some columns may be written short (SHORT).
"""

from __future__ import annotations

from datetime import UTC, datetime

import dataframely as dy
import polars as pl

from claims.table import Authorization, Line, Outcome

SHORT = {
    "charge": "charge_amount", "paid": "paid_amount", "allowed": "allowed_amount", "line": "claim_line_number",
    "status": "claim_status_code", "control": "payer_claim_control_number",
}  # fmt: skip
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORIGIN = {"source_system": "practice", "file_id": "f", "loaded_at": NOW}
LINE = ORIGIN | {
    "version": "1", "row_hash": "h", "claim_id": "A", "claim_line_number": "1", "payer_id": "P1", "hcpcs_code": "64483",
    "claim_line_start_date": "2026-01-05",
}  # fmt: skip
OUTCOME = ORIGIN | {"claim_id": "A", "known_date": "2026-02-01"}
AUTHORIZATION = ORIGIN | {"prior_authorization_number": "N1"}


def rows(text: str) -> list[dict[str, str | None]]:
    """The rows of a table as dicts of text; lines of dashes are decoration."""
    drawn = [line.strip() for line in text.strip().splitlines() if set(line) - set("-+| ")]
    header, *cells = [[cell.strip() for cell in line.split("|")] for line in drawn]
    names = [SHORT.get(name, name) for name in header]
    assert all(len(row) <= len(names) for row in cells), "a row has more cells than the header"
    return [
        {name: cell.replace('""', "") if cell else None for name, cell in zip(names, row, strict=False)}
        for row in cells
    ]


def frame(table: list[dict[str, object]], schema: type[dy.Schema]) -> pl.DataFrame:
    """Rows as a frame with all columns of `schema`, in its order and types."""
    types = schema.create_empty().schema
    columns = [_column(name, [row.get(name) for row in table], dtype) for name, dtype in types.items()]
    return pl.DataFrame(columns)


def lines(text: str) -> pl.DataFrame:
    """A table of service lines; a line's submission is its claim unless the table says otherwise."""
    table = [LINE | {k: v for k, v in row.items() if v is not None} for row in rows(text)]
    return frame([{"submission_id": row["claim_id"]} | row for row in table], Line)


def outcomes(text: str) -> pl.DataFrame:
    """A table of outcomes; they are numbered o1, o2, ..., in rows 1, 2, ..., unless the table says otherwise."""
    table = [OUTCOME | {k: v for k, v in row.items() if v is not None} for row in rows(text)]
    return frame([{"outcome_id": f"o{i}", "row": str(i)} | row for i, row in enumerate(table, 1)], Outcome)


def authorizations(text: str) -> pl.DataFrame:
    """A table of authorizations, numbered a1, a2, ..."""
    told = [{"status" if k == "claim_status_code" else k: v for k, v in row.items()} for row in rows(text)]
    table = [AUTHORIZATION | {k: v for k, v in row.items() if v is not None} for row in told]
    return frame([{"authorization_id": f"a{i}"} | row for i, row in enumerate(table, 1)], Authorization)


def _column(name: str, cells: list[object], dtype: pl.DataType) -> pl.Series:
    if not all(cell is None or isinstance(cell, str) for cell in cells):
        return pl.Series(name, cells, strict=False).cast(dtype)
    text = pl.Series(name, cells, dtype=pl.String)
    if dtype == pl.Boolean:
        return text.replace_strict({"yes": True, "no": False}, return_dtype=pl.Boolean)
    return text.str.to_date() if dtype == pl.Date else text.cast(dtype)
