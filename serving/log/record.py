"""What the score log keeps of an answer: one journal record an answer, and the rows that it becomes.

Kept is what monitoring and audit need: which model and rules said what, when. Not kept: claim_id (a keyed hash stands
for it), values and sentences of drivers, messages of findings, contents of corrections: they repeat the claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic_core import from_json, to_json

from claims.identity import Keys
from serving.log.decision import Decision

Json = Mapping[str, Any]
Row = dict[str, Any]
HEAD = ("rules_version", "history_through")
MODEL = {"model_name": "name", "model_version": "version", "catalog_digest": "catalog_digest",
         "trained_through": "trained_through"}  # fmt: skip
CLAIM = ("score_id", "claim_denial_risk", "band", "decision", "evidence")
LINE = ("claim_line_number", "hcpcs_code", "denial_risk", "raw_score", "base_value")


@dataclass
class Rows:
    """Rows by table."""

    scores: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)


def answer_record(answer: Json, keys: Keys, now: datetime) -> bytes:
    """The record of an answer of POST /v1/score (docs/api.md); claims that were rejected have no score."""
    model = answer["model"]
    head = {name: model[told] for name, told in MODEL.items()} | {name: answer[name] for name in HEAD}
    claims = [_claim(claim, keys) for claim in answer["claims"]]
    return to_json({"kind": "scores", "scored_at": now.isoformat(), **head, "claims": claims})


def decision_record(score_id: str, ident: str, decision: Decision) -> bytes:
    """The record of a decision."""
    told = {"kind": "decision", "of": score_id, "decision_id": ident, "decided_at": decision.decided_at.isoformat(),
            "action": decision.action, "reason": decision.reason}  # fmt: skip
    return to_json(told)


def scored(score_id: str) -> bytes:
    """What a record of scores holds where it scored this claim, and no other record does."""
    return b'"score_id":' + to_json(score_id)


def decided(score_id: str) -> bytes:
    """What a decision about this claim holds, and no other record does."""
    return b'"of":' + to_json(score_id)


def rows_of(payloads: Iterable[bytes]) -> Rows:
    """The rows of records."""
    rows = Rows()
    for payload in payloads:
        told = from_json(payload)
        if told["kind"] == "decision":
            rows.decisions.append(decision_row(told))
        else:
            head = {name: told[name] for name in (*MODEL, *HEAD)} | {"scored_at": _moment(told["scored_at"])}
            head |= {name: told[name] and date.fromisoformat(told[name]) for name in ("trained_through", HEAD[1])}
            for claim in told["claims"]:
                lines = claim.pop("lines")
                rows.scores.append(head | claim | {"lines": len(lines)})
                rows.lines += ({"score_id": claim["score_id"], "place": at} | line for at, line in enumerate(lines))
    return rows


def decision_row(told: Json) -> Row:
    """The row of a decision's record."""
    names = ("decision_id", "action", "reason")
    row = {name: told[name] for name in names}
    return row | {"score_id": told["of"], "decided_at": _moment(told["decided_at"])}


def _claim(claim: Json, keys: Keys) -> Row:
    low, high = claim["risk_interval"] or (None, None)
    return {name: claim[name] for name in CLAIM} | {
        "claim_key": keys.claim(claim["claim_id"]),
        "risk_low": low,
        "risk_high": high,
        "expected_loss_cents": _cents(claim["expected_loss"]),
        "lines_left_out": len(claim["errors"]),
        "reasons": _reasons(claim["reasons"]),
        "corrections": [_correction(told) for told in claim["corrections"]],
        "lines": [_line(line) for line in claim["lines"]],
    }


def _line(line: Json) -> Row:
    return {name: line[name] for name in LINE} | {
        "expected_loss_cents": _cents(line["expected_loss"]),
        "reasons": _reasons(line["reasons"]),
        "drivers": [{"feature": told["feature"], "shap": told["shap"]} for told in line["drivers"]],
        "rules": [{"rule_id": told["rule_id"], "outcome": told["outcome"]} for told in line["findings"]],
    }


def _reasons(reasons: Sequence[Json]) -> list[Row]:
    return [{"category": told["category"], "probability": told["probability"]} for told in reasons]


def _correction(told: Json) -> Row:
    fields = sorted({change["field"] for change in told["changes"]})
    return {"kind": told["kind"], "fields": fields, "risk_after": told["claim_denial_risk_after"],
            "saves_cents": told["saves"] and _cents(told["saves"])}  # fmt: skip


def _cents(money: str) -> int:
    return int(Decimal(money) * 100)


def _moment(told: str) -> datetime:
    return datetime.fromisoformat(told)
