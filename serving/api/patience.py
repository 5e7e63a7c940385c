"""HTTP/1.1 of uvicorn that waits for the head of a request only so long; for the body serving/api/intake.py does.

Uvicorn itself would keep a connection on which a head comes byte by byte, or never, for good.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


def patient(seconds: float) -> type[H11Protocol]:
    """The protocol: a connection is closed when a head is not whole after this time, or none begins at first."""

    class Patient(H11Protocol):
        _late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            """A client has come."""
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            """A part of a head, of a body, or of both."""
            super().data_received(data)
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            """The client, or the server, has closed."""
            self._stop()
            super().connection_lost(exc)

        def _wait(self) -> None:
            if self._answering() or self.transport.is_closing():
                self._stop()
            elif self._late is None:
                self._late = self.loop.call_later(seconds, self._close)

        def _answering(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _stop(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

        def _close(self) -> None:
            self._late = None
            if not self._answering():
                self.transport.close()

    return Patient
