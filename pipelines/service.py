"""`denials serve`: the web service of a site, on loopback as long as there are no keys."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from claims.errors import OutOfReachError, UsageError
from claims.settings import ServingSettings, Settings, load_settings
from pipelines.terminal import aside, counted, say


def serve(
    host: Annotated[str | None, typer.Option(help="Another address than loopback needs keys.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535)] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes that share the port.")] = None,
) -> None:
    """Serve scores over HTTP and the manager's page.

    Until Ctrl-C or SIGTERM; what is being answered then is finished. Its log, JSON lines, goes to stderr.
    """
    from pipelines.workers import supervise, work
    from serving.keys import LOOPBACK, check_address

    settings = load_settings()
    given = {name: value for name, value in {"host": host, "port": port, "workers": workers}.items() if value}
    settings.serving = settings.serving.model_copy(update=given)
    check_address(settings, settings.serving.host)
    secure = _certificate(settings.serving)
    if not secure and settings.serving.host not in LOOPBACK:
        aside(
            "Without serving.certificate keys and claims cross the network in the clear, unless a proxy encrypts them."
        )
    many = settings.serving.workers > 1
    with _bound(settings, shared=many) as place:
        _announce(settings.serving, secure)
        if many:
            supervise(settings)
        else:
            work(settings, place)


def _announce(serving: ServingSettings, secure: bool) -> None:
    host = f"[{serving.host}]" if ":" in serving.host else serving.host
    address = f"{'https' if secure else 'http'}://{host}:{serving.port}/"
    many = f" {counted(serving.workers, 'worker')}." if serving.workers > 1 else ""
    say(f"{address} (page), POST /v1/score.{many} Stop with Ctrl-C.", whole=True)


def _certificate(serving: ServingSettings) -> bool:
    """Whether there is one, with its key."""
    paths: list[Path | None] = [serving.certificate, serving.certificate_key]
    if not any(paths):
        return False
    if not all(path and path.is_file() for path in paths):
        raise UsageError("serving.certificate and serving.certificate_key must both name a file (PEM)")
    return True


def _bound(settings: Settings, shared: bool) -> socket.socket:
    """A socket that listens there, so that a port in use is an error of ours; shared: it only keeps the port."""
    host, port = settings.serving.host, settings.serving.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    from pipelines.workers import at_once, shared_socket

    try:
        place = socket.create_server((host, port), family=family)
        if not shared:
            return at_once(place)
        place.close()
        return shared_socket(settings.serving)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OutOfReachError(f"{host}:{port}: {reason}; stop what uses it, or choose another --port") from error
