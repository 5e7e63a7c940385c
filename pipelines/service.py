"""`denials serve`: the web service of a site, on loopback as long as there are no keys."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

import uvicorn

from claims.errors import OutOfReachError, UsageError
from claims.settings import Settings
from dashboard.app import create_app
from pipelines import logs
from pipelines.terminal import say


def serve(settings: Settings, host: str | None = None, port: int | None = None) -> None:
    """Serve until stopped. UsageError for an address beyond loopback, OutOfReachError for a port in use."""
    address, at = host or settings.serving.host, port or settings.serving.port
    if address not in {"127.0.0.1", "::1", "localhost"}:
        raise UsageError(f"without keys the service listens on loopback only, not on {address}")
    with _listening(address, at) as place, suppress(KeyboardInterrupt):
        say(f"http://{address}:{at}/ (page), POST /v1/score. Stop with Ctrl-C.", whole=True)
        logs.to_stderr()
        config = uvicorn.Config(
            create_app(settings), host=address, port=at, log_level="warning", log_config=None, access_log=False
        )
        uvicorn.Server(config).run(sockets=[place])


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens there, so that a port in use is an error of ours."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise OutOfReachError(f"{host}:{port}: {reason}; stop what uses it, or choose another --port") from error
