"""The service: shapes of the contract, errors as problems without content, no event loop blocked by scoring."""

from __future__ import annotations

import copy
import json
import logging
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from claims.batch import Batch
from claims.settings import ServingSettings, Settings
from serving.api import create_app
from serving.body import MOST_LINES
from serving.score import Scorer
from serving.wire import EXAMPLE, ScoreResponse, request_schema
from training.evaluate import Report
from training.evaluation import evaluation_of

Json = dict[str, Any]
PLANTED = ("PLANTED-77", "MEMSECRET9", "1931-12-24")

# Keys and types of the response, as the contract has them; a set of types: any of them.
NUMBER, NULL = {float, int}, type(None)
REASON = {"category": str, "probability": NUMBER, "carc": [str]}
FAULT = {"field": {str, NULL}, "message": str}
SHAPE: Json = {
    "model": {"name": str, "version": str, "trained_through": str, "catalog_digest": str},
    "rules_version": {str, NULL},
    "history_through": {str, NULL},
    "claims": [
        {
            "claim_id": str,
            "score_id": str,
            "claim_denial_risk": NUMBER,
            "risk_interval": {list, NULL},
            "band": str,
            "decision": str,
            "expected_loss": str,
            "evidence": {str, NULL},
            "reasons": [REASON],
            "lines": [
                {
                    "claim_line_number": int,
                    "hcpcs_code": str,
                    "denial_risk": NUMBER,
                    "raw_score": NUMBER,
                    "base_value": NUMBER,
                    "expected_loss": str,
                    "reasons": [REASON],
                    "drivers": [
                        {
                            "feature": str,
                            "concept": str,
                            "value": {str, float, int, bool, NULL},
                            "shap": NUMBER,
                            "sentence": {str, NULL},
                        }
                    ],
                    "findings": [{}],
                }
            ],
            "corrections": [{}],
            "errors": [FAULT],
        }
    ],
    "rejected": [{"index": int, "claim_id": {str, NULL}, "errors": [FAULT]}],
}


def departures(shape: Any, told: Any, place: str = "") -> list[str]:
    """Where a value differs from a shape."""
    if isinstance(shape, dict):
        if not isinstance(told, dict) or list(shape) != list(told):
            return [f"{place}: {shape.keys()} wanted"]
        return [fault for key in shape for fault in departures(shape[key], told[key], f"{place}.{key}")]
    if isinstance(shape, list):
        if not isinstance(told, list):
            return [f"{place}: a list wanted"]
        return [fault for i, one in enumerate(told) for fault in departures(shape[0], one, f"{place}[{i}]")]
    wanted = shape if isinstance(shape, set) else {shape}
    return [] if type(told) in wanted else [f"{place}: {type(told)}"]


@pytest.fixture(scope="module")
def client(site: Settings, scorer: Scorer) -> Iterator[TestClient]:
    """The service with the small model."""
    with TestClient(create_app(site, scorer), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The service of a site without a model."""
    settings = Settings(home=tmp_path_factory.mktemp("empty"))
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def check_problem(response: Any, status: int) -> Json:
    """The body of a problem."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    told: Json = response.json()
    assert list(told) == ["type", "title", "status", "detail"]
    assert told["status"] == status
    assert told["detail"]
    return told


def test_the_shape_of_an_answer(client: TestClient, claim: Json) -> None:
    bad = copy.deepcopy(claim)
    bad["lines"][1]["hcpcs_code"] = None
    worse = {"claim_id": "Z", "payer_id": "SYN01", "lines": [{"claim_line_number": 1}]}
    response = client.post("/v1/score", json={"claims": [claim, bad, worse]})
    assert response.status_code == 200
    told = response.json()
    assert departures(SHAPE, told) == []
    assert [len(told["claims"]), len(told["rejected"])] == [2, 1]
    assert told["claims"][1]["errors"] == [{"field": "lines[1].hcpcs_code", "message": "missing"}]
    ScoreResponse.model_validate(told)


def test_the_shape_test_can_fail() -> None:
    assert departures({"a": [{"b": int}]}, {"a": [{"b": 1}]}) == []
    assert departures({"a": [{"b": int}]}, {"a": [{"b": "1"}]}) == [".a[0].b: <class 'str'>"]
    assert departures({"a": [{"b": int}]}, {"a": [{"c": 1}]})


def test_http_answers_as_python_does(client: TestClient, scorer: Scorer, claim: Json) -> None:
    over_http = client.post("/v1/score", json={"claims": [claim]}).json()
    direct = scorer.score([claim])
    for told in (over_http, direct):
        del told["claims"][0]["score_id"]
    assert over_http == direct


def test_the_example_of_the_document_is_scored(client: TestClient) -> None:
    told = client.post("/v1/score", json=EXAMPLE).json()
    assert told["rejected"] == []
    assert told["claims"][0]["errors"] == []


def test_the_example_of_the_page_is_that_of_the_document() -> None:
    page = (Path(__file__).parents[2] / "docs/api.md").read_text()
    found = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert json.loads(found[0]) == EXAMPLE
    assert f":{ServingSettings().port}/v1/score" in page


def test_the_limit_of_lines(client: TestClient, monkeypatch: pytest.MonkeyPatch, claim: Json) -> None:
    assert MOST_LINES == 5_000
    line = {"claim_line_number": 1}
    many = [claim | {"lines": [line] * 2_500}, claim | {"lines": [line] * 2_500}, line]
    told = check_problem(client.post("/v1/score", json={"claims": many}), 413)
    assert told["detail"] == "more than 5,000 lines in one request; send fewer claims at a time"
    monkeypatch.setattr("serving.body.MOST_LINES", 3)
    odd = [claim, {"lines": None}]  # two lines, and an entry that stands for one
    assert client.post("/v1/score", json={"claims": odd}).status_code == 200
    check_problem(client.post("/v1/score", json={"claims": [*odd, "?"]}), 413)


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("localhost", True), ("LOCALHOST:8000", True), ("127.0.0.1:80", True), ("[::1]", True), ("[::1]:8000", True),
        ("evil.example", False), ("evil.example:8000", False), ("127.0.0.1.evil.example", False), ("", False),
        ("localhost:evil", False),
    ],
)  # fmt: skip
def test_only_names_of_this_machine_are_served(client: TestClient, host: str, served: bool) -> None:
    response = client.get("/health", headers={"host": host})
    if served:
        assert response.status_code == 200
    else:
        assert "127.0.0.1" in check_problem(response, 421)["detail"]


