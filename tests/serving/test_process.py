"""`denials serve` as a process: stopped, killed, kept waiting, shared by two workers, without its database, fuzzed."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import postgres
import pytest

from benchmarks.http_fuzz import PLANTED, bodies, fault
from benchmarks.http_site import serving
from claims.settings import ScoreLogSettings, Settings
from serving.body import JSON
from serving.log import ScoreLog

Json = dict[str, Any]
SLOW = 5.0  # seconds that a body may take
CLIENTS = 4


@pytest.fixture
def home(site: Settings, tmp_path: Path) -> Path:
    """The site's store and champion, and nothing else yet."""
    for name in ("store", "models"):
        shutil.copytree(site.home / name, tmp_path / "home" / name)
    return tmp_path / "home"


@pytest.fixture(scope="module")
def service(site: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """Port and log of a service whose bodies must come soon."""
    folder = tmp_path_factory.mktemp("service")
    for name in ("store", "models"):
        shutil.copytree(site.home / name, folder / name)
    with serving(folder, folder / "log", DENIALS_SERVING__BODY_SECONDS=str(SLOW)) as (port, _):
        yield port, folder / "log"


def post(port: int, claim: Json) -> Json:
    response = httpx.post(f"http://127.0.0.1:{port}/v1/score", json={"claims": [claim]}, timeout=60)
    assert response.status_code == 200
    told: Json = response.json()
    return told


def score_id(told: Json) -> str:
    return str(told["claims"][0]["score_id"])


def status(port: int) -> Json:
    response = httpx.get(f"http://127.0.0.1:{port}/ready", timeout=60)
    assert response.status_code == 200
    told: Json = response.json()["score_log"]
    return told


def until(holds: Callable[[], bool]) -> None:
    """Returns once it holds; fails after a time that no slow machine needs."""
    end = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def kept(settings: Settings) -> set[str]:
    """Ids of all scores in the database, while no service delivers."""
    with closing(ScoreLog.open(settings)) as log:
        return set(log.scores()["score_id"])


def begun(port: int, body: bytes, sent: int) -> socket.socket:
    """A request whose handler waits for the rest of its body: the service has said 100 Continue."""
    place = socket.create_connection(("127.0.0.1", port), timeout=60)
    head = f"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: {JSON}\r\nContent-Length: {len(body)}\r\n"
    place.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
    assert place.recv(1024).startswith(b"HTTP/1.1 100 ")
    place.sendall(body[:sent])
    return place


def answer(place: socket.socket) -> tuple[bytes, bytes]:
    """Head and body of an answer after which the service closes the connection."""
    told = b"".join(iter(lambda: place.recv(65536), b""))
    place.close()
    head, _, body = told.partition(b"\r\n\r\n")
    return head, body


def listening(port: int) -> int:
    """How many sockets listen on a port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


def workers(process: subprocess.Popen[bytes]) -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
    return [int(one) for one in children if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


def test_what_is_in_flight_at_sigterm_is_answered_and_kept(home: Path, tmp_path: Path, claim: Json) -> None:
    body = json.dumps({"claims": [claim]}).encode()
    with serving(home, tmp_path / "log") as (port, process):
        waiting = [begun(port, body, 100) for _ in range(CLIENTS)]
        process.send_signal(signal.SIGTERM)
        until(lambda: listening(port) == 0)
        for place in waiting:
            place.sendall(body[100:])
        told = [answer(place) for place in waiting]
        assert process.wait(60) == 0
    assert all(head.startswith(b"HTTP/1.1 200 ") for head, _ in told)
    assert {score_id(json.loads(body)) for _, body in told} == kept(Settings(home=home))


def test_a_slow_client_is_cut_off_and_blocks_nobody(service: tuple[int, Path], claim: Json) -> None:
    port, _ = service
    body = json.dumps({"claims": [claim]}).encode()
    slow = [begun(port, body, 1) for _ in range(50)]
    for sent in range(1, 11):
        for place in slow:
            place.sendall(body[sent : sent + 1])
        assert len(post(port, claim)["claims"]) == 1
    assert select.select(slow, [], [], 0)[0] == []  # all of them are still on their way
    for head, told in map(answer, slow):
        assert head.startswith(b"HTTP/1.1 408 ") and b"connection: close" in head.lower()
        assert json.loads(told)["status"] == 408


def test_every_acknowledged_score_is_in_the_log_after_kill_9_under_load(
    home: Path, tmp_path: Path, claim: Json
) -> None:
    told: list[str] = []

    def work(port: int) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            try:
                while True:
                    response = client.post("/v1/score", json={"claims": [claim]})
                    assert response.status_code == 200
                    told.append(score_id(response.json()))
            except httpx.TransportError:
                return

    with ThreadPoolExecutor(CLIENTS) as pool, serving(home, tmp_path / "log") as (port, process):
        asked = [pool.submit(work, port) for _ in range(CLIENTS)]
        until(lambda: len(told) >= 150 or any(one.done() for one in asked))
        process.kill()
        process.wait()
        for one in asked:
            one.result()
    with serving(home, tmp_path / "log") as (port, _):
        until(lambda: status(port)["waiting"] == 0)
    assert len(told) >= 150
    assert set(told) <= kept(Settings(home=home))


def test_two_workers_share_the_port_and_answer_equally(home: Path, tmp_path: Path, claim: Json) -> None:
    def told(port: int) -> Json:
        found = post(port, claim)
        assert found["claims"][0].pop("score_id")
        return found

    with serving(home, tmp_path / "log", "--workers", "2") as (port, process):
        until(lambda: listening(port) == 2)
        answers = [told(port) for _ in range(10)]
        for one in workers(process):  # each alone, while another is begun in the place of the one that died
            os.kill(one, signal.SIGKILL)
            until(lambda: listening(port) == 1)
            answers.append(told(port))
            until(lambda: listening(port) == 2)
    assert len(answers) == 12
    assert all(one == answers[0] for one in answers)
    assert "ended with -9" in (tmp_path / "log").read_text(encoding="utf-8")


@pytest.mark.skipif(postgres.programs() is None, reason="no PostgreSQL here: install Debian's postgresql")
def test_scoring_goes_on_without_the_database_and_the_log_is_made_up_for(
    home: Path, tmp_path: Path, claim: Json
) -> None:
    server = postgres.Server()
    try:
        url = server.database()
        with serving(home, tmp_path / "log", DENIALS_SCORE_LOG__URL=url) as (port, _):
            ids = [score_id(post(port, claim))]
            until(lambda: status(port)["waiting"] == 0)
            assert status(port)["reachable"]
            server.stop()
            ids += [score_id(post(port, claim)) for _ in range(3)]
            until(lambda: not status(port)["reachable"])
            ids.append(score_id(post(port, claim)))
            told = status(port)
            assert told["waiting"] >= 4 and told["since"] and told["trouble"]
            server.start()
            until(lambda: status(port)["waiting"] == 0)
            assert status(port)["reachable"]
        assert kept(Settings(home=home, score_log=ScoreLogSettings(url=url))) == set(ids)
    finally:
        server.remove()


def test_damaged_bodies_end_in_no_fault(service: tuple[int, Path]) -> None:
    port, log = service
    faults = []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        for number, sent in enumerate(bodies(300)):
            told = client.post(sent.address, content=sent.body, headers={"content-type": sent.kind})
            wrong = fault(sent, told.status_code, told.content)
            faults += [f"{number} {sent.address} {sent.kind}: {wrong}"] if wrong else []
    assert faults == []
    assert not [word for word in PLANTED if word in log.read_text(encoding="utf-8", errors="replace")]
