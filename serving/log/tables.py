"""Tables of the score log's database, as the latest migration leaves them (serving/log/versions).

Times are UTC, expected losses cents of USD, risks probabilities, raw scores and base values log-odds. claim_key is a
keyed hash of the claim_id (claims/identity.py): whoever has the store and the key can join, nobody else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB


class Utc(sa.TypeDecorator[datetime]):
    """A moment: with its zone in PostgreSQL, as UTC without one in SQLite; always UTC in Python."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """To the database."""
        told = value and value.astimezone(UTC)
        return told.replace(tzinfo=None) if told and dialect.name == "sqlite" else told

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """From the database."""
        return value and (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))


def json_type() -> sa.types.TypeEngine[Any]:
    """JSON that each database stores its own way."""
    return sa.JSON().with_variant(JSONB(), "postgresql")


METADATA = sa.MetaData()
SCORES = sa.Table(
    "scores", METADATA,
    sa.Column("score_id", sa.String(36), primary_key=True),
    sa.Column("scored_at", Utc(), nullable=False, index=True),
    sa.Column("claim_key", sa.String(32), nullable=False, index=True),
    sa.Column("model_name", sa.Text, nullable=False),
    sa.Column("model_version", sa.Text, nullable=False),
    sa.Column("catalog_digest", sa.Text),
    sa.Column("trained_through", sa.Date),
    sa.Column("rules_version", sa.Text),
    sa.Column("history_through", sa.Date),
    sa.Column("claim_denial_risk", sa.Double, nullable=False),
    sa.Column("risk_low", sa.Double),
    sa.Column("risk_high", sa.Double),
    sa.Column("band", sa.Text, nullable=False),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text),
    sa.Column("expected_loss_cents", sa.BigInteger, nullable=False),
    sa.Column("lines", sa.Integer, nullable=False),
    sa.Column("lines_left_out", sa.Integer, nullable=False),
    sa.Column("reasons", json_type(), nullable=False),
    sa.Column("corrections", json_type(), nullable=False),
)  # fmt: skip
LINES = sa.Table(
    "score_lines", METADATA,
    sa.Column("score_id", sa.String(36), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("claim_line_number", sa.Integer, nullable=False),
    sa.Column("hcpcs_code", sa.Text, nullable=False),
    sa.Column("denial_risk", sa.Double, nullable=False),
    sa.Column("raw_score", sa.Double, nullable=False),
    sa.Column("base_value", sa.Double, nullable=False),
    sa.Column("expected_loss_cents", sa.BigInteger, nullable=False),
    sa.Column("reasons", json_type(), nullable=False),
    sa.Column("drivers", json_type(), nullable=False),
    sa.Column("rules", json_type(), nullable=False),
)  # fmt: skip
DECISIONS = sa.Table(
    "decisions", METADATA,
    sa.Column("decision_id", sa.String(32), primary_key=True),
    sa.Column("score_id", sa.String(36), nullable=False, index=True),
    sa.Column("decided_at", Utc(), nullable=False, index=True),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
)  # fmt: skip
