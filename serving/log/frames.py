"""The score log as polars frames, for monitoring and audit. Money is Decimal(20, 2) of USD, times are UTC."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from serving.log.record import Row

Columns = Mapping[str, Any]
MOMENT = pl.Datetime("us", "UTC")
MONEY = pl.Decimal(20, 2)  # all that the tables hold: 64 bits of cents. A claim is the sum of its lines
REASONS = pl.List(pl.Struct({"category": pl.String, "probability": pl.Float64}))
SCORE_COLUMNS: Columns = {
    "score_id": pl.String, "scored_at": MOMENT, "claim_key": pl.String, "model_name": pl.String,
    "model_version": pl.String, "catalog_digest": pl.String, "trained_through": pl.Date, "rules_version": pl.String,
    "history_through": pl.Date, "claim_denial_risk": pl.Float64, "risk_low": pl.Float64, "risk_high": pl.Float64,
    "band": pl.String, "decision": pl.String, "evidence": pl.String, "expected_loss": MONEY, "lines": pl.Int32,
    "lines_left_out": pl.Int32, "reasons": REASONS,
    "corrections": pl.List(pl.Struct({
        "kind": pl.String, "fields": pl.List(pl.String), "risk_after": pl.Float64, "saves_cents": pl.Int64,
    })),
}  # fmt: skip
LINE_COLUMNS: Columns = {
    "score_id": pl.String, "place": pl.Int32, "claim_line_number": pl.Int32, "hcpcs_code": pl.String,
    "denial_risk": pl.Float64, "raw_score": pl.Float64, "base_value": pl.Float64, "expected_loss": MONEY,
    "reasons": REASONS, "drivers": pl.List(pl.Struct({"feature": pl.String, "shap": pl.Float64})),
    "rules": pl.List(pl.Struct({"rule_id": pl.String, "outcome": pl.String})),
}  # fmt: skip
DECISION_COLUMNS: Columns = {
    "decision_id": pl.String, "score_id": pl.String, "decided_at": MOMENT, "action": pl.String, "reason": pl.String,
}  # fmt: skip


def framed(rows: list[Row], columns: Columns) -> pl.DataFrame:
    """Rows of the database as a frame of these columns."""
    if "expected_loss" in columns:
        for row in rows:
            row["expected_loss"] = Decimal(row.pop("expected_loss_cents")).scaleb(-2)
    return pl.DataFrame({name: [row[name] for row in rows] for name in columns}, schema=dict(columns))
