"""What a biller did about a scored claim: the words that are kept. Free text is not: it may name a patient."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from claims.errors import DecisionError
from claims.identity import digest

ACTIONS = {
    "submitted": "sent as it was scored",
    "corrected": "corrected, then sent",
    "held": "kept back, for now",
    "sent_for_review": "given to a coder, a provider or a supervisor",
    "written_off": "not billed",
}
REASONS = {
    "agreed": "what the score says is so",
    "not_credible": "the risk or its reasons do not fit this claim",
    "on_file": "what is asked for is on file",
    "authorization_obtained": "an authorization came in",
    "documentation_obtained": "documentation came in",
    "coding_corrected": "codes, modifiers, units or diagnoses were mended after the record",
    "registration_corrected": "patient, coverage or provider data were mended",
    "payer_asked": "the payer said so when asked",
    "deadline": "the filing limit does not allow more",
    "too_small": "not worth the work",
    "other": "something else",
}
FIELDS = ("action", "reason", "decided_at")


class Decision(NamedTuple):
    """One decision; decided_at: UTC, stated: whether the client said when."""

    action: str
    reason: str | None
    decided_at: datetime
    stated: bool

    def ident(self, score_id: str, after: str | None) -> str:
        """Its id: the same thing said twice has one id, said again after (the id of) something else it has another."""
        when = self.decided_at.isoformat() if self.stated else after or ""
        return digest(("decision", score_id, self.action, self.reason or "", when))


def decision_of(told: Mapping[str, Any], now: datetime) -> Decision:
    """The decision in a request. Raises DecisionError for other fields and words than are kept."""
    if not isinstance(told, Mapping) or not {str(key) for key in told} <= set(FIELDS):
        raise DecisionError(f"a decision has {', '.join(FIELDS)} and nothing else; free text is not kept")
    action, reason = told.get("action"), told.get("reason")
    if not isinstance(action, str) or action not in ACTIONS:
        raise DecisionError(f"action is one of {', '.join(ACTIONS)}")
    if reason is not None and (not isinstance(reason, str) or reason not in REASONS):
        raise DecisionError(f"reason is absent or one of {', '.join(REASONS)}")
    when = told.get("decided_at")
    return Decision(action, reason, now if when is None else _moment(when, now), when is not None)


def _moment(told: Any, now: datetime) -> datetime:
    words = "decided_at is a moment with its zone that is not in the future, such as 2026-11-24T15:30:00-05:00"
    try:
        moment = datetime.fromisoformat(told)
        given = None if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise DecisionError(words) from error
    if given is None or given.year < 2000 or (given - now).total_seconds() > 300:  # clocks differ by minutes
        raise DecisionError(words)
    return given
