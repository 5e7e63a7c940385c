"""For schemathesis (SCHEMATHESIS_HOOKS): what no schema can say of a valid body.

How an 837, an 835 and FHIR are written, and that a decision was taken at a moment that is not in the future.
"""

from __future__ import annotations

import json
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from serving.api.document import example
from serving.body import EDI, FHIR

NAMES = st.integers(1, 10**6).map(lambda number: f"S-{number}")
ANSWERS = {EDI: "remittance.835", FHIR: "remittance.json"}


X12, CLAIM = example("claims.837"), example("claim.json")
schemathesis.openapi.media_type(EDI, NAMES.map(lambda name: X12.replace("A-1001", name)))
schemathesis.openapi.media_type(FHIR, NAMES.map(lambda name: json.loads(CLAIM.replace("A-1001", name))))


@schemathesis.serializer(EDI, FHIR)
def as_it_stands(ctx: Any, value: Any) -> Any:
    """Bytes and text as they are, anything else as JSON."""
    if isinstance(value, bytes):
        return value
    return value.encode(errors="replace") if isinstance(value, str) else json.dumps(value).encode()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Puts into a valid request what its schema does not ask for."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if case.path == "/v1/outcomes" and case.media_type in ANSWERS:
        text = example(ANSWERS[case.media_type])
        case.body = json.loads(text) if case.media_type == FHIR else text
    elif case.path.endswith("/decision") and isinstance(case.body, dict) and case.body.get("decided_at"):
        case.body = case.body | {"decided_at": "2026-01-05T10:00:00-05:00"}
