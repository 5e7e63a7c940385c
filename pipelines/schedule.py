"""Prefect deployments with a cron: ingest nightly, retrain weekly. The plain commands do the same without it.

Where PREFECT_API_URL names no server, one runs beside the deployments on loopback, with its state under DENIALS_HOME:
Prefect's own temporary server serves deployments, but no schedule of theirs ever fires on it (3.8.8).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, cast
from urllib.error import HTTPError
from urllib.request import urlopen

from claims.errors import OutOfReachError, UsageError
from claims.settings import Settings

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment
    from prefect.schedules import Schedule

QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
}
STARTS_WITHIN = 120  # seconds; a server with a new database took up to 30 on a busy machine


def use_home(settings: Settings) -> None:
    """Keep Prefect's state under DENIALS_HOME and its telemetry off; call before Prefect is imported."""
    os.environ.update(QUIET)
    os.environ.setdefault("PREFECT_HOME", str(settings.home / ".prefect"))


def deployments(settings: Settings) -> list[RunnerDeployment]:
    """The deployments of a site; ingest only where an inbox is set."""
    from pipelines.ingest import ingest_flow
    from pipelines.train import train_flow

    home = str(settings.home)
    made = [
        train_flow.to_deployment(
            "retrain", parameters={"home": home}, schedule=_cron(settings, "train"),
            concurrency_limit=1,
        )
    ]  # fmt: skip
    if settings.schedule.inbox is not None:
        parameters = {"home": home, "inbox": str(settings.schedule.inbox)}
        made.append(
            ingest_flow.to_deployment(
                "inbox", parameters=parameters, schedule=_cron(settings, "ingest"),
                concurrency_limit=1,
            )
        )  # fmt: skip
    return cast("list[RunnerDeployment]", made)  # flows that are not async give no coroutine


def _cron(settings: Settings, which: Literal["train", "ingest"]) -> Schedule:
    from prefect.schedules import Cron

    try:
        return Cron(getattr(settings.schedule, which), timezone=settings.timezone)
    except ValueError as error:
        raise UsageError(f"schedule.{which} of denials.toml is no cron expression, such as 0 3 * * 1") from error


@contextmanager
def server(settings: Settings) -> Iterator[str]:
    """The address of the Prefect API: the one that is named, else that of a server of our own while it runs.

    Raises OutOfReachError when it does not answer, our own within STARTS_WITHIN.
    """
    use_home(settings)
    if named := os.environ.get("PREFECT_API_URL"):
        if not _answers(named):
            raise OutOfReachError(f"no Prefect server answers at {named}: start it, or unset PREFECT_API_URL")
        yield named
        return
    port = _free_port()
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with _stopped_by_sigterm(), _running(command) as process:
        address = f"http://127.0.0.1:{port}/api"
        _wait(address, process)
        os.environ["PREFECT_API_URL"] = address
        try:
            yield address
        finally:
            os.environ.pop("PREFECT_API_URL", None)


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, which ends with the block."""
    with open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen(command, stdout=nowhere, stderr=nowhere, start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the block as an exit does, so that what was started is stopped; unhandled it would be left behind.

    Prefect takes the signal over once it serves, and exits too.
    """

    def stop(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        if _answers(address):
            return
        time.sleep(0.5)
    raise OutOfReachError(f"Prefect's server did not start; try: {sys.executable} -m prefect server start")


def _answers(address: str) -> bool:
    try:
        with urlopen(f"{address}/health", timeout=5):
            return True
    except HTTPError:  # it wants credentials that Prefect has
        return True
    except (OSError, ValueError):
        return False


def serve(settings: Settings) -> None:
    """Serve the deployments until stopped; call within `server`."""
    from prefect import serve as serve_deployments

    serve_deployments(*deployments(settings), pause_on_shutdown=False, print_starting_message=False)
