"""/openapi.json: shapes from serving/wire.py, what each status means, and examples that a test sends as they stand."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import JSONResponse, Response

from serving.body import EDI, FHIR, JSON, KINDS
from serving.keys import Ring
from serving.receipts import decision_schema
from serving.wire import EXAMPLE, Problem, request_schema

Json = dict[str, Any]
Responses = dict[int | str, Json]
TITLE = "Denial risk of claims"
WORDS = {
    400: "not what its type says", 401: "no valid key was shown", 403: "the key's role is too small",
    404: "there is no such thing", 408: "the body came too slowly", 413: "more than 10 MB, 1,000 claims or 5,000 lines",
    415: f"not {' or '.join(KINDS)}", 421: "without keys: another host's name", 422: "holds no claims",
    429: "the key asks too often; Retry-After says how long to wait",
    503: "no model, or too much to do; where there is Retry-After, try again",
}  # fmt: skip
OF_CLAIMS = (400, 408, 413, 415, 422, 503)  # what may come of a body with claims
ANSWERS = {"/v1/score": "scored.json", "/v1/check": "checked.json"}
ALWAYS = (401, 403, 421, 429)


def problems(*statuses: int) -> Responses:
    """These statuses, and those of every address that needs a key, as problems."""
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": WORDS[status], "content": content} for status in sorted({*statuses, *ALWAYS})}


def example(name: str) -> str:
    """The text of an example; all are made up."""
    return (files("serving.api") / "examples" / name).read_text(encoding="utf-8")


def claims_body() -> Json:
    """The request body; FastAPI does not read it, the handlers do."""
    edi = {"type": "string", "description": "an X12 interchange with 837P or 837I transactions"}
    fhir = {"type": "object", "description": "a FHIR R4 Claim, or a Bundle with Claims; NDJSON of either"}
    told = {
        JSON: {"schema": request_schema(), "example": EXAMPLE},
        EDI: {"schema": edi, "example": example("claims.837")},
        FHIR: {"schema": fhir, "example": json.loads(example("claim.json"))},
    }
    return {"required": True, "content": told}


def outcomes_body() -> Json:
    """The request body of outcomes."""
    one = {"description": "columns of the outcomes table; one that cannot be read is told"}
    rows = {"type": "array", "items": one, "minItems": 1}
    edi = {"type": "string", "description": "an X12 interchange with 835, 277CA or 999 transactions"}
    fhir = {"type": "object", "description": "a ClaimResponse, an ExplanationOfBenefit, or a Bundle of them"}
    named = {"type": "object", "properties": {"outcomes": rows}, "required": ["outcomes"]}
    told = {
        JSON: {"schema": {"anyOf": [rows, named]}, "example": json.loads(example("outcomes.json"))},
        EDI: {"schema": edi, "example": example("remittance.835")},
        FHIR: {"schema": fhir, "example": json.loads(example("remittance.json"))},
    }
    return {"required": True, "content": told}


def decision_body() -> Json:
    """The request body of a decision."""
    return {"required": True, "content": {JSON: {"schema": decision_schema()}}}


def describe(app: FastAPI, ring: Ring) -> None:
    """Adds the document; it tells of keys where they are needed."""

    @app.get("/openapi.json", include_in_schema=False)
    def openapi() -> Response:
        told = get_openapi(title=TITLE, version=app.version, routes=app.routes)
        for path, name in ANSWERS.items():  # here, since get_openapi leaves out what is null
            good = told["paths"][path]["post"]["responses"]["200"]
            good["content"][JSON]["example"] = json.loads(example(name))
        if ring.needed():
            told["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            told["security"] = [{"key": []}]
            for path in ("/health", "/ready"):
                told["paths"][path]["get"]["security"] = []
        return JSONResponse(told)
