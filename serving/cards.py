"""Shapes of what GET /v1/model, /v1/features, /health and /ready answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class _Card(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class FeatureCard(_Card):
    """One feature; digest changes when its definition does."""

    name: str
    dtype: Literal["number", "category"]
    unit: str
    concept: str
    correctable: bool
    digest: str


class ModelCard(_Card):
    """The model in service; metrics as its replay measured them."""

    name: str
    version: str
    trained_through: str | None
    catalog_digest: str
    history_through: str | None
    features: list[FeatureCard]
    metrics: dict[str, Any] | None


class Life(_Card):
    """The process lives."""

    status: Literal["alive"]


class Readiness(_Card):
    """Claims can be scored.

    notice: what to know of the starting model; not_taken_over: why the latest champion, store or rules do not serve,
    or why the history is not kept;
    score_log, outcomes: whether their database and store could be reached, and how much waits for that.
    """

    status: Literal["ready"]
    model_version: str
    history_through: str | None
    notice: str | None
    not_taken_over: str | None
    score_log: dict[str, Any]
    outcomes: dict[str, Any]
