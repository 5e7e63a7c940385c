"""POST /v1/check and GET /v1/rules/{id}: what the rules of its payer say of each claim; needs no model."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import anyio
import anyio.to_thread
from fastapi import FastAPI, Query, Request
from pydantic_core import to_json
from starlette.responses import Response

from rules.card import rule_json
from serving.answer import Json
from serving.api.document import OF_CLAIMS, claims_body, problems
from serving.api.intake import Intake
from serving.api.trace import seen
from serving.body import kind_of, read
from serving.check import Checkers, checked
from serving.problem import ProblemError
from serving.wire import CheckResponse

All = Annotated[Literal["true", "1", "false", "0"], Query(alias="all")]


def add_checking(app: FastAPI, checkers: Checkers, intake: Intake) -> None:
    """The routes."""
    told, extra = problems(*OF_CLAIMS), {"requestBody": claims_body()}
    limiter = anyio.CapacityLimiter(os.cpu_count() or 1)

    @app.post("/v1/check", response_model=CheckResponse, responses=told, openapi_extra=extra)
    async def check(request: Request, every: All = "false") -> Response:
        """What the rules of its payer say of each claim; needs no model. all: also what is met or not known."""
        kind = kind_of(request.headers.get("content-type", ""))
        async with intake.body(request) as body:
            answer = await anyio.to_thread.run_sync(
                _check, checkers, kind, body, every in ("true", "1"), limiter=limiter
            )
        claims, rejected = answer["claims"], len(answer["rejected"])
        findings = sum(len(claim["findings"]) for claim in claims)
        seen(request).counts.update({"claims": len(claims), "findings": findings, "rejected": rejected})
        return Response(to_json(answer), media_type="application/json")

    @app.get("/v1/rules/{rule_id}", responses=problems(404))
    def rule(rule_id: str) -> Json:
        """One rule: its values by day, message, remedy, references, and the book that it stands in."""
        for book, one in checkers.get().checker.rules.rules():
            if one.id == rule_id.upper():
                return rule_json(book, one)
        raise ProblemError(404, "no rule has this id; denials rules list shows them all")


def _check(checkers: Checkers, kind: str, body: bytes, every: bool) -> Json:
    batch, alone = read(kind, body, checkers.settings)
    return checked(checkers.get(), batch, checkers.settings.today(), every, alone)
