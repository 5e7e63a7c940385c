"""POST /v1/check and GET /v1/rules/{id}: without a model, and with the one in service; what no book covers says so."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from claims.read import read_claims
from claims.settings import RulesSettings, Settings
from claims.store import Store
from serving.api import create_app
from serving.score import Scorer
from serving.wire import CheckResponse

Json = dict[str, Any]
CLAIM: Json = {
    "claim_id": "PLANTED-1", "submitted_date": "2026-10-01", "payer_id": "T1", "member_id": "PLANTEDMEMBER",
    "patient_birth_date": "1960-01-01", "billing_npi": "1234567893",
    "lines": [{"claim_line_number": 7, "claim_line_start_date": "2026-05-01", "hcpcs_code": "64999",
               "charge_amount": "100.00"}],
}  # fmt: skip
BOOK = """\
payer: Test Plan
applies_to: {payer_id: [T1]}
rules:
  - id: TST-FREQ
    kind: frequency
    title: At most one session in a rolling year
    codes: [64999]
    window_days: 365
    values: {2020-01-01: 1}
    message: "{count} sessions since {since}; the plan covers {limit}."
    remedy: Check the dates of the earlier sessions.
    audit: true
    reference: [{title: Test Plan manual, href: "https://example.com/manual"}]
    checked_on: 2026-01-01
    standing: stated
"""


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """A site with a book of its own and neither store nor model."""
    (tmp_path / "books" / "payers").mkdir(parents=True)
    (tmp_path / "books" / "payers" / "test_plan.yaml").write_text(BOOK, encoding="utf-8")
    return Settings(home=tmp_path, rules=RulesSettings(payers={"t2": "test_plan"}))


@pytest.fixture
def client(home: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        yield client


def earlier(**fields: Any) -> Json:
    line = CLAIM["lines"][0] | {"claim_line_start_date": "2026-03-01"}
    return CLAIM | {"claim_id": "EARLIER", "submitted_date": "2026-03-02", "lines": [line]} | fields


def asked(client: TestClient, *claims: Any, every: bool = False) -> Json:
    response = client.post("/v1/check", json={"claims": claims}, params={"all": every} if every else None)
    assert response.status_code == 200, response.text
    CheckResponse.model_validate(response.json(), strict=True)
    return dict(response.json())


def own(claim: Json) -> dict[str, str]:
    """Rule -> outcome, of the test's own book."""
    return {f["rule_id"]: f["outcome"] for f in claim["findings"] if f["rule_id"].startswith("TST")}


def test_it_needs_no_model_and_makes_no_store(client: TestClient, home: Settings) -> None:
    assert client.get("/ready").json()["model_version"] == "starting"
    told = asked(client, CLAIM, every=True)
    assert list(told) == ["rules_version", "history_through", "claims", "rejected"]
    (claim,) = told["claims"]
    assert list(claim) == ["claim_id", "coverage", "audit", "findings", "errors"]
    assert (claim["coverage"], own(claim)) == ("covered", {"TST-FREQ": "unknown"})
    assert list(claim["findings"][0])[:2] == ["claim_line_number", "rule_id"]
    assert (claim["findings"][0]["claim_line_number"], told["history_through"]) == (7, None)
    assert claim["audit"]["audit"] == "not known" and "TST-FREQ" in claim["audit"]["unknown"]
    assert not home.store.exists()


def test_what_is_ingested_later_counts(client: TestClient, home: Settings) -> None:
    assert own(asked(client, CLAIM)["claims"][0]) == {}
    Store.open(home).add(read_claims([earlier()], home))
    (claim,) = asked(client, CLAIM)["claims"]
    assert own(claim) == {"TST-FREQ": "broken"}
    assert claim["audit"]["audit"] == "not ready"
    (finding,) = [f for f in claim["findings"] if f["rule_id"] == "TST-FREQ"]
    assert finding["message"] == "2 sessions since 2025-05-02; the plan covers 1."
    assert finding["remedy"] == "Check the dates of the earlier sessions."


def test_claims_of_a_request_see_each_other_only_as_in_scoring(client: TestClient) -> None:
    same_day, before = earlier(submitted_date="2026-10-01"), earlier()
    assert [own(claim) for claim in asked(client, same_day, CLAIM)["claims"]] == [{}, {}]
    assert [own(claim) for claim in asked(client, before, CLAIM)["claims"]] == [{}, {"TST-FREQ": "broken"}]
    twice = asked(client, CLAIM, CLAIM)["claims"]
    assert [own(claim) for claim in twice] == [{}, {}]


