"""Bodies of POST /v1/score that are no JSON request: an 837 and FHIR, with the same numbers, limits and silence."""

from __future__ import annotations

import gzip
import json
import logging
import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from starlette.testclient import TestClient

from claims import formats
from claims.errors import UnreadableFileError
from claims.formats import carried
from claims.settings import Settings
from data.synthetic import Generated
from serving import explain_file, score_file
from serving.api import create_app
from serving.body import EDI, FHIR, JSON, KINDS
from serving.score import Scorer
from serving.wire import EXAMPLE, ScoreResponse

Json = dict[str, Any]
PAGE = (Path(__file__).parents[2] / "docs/api.md").read_text(encoding="utf-8")
X12 = "".join(re.findall(r"```edi\n(.*?)```", PAGE, re.DOTALL))
RESOURCE: Json = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[-1])
SAID = {  # what the 837 and the FHIR claim of the page say besides the JSON
    "submitted_date": "2026-11-18", "payer_name": "PAYER", "payer_responsibility_code": "P", "plan_id": "",
    "billing_npi": "1234567893", "rendering_taxonomy": "", "facility_npi": "", "referring_npi": "",
    "claim_frequency_code": "1", "claim_type": "professional", "diagnosis_code_type": "icd-10-cm",
    "claim_line_end_date": "2026-11-18", "diagnosis_pointers": [1], "referral_number": "", "ndc_code": "",
    "original_reference_number": "", "line_item_control_no": "", "line_note": "",
}  # fmt: skip
REMITTANCE = """ISA*00*          *00*          *ZZ*RECEIVER       *ZZ*SENDER         *261118*0900*^*00501*000000002*0*P*:~
GS*HP*RECEIVER*SENDER*20261118*0900*2*X*005010X221A1~ST*835*0001~BPR*I*100*C*ACH************20261118~TRN*1*1*1~
N1*PR*PAYER*XV*60054~N1*PE*PRACTICE*XX*1234567893~LX*1~CLP*PLANTED-77*1*980*980**CI*PLANTED-78~
SVC*HC:64493*980*980**1~DTM*472*20261118~SE*10*0001~GE*1*2~IEA*1*000000002~"""
PLANTED = ("PLANTED-77", "PLANTEDMEMBER", "PLANTEDLAST", "PLANTEDFIRST", "19311224", "1931-12-24")
PERSON = PLANTED[1:]


@pytest.fixture(scope="module")
def client(site: Settings, scorer: Scorer) -> Iterator[TestClient]:
    """The service with the small model."""
    with TestClient(create_app(site, scorer), raise_server_exceptions=False) as client:
        yield client


def send(client: TestClient, kind: str, body: str | bytes) -> Any:
    return client.post("/v1/score", content=body, headers={"content-type": kind})


def told(response: Any) -> Json:
    """An answer, without the ids that differ from call to call."""
    assert response.status_code == 200, response.text
    answer: Json = response.json()
    ScoreResponse.model_validate(answer)
    for claim in answer["claims"]:
        assert claim.pop("score_id")
    return answer


def refused(response: Any, status: int) -> str:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert list(response.json()) == ["type", "title", "status", "detail"]
    return str(response.json()["detail"])


def several(*changes: tuple[str, str]) -> str:
    """An 837 of one claim for each change of text, all of one patient."""
    start, end = X12.index("CLM*"), X12.index("SE*")
    head, claim, tail = X12[:start], X12[start:end], X12[end:]
    return head + "".join(claim.replace(*change) for change in changes) + tail


def test_an_837_fhir_and_json_give_the_same_numbers(client: TestClient) -> None:
    claim = EXAMPLE["claims"][0] | SAID
    answer = told(client.post("/v1/score", json={"claims": [claim]}))
    assert len(answer["claims"][0]["lines"][0]["drivers"]) > 1
    assert told(send(client, "Application/EDI-X12; charset=utf-8", X12)) == answer
    assert told(send(client, FHIR, json.dumps(RESOURCE))) == answer
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": RESOURCE}]}
    assert told(send(client, FHIR, json.dumps(bundle))) == answer


def test_many_claims_give_the_same_numbers(scorer: Scorer, world: Generated, tmp_path: Path) -> None:
    last = world.lines["submitted_date"].max()
    assert isinstance(last, date)
    since = last - timedelta(days=25)
    world.write_claims(tmp_path / "sent.837", since)
    sent = world.lines.filter(pl.col("submitted_date") >= since).to_dicts()
    lines = [
        {name: "" if row.get(name) is None else row[name] for name in carried(formats.X12, "lines")} for row in sent
    ]
    answer = scorer.score(lines)
    assert len(answer["claims"]) > 30
    numbers = {
        (claim["claim_id"], line["claim_line_number"]): (line["raw_score"], line["denial_risk"], claim["claim_denial_risk"])
        for claim in answer["claims"] for line in claim["lines"]
    }  # fmt: skip
    columns = ("claim_id", "claim_line_number", "raw_score", "denial_risk", "claim_denial_risk")
    table = scorer.score(tmp_path / "sent.837").select(columns)
    assert {tuple(row[:2]): tuple(row[2:]) for row in table.rows()} == numbers
    assert len(numbers) == len(sent) == len(table)


