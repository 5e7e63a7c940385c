"""POST /v1/outcomes and POST /v1/scores/{score_id}/decision: what payers answered, and what billers did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request
from pydantic_core import from_json, to_json
from starlette.responses import Response

from serving.api.document import OF_CLAIMS, decision_body, outcomes_body, problems
from serving.api.intake import Intake
from serving.api.kept import Kept
from serving.api.trace import seen
from serving.body import JSON, kind_of
from serving.problem import ProblemError
from serving.receipts import DecisionReceipt, OutcomesReceipt


def add_recording(app: FastAPI, kept: Kept, intake: Intake) -> None:
    """The routes."""
    limiter = anyio.CapacityLimiter(2)  # a remittance may take seconds; scores go first
    read = problems(*OF_CLAIMS)

    @app.post(
        "/v1/outcomes", status_code=202, response_model=OutcomesReceipt, responses=read,
        openapi_extra={"requestBody": outcomes_body()},
    )  # fmt: skip
    async def outcomes(request: Request) -> Response:
        """Outcomes of claims: an 835, FHIR or JSON. They are safe when this answers; the same ones twice count once."""
        kind = kind_of(request.headers.get("content-type", ""))
        async with intake.body(request) as body:
            told = await anyio.to_thread.run_sync(_accept, kept, kind, body, limiter=limiter)
        seen(request).counts.update({"accepted": told["accepted"], "rejected": told["rejected"]})
        return Response(to_json(told), 202, media_type=JSON)

    @app.post(
        "/v1/scores/{score_id}/decision", response_model=DecisionReceipt, responses=read | problems(404),
        openapi_extra={"requestBody": decision_body()},
    )  # fmt: skip
    async def decision(score_id: str, request: Request) -> Response:
        """What was done about a scored claim."""
        if kind_of(request.headers.get("content-type", "")) != JSON:
            raise ProblemError(415, f"send {JSON}")
        async with intake.body(request) as body:
            told = await anyio.to_thread.run_sync(_decide, kept, score_id, body)
        return Response(to_json(told), media_type=JSON)


def _accept(kept: Kept, kind: str, body: bytes) -> Mapping[str, Any]:
    return kept.outcomes.get().accept(kind, body)


def _decide(kept: Kept, score_id: str, body: bytes) -> Mapping[str, Any]:
    try:
        told = from_json(body)
    except ValueError as error:
        raise ProblemError(400, "the body is not valid JSON in UTF-8") from error
    return kept.scores.get().decide(score_id, told)
