"""Shapes of what POST /v1/outcomes and POST /v1/scores/{score_id}/decision take and answer."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from serving.log.decision import ACTIONS, REASONS
from serving.wire import Fault

Schema = dict[str, Any]


class _Receipt(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class RejectedRow(_Receipt):
    """A row that was not taken; row counts from 1."""

    row: int
    errors: list[Fault]


class OutcomesReceipt(_Receipt):
    """How many outcomes were taken; of those that were not, the reasons by count, and the first thousand one by one."""

    receipt: str
    kind: str
    accepted: int
    rejected: int
    outcomes_accepted: int
    outcomes_rejected: int
    rejections: int
    rejections_rejected: int
    provider_adjustments: int
    provider_adjustments_rejected: int
    reasons: dict[str, int]
    quality: dict[str, int]
    rejects: list[RejectedRow]


class DecisionReceipt(_Receipt):
    """What is kept; repeated: it was kept already."""

    score_id: str
    decision_id: str
    action: str
    reason: str | None
    decided_at: str
    repeated: bool


def decision_schema() -> Schema:
    """JSON schema of a decision."""
    when = "with its zone; not in the future, not before 2000; absent: now"
    return {
        "type": "object", "required": ["action"], "additionalProperties": False,
        "properties": {
            "action": {"enum": list(ACTIONS), "description": _words(ACTIONS)},
            "reason": {"enum": [*REASONS, None], "description": _words(REASONS)},
            "decided_at": {"type": ["string", "null"], "format": "date-time", "description": when},
        },
        "examples": [{"action": "corrected", "reason": "authorization_obtained"}],
    }  # fmt: skip


def _words(words: dict[str, str]) -> str:
    return "; ".join(f"{word}: {meaning}" for word, meaning in words.items())