def test_the_numbers_come_from_what_the_body_says(client: TestClient) -> None:
    answer = told(send(client, EDI, X12))
    for old, new in (("64493", "62323"), ("60054", "SYN01"), ("M000123", "M000124"), ("*980*", "*98*")):
        other = told(send(client, EDI, X12.replace(old, new)))
        del other["claims"][0]["claim_id"]
        assert other["claims"][0] != answer["claims"][0] | {"claim_id": None}


def test_a_bad_line_and_a_bad_claim_stand_in_their_place(client: TestClient) -> None:
    second = X12[X12.index("LX*1") : X12.index("SE*")].replace("LX*1", "LX*2").replace("HC:64493:RT", "HC")
    body = several(("A-1001", "A-1"), ("HC:64493:RT", "HC"), ("64493", "64494"), ("A-1001", "A-4"))
    answer = told(send(client, EDI, body.replace("SE*17", f"{second}SE*17")))
    assert [claim["claim_id"] for claim in answer["claims"]] == ["A-1", "A-1001", "A-4"]
    assert [(claim["index"], claim["claim_id"]) for claim in answer["rejected"]] == [(1, "A-1001")]
    missing = {"field": "lines[0].hcpcs_code", "message": "missing"}
    assert answer["rejected"][0]["errors"] == [missing]
    assert answer["claims"][2]["errors"] == [missing | {"field": "lines[1].hcpcs_code"}]
    assert [len(claim["lines"]) for claim in answer["claims"]] == [1, 1, 1]


def test_claims_of_one_body_are_scored_as_if_alone(client: TestClient) -> None:
    alone = told(send(client, EDI, X12))["claims"][0]
    together = told(send(client, EDI, several(*[("A-1001", "A-1001")] * 3)))
    assert together["claims"] == [alone] * 3


