"""Around every request: its id, headers that browsers heed, a line in the access log, and counts.

The log has the template of the address, never the address itself, and no word of a body. A client's X-Request-ID is
taken over only where it is a UUID: anything else might be the number of a claim or of a patient.
"""

from __future__ import annotations

import logging
import os
import re
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.answer import new_id
from serving.api.metrics import Metrics

log = logging.getLogger(__name__)
PLACE = "denials.seen"
METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"})
UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass
class Seen:
    """What is said of one request. counts: such as claims, lines, rejected; key: the id of the key that was shown."""

    request_id: str
    started: float
    status: int = 499  # as long as nothing was answered: the client has gone
    sent: int = 0
    key: str | None = None
    counts: dict[str, int] = field(default_factory=dict)


def seen(request: Request) -> Seen:
    """Where a handler leaves its counts."""
    found = request.scope[PLACE]
    assert isinstance(found, Seen)
    return found


class Trace:
    """The outermost middleware."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        one = scope[PLACE] = Seen(given if UUID.fullmatch(given) else new_id(), time.perf_counter())

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                one.status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = one.request_id
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            else:
                one.sent += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, told)
        finally:
            self._record(scope, one)

    def _record(self, scope: Scope, one: Seen) -> None:
        route, seconds = route_of(scope), time.perf_counter() - one.started
        self._metrics.answered(method_of(scope), route, one.status, seconds)
        told: dict[str, Any] = {
            "request_id": one.request_id, "route": route, "status": one.status, "ms": round(1000 * seconds, 1),
            "sent": one.sent, "key": one.key, "worker": os.getpid(), **one.counts,
        }  # fmt: skip
        log.info("%s %s %d", method_of(scope), route, one.status, extra={"told": told})


def route_of(scope: Scope) -> str:
    """The template of the address; `other` for one that there is not."""
    return getattr(scope.get("route"), "path", "other")


def method_of(scope: Scope) -> str:
    """The method; a client may invent one, and have it say anything."""
    return scope["method"] if scope["method"] in METHODS else "other"
