"""The table of `denials score`: one row for every row in, in order; columns are the contract.

A claim's values are repeated on its lines. Columns that no part of the system can fill yet are null. expected_loss is
USD of the line; risks are probabilities, raw_score and base_value log-odds. A row that cannot be scored says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from claims.batch import Batch
from claims.settings import ServingSettings
from serving.answer import new_id
from serving.assess import Assessed
from serving.reasons import TOLD, columns
from serving.worth import DECISIONS, band, usd

COLUMNS: dict[str, pl.DataType] = {
    "claim_id": pl.String(),
    "claim_line_number": pl.Int32(),
    "score_id": pl.String(),
    "denial_risk": pl.Float64(),
    "claim_denial_risk": pl.Float64(),
    "risk_low": pl.Float64(),
    "risk_high": pl.Float64(),
    "raw_score": pl.Float64(),
    "base_value": pl.Float64(),
    "band": pl.String(),
    "decision": pl.String(),
    "expected_loss": pl.Decimal(12, 2),
    "evidence": pl.String(),
    **{f"reason_{i}{end}": dtype for i in range(1, TOLD + 1)
       for end, dtype in (("", pl.String()), ("_probability", pl.Float64()))},
    "model_version": pl.String(),
    "history_through": pl.Date(),
    "error": pl.String(),
}  # fmt: skip


@dataclass(frozen=True)
class Origin:
    """What scored the lines: the same on every row."""

    model_version: str
    history_through: date | None
    serving: ServingSettings


def sheet(assessed: Assessed, base_value: float, batch: Batch, origin: Origin) -> pl.DataFrame:
    """The table of scored and rejected lines, as many as were read."""
    scored, rejected = _scored(assessed, base_value, origin), _rejected(batch)
    whole = pl.concat([scored, rejected], how="diagonal").sort("row")
    assert len(whole) == len(batch.lines) + len(rejected)
    return whole.select(
        pl.col(name) if name in whole.columns else pl.lit(None, dtype).alias(name) for name, dtype in COLUMNS.items()
    )


def _scored(assessed: Assessed, base_value: float, origin: Origin) -> pl.DataFrame:
    risk = assessed.claim_risk[assessed.claim]
    grades = assessed.claim_evidence.names
    bands = [band(*told, origin.serving) for told in zip(assessed.claim_risk.tolist(), grades, strict=True)]
    level = [bands[code] for code in assessed.claim.tolist()]
    ids = [new_id() for _ in bands]
    return assessed.lines.select("row", "claim_id", "claim_line_number").with_columns(
        pl.Series("score_id", [ids[code] for code in assessed.claim.tolist()], pl.String),
        pl.Series("denial_risk", assessed.risk),
        pl.Series("claim_denial_risk", risk),
        pl.Series("risk_low", assessed.evidence.low),
        pl.Series("risk_high", assessed.evidence.high),
        pl.Series("raw_score", assessed.raw),
        pl.Series("base_value", np.full(len(assessed), base_value)),
        pl.Series("band", level, pl.String),
        pl.Series("decision", [DECISIONS[name] for name in level], pl.String),
        pl.Series("expected_loss", [usd(cents) for cents in assessed.loss.tolist()], pl.String).cast(pl.Decimal(12, 2)),
        *columns(assessed),
        pl.Series("evidence", [grades[code] for code in assessed.claim.tolist()], pl.String),
        model_version=pl.lit(origin.model_version),
        history_through=pl.lit(origin.history_through, pl.Date),
    )


def _rejected(batch: Batch) -> pl.DataFrame:
    """row, claim_id, claim_line_number (null where it is no number), error of the lines that were not accepted."""
    rejects = batch.rejects.filter(pl.col("table") == "lines")
    number = pl.col("claim_line_number").cast(pl.Int32, strict=False)
    return rejects.select("row", "claim_id", number, error="reason")
