"""Bad input of every kind: the bad claim is told with its reason, the good ones are scored, nothing ends in a 5xx."""

from __future__ import annotations

import copy
import json
import logging
import math
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from benchmarks.http_fuzz import bodies, fault
from claims.settings import Settings
from serving.api import create_app
from serving.api.document import example
from serving.score import Scorer

Json = dict[str, Any]
ODD = "\u0416\u6f22\U0001f922\u202e\u0000\u0301\ufeff"  # letters, a sign beyond 16 bits, marks that turn and hide text


@pytest.fixture(scope="module")
def client(site: Settings, scorer: Scorer) -> Iterator[TestClient]:
    with TestClient(create_app(site, scorer), raise_server_exceptions=False) as client:
        yield client


def scored(client: TestClient, *claims: Any) -> Json:
    """The answer, with its rows accounted for: every claim is answered or rejected."""
    body = json.dumps({"claims": claims}).encode()
    response = client.post("/v1/score", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 200, response.text
    told: Json = response.json()
    assert len(told["claims"]) + len(told["rejected"]) == len(claims)
    for claim in told["claims"]:
        assert 0 <= claim["claim_denial_risk"] <= 1 and math.isfinite(float(claim["expected_loss"]))
    return told


def with_line(claim: Json, **fields: Any) -> Json:
    """The claim with its first line changed."""
    changed = copy.deepcopy(claim) | {"claim_id": "BAD"}
    changed["lines"][0] |= fields
    return changed


@pytest.mark.parametrize("field", ["charge_amount", "service_unit_quantity"])
@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, "NaN", "-1.00", -5, 1e300, "9" * 40, 10**40, "1e400", True, ["5"], {}],
)
def test_amounts_that_are_none(client: TestClient, claim: Json, field: str, value: Any) -> None:
    told = scored(client, with_line(claim, **{field: value}), claim)
    bad, good = told["claims"]
    assert good["claim_id"] == "T-100" and not good["errors"] and len(good["lines"]) == 2
    if value is math.nan:  # what tables write where a value is missing
        assert not bad["errors"] and len(bad["lines"]) == 2
    else:
        assert [error["field"] for error in bad["errors"]] == [f"lines[0].{field}"] and len(bad["lines"]) == 1


def test_two_lines_with_one_number(client: TestClient, claim: Json) -> None:
    (told,) = scored(client, with_line(claim, claim_line_number=2))["claims"]
    assert [line["claim_line_number"] for line in told["lines"]] == [2]
    assert told["errors"][0]["field"] == "lines[1].claim_line_number" and "repeats" in told["errors"][0]["message"]


def test_an_unknown_payer_is_scored_with_less_evidence(client: TestClient, claim: Json) -> None:
    (told,) = scored(client, claim | {"payer_id": "NOBODY", "payer_name": None})["claims"]
    assert told["evidence"] == "none" and told["decision"] == "review"


@pytest.mark.parametrize("day", ["2999-01-01", "9999-12-31", "1899-12-31", "2026-02-30", "tomorrow", 20261020, ODD])
@pytest.mark.parametrize("field", ["claim_line_start_date", "submitted_date", "patient_birth_date"])
def test_days_that_cannot_be(client: TestClient, claim: Json, day: Any, field: str) -> None:
    bad = (
        with_line(claim, **{field: day})
        if field == "claim_line_start_date"
        else claim | {"claim_id": "BAD", field: day}
    )
    told = scored(client, bad, claim)
    assert told["claims"][-1]["claim_id"] == "T-100" and not told["claims"][-1]["errors"]
    faults = [error for one in (*told["claims"], *told["rejected"]) for error in one["errors"]]
    if field == "submitted_date" and str(day) in ("2999-01-01", "9999-12-31", "1899-12-31"):
        return  # a day, if a strange one
    assert str(day) == "20261020" or faults or len(told["claims"]) == 2
    assert str(day) not in json.dumps(faults) or day == 20261020


def test_unicode_in_every_field(client: TestClient, claim: Json) -> None:
    names = [name for name, value in claim.items() if isinstance(value, str)]
    for name in names:
        scored(client, claim | {name: ODD}, claim | {name: claim[name] + ODD})
    for name in claim["lines"][0]:
        scored(client, with_line(claim, **{name: ODD}), with_line(claim, **{name: [ODD]}), claim)
    scored(
        client, claim | {"diagnosis_codes": [ODD] * 12, "documentation": {"doc_pain_score": ODD}, "extra": {ODD: ODD}}
    )
    scored(client, {ODD: ODD}, ODD, [ODD], claim | {"lines": ODD}, claim | {"lines": [ODD]})


@pytest.mark.parametrize("depth", [50, 150, 250, 5_000, 500_000])
def test_deep_json(client: TestClient, claim: Json, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    body = json.dumps({"claims": [claim, {"claim_id": "DEEP", "lines": "?"}]}).replace('"?"', deep)
    for path in ("/v1/score", "/v1/check", "/v1/outcomes", "/v1/scores/1/decision"):
        told = client.post(path, content=body, headers={"content-type": "application/json"})
        assert told.status_code in (200, 202, 400, 404, 422), (path, told.status_code)
        if told.status_code == 200:
            assert len(told.json()["claims"]) == 1 == len(told.json()["rejected"])


def test_an_837_with_a_broken_claim_among_good_ones(client: TestClient) -> None:
    whole = example("claims.837")
    first, last = whole.index("CLM*"), whole.index("SE*")
    one = whole[first:last]
    broken = one.replace("A-1001", "A-1002").replace("SV1*HC:64493:RT*980", "SV1*HC:*x")
    third = one.replace("A-1001", "A-1003")
    body = whole[:first] + one + broken + third + whole[last:]
    answer = client.post("/v1/score", content=body, headers={"content-type": "application/edi-x12"})
    assert answer.status_code == 200
    told = answer.json()
    assert [claim["claim_id"] for claim in told["claims"]] == ["A-1001", "A-1003"]
    assert [(claim["index"], claim["claim_id"]) for claim in told["rejected"]] == [(1, "A-1002")]


def test_damaged_bodies(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="serving")
    wrong = []
    for sent in bodies(300, seed=6):
        answer = client.post(sent.address, content=sent.body, headers={"content-type": sent.kind})
        wrong.append(fault(sent, answer.status_code, answer.content))
    assert [one for one in wrong if one] == []
    assert not [word for word in ("PLANTED", "MEMSECRET9", "Quagmire") if word in caplog.text.replace("/v1/", "")]


def test_the_search_for_faults_can_fail() -> None:
    sent = next(bodies(1))
    assert fault(sent, 500, b"") and fault(sent, 400, b"MEMSECRET9") and not fault(sent, 400, b"{}")
    good = {"claims": [{"claim_id": "PLANTED-77", "errors": []}], "rejected": []}
    assert not fault(sent, 200, json.dumps(good).encode())
    good["rejected"] = [{"index": 0, "claim_id": "x", "errors": [{"field": None, "message": "is not MEMSECRET9"}]}]  # type: ignore[list-item]
    assert fault(sent, 200, json.dumps(good).encode())
