"""schemathesis over the OpenAPI document: what it generates from each operation is answered as the document says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.python.asgi import ASGIClient, get_client
from schemathesis.specs.openapi.checks import positive_data_acceptance
from schemathesis.specs.openapi.schemas import OpenApiSchema

from claims.settings import Settings
from serving.api import create_app
from serving.body import EDI, FHIR
from serving.score import Scorer

OPERATIONS = (
    "POST /v1/score", "POST /v1/check", "GET /v1/rules/{rule_id}", "POST /v1/outcomes",
    "POST /v1/scores/{score_id}/decision", "GET /v1/model", "GET /v1/features", "GET /health", "GET /ready",
    "GET /metrics",
)  # fmt: skip
EXAMPLES = 40  # of each operation


NO_SCHEMA = {EDI, FHIR}  # a schema cannot say what a valid interchange or resource is
A_MOMENT = "POST /v1/scores/{score_id}/decision"  # nor that decided_at must not lie in the future


@pytest.fixture(scope="module")
def service(site: Settings, scorer: Scorer) -> Iterator[tuple[OpenApiSchema, ASGIClient]]:
    """The document of a service, and a client while it runs."""
    app = create_app(site, scorer)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    with get_client(app) as client:
        yield schema, client


def test_every_operation_is_listed_here(service: tuple[OpenApiSchema, ASGIClient]) -> None:
    assert tuple(one.ok().label for one in service[0].get_all_operations()) == OPERATIONS


@pytest.mark.parametrize("label", OPERATIONS)
def test_generated_requests_are_answered_as_the_document_says(
    service: tuple[OpenApiSchema, ASGIClient], label: str
) -> None:
    schema, client = service
    method, _, path = label.partition(" ")

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=schema[path][method].as_strategy())
    def told(case: schemathesis.Case) -> None:
        loose = case.media_type in NO_SCHEMA or label == A_MOMENT
        case.call_and_validate(session=client, excluded_checks=[positive_data_acceptance] if loose else [])

    told()
