"""Shapes of POST /v1/score and /v1/check: what a request may carry (for the OpenAPI document), and the responses.

A request's claims are decoded one by one when they are read, so that a bad one does not spoil the others. It may carry
more than is listed here; what is not known is neither an error nor echoed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from claims.fields import PARSERS, STORED
from claims.table import DIAGNOSES, DOCUMENTATION, MODIFIERS, RAW_LINE_COLUMNS

Schema = dict[str, Any]
Money = Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]{2}$", examples=["212.40"])]
Share = Annotated[float, Field(ge=0, le=1)]
TEXT: Schema = {"type": ["string", "integer", "null"]}
TYPES: dict[object, Schema] = {
    pl.Date: {"type": ["string", "null"], "format": "date"},
    pl.Boolean: {"type": ["boolean", "null"]},
    pl.Float64: {"type": ["number", "null"]},
    pl.Int16: {"type": ["integer", "null"]},
    pl.Int32: {"type": ["integer", "null"]},
    pl.Decimal(12, 2): {"type": ["string", "number", "null"], "examples": ["980.00"]},
}
MOST_CLAIMS = 1_000
LISTS = {*MODIFIERS, *DIAGNOSES, "diagnosis_pointers"}  # columns that are lists in JSON
NEEDED = "claim_id, payer_id, claim_line_number, claim_line_start_date and hcpcs_code"
EXAMPLE: Schema = {
    "claims": [
        {
            "claim_id": "A-1001",
            "payer_id": "60054",
            "claim_filing_indicator_code": "CI",
            "member_id": "M000123",
            "patient_birth_date": "1958-07-14",
            "patient_sex": "M",
            "rendering_npi": "1457398765",
            "service_state": "KY",
            "place_of_service_code": "11",
            "diagnosis_codes": ["M47.816"],
            "prior_authorization_number": "",
            "lines": [
                {
                    "claim_line_number": 1,
                    "claim_line_start_date": "2026-11-18",
                    "hcpcs_code": "64493",
                    "modifiers": ["RT"],
                    "service_unit_quantity": 1,
                    "charge_amount": "980.00",
                }
            ],
        }
    ]
}


def request_schema() -> Schema:
    """JSON schema of a request. Every field may stand on the claim or on a line; absent or null is not known."""
    fields = _fields()
    line = {"type": "object", "description": "What a line says overrides what its claim says.", "properties": fields}
    lines = {"type": "array", "minItems": 1, "items": line}
    words = f"Needed, here or on each line: {NEEDED}."
    claim = {"type": "object", "description": words, "properties": fields | {"lines": lines}, "required": ["lines"]}
    other = {"description": "Anything else is told in `rejected`, with its reason; the other claims are answered."}
    words = f"At most {MOST_CLAIMS:,}; more are answered with 413."
    claims = {"type": "array", "description": words, "items": {"anyOf": [claim, other]}}
    return {"type": "object", "properties": {"claims": claims}, "required": ["claims"], "examples": [EXAMPLE]}


def _fields() -> Schema:
    types = {name: TYPES.get(STORED["lines"].get(name, RAW_LINE_COLUMNS.get(name)), TEXT) for name in PARSERS["lines"]}
    own = {name: schema for name, schema in types.items() if name not in LISTS and name not in DOCUMENTATION}
    documentation = {name: types[name] for name in DOCUMENTATION}
    return own | {
        "diagnosis_codes": _list({"type": "string"}, len(DIAGNOSES)),
        "modifiers": _list({"type": "string"}, len(MODIFIERS)),
        "diagnosis_pointers": _list({"type": "integer"}, len(DIAGNOSES)),
        "documentation": {"type": ["object", "null"], "properties": documentation},
        "extra": {"type": ["object", "null"], "description": "columns of the site, named x_*"},
    }


def _list(items: Schema, most: int) -> Schema:
    return {"type": ["array", "null"], "items": items, "maxItems": most, "description": "[] = none; null = not known"}


class ScoreRequest(BaseModel):
    """Up to 1,000 claims; one that cannot be read is told in the answer, and the others are scored."""

    claims: list[Any]


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Reason(_Told):
    """Why a denial would come, with its own probability."""

    category: str
    probability: Share
    carc: list[str]


class Driver(_Told):
    """What a billing concept moved the raw score of a line, in log-odds; the last one sums those that are not shown."""

    feature: str
    concept: str
    value: str | float | bool | None
    shap: float
    sentence: str | None


class Finding(_Told):
    """What a rule says of a line."""

    rule_id: str
    kind: str
    outcome: Literal["broken", "met", "unknown"]
    message: str
    remedy: str | None
    field: str | None
    suggested: str | None
    carc: str | None
    citation: str | None
    standing: Literal["stated", "observed", "assumed"]
    checked_on: str | None


class ScoredLine(_Told):
    """One line: base_value + sum of shap over its drivers = raw_score."""

    claim_line_number: int
    hcpcs_code: str
    denial_risk: Share
    raw_score: float
    base_value: float
    expected_loss: Money
    reasons: list[Reason]
    drivers: list[Driver]
    findings: list[Finding]


class Change(BaseModel):
    """One field of a correction."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    claim_line_number: int | None
    field: str
    before: Any = Field(alias="from")
    to: Any


class Correction(_Told):
    """What a biller may do about a risk."""

    kind: Literal["format", "attach", "obtain", "review"]
    changes: list[Change]
    claim_denial_risk_after: Share | None
    saves: Money | None
    why: str


class Fault(_Told):
    """What was wrong with one field."""

    field: str | None
    message: str


class ScoredClaim(_Told):
    """One claim; `errors` tells which of its lines were left out."""

    claim_id: str
    score_id: str
    claim_denial_risk: Share
    risk_interval: list[Share] | None
    band: Literal["low", "medium", "high"]
    decision: Literal["submit", "review", "hold"]
    expected_loss: Money
    evidence: Literal["high", "medium", "low", "none"] | None
    reasons: list[Reason]
    lines: list[ScoredLine]
    corrections: list[Correction]
    errors: list[Fault]


class RejectedClaim(_Told):
    """A claim that could not be read or scored at all; index: its place in the request, from 0."""

    index: int
    claim_id: str | None
    errors: list[Fault]


class ModelVersion(BaseModel):
    """Which model scored."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    version: str
    trained_through: str | None
    catalog_digest: str


class ScoreResponse(_Told):
    """The answer of POST /v1/score."""

    model: ModelVersion
    rules_version: str | None
    history_through: str | None
    claims: list[ScoredClaim]
    rejected: list[RejectedClaim]


class LineFinding(Finding):
    """What a rule says of one line of a claim."""

    claim_line_number: int


class Audit(_Told):
    """Whether a claim would survive a review after it was paid; ids of rules that are broken or not known."""

    audit: Literal["ready", "not ready", "not known"]
    broken: list[str]
    unknown: list[str]


class CheckedClaim(_Told):
    """One claim; coverage: whether a rule book is for its payer; `errors`: lines that were left out."""

    claim_id: str
    coverage: Literal["covered", "no_book", "two_books", "no_plan", "no_state", "no_contractor"]
    audit: Audit
    findings: list[LineFinding]
    errors: list[Fault]


class CheckResponse(_Told):
    """The answer of POST /v1/check."""

    rules_version: str
    history_through: str | None
    claims: list[CheckedClaim]
    rejected: list[RejectedClaim]


class Problem(BaseModel):
    """An error (RFC 9457); never holds content of a claim."""

    type: str
    title: str
    status: int
    detail: str