def test_another_type_lists_the_three(client: TestClient) -> None:
    assert refused(send(client, "text/plain", X12), 415) == (
        "send application/json, application/edi-x12 or application/fhir+json"
    )


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (EDI, b"", 400), (EDI, b'{"claims": ["PLANTED-77"]}', 400), (EDI, b"CLM*PLANTED-77~", 400),
        (EDI, json.dumps(RESOURCE).encode(), 400), (EDI, b"ISA*00*PLANTED-77~", 400), (EDI, b"\xff\xfePLANTED-77", 400),
        (EDI, REMITTANCE.encode(), 422), (EDI, X12[:300].encode(), 422),
        (FHIR, b"", 400), (FHIR, X12.encode(), 400), (FHIR, b'{"claims": ["PLANTED-77"]}', 400),
        (FHIR, b'{"resourceType": "Patient", "id": "PLANTED-77"}', 422),
        (FHIR, b'{"resourceType": "Claim", "id": "PLANTED-77"', 422),
        (FHIR, b'{"resourceType": "Bundle", "total": "PLANTED-77"}', 422),
        (EDI, X12.encode() + b"PLANTED-77~" * 1_000_000, 413),
    ],
)  # fmt: skip
def test_bad_bodies_are_problems_without_content(
    client: TestClient, caplog: pytest.LogCaptureFixture, kind: str, body: bytes, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    response = send(client, kind, body)
    assert refused(response, status)
    assert "PLANTED" not in response.text + caplog.text


def test_a_remittance_goes_elsewhere(client: TestClient, scorer: Scorer, tmp_path: Path) -> None:
    assert "ingest" in refused(send(client, EDI, REMITTANCE), 422)
    (tmp_path / "back.835").write_text(REMITTANCE)
    for call in (lambda p: scorer.score(p), lambda p: score_file(scorer, p, tmp_path / "out.csv")):
        with pytest.raises(UnreadableFileError, match=r"back\.835 holds no claim lines.*ingest") as caught:
            call(tmp_path / "back.835")
        assert "PLANTED" not in str(caught.value)
    assert not (tmp_path / "out.csv").exists()


def test_the_limits_count_claims_and_lines(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    body = several(("A-1001", "A-1"), ("HC:64493:RT", "HC"), ("A-1001", "A-3"))
    monkeypatch.setattr("serving.body.MOST_CLAIMS", 3)
    monkeypatch.setattr("serving.body.MOST_LINES", 3)
    assert send(client, EDI, body).status_code == 200
    broken = '{"resourceType": "Claim"}\n' + '{"resourceType": "ExplanationOfBenefit",\n' * 3
    assert "lines" in refused(send(client, FHIR, broken), 413)
    monkeypatch.setattr("serving.body.MOST_LINES", 2)
    assert "lines" in refused(send(client, EDI, body), 413)
    monkeypatch.setattr("serving.body.MOST_CLAIMS", 2)
    assert "claims" in refused(send(client, EDI, body), 413)


def test_without_a_model_a_bad_body_is_told_first(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(home=tmp_path)), raise_server_exceptions=False) as client:
        refused(send(client, EDI, "nothing"), 400)
        (told,) = send(client, EDI, X12).json()["claims"]
        assert told["evidence"] == "none"


def test_no_mutation_fails_or_tells_of_the_claim(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    planted = X12.replace("A-1001", PLANTED[0]).replace("M000123", PLANTED[1]).replace("19580714", "19311224")
    planted = planted.replace("LAST", "PLANTEDLAST").replace("FIRST", "PLANTEDFIRST")
    statuses = set()
    for number in range(200):
        response = send(client, EDI, mutated(planted.encode(), random.Random(number)))
        statuses.add(response.status_code)
        assert response.status_code in (200, 400, 422), f"case {number}"
        hidden = PERSON if response.status_code == 200 else PLANTED
        assert not [word for word in hidden if word in response.text], f"case {number}"
    assert not [word for word in PLANTED if word in caplog.text]
    assert statuses == {200, 400, 422}


def mutated(body: bytes, chance: random.Random) -> bytes:
    """The body with one to three faults: cut short, bytes changed, a delimiter exchanged, segments lost or moved."""
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(body) or 1)
        segments = body.split(b"~")
        match chance.randrange(6):
            case 0:
                body = body[:at]
            case 1:
                body = body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
            case 2:
                body = body.replace(chance.choice([b"*", b":", b"~", b"\n"]), chance.choice([b"|", b">", b"", b"\x00"]))
            case 3:
                del segments[chance.randrange(len(segments))]
                body = b"~".join(segments)
            case 4:
                chance.shuffle(segments)
                body = b"~".join(segments)
            case 5:
                body = body[:at] + body[max(0, at - 40) :]
    return body


def test_a_file_gives_a_row_for_every_line_in_its_order(scorer: Scorer, tmp_path: Path) -> None:
    lineless = several(("A-1001", "A-2")).split("LX*")[0].partition("CLM*")[2]
    body = several(("A-1001", "A-1"), ("HC:64493:RT", "HC"), ("A-1001", "A-3"))
    body = body.replace("CLM*A-3", f"CLM*{lineless}CLM*A-3")
    for name, content in (("a.837", body.encode()), ("a.837.gz", gzip.compress(body.encode()))):
        (tmp_path / name).write_bytes(content)
        written = score_file(scorer, tmp_path / name, tmp_path / "out.csv", explain="top")
        table = pl.read_csv(tmp_path / "out.csv", infer_schema_length=None)
        assert (written.rows, written.scored) == (4, 2)
        assert table["claim_id"].to_list() == ["A-1", "A-1001", "A-2", "A-3"]
        assert table["error"].is_null().to_list() == [True, False, False, True]
        assert table["denial_risk"].is_null().to_list() == [False, True, True, False]


def test_a_file_and_a_body_give_the_same(client: TestClient, scorer: Scorer, tmp_path: Path) -> None:
    line = told(send(client, EDI, X12))["claims"][0]["lines"][0]
    (tmp_path / "a.txt").write_text(X12)  # the content tells what it is
    (tmp_path / "b").write_text(json.dumps(RESOURCE))
    (tmp_path / "c.ndjson").write_text(json.dumps(RESOURCE) + "\n" + json.dumps(RESOURCE) + "\n")
    for name, count in (("a.txt", 1), ("b", 1), ("c.ndjson", 2)):
        table = scorer.score(tmp_path / name)
        assert table["denial_risk"].to_list() == [line["denial_risk"]] * count
        assert table["expected_loss"].cast(pl.String).to_list() == [line["expected_loss"]] * count
        answer = explain_file(scorer, tmp_path / name, 1)
        assert [one["drivers"] for one in answer["claims"][0]["lines"]] == [line["drivers"]]


def test_the_document_lists_the_types(client: TestClient) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/v1/score"]["post"]
    assert tuple(operation["requestBody"]["content"]) == KINDS == (JSON, EDI, FHIR)
    assert tuple(re.findall(r"/v1/score -H 'Content-Type: (.*?)' --data-binary @", PAGE)) == KINDS
