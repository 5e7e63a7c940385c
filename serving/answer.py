"""The response of a score request, as Python's own types: names and nesting are the contract (docs/api.md).

What no part of the system can say yet is null or an empty list. Money is a decimal string of USD.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import numpy as np

from claims.batch import Batch
from claims.settings import ServingSettings
from rules.findings import Finding
from serving.assess import Assessed
from serving.explain import Driver
from serving.reasons import Told
from serving.worth import DECISIONS, band, usd
from training.evidence import GRADES

Json = dict[str, Any]


def new_id() -> str:
    """A score_id: UUID version 7, so that ids sort by the time they were given."""
    stamp = time.time_ns() // 1_000_000
    number = stamp << 80 | int.from_bytes(os.urandom(10))
    return str(UUID(int=number & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62))


def claims_of(
    assessed: Assessed, base: np.ndarray, drivers: Sequence[list[Driver]], findings: Sequence[list[Finding]],
    reasons: Told, serving: ServingSettings,
) -> dict[int, Json]:  # fmt: skip
    """Scored claims by claim_index. base: (lines,) base values; drivers, findings: one list a line."""
    told = _lines(assessed, base, drivers, findings, reasons)
    numbers = assessed.lines.get_column("claim_index").to_list()
    ids = assessed.lines.get_column("claim_id").to_list()
    found: dict[int, Json] = {}
    for row, code in enumerate(assessed.claim.tolist()):
        claim = found.get(numbers[row])
        if claim is None:
            claim = found[numbers[row]] = _claim(ids[row], assessed, code, serving)
            claim["reasons"] = reasons.claims[code]
        claim["lines"].append(told[row])
    losses = np.bincount(assessed.claim, assessed.loss).astype(np.int64).tolist() if len(assessed) else []
    for claim, loss in zip(found.values(), losses, strict=True):
        claim["expected_loss"] = usd(loss)
    return found


def _claim(claim_id: str, assessed: Assessed, code: int, serving: ServingSettings) -> Json:
    risk, known = float(assessed.claim_risk[code]), assessed.claim_evidence
    evidence = GRADES[known.grade[code]]
    level = band(risk, evidence, serving)
    return {
        "claim_id": claim_id,
        "score_id": new_id(),
        "claim_denial_risk": risk,
        "risk_interval": [float(known.low[code]), float(known.high[code])],
        "band": level,
        "decision": DECISIONS[level],
        "expected_loss": "0.00",
        "evidence": evidence,
        "reasons": [],
        "lines": [],
        "corrections": [],
        "errors": [],
    }


def _lines(
    assessed: Assessed, base: np.ndarray, drivers: Sequence[list[Driver]], findings: Sequence[list[Finding]],
    reasons: Told,
) -> list[Json]:  # fmt: skip
    lines = assessed.lines
    columns = (
        lines.get_column("claim_line_number").to_list(), lines.get_column("hcpcs_code").to_list(),
        assessed.risk.tolist(), assessed.raw.tolist(), base.tolist(), assessed.loss.tolist(), drivers, findings,
        reasons.lines,
    )  # fmt: skip
    return [
        {
            "claim_line_number": number,
            "hcpcs_code": code,
            "denial_risk": risk,
            "raw_score": raw,
            "base_value": start,
            "expected_loss": usd(loss),
            "reasons": why,
            "drivers": moved,
            "findings": broken,
        }
        for number, code, risk, raw, start, loss, moved, broken, why in zip(*columns, strict=True)
    ]


def flat(claims: Sequence[Any]) -> set[int]:
    """Places of the entries of a request that are lines by themselves."""
    return {index for index, claim in enumerate(claims) if isinstance(claim, dict) and "lines" not in claim}


def add_rejects(found: dict[int, Json], batch: Batch, alone: Collection[int] = ()) -> list[Json]:
    """Tell the lines that were left out in their claim's `errors`; return `rejected`, the claims with no line left.

    found: scored claims by their place in the request; alone: places of lines that stand by themselves, which may
    belong to a claim of other places.
    """
    rejected: dict[int, Json] = {}
    by_id = {claim["claim_id"]: claim for claim in found.values()}
    for row in batch.rejects.iter_rows(named=True):
        if row["table"] != "lines":
            continue
        index = row["claim_index"]
        claim = found.get(index) or (by_id.get(row["claim_id"]) if index in alone else None)
        if claim is None:
            claim = rejected.setdefault(index, {"index": index, "claim_id": row["claim_id"], "errors": []})
        claim["errors"] += errors_of(row["field"], row["reason"])
    return [rejected[index] for index in sorted(rejected)]


def errors_of(fields: str | None, reason: str) -> list[Json]:
    """One {field, message} for each fault of a row; the message does not repeat the field."""
    names, words = (fields or "").split(";"), reason.split("; ")
    if len(names) != len(words):
        return [{"field": fields, "message": reason}]
    return [{"field": name or None, "message": _message(told)} for name, told in zip(names, words, strict=True)]


def _message(told: str) -> str:
    return told.partition(" ")[2].removeprefix("is ") or told
