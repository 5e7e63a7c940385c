"""Where the service listens: what is sent goes out at once, a port in use is told, workers share one."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from claims.errors import OutOfReachError
from claims.settings import ServingSettings, Settings
from pipelines.service import _bound
from pipelines.workers import shared_socket


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as place:
        return int(place.getsockname()[1])


def settings_of(home: Path) -> Settings:
    return Settings(home=home, serving=ServingSettings(port=free_port()))


def accepted(place: socket.socket, port: int) -> socket.socket:
    """The server's end of a connection."""
    place.listen()
    with socket.create_connection(("127.0.0.1", port)):
        return place.accept()[0]


@pytest.mark.parametrize("shared", [False, True])
def test_the_parts_of_an_answer_do_not_wait_for_each_other(tmp_path: Path, shared: bool) -> None:
    """Else the body of each answer waits 40 ms for the client to acknowledge its head."""
    settings = settings_of(tmp_path)
    with (
        _bound(settings, shared) as place,
        accepted(place, settings.serving.port) as connection,
    ):
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_workers_share_a_port_that_nobody_else_has(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with _bound(settings, shared=True), shared_socket(settings.serving), shared_socket(settings.serving) as other:
        other.listen()
        for shared in (False, True):
            with pytest.raises(OutOfReachError, match="another --port"):
                _bound(settings, shared)
