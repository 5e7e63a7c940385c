"""What is only read: the model and its features, whether the service lives and is ready, and its metrics."""

from __future__ import annotations

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, PlainTextResponse, Response

from features.catalog import CATALOG, Feature
from serving.answer import Json
from serving.api.document import problems
from serving.api.kept import Kept, Status
from serving.api.metrics import Metrics
from serving.cards import FeatureCard, Life, ModelCard, Readiness
from serving.current import Current
from serving.keys import Ring
from serving.score import Scorer

SEE_LOG = "the log of the service says why"


def add_reading(app: FastAPI, current: Current, kept: Kept, metrics: Metrics, ring: Ring) -> None:
    """The routes."""

    @app.get("/v1/model", response_model=ModelCard, responses=problems(503))
    def model() -> Response:
        """The model in service, its features, and its metrics as the replay measured them; null where none was held."""
        return JSONResponse(_model(current.get()))

    @app.get("/v1/features", response_model=list[FeatureCard], responses=problems())
    def features() -> Response:
        """Every feature that this version of the code builds."""
        return JSONResponse([_feature(feature) for feature in CATALOG])

    @app.get("/health", response_model=Life)
    async def health() -> Response:
        """Alive."""
        return JSONResponse({"status": "alive"})

    @app.get("/ready", response_model=Readiness, responses=problems(503))
    def ready() -> Response:
        """Whether claims can be scored, by what, and whether what is kept arrives where it belongs."""
        scorer, told, strangers = current.get(), current.status(), ring.needed()
        return JSONResponse({
            "status": "ready",
            "model_version": scorer.model.version,
            "history_through": told["history_through"],
            "notice": scorer.notice,
            "not_taken_over": SEE_LOG if told["notice"] and strangers else told["notice"],
            "score_log": _status(kept.scores.status(), strangers),
            "outcomes": _status(kept.outcomes.status(), strangers),
        })  # fmt: skip

    @app.get("/metrics", response_class=PlainTextResponse, responses=problems())
    def measured() -> Response:
        """Counts and times for Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)


def _status(told: Status, strangers: bool) -> Json:
    """Where keys are needed this address needs none, and trouble tells hosts and folders: the log has its words."""
    hidden = {"trouble": SEE_LOG} if strangers and told.get("trouble") else {}
    return {**told, **hidden}


def _model(scorer: Scorer) -> Json:
    model = scorer.model
    return {
        "name": model.name,
        "version": model.version,
        "trained_through": model.trained_through and model.trained_through.isoformat(),
        "catalog_digest": model.catalog_digest,
        "history_through": scorer.history.through and scorer.history.through.isoformat(),
        "features": [_feature(feature) for feature in model.definitions],
        "metrics": model.evaluation and model.evaluation["metrics"],
    }


def _feature(feature: Feature) -> Json:
    return {
        "name": feature.name,
        "dtype": feature.dtype,
        "unit": feature.unit,
        "concept": feature.concept,
        "correctable": feature.correctable,
        "digest": feature.digest,
    }
