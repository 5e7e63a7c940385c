"""The OpenAPI document: every example is answered; keys, decisions and outcomes as it says."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from claims.settings import Settings
from serving.api import create_app
from serving.api.document import example
from serving.keys import add
from serving.score import Scorer
from serving.wire import CheckResponse, ScoreResponse

Json = dict[str, Any]


@pytest.fixture
def home(site: Settings, tmp_path: Path) -> Settings:
    """A site of its own: outcomes are sent to it, and keys added."""
    shutil.copytree(site.home, tmp_path / "home", symlinks=True)
    return Settings(home=tmp_path / "home")


@pytest.fixture
def client(home: Settings, scorer: Scorer) -> Iterator[TestClient]:
    with TestClient(create_app(home, scorer), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("path", ["/v1/score", "/v1/check", "/v1/outcomes"])
def test_every_example_of_a_request_is_answered(client: TestClient, path: str) -> None:
    operation = client.get("/openapi.json").json()["paths"][path]["post"]
    content = operation["requestBody"]["content"]
    assert len(content) == 3
    for kind, told in content.items():
        body = told["example"] if isinstance(told["example"], str) else json.dumps(told["example"])
        answer = client.post(path, content=body, headers={"content-type": kind})
        assert answer.status_code in (200, 202), answer.text
        assert not answer.json()["rejected"]


def test_the_examples_of_answers_have_their_shape(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path, shape in (("/v1/score", ScoreResponse), ("/v1/check", CheckResponse)):
        told = paths[path]["post"]["responses"]["200"]["content"]["application/json"]["example"]
        shape.model_validate(told, strict=True)
        (claim,) = told["claims"]
        assert claim["claim_id"] == "A-1001"


def test_the_examples_are_those_of_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs/api.md").read_text()
    assert example("claims.837") in re.findall(r"```edi\n(.*?)```", page, re.DOTALL)
    assert example("claim.json") in re.findall(r"```json\n(.*?)```", page, re.DOTALL)


def test_a_decision_about_a_score_is_kept(client: TestClient, claim: Json) -> None:
    score_id = client.post("/v1/score", json={"claims": [claim]}).json()["claims"][0]["score_id"]
    address, said = f"/v1/scores/{score_id}/decision", {"action": "corrected", "reason": "on_file"}
    first, again = (client.post(address, json=said).json() for _ in range(2))
    assert first["decision_id"] == again["decision_id"] and (first["repeated"], again["repeated"]) == (False, True)
    other = "01a20b73-a4dd-722f-b42b-dbb378a010f0"
    assert client.post(f"/v1/scores/{other}/decision", json=said).status_code == 404
    wrong = [{}, {"action": "x"}, {"action": "held", "note": "PLANTED-77"}, ["held"], 5, None]
    for body in wrong:
        refused = client.post(address, content=json.dumps(body), headers={"content-type": "application/json"})
        assert refused.status_code == 422 and "PLANTED" not in refused.text
    refused = client.post(address, content=b"{", headers={"content-type": "application/json"})
    assert refused.status_code == 400
    assert client.post(address, content=b"ISA", headers={"content-type": "application/edi-x12"}).status_code == 415


def test_the_same_outcomes_twice_count_once(client: TestClient, home: Settings) -> None:
    body = example("remittance.835")
    headers = {"content-type": "application/edi-x12"}
    first, again = (client.post("/v1/outcomes", content=body, headers=headers) for _ in range(2))
    assert first.status_code == 202 == again.status_code and first.json() == again.json()
    assert first.json()["outcomes_accepted"] == 1
    claims = client.post("/v1/outcomes", content=example("claims.837"), headers=headers)
    assert claims.status_code == 422 and "denials ingest" in claims.json()["detail"]


def test_keys_stand_in_the_document_where_they_are_needed(client: TestClient, home: Settings) -> None:
    assert "security" not in client.get("/openapi.json").json()
    _, key = add(home, "score", "reader")
    told = client.get("/openapi.json", headers={"authorization": f"Bearer {key}"}).json()
    assert told["security"] == [{"key": []}] and told["paths"]["/health"]["get"]["security"] == []
    assert told["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
