"""Bodies on their way in: how large one may be, how long it may take to come, how much of all is held at once.

A client that sends slowly costs what it has sent so far, and no other its place; after its time it is cut off.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from starlette.requests import ClientDisconnect, Request

from serving.body import MOST_BYTES, check_size
from serving.problem import ProblemError

MOST_HELD = 8 * MOST_BYTES  # bytes of all bodies that a process holds
CLOSE = {"Connection": "close"}  # the rest of the body is not read


class Intake:
    """The bodies that one process holds; `seconds` is the time of one."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._held = 0

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """The body, held until the block ends. ProblemError: 400 cut short, 408 slow, 413 large, 503 too many."""
        body = bytearray()
        try:
            try:
                with anyio.fail_after(self._seconds):
                    await self._fill(body, request)
            except TimeoutError:
                words = f"the body took longer than {self._seconds:g} seconds; send fewer claims at a time"
                raise ProblemError(408, words, CLOSE) from None
            except ClientDisconnect:
                raise ProblemError(400, "the body ended before it was whole") from None
            yield bytes(body)
        finally:
            self._held -= len(body)

    async def _fill(self, body: bytearray, request: Request) -> None:
        said = request.headers.get("content-length", "0")
        check_size(int(said) if said.isdecimal() else 0)
        async for part in request.stream():
            if self._held + len(part) > MOST_HELD:
                raise ProblemError(503, "too many bodies are on their way in; try again", CLOSE | {"Retry-After": "1"})
            self._held += len(part)
            body += part
            check_size(len(body))
