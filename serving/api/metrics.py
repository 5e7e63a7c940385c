"""What GET /metrics tells Prometheus: counts, times and the model in service; never content, ids or addresses.

With several workers their counts are added up in the folder that PROMETHEUS_MULTIPROC_DIR names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from claims.errors import DenialsError
from serving.current import Current

SECONDS = (0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
REQUESTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)


class Metrics:
    """The counters of one app."""

    def __init__(self, current: Current) -> None:
        self._registry = CollectorRegistry()
        self._shared = "PROMETHEUS_MULTIPROC_DIR" in os.environ
        self._model = ModelInService(current)
        if not self._shared:
            self._registry.register(self._model)
            ProcessCollector(registry=self._registry)
        labels = ("method", "route", "status")
        self._requests = Counter("denials_requests", "Requests answered.", labels, registry=self._registry)
        self._seconds = Histogram(
            "denials_request_seconds", "From the first byte of a request to the last of its answer.", ("route",),
            buckets=SECONDS, registry=self._registry,
        )  # fmt: skip
        self._claims = Counter("denials_claims_scored", "Claims scored.", registry=self._registry)
        self._lines = Counter("denials_lines_scored", "Lines scored.", registry=self._registry)
        self._rejected = Counter("denials_claims_rejected", "Claims that could not be scored.", registry=self._registry)
        self._together = Histogram(
            "denials_pass_requests", "Requests scored in one pass.", buckets=REQUESTS, registry=self._registry
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered. route: the template, not the path, which a client may fill with anything."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def scored(self, claims: int, lines: int, rejected: int) -> None:
        """The claims of a request were scored."""
        self._claims.inc(claims)
        self._lines.inc(lines)
        self._rejected.inc(rejected)

    def passed(self, requests: int) -> None:
        """So many requests were scored together."""
        self._together.observe(requests)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        if not self._shared:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        registry.register(self._model)
        return generate_latest(registry)


class ModelInService(Collector):
    """The model that the answering process serves at the moment, where there is one."""

    def __init__(self, current: Current) -> None:
        self._current = current

    def describe(self) -> Iterator[Metric]:
        """Without asking for the model."""
        yield InfoMetricFamily("denials_model", "The model in service.")

    def collect(self) -> Iterator[Metric]:
        """Its version, and through which day outcomes are known to it."""
        try:
            scorer = self._current.get()
        except DenialsError:
            return
        through = scorer.history.through
        told = {"version": scorer.model.version, "history_through": through.isoformat() if through else ""}
        yield InfoMetricFamily("denials_model", "The model in service.", told)
