"""schemathesis over the OpenAPI document: what it generates from each operation is answered as the document says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.schemas import OpenApiSchema
from starlette.testclient import TestClient

from claims.settings import Settings
from serving.api import create_app
from serving.score import Scorer

OPERATIONS = (
    "POST /v1/score", "POST /v1/check", "GET /v1/rules/{rule_id}", "POST /v1/outcomes",
    "POST /v1/scores/{score_id}/decision", "GET /v1/model", "GET /v1/features", "GET /health", "GET /ready",
    "GET /metrics",
)  # fmt: skip
EXAMPLES = 40  # of each operation


@pytest.fixture(scope="module")
def schema(site: Settings, scorer: Scorer) -> Iterator[OpenApiSchema]:
    """The document of a service that runs."""
    app = create_app(site, scorer)
    with TestClient(app):
        yield schemathesis.openapi.from_asgi("/openapi.json", app)


def test_every_operation_is_listed_here(schema: OpenApiSchema) -> None:
    assert tuple(one.ok().label for one in schema.get_all_operations()) == OPERATIONS


@pytest.mark.parametrize("label", OPERATIONS)
def test_generated_requests_are_answered_as_the_document_says(schema: OpenApiSchema, label: str) -> None:
    method, _, path = label.partition(" ")

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=schema[path][method].as_strategy())
    def told(case: schemathesis.Case) -> None:
        case.call_and_validate()

    told()
