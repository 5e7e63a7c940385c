"""Prefect deployments with a cron: ingest nightly, retrain weekly. The plain commands do the same without it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from claims.settings import Settings

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment

QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
}


def use_home(settings: Settings) -> None:
    """Keep Prefect's state under DENIALS_HOME and its telemetry off; call before Prefect is imported."""
    os.environ.update(QUIET)
    os.environ.setdefault("PREFECT_HOME", str(settings.home / ".prefect"))


def deployments(settings: Settings) -> list[RunnerDeployment]:
    """The deployments of a site; ingest only where an inbox is set."""
    from prefect.schedules import Cron

    from pipelines.ingest import ingest_flow
    from pipelines.train import train_flow

    home, zone = str(settings.home), settings.timezone
    made = [
        train_flow.to_deployment(
            "retrain", parameters={"home": home}, schedule=Cron(settings.schedule.train, timezone=zone),
            concurrency_limit=1,
        )
    ]  # fmt: skip
    if settings.schedule.inbox is not None:
        parameters = {"home": home, "inbox": str(settings.schedule.inbox)}
        made.append(
            ingest_flow.to_deployment(
                "inbox", parameters=parameters, schedule=Cron(settings.schedule.ingest, timezone=zone),
                concurrency_limit=1,
            )
        )  # fmt: skip
    return cast("list[RunnerDeployment]", made)  # flows that are not async give no coroutine


def serve(settings: Settings) -> None:
    """Serve the deployments until stopped. Without PREFECT_API_URL a temporary server runs beside it."""
    use_home(settings)
    from prefect import serve as serve_deployments

    serve_deployments(*deployments(settings), pause_on_shutdown=False)
