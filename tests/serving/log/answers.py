"""Answers of POST /v1/score as the contract has them (docs/api.md), for the log to keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from serving.answer import new_id
from serving.log import ScoreLog

Opener = Callable[..., ScoreLog]  # of the fixture `opened`

SECRETS = ("PM-20418-01", "AU30021", "AU30044", "M47.816")  # what no log may hold as it is


def answer(claims: int = 1, lines: int = 2) -> dict[str, Any]:
    """An answer with so many scored claims and one that was rejected."""
    return {
        "model": {
            "name": "denial", "version": "7", "trained_through": "2026-10-31", "catalog_digest": "sha256:c0ffee",
        },
        "rules_version": "sha256:beef", "history_through": "2026-11-20",
        "claims": [_claim(lines) for _ in range(claims)],
        "rejected": [{"index": claims, "claim_id": "QX", "errors": [{"field": "lines", "message": "missing"}]}],
    }  # fmt: skip


def ids(told: dict[str, Any]) -> list[str]:
    return [claim["score_id"] for claim in told["claims"]]


def _claim(lines: int) -> dict[str, Any]:
    change = {"claim_line_number": 1, "field": "prior_authorization_number", "from": "AU30021", "to": "AU30044"}
    return {
        "claim_id": "PM-20418-01", "score_id": new_id(), "claim_denial_risk": 0.64, "risk_interval": [0.55, 0.72],
        "band": "high", "decision": "hold", "expected_loss": "212.40", "evidence": "high",
        "reasons": [{"category": "authorization", "probability": 0.41, "carc": ["197"]}],
        "lines": [_line(number) for number in range(1, lines + 1)],
        "corrections": [{
            "kind": "attach", "changes": [change], "claim_denial_risk_after": 0.29, "saves": "121.10",
            "why": "AU30044 covers 64483 on 2026-11-19.",
        }],
        "errors": [{"field": "lines[2].hcpcs_code", "message": "missing"}],
    }  # fmt: skip


def _line(number: int) -> dict[str, Any]:
    return {
        "claim_line_number": number, "hcpcs_code": "64483", "denial_risk": 0.52, "raw_score": 0.11,
        "base_value": -1.72, "expected_loss": "141.20",
        "reasons": [{"category": "authorization", "probability": 0.38, "carc": ["197"]}],
        "drivers": [
            {"feature": "diagnosis", "concept": "diagnosis", "value": "M47.816", "shap": 1.83, "sentence": "M47.816"},
            {"feature": "other", "concept": "other", "value": None, "shap": 0.0, "sentence": None},
        ],
        "findings": [{
            "rule_id": "UHC-PA-01", "kind": "prior_auth", "outcome": "broken", "remedy": None, "carc": "197",
            "message": "Authorization AU30021 covers 62323, not 64483.", "field": "prior_authorization_number",
            "suggested": "AU30044", "citation": None, "standing": "stated", "checked_on": "2026-11-01",
        }],
    }  # fmt: skip
