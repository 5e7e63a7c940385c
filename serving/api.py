"""HTTP: POST /v1/score, /v1/check, GET /v1/model, /v1/features, /v1/rules/{id}, /health, /ready. A thin skin.

Work runs in threads, not in the event loop. Logs say how much was scored and how long it took, never what.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any

import anyio
import anyio.to_thread
from fastapi import FastAPI, Query, Request
from starlette.responses import JSONResponse, Response

from claims.errors import DenialsError
from claims.read import read_claims
from claims.settings import Settings
from features.catalog import CATALOG, Feature
from rules.card import rule_json
from serving.answer import flat
from serving.body import EDI, FHIR, JSON, KINDS, batch_of, check_size, claims_of, kind_of
from serving.check import Checkers, checked
from serving.current import Current
from serving.problem import ProblemError, install
from serving.score import Scorer
from serving.wire import CheckResponse, Problem, ScoreResponse, request_schema

log = logging.getLogger(__name__)
Json = dict[str, Any]
_PROBLEM: Json = {"content": {"application/problem+json": {"schema": Problem.model_json_schema()}}}
_NO_RULE = _PROBLEM | {"description": "no such rule"}
_PROBLEMS: dict[int | str, Json] = {
    status: _PROBLEM | {"description": words}
    for status, words in {
        400: "not what its type says", 413: "more than 10 MB, 1,000 claims or 5,000 lines",
        415: f"not {' or '.join(KINDS)}", 422: "holds no claims", 503: "no model",
    }.items()
}  # fmt: skip


def create_app(settings: Settings, scorer: Scorer | None = None) -> FastAPI:
    """The service of a site. With a scorer it serves that one; else the exported champion, watched for changes.

    Without a model it starts all the same and answers 503 where a model is needed. `app.state.current` (a Current)
    hands out the scorer, for an app that adds to this one: it is loaded when the app starts.
    """
    current = Current(settings, scorer)
    app = FastAPI(
        title="Denial risk of claims", lifespan=partial(_lifespan, current=current), docs_url=None, redoc_url=None,
        redirect_slashes=False,
    )  # fmt: skip
    app.state.current = current
    install(app)
    _add_scoring(app, current)
    _add_checking(app, Checkers(current))
    _add_reading(app, current)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI, current: Current) -> AsyncIterator[None]:
    try:
        await anyio.to_thread.run_sync(current.get)
    except DenialsError as error:
        log.warning("started without a model: %s", error)
    yield


def _add_scoring(app: FastAPI, current: Current) -> None:
    limiter = anyio.CapacityLimiter(os.cpu_count() or 1)

    @app.post("/v1/score", response_model=ScoreResponse, responses=_PROBLEMS, openapi_extra={"requestBody": _body()})
    async def score(request: Request) -> Response:
        """Risk of denial of each claim and line, what moved it, and what it would cost."""
        kind = kind_of(request.headers.get("content-type", ""))
        body = await _read(request)
        answer = await anyio.to_thread.run_sync(_score, current, kind, body, limiter=limiter)
        return Response(answer, media_type="application/json")


def _add_checking(app: FastAPI, checkers: Checkers) -> None:
    limiter = anyio.CapacityLimiter(os.cpu_count() or 1)
    problems = {status: told for status, told in _PROBLEMS.items() if status != 503}

    @app.post("/v1/check", response_model=CheckResponse, responses=problems, openapi_extra={"requestBody": _body()})
    async def check(request: Request, every: Annotated[bool, Query(alias="all")] = False) -> Response:
        """What the rules of its payer say of each claim; needs no model. all: also what is met or not known."""
        kind = kind_of(request.headers.get("content-type", ""))
        body = await _read(request)
        answer = await anyio.to_thread.run_sync(_check, checkers, kind, body, every, limiter=limiter)
        return Response(answer, media_type="application/json")

    @app.get("/v1/rules/{rule_id}", responses={404: _NO_RULE})
    def rule(rule_id: str) -> Json:
        """One rule: its values by day, message, remedy, references, and the book that it stands in."""
        for book, one in checkers.get().checker.rules.rules():
            if one.id == rule_id.upper():
                return rule_json(book, one)
        raise ProblemError(404, "no rule has this id; denials rules list shows them all")


def _add_reading(app: FastAPI, current: Current) -> None:
    @app.get("/v1/model", responses={503: _PROBLEMS[503]})
    def model() -> Json:
        """The model in service, its features, and its metrics as the replay measured them; null where none was held."""
        return _model(current.get())

    @app.get("/v1/features")
    def features() -> list[Json]:
        """Every feature that this version of the code builds."""
        return [_feature(feature) for feature in CATALOG]

    @app.get("/health")
    async def health() -> Json:
        """Alive."""
        return {"status": "alive"}

    @app.get("/ready", responses={503: _PROBLEMS[503]})
    def ready() -> Response:
        """Whether claims can be scored."""
        scorer = current.get()
        through = scorer.history.through
        told = {
            "model_version": scorer.model.version, "history_through": through.isoformat() if through else None,
            "notice": scorer.notice,
        }  # fmt: skip
        return JSONResponse({"status": "ready"} | told)


async def _read(request: Request) -> bytes:
    """The body, as long as it is not too large."""
    said = request.headers.get("content-length", "0")
    check_size(int(said) if said.isdecimal() else 0)
    body = bytearray()
    async for part in request.stream():
        body += part
        check_size(len(body))
    return bytes(body)


def _score(current: Current, kind: str, body: bytes) -> bytes:
    """The response's bytes for the request's bytes."""
    started = time.perf_counter()
    answer = _answer(current, kind, body)
    told = json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
    claims, rejected = answer["claims"], len(answer["rejected"])
    lines = sum(len(claim["lines"]) for claim in claims)
    spent = 1000 * (time.perf_counter() - started)
    log.info("scored claims=%d lines=%d rejected=%d ms=%.1f", len(claims) + rejected, lines, rejected, spent)
    return told


def _check(checkers: Checkers, kind: str, body: bytes, every: bool) -> bytes:
    """The response's bytes for the request's bytes."""
    started = time.perf_counter()
    settings, alone = checkers.settings, set[int]()
    if kind == JSON:
        claims = claims_of(body)
        batch, alone = read_claims(claims, settings), flat(claims)
    else:
        batch = batch_of(kind, body, settings)
    told = checked(checkers.get(), batch, settings.today(), every, alone)
    found, rejected = told["claims"], len(told["rejected"])
    findings = sum(len(claim["findings"]) for claim in found)
    spent = 1000 * (time.perf_counter() - started)
    log.info("checked claims=%d findings=%d rejected=%d ms=%.1f", len(found) + rejected, findings, rejected, spent)
    return json.dumps(told, ensure_ascii=False, allow_nan=False).encode()


def _answer(current: Current, kind: str, body: bytes) -> Json:
    """Reads before it asks for the model: what is wrong with a request is told without one, too."""
    if kind == JSON:
        claims = claims_of(body)
        return current.get().score_claims(claims)
    batch = batch_of(kind, body, current.settings)
    return current.get().answer(batch)


def _model(scorer: Scorer) -> Json:
    model = scorer.model
    return {
        "name": model.name,
        "version": model.version,
        "trained_through": model.trained_through and model.trained_through.isoformat(),
        "catalog_digest": model.catalog_digest,
        "history_through": scorer.history.through and scorer.history.through.isoformat(),
        "features": [_feature(feature) for feature in model.definitions],
        "metrics": model.evaluation and model.evaluation["metrics"],
    }


def _feature(feature: Feature) -> Json:
    return {
        "name": feature.name,
        "dtype": feature.dtype,
        "unit": feature.unit,
        "concept": feature.concept,
        "correctable": feature.correctable,
        "digest": feature.digest,
    }


def _body() -> Json:
    """The request body for the OpenAPI document; FastAPI does not read it, `_score` does."""
    edi = {"type": "string", "description": "an X12 interchange with 837P or 837I transactions"}
    fhir = {"type": "object", "description": "a FHIR R4 Claim, or a Bundle with Claims; NDJSON of either"}
    schemas = {JSON: request_schema(), EDI: edi, FHIR: fhir}
    return {"required": True, "content": {kind: {"schema": schema} for kind, schema in schemas.items()}}
