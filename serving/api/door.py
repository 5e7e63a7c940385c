"""Who is let in: with keys, who shows one of enough role and not too often; without, who asks this machine by its name.

A key is shown as `Authorization: Bearer KEY`; a browser may show it as the password of HTTP Basic, to read only: what
it remembers it would add to a request that another site makes it send. Never in an address, which logs keep.
"""

from __future__ import annotations

import math
from base64 import b64decode
from binascii import Error

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from claims.errors import OutOfReachError
from serving.api.trace import PLACE
from serving.keys import Ring, Role
from serving.pace import Pace
from serving.problem import problem

NAMES = ("127.0.0.1", "localhost", "[::1]", "testserver")  # the last one is that of test clients
OPEN = frozenset({"/health", "/ready"})
ANYBODY = frozenset(
    {"/openapi.json", "/metrics", "/v1/score", "/v1/check", "/v1/model", "/v1/features"}
)  # with any key
ANYBODY_BELOW = ("/v1/rules/", "/v1/scores/")
REALM = 'realm="denials"'


def role_for(path: str) -> Role | None:
    """The least role that may ask for an address; None where no key is needed. What is not named is for managers."""
    if path in OPEN:
        return None
    return Role.score if path in ANYBODY or path.startswith(ANYBODY_BELOW) else Role.manage


class Door:
    """A middleware: problem 401 without a valid key, 403 with too small a role, 421, 429 when asked too often."""

    def __init__(self, app: ASGIApp, ring: Ring, pace: Pace) -> None:
        self.app = app
        self._ring = ring
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        refused = self._refused(scope) if scope["type"] == "http" else None
        await (refused or self.app)(scope, receive, send)

    def _refused(self, scope: Scope) -> Response | None:
        if not scope["path"].isprintable():
            return problem(
                404, "there is no such address"
            )  # a route's pattern also fits a path that ends in a new line
        role = role_for(scope["path"])
        try:
            if not self._ring.needed():
                return _elsewhere(scope)
            return None if role is None else self._unknown(scope, role)
        except OutOfReachError as error:
            return None if role is None else problem(503, str(error))

    def _unknown(self, scope: Scope, role: Role) -> Response | None:
        text = shown(scope)
        held = self._ring.holder(text)
        if held is None:
            kind = "Bearer" if scope["path"].startswith("/v1/") else "Basic"
            words = "is not valid here, or was revoked" if text else "is needed"
            detail = f"a key {words}: send Authorization: Bearer KEY; denials keys add makes one"
            return problem(401, detail, {"WWW-Authenticate": f"{kind} {REALM}"})
        place, key = held
        scope[PLACE].key = key.id
        if key.role < role:
            return problem(403, f"this needs a key of the role {role.name}; the one shown has the role {key.role.name}")
        wait = self._pace.wait(place)
        if wait > 0:
            detail = "this key asks more often than serving.requests_per_second of denials.toml allows; wait a little"
            return problem(429, detail, {"Retry-After": str(math.ceil(wait))})
        return None


def shown(scope: Scope) -> bytes:
    """The key that a request shows; b"" for none."""
    scheme, _, told = Headers(scope=scope).get("authorization", "").partition(" ")
    told = told.strip()
    if scheme.lower() == "bearer":
        return told.encode("latin-1")
    if scheme.lower() == "basic" and scope["method"] == "GET":
        try:
            return b64decode(told, validate=True).partition(b":")[2]
        except (Error, ValueError):
            return b""
    return b""


def _elsewhere(scope: Scope) -> Response | None:
    """A page elsewhere whose name was made to point here gets nothing.

    Starlette's TrustedHostMiddleware cuts [::1] at its first colon and answers in plain text.
    """
    if _host(scope) in NAMES:
        return None
    return problem(421, "without keys this service answers on loopback only: ask it as 127.0.0.1 or localhost")


def _host(scope: Scope) -> str:
    """The Host of a request without its port, in lower case; "" without one."""
    host = Headers(scope=scope).get("host", "").lower()
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host
