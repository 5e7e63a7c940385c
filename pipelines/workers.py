"""The processes of the service: each loads the model and listens on the one port; one that dies is begun anew.

They share the port by SO_REUSEPORT: the kernel gives each new connection to one of those that listen, and one that has
died or is still loading gets none.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess

from claims.errors import OutOfReachError
from claims.settings import ServingSettings, Settings
from pipelines import logs

log = logging.getLogger(__name__)
YOUNG = 60.0  # seconds; a worker that ends sooner has failed at its start
TRIES = 3  # of starts in a row that may fail
PAUSE = 1.0  # seconds before a worker is begun anew


def work(settings: Settings, place: socket.socket) -> None:
    """Serve in this process until SIGINT or SIGTERM, then finish what was begun, at most serving.stop_seconds."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))  # else it would end the process by the signal
    with suppress(KeyboardInterrupt):
        import uvicorn

        from dashboard.app import create_app
        from serving.api.patience import patient

        logs.to_stderr()
        serving = settings.serving
        config = uvicorn.Config(
            create_app(settings), http=patient(serving.body_seconds), log_level="warning", log_config=None,
            access_log=False, server_header=False, proxy_headers=False, timeout_keep_alive=75,
            timeout_graceful_shutdown=serving.stop_seconds, ssl_certfile=serving.certificate,
            ssl_keyfile=serving.certificate_key,
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[place])


def supervise(settings: Settings) -> None:
    """Keep serving.workers processes at work until SIGINT or SIGTERM. OutOfReachError when none can be begun."""
    logs.to_stderr()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="denials-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # read by prometheus_client in the workers
        team = Team(settings)
        try:
            with suppress(KeyboardInterrupt):
                team.keep()
        finally:
            team.stop()


class Team:
    """The workers and when each was begun."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._context = multiprocessing.get_context("spawn")
        self._begun: dict[SpawnProcess, float] = {}
        self._failed = 0

    def keep(self) -> None:
        """Begin the workers, and another for each that ends."""
        for _ in range(self._settings.serving.workers):
            self._begin()
        while True:
            ended = wait([worker.sentinel for worker in self._begun])
            for worker in [one for one in self._begun if one.sentinel in ended]:
                self._replace(worker)

    def stop(self) -> None:
        """Let all finish what they are answering; end those that do not."""
        for worker in self._begun:
            worker.terminate()
        for worker in self._begun:
            worker.join(self._settings.serving.stop_seconds + 5)
            worker.kill()
            worker.join()

    def _begin(self) -> None:
        worker = self._context.Process(target=_follow, args=(self._settings,))
        worker.start()
        self._begun[worker] = time.monotonic()

    def _replace(self, worker: SpawnProcess) -> None:
        lived = time.monotonic() - self._begun.pop(worker)
        worker.join()
        log.error("worker %s ended with %s after %.0f s", worker.pid, worker.exitcode, lived)
        self._failed = self._failed + 1 if lived < YOUNG else 0
        if self._failed >= TRIES:
            raise OutOfReachError(f"{TRIES} workers in a row ended at their start; the log above says why")
        time.sleep(PAUSE)
        self._begin()


def shared_socket(serving: ServingSettings) -> socket.socket:
    """Bound to the address of the service beside others like it; it does not listen yet."""
    place = socket.socket(socket.AF_INET6 if ":" in serving.host else socket.AF_INET)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    place.bind((serving.host, serving.port))
    return place


def _follow(settings: Settings) -> None:
    """A worker's life: it ends when its parent does."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
    with shared_socket(settings.serving) as place:
        work(settings, place)
