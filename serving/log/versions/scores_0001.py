"""The first tables: scores, their lines, and billers' decisions. A migration is never changed once it was released."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)
TOLD = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "scores",
        sa.Column("score_id", sa.String(36), primary_key=True),
        sa.Column("scored_at", MOMENT, nullable=False, index=True),
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
        sa.Column("reasons", TOLD, nullable=False),
        sa.Column("corrections", TOLD, nullable=False),
    )
    _lines()
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.String(32), primary_key=True),
        sa.Column("score_id", sa.String(36), nullable=False, index=True),
        sa.Column("decided_at", MOMENT, nullable=False, index=True),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
    )


def _lines() -> None:
    op.create_table(
        "score_lines",
        sa.Column("score_id", sa.String(36), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("claim_line_number", sa.Integer, nullable=False),
        sa.Column("hcpcs_code", sa.Text, nullable=False),
        sa.Column("denial_risk", sa.Double, nullable=False),
        sa.Column("raw_score", sa.Double, nullable=False),
        sa.Column("base_value", sa.Double, nullable=False),
        sa.Column("expected_loss_cents", sa.BigInteger, nullable=False),
        sa.Column("reasons", TOLD, nullable=False),
        sa.Column("drivers", TOLD, nullable=False),
        sa.Column("rules", TOLD, nullable=False),
    )


def downgrade() -> None:
    """Drop them, with all that they hold."""
    for table in ("decisions", "score_lines", "scores"):
        op.drop_table(table)
