"""Errors over HTTP as application/problem+json, without any content of a claim, whatever went wrong.

Statuses: 400 not what its type says, 401 no valid key, 403 too small a role, 404, 405, 408 too slow, 413 too large,
415 another type, 421 another host's name, 422 holds no claims, 429 too often, 503 no model, or too much to do.
"""

from __future__ import annotations

import json
import logging
import traceback
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from claims.errors import DenialsError

log = logging.getLogger(__name__)


class ProblemError(Exception):
    """Raised to answer with a problem."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """The response for a status and a detail that is safe to show."""
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return Response(json.dumps(body), status, headers, "application/problem+json")


def install(app: FastAPI) -> None:
    """Make every error of the app a problem; middleware added after this stands around it."""
    app.add_exception_handler(ProblemError, _told)
    app.add_exception_handler(DenialsError, _user_error)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_middleware(Guard)


def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem(error.status, error.detail, error.headers)


def _user_error(request: Request, error: Exception) -> Response:
    """Messages of this family never contain claim content (claims/errors.py)."""
    assert isinstance(error, DenialsError)
    return problem(error.http_status, str(error))


def _http(request: Request, error: Exception) -> Response:
    """404, 405 and the like; Starlette's own words are used only as far as they are the phrase of the status."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    return problem(error.status_code, HTTPStatus(error.status_code).description or "see docs/api.md", headers)


def _invalid(request: Request, error: Exception) -> Response:
    return problem(422, "the request does not have the expected shape; see /openapi.json")


class Guard:
    """Around the routes: an unforeseen exception becomes a 500 without content; its place is logged, not its words."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:  # any: the server would log its message, which may hold what a claim says
            if scope["type"] != "http" or begun:
                raise ConnectionError("the response was cut short") from None
            places = [f"{step.filename}:{step.lineno}" for step in traceback.extract_tb(error.__traceback__)[-5:]]
            log.error("unforeseen %s at %s", type(error).__name__, " > ".join(places))
            await problem(500, "an error that nobody foresaw; the log of the service says where")(scope, receive, send)
