"""The service put together: routes, what stands around each request, what begins and ends with it. A thin skin.

Work runs in threads, not in the event loop. Logs say how much was scored and how long it took, never what.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import anyio.to_thread
from fastapi import FastAPI

from claims.errors import DenialsError
from claims.settings import Settings
from serving.api.checking import add_checking
from serving.api.document import describe
from serving.api.door import Door
from serving.api.intake import Intake
from serving.api.kept import Kept
from serving.api.metrics import Metrics
from serving.api.reading import add_reading
from serving.api.recording import add_recording
from serving.api.scoring import Scoring, add_scoring
from serving.api.trace import Trace
from serving.check import Checkers
from serving.current import Current
from serving.keys import LOOPBACK, Ring
from serving.pace import Pace
from serving.problem import Guard, install
from serving.score import Scorer

log = logging.getLogger(__name__)


def create_app(settings: Settings, scorer: Scorer | None = None) -> FastAPI:
    """The service of a site. With a scorer it serves that one; else the exported champion, watched for changes.

    Without a model it starts all the same and answers 503 where a model is needed. Where serving.host is not loopback
    nobody is served without a key. `app.state.current` (a Current) hands out the scorer, for an app that adds to this
    one: it is loaded when the app starts.
    """
    current = Current(settings, scorer)
    metrics, intake = Metrics(current), Intake(settings.serving.body_seconds)
    kept = Kept(settings)
    scoring = Scoring(current, kept.scores, metrics)
    ring = Ring(settings, needed=settings.serving.host not in LOOPBACK)
    pace = Pace(settings.home, settings.serving.requests_per_second, settings.serving.requests_at_once)
    app = FastAPI(
        lifespan=partial(_lifespan, current=current, kept=kept, scoring=scoring), openapi_url=None, docs_url=None,
        redoc_url=None, redirect_slashes=False,
    )  # fmt: skip
    app.state.current = current
    install(app)
    app.add_middleware(Door, ring=ring, pace=pace)
    app.add_middleware(Guard)  # what fails at the door is told as within
    app.add_middleware(Trace, metrics=metrics)
    add_scoring(app, scoring, intake)
    add_checking(app, Checkers(current), intake)
    add_recording(app, kept, intake)
    add_reading(app, current, kept, metrics, ring)
    describe(app, ring)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI, current: Current, kept: Kept, scoring: Scoring) -> AsyncIterator[None]:
    try:
        await anyio.to_thread.run_sync(current.get)
    except DenialsError as error:
        log.warning("started without a model: %s", error)
    except Exception as error:  # any: its words may hold what a claim says
        log.error("started without a model: unforeseen %s", type(error).__name__)
    await anyio.to_thread.run_sync(kept.open)
    scoring.queue.start()
    try:
        yield
    finally:
        await anyio.to_thread.run_sync(scoring.queue.close)
        await anyio.to_thread.run_sync(kept.close)