def test_an_address_with_a_slash_more_is_another(client: TestClient) -> None:
    response = client.get("/health/", follow_redirects=False)
    check_problem(response, 404)


def test_what_is_not_known_is_neither_an_error_nor_echoed(client: TestClient, claim: Json) -> None:
    claim["shoe_size"] = PLANTED[0]
    response = client.post("/v1/score", json={"claims": [claim], "note": PLANTED[1]})
    assert response.status_code == 200
    assert not [word for word in PLANTED if word in response.text]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{'claims': PLANTED-77", 400), (b"\xff\xfePLANTED-77", 400), (b"", 400), (b"[" * 200_000, 400),
        (b'{"claims": "PLANTED-77"}', 422), (b'{"claim": ["PLANTED-77"]}', 422), (b'["PLANTED-77"]', 422),
        (b'"PLANTED-77"', 422), (b"null", 422), (b'{"claims": {"a": "PLANTED-77"}}', 422),
        (b'{"claims": [{"claim_id": "\\ud800"}]}', 400), (b'{"claims": [' + b"{}," * 1_000 + b"{}]}", 413),
        (b'{"claims": ["' + b"PLANTED-77" * 1_100_000 + b'"]}', 413),
    ],
    ids=["broken", "latin", "empty", "deep", "text", "other", "list", "string", "null", "object", "half", "many",
         "large"],
)  # fmt: skip
def test_bad_requests_are_problems_without_content(
    client: TestClient, caplog: pytest.LogCaptureFixture, body: bytes, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    response = client.post("/v1/score", content=body, headers={"content-type": "application/json"})
    check_problem(response, status)
    assert "PLANTED" not in response.text + caplog.text


def test_a_large_body_without_a_length_is_refused(client: TestClient) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(12):
            yield b" " * 1024 * 1024

    check_problem(client.post("/v1/score", content=parts(), headers={"content-type": "application/json"}), 413)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/json-seq", ""])
def test_another_type_of_content(client: TestClient, kind: str) -> None:
    check_problem(client.post("/v1/score", content=b"{}", headers={"content-type": kind}), 415)
    good = client.post(
        "/v1/score", content=b'{"claims": []}', headers={"content-type": "Application/JSON; charset=utf-8"}
    )
    assert good.status_code == 200


def test_other_addresses_and_methods(client: TestClient) -> None:
    assert "PLANTED" not in check_problem(client.get("/v1/PLANTED-77"), 404)["detail"]
    response = client.get("/v1/score")
    check_problem(response, 405)
    assert response.headers["allow"] == "POST"


def test_an_unforeseen_error_keeps_its_words_to_itself(
    site: Settings, scorer: Scorer, claim: Json, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Scorer, batch: Batch, alone: object = ()) -> Json:
        raise ValueError(f"cannot digest {batch.lines.rows()}")

    monkeypatch.setattr(Scorer, "answer", fail)
    caplog.set_level(logging.DEBUG)
    claim["claim_id"] = PLANTED[0]
    with TestClient(create_app(site, scorer)) as client:  # raises what would reach the server's own log
        response = client.post("/v1/score", json={"claims": [claim]})
    check_problem(response, 500)
    assert PLANTED[0] not in response.text + caplog.text
    assert "ValueError" in caplog.text
    assert "together.py" in caplog.text


def test_logs_hold_counts_and_no_content(client: TestClient, claim: Json, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    claim |= dict(zip(("claim_id", "member_id", "patient_birth_date"), PLANTED, strict=True))
    bad = copy.deepcopy(claim)
    bad["lines"][0]["hcpcs_code"] = ["PLANTED-77"]
    response = client.post("/v1/score", json={"claims": [claim, bad]})
    assert response.status_code == 200
    (record,) = [record for record in caplog.records if record.name == "serving.api.trace"]
    assert record.getMessage() == "POST /v1/score 200"
    assert record.__dict__["told"].items() >= {"claims": 2, "lines": 3, "rejected": 0}.items()
    assert not [word for word in PLANTED if word in caplog.text]
    assert not [word for word in PLANTED[1:] if word in response.text]


def test_alive_and_ready(client: TestClient, scorer: Scorer) -> None:
    assert client.get("/health").json() == {"status": "alive"}
    through = scorer.history.through
    assert through is not None
    told = client.get("/ready").json()
    assert told.items() >= {
        "status": "ready", "model_version": "3", "history_through": through.isoformat(), "notice": None,
        "not_taken_over": None,
    }.items()  # fmt: skip
    assert told["score_log"]["reachable"] and told["outcomes"]["reachable"]


def test_model_and_features(client: TestClient, scorer: Scorer) -> None:
    told = client.get("/v1/model").json()
    assert (told["name"], told["version"]) == (scorer.model.name, "3")
    assert told["trained_through"] == scorer.model.trained_through.isoformat()
    assert told["catalog_digest"] == scorer.model.catalog_digest
    assert [f["name"] for f in told["features"]] == list(scorer.model.features)
    assert {"concept", "digest"} <= set(told["features"][0])
    listed = client.get("/v1/features").json()
    assert {f["name"]: f["digest"] for f in listed}.items() >= {
        f["name"]: f["digest"] for f in told["features"]
    }.items()


def test_metrics_are_those_that_the_folder_keeps(site: Settings, scorer: Scorer) -> None:
    metrics = {"auroc": 0.8, "ece": math.nan}
    found = evaluation_of(date(2026, 1, 1), Report(metrics, {}, {}, []), [])
    for evaluation, told in ((found, {"auroc": 0.8, "ece": None}), (None, None)):
        other = replace(scorer, model=scorer.model.with_evaluation(evaluation))
        with TestClient(create_app(site, other)) as client:
            assert client.get("/v1/model").json()["metrics"] == told


def test_the_champion_is_loaded_when_the_service_starts(site: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []
    load = Scorer.load
    monkeypatch.setattr(Scorer, "load", lambda *given, **named: loaded.append(1) or load(*given, **named))
    app = create_app(site)
    assert loaded == []
    with TestClient(app) as client:
        assert loaded == [1]
        assert client.get("/ready").status_code == 200
        assert app.state.current.get().model.version == "3"
    assert loaded == [1]


def test_without_a_champion_the_starting_model_answers_and_says_so(empty: TestClient, claim: Json) -> None:
    assert empty.get("/health").status_code == 200
    ready = empty.get("/ready").json()
    assert ready["model_version"] == "starting" and "denials train" in ready["notice"]
    model = empty.get("/v1/model").json()
    assert (model["version"], model["trained_through"], model["metrics"]) == ("starting", None, None)
    answer = empty.post("/v1/score", json={"claims": [claim]}).json()
    ScoreResponse.model_validate(answer, strict=True)
    (told,) = answer["claims"]
    assert (answer["model"]["version"], told["evidence"], told["decision"]) == ("starting", "none", "review")
    check_problem(empty.post("/v1/score", content=b"{", headers={"content-type": "application/json"}), 400)


def test_the_document_describes_the_request(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    operation = document["paths"]["/v1/score"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema == json.loads(json.dumps(request_schema()))
    claim = schema["properties"]["claims"]["items"]["anyOf"][0]
    for name in ("claim_id", "member_id", "patient_birth_date", "diagnosis_codes", "documentation", "lines"):
        assert name in claim["properties"]
    assert "submission_id" not in claim["properties"]
    assert "hcpcs_modifier_1" not in claim["properties"]
    refused = {"400", "401", "403", "408", "413", "415", "421", "422", "429", "503"}
    assert set(operation["responses"]) == {"200", *refused}
    assert set(document["components"]["schemas"]["ScoreResponse"]["properties"]) == set(SHAPE)


def test_serving_imports_neither_mlflow_nor_prefect() -> None:
    code = "import serving.api, sys; print(sorted({'mlflow', 'prefect'} & {n.split('.')[0] for n in sys.modules}))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