def test_a_payer_without_a_book_is_not_clean(client: TestClient) -> None:
    told = asked(client, CLAIM | {"payer_id": "NOBODY"}, CLAIM | {"payer_id": "t2"},
                 CLAIM | {"payer_id": "M", "claim_filing_indicator_code": "MB"},
                 CLAIM | {"payer_id": "M", "claim_filing_indicator_code": "MB", "service_state": "ZZ"})  # fmt: skip
    assert [claim["coverage"] for claim in told["claims"]] == ["no_book", "covered", "no_state", "no_contractor"]
    gaps = [claim["audit"]["unknown"][:1] for claim in told["claims"]]
    assert gaps[0] == ["NO-BOOK"] and gaps[2:] == [["NO-STATE"], ["NO-CONTRACTOR"]]
    (claim,) = asked(client, CLAIM | {"payer_id": "NOBODY"}, every=True)["claims"]
    assert claim["findings"][-1]["outcome"] in ("unknown", "met")
    assert [f["kind"] for f in claim["findings"] if f["rule_id"] == "NO-BOOK"] == ["no_book"]


def test_a_bad_claim_is_told_and_the_rest_is_checked(client: TestClient) -> None:
    half = CLAIM | {"lines": [*CLAIM["lines"], {"claim_line_number": 8}]}
    told = asked(client, {"claim_id": "X"}, half, 7)
    assert [bad["index"] for bad in told["rejected"]] == [0, 2]
    (claim,) = told["claims"]
    assert claim["errors"][0]["field"].startswith("lines[1].")
    assert asked(client, 7)["claims"] == []
    assert asked(client)["claims"] == []


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [("application/json", b"{", 400), ("application/json", b"[]", 422), ("text/csv", b"a", 415),
     ("application/edi-x12", b"{}", 400), ("application/fhir+json", b"ISA", 400),
     ("application/json", json.dumps({"claims": [{}] * 1_001}).encode(), 413)],
)  # fmt: skip
def test_limits_and_problems_are_those_of_scoring(client: TestClient, kind: str, body: bytes, status: int) -> None:
    told, scored = (
        client.post(path, content=body, headers={"content-type": kind}) for path in ("/v1/check", "/v1/score")
    )
    assert told.status_code == status
    assert told.headers["content-type"] == "application/problem+json"
    assert told.json() == scored.json()


def test_the_claim_of_the_page_is_answered_alike_in_all_three_types(client: TestClient) -> None:
    page = (Path(__file__).parents[2] / "docs/api.md").read_text(encoding="utf-8")
    blocks = {name: page.split(f"```{name}\n")[-1].split("```")[0] for name in ("edi", "json")}
    kinds = {"application/edi-x12": blocks["edi"], "application/fhir+json": blocks["json"]}
    told = [
        client.post("/v1/check?all=1", content=body, headers={"content-type": kind}).json()
        for kind, body in kinds.items()
    ]
    assert told[0] == told[1]
    assert told[0]["claims"][0]["claim_id"] == "A-1001" and told[0]["claims"][0]["findings"]


def test_one_rule_over_http(client: TestClient) -> None:
    rule = client.get("/v1/rules/TST-FREQ").json()
    assert (rule["kind"], rule["standing"], rule["book"]["id"]) == ("frequency", "stated", "test_plan")
    assert rule["values"] == [{"from": "2020-01-01", "value": 1, "published": "2020-01-01"}]
    assert rule["reference"] == [{"title": "Test Plan manual", "href": "https://example.com/manual"}]
    missing = client.get("/v1/rules/PLANTED-1")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    assert "PLANTED" not in missing.text


def test_a_book_that_is_not_valid_is_a_problem_until_it_is_mended(client: TestClient, home: Settings) -> None:
    path = home.books / "payers" / "test_plan.yaml"
    path.write_text(BOOK.replace("stated", "maybe"), encoding="utf-8")
    refused = client.post("/v1/check", json={"claims": [CLAIM]})
    assert refused.status_code == 500 and "test_plan.yaml, line 15" in refused.json()["detail"]
    path.write_text(BOOK.replace("TST-FREQ", "TST-OFTEN"), encoding="utf-8")
    assert own(asked(client, CLAIM, every=True)["claims"][0]) == {"TST-OFTEN": "unknown"}


def test_no_content_of_a_claim_is_logged(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        asked(client, CLAIM, earlier())
    (record,) = [record for record in caplog.records if record.name == "serving.api.trace"]
    assert record.getMessage() == "POST /v1/check 200" and record.__dict__["told"]["claims"] == 2
    assert not any(planted in caplog.text for planted in ("PLANTED", "64999", "1234567893"))


def test_with_a_model_the_scorer_and_the_check_say_the_same(site: Settings, scorer: Scorer, claim: Json) -> None:
    with TestClient(create_app(site, scorer), raise_server_exceptions=False) as client:
        told, scored = asked(client, claim), client.post("/v1/score", json={"claims": [claim]}).json()
    assert told["rules_version"] == scored["rules_version"]
    assert told["history_through"] == scored["history_through"] is not None
    lines = {line["claim_line_number"]: line["findings"] for line in scored["claims"][0]["lines"]}
    mine = {number: [] for number in lines}
    for finding in told["claims"][0]["findings"]:
        mine[finding.pop("claim_line_number")].append(finding)
    assert mine == lines
