"""The service as `denials serve` starts it: heads and bodies that do not come, its log, keys and counts of workers."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.http_site import serving
from claims.settings import Settings
from serving.keys import add, revoke

Json = dict[str, Any]
HEAD = "POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
PLANTED = ("PLANTED-77", "MEMSECRET9", "1931-12-24")


@pytest.fixture(scope="module")
def homes(site: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for a site and its log."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(site.home, folder / "home", symlinks=True)
    return folder


@pytest.fixture(scope="module")
def port(homes: Path) -> Iterator[int]:
    """One worker that gives a body two seconds."""
    with serving(homes / "home", homes / "log", DENIALS_SERVING__BODY_SECONDS="2") as (port, _):
        yield port


def test_a_head_that_does_not_come_is_not_waited_for(port: int, claim: Json) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        assert client.get("/health").status_code == 200
        for begun in (b"", b"POST /v1/sc", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: "):
            with socket.create_connection(("127.0.0.1", port), 60) as slow:
                slow.sendall(begun)
                assert slow.recv(1) == b""
        assert client.get("/health").status_code == 200  # an idle connection is kept: no head has begun on it
        body = json.dumps({"claims": [claim]}).encode()
        with socket.create_connection(("127.0.0.1", port), 60) as late:
            late.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            told = b""
            while b"alive" not in told:
                told += late.recv(65_536)
            late.sendall(HEAD.format(len(body)).encode()[:30])
            assert late.recv(1) == b""


def test_bodies_that_are_too_large(port: int, claim: Json) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        headers = {"content-type": "application/json"}
        told = client.post("/v1/score", content=b" " * (10 * 1024 * 1024 + 1), headers=headers)
        assert told.status_code == 413 and "10,485,760 bytes" in told.json()["detail"]
        many = client.post("/v1/score", json={"claims": [claim] * 1_001})
        assert many.status_code == 413 and "1,000 claims" in many.json()["detail"]
        assert client.post("/v1/score", json={"claims": [claim]}).status_code == 200


def test_a_client_that_goes_leaves_nothing_behind(port: int, homes: Path) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(HEAD.format(1_000).encode() + b'{"claims"')
    httpx.get(f"http://127.0.0.1:{port}/health")
    assert "unforeseen" not in (homes / "log").read_text() and "Traceback" not in (homes / "log").read_text()


def told_in(log: Path) -> list[Json]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def test_ids_and_a_log_without_content(port: int, homes: Path, claim: Json) -> None:
    claim |= dict(zip(("claim_id", "member_id", "patient_birth_date"), PLANTED, strict=True))
    given = "01A20B73-a4dd-722f-b42b-dbb378a010f0"
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        good = client.post("/v1/score", json={"claims": [claim]}, headers={"x-request-id": given})
        odd = client.post(f"/v1/{PLANTED[0]}?{PLANTED[1]}", json=PLANTED, headers={"x-request-id": PLANTED[0]})
        client.request(PLANTED[0].replace("-", ""), "/v1/score")
        metrics = client.get("/metrics").text
    assert good.headers["x-request-id"] == given and odd.headers["x-request-id"] not in ("", PLANTED[0])
    for name in ("x-content-type-options", "x-frame-options", "content-security-policy", "referrer-policy"):
        assert name in good.headers and name in odd.headers
    assert good.headers["cache-control"] == "no-store" and "server" not in good.headers
    records = {told.get("request_id"): told for told in told_in(homes / "log")}
    assert records[given].items() >= {
        "route": "/v1/score", "status": 200, "claims": 1, "lines": 2, "rejected": 0, "key": None
    }.items()  # fmt: skip
    assert records[odd.headers["x-request-id"]].items() >= {"route": "other", "status": 404}.items()
    written = (homes / "log").read_text()
    assert not [word for word in (*PLANTED, "PLANTED77") if word in written + metrics]
    assert 'denials_requests_total{method="POST",route="/v1/score",status="200"}' in metrics
    assert 'denials_model_info{history_through="' in metrics and 'version="3"' in metrics


def test_workers_share_the_keys_and_the_counts(homes: Path, claim: Json) -> None:
    home = Settings(home=homes / "home")
    key, text = add(home, "manage", "biller")
    headers = {"authorization": f"Bearer {text}"}
    try:
        with serving(homes / "home", homes / "workers", "--workers", "2") as (port, process):
            address = f"http://127.0.0.1:{port}"
            pids: set[int] = set()
            until = time.monotonic() + 120
            asked = 0
            while time.monotonic() < until and len(pids) < 2:
                asked += httpx.post(f"{address}/v1/score", json={"claims": [claim]}, headers=headers).status_code == 200
                pids = {told["worker"] for told in told_in(homes / "workers") if told.get("route") == "/v1/score"}
            assert len(pids) == 2 and process.pid not in pids
            metrics = httpx.get(f"{address}/metrics", headers=headers).text
            assert f"denials_claims_scored_total {float(asked)}" in metrics
            revoke(home, key.id)
            assert {httpx.get(f"{address}/v1/features", headers=headers).status_code for _ in range(10)} == {401}
        assert process.returncode == 0
    finally:
        (homes / "home" / "keys.json").unlink()
    assert text not in (homes / "workers").read_text()


def test_many_at_once_are_all_answered(port: int, claim: Json) -> None:
    alone = httpx.post(f"http://127.0.0.1:{port}/v1/score", json={"claims": [claim]}, timeout=60).json()["claims"][0]
    told: list[Json] = []

    def ask(number: int) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            for _ in range(10):
                mine = claim | {"claim_id": f"T-{number}"}
                told.extend(client.post("/v1/score", json={"claims": [mine]}).json()["claims"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 80 == len({one["score_id"] for one in told})
    for one in told:
        assert one | {"score_id": "", "claim_id": ""} == alone | {"score_id": "", "claim_id": ""}
    metrics = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    together = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if line.startswith("denials_pass_requests"))
    assert float(together["denials_pass_requests_count"]) < float(together["denials_pass_requests_sum"])
