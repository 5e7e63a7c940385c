"""What billing software gets wrong: the claim is scored or told with its reason, and the good ones beside it as ever."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from claims.settings import Settings
from serving.api import create_app
from serving.api.document import example
from serving.body import EDI, JSON
from serving.score import Scorer
from serving.wire import ScoreResponse

Json = dict[str, Any]
ODD = "Ω\u202e \U0001f922 ٩é\u0000'"


@pytest.fixture(scope="module")
def client(site: Settings, scorer: Scorer) -> Iterator[TestClient]:
    """The service with the small model."""
    with TestClient(create_app(site, scorer), raise_server_exceptions=False) as client:
        yield client


def score(client: TestClient, *claims: Json) -> Json:
    """The answer, in which every claim has its place; the text is what json.dumps makes, NaN as it is."""
    body = json.dumps({"claims": claims}).encode()
    response = client.post("/v1/score", content=body, headers={"content-type": JSON})
    assert response.status_code == 200, response.text
    told: Json = response.json()
    ScoreResponse.model_validate(told)
    assert len(told["claims"]) + len(told["rejected"]) == len(claims)
    for claim in told["claims"]:
        del claim["score_id"]
    return told


def odd(value: Any, text: str) -> Any:
    """The same shape, with a text in place of every text and number."""
    if isinstance(value, dict):
        return {name: odd(held, text) for name, held in value.items()}
    return [odd(held, text) for held in value] if isinstance(value, list) else text


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("charge_amount", float("nan"), None), ("charge_amount", float("inf"), "not an amount of money"),
        ("charge_amount", -980.0, "negative"), ("charge_amount", "-980.00", "negative"),
        ("charge_amount", 1e308, "not an amount of money"),
        ("charge_amount", "99999999999999999999.99", "above 9,999,999,999.99"),
        ("service_unit_quantity", float("nan"), None), ("service_unit_quantity", 1e308, "not a finite number"),
        ("service_unit_quantity", "9" * 40, "above 9,999,999,999.99"),
        ("claim_line_start_date", "2999-01-01", "lies outside 1990 to 2100"),
        ("claim_line_start_date", "2026-02-30", "not a date (YYYY-MM-DD, YYYYMMDD or M/D/YYYY)"),
        ("claim_line_number", -1, "negative or too large"), ("hcpcs_code", ODD, "contains control characters"),
    ],
)  # fmt: skip
def test_a_bad_line_is_told_and_the_others_are_scored(
    client: TestClient, claim: Json, field: str, value: Any, message: str | None
) -> None:
    """message: None where the value counts as not known."""
    bad = copy.deepcopy(claim)
    bad["lines"][0][field] = value
    told = score(client, claim, bad, claim)
    faults = [{"field": f"lines[0].{field}", "message": message}] if message else []
    assert told["claims"][1]["errors"] == faults
    assert len(told["claims"][1]["lines"]) == 2 - len(faults)
    assert told["claims"][0] == told["claims"][2] == score(client, claim)["claims"][0]


def test_of_two_lines_with_one_number_the_first_is_scored(client: TestClient, claim: Json) -> None:
    claim["lines"][1]["claim_line_number"] = 1
    (told,) = score(client, claim)["claims"]
    assert [line["hcpcs_code"] for line in told["lines"]] == ["64493"]
    assert [fault["field"] for fault in told["errors"]] == ["lines[1].claim_line_number"]


def test_an_unknown_payer_is_scored_and_the_answer_says_on_how_little(client: TestClient, claim: Json) -> None:
    known, unknown = score(client, claim, claim | {"payer_id": "NOBODY-HAS-IT"})["claims"]
    assert (known["evidence"], unknown["evidence"]) == ("low", "none")
    assert len(unknown["lines"]) == 2 and unknown["errors"] == []


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("payer_id", ODD, "contains control characters"), ("member_id", ODD, "contains control characters"),
        ("claim_id", ODD, "contains control characters"), ("submitted_date", "2999-01-01", "lies outside 1990 to 2100"),
        ("patient_birth_date", "2999-01-01", "lies after the day of service"),
    ],
)  # fmt: skip
def test_a_bad_claim_is_told_and_the_others_are_scored(
    client: TestClient, claim: Json, field: str, value: str, message: str
) -> None:
    told = score(client, claim, claim | {field: value}, claim)
    (rejected,) = told["rejected"]
    assert rejected["index"] == 1
    assert {"field": field, "message": message} in rejected["errors"]
    assert told["claims"][0] == told["claims"][1] == score(client, claim)["claims"][0]


@pytest.mark.parametrize("text", [ODD, "Ωé ٩٨٠ \U0001f922"])
def test_unicode_in_every_field_spoils_no_other_claim(client: TestClient, claim: Json, text: str) -> None:
    told = score(client, claim, odd(claim, text), claim)
    assert [one["index"] for one in told["rejected"]] == [1]
    assert told["claims"][0] == told["claims"][1] == score(client, claim)["claims"][0]


@pytest.mark.parametrize("depth", [50, 150, 250, 5_000, 500_000])
def test_deep_json_is_told_or_refused_wherever_it_is_sent(client: TestClient, claim: Json, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    body = json.dumps({"claims": [claim, {"claim_id": "DEEP", "lines": "?"}]}).replace('"?"', deep)
    for path in ("/v1/score", "/v1/check", "/v1/outcomes", "/v1/scores/1/decision"):
        told = client.post(path, content=body, headers={"content-type": JSON})
        assert told.status_code in (200, 400, 404, 422), (path, told.status_code)
        if told.status_code == 200:
            assert [len(told.json()[name]) for name in ("claims", "rejected")] == [1, 1]


def test_an_837_with_a_broken_claim_among_good_ones(client: TestClient) -> None:
    whole = example("claims.837")
    first, last = whole.index("CLM*"), whole.index("SE*")
    one = whole[first:last]
    broken = one.replace("A-1001", "A-1002").replace("SV1*HC:64493:RT*980", "SV1*HC:*x")
    body = whole[:first] + one + broken + one.replace("A-1001", "A-1003") + whole[last:]
    answer = client.post("/v1/score", content=body, headers={"content-type": EDI})
    assert answer.status_code == 200
    told = answer.json()
    assert [claim["claim_id"] for claim in told["claims"]] == ["A-1001", "A-1003"]
    assert [(claim["index"], claim["claim_id"]) for claim in told["rejected"]] == [(1, "A-1002")]
