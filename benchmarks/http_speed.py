"""The service beside `mlflow models serve` of the same booster with shap: 4 clients, a claim of three lines a request.

    python -m benchmarks.http_speed [N1 N2 [CLAIMS]]      # memory after N1 and N2 claims; CLAIMS of the site's history

The peer gets a matrix of three rows that is made before, and gives risks and contributions; the service gets the claim
as JSON, and gives what POST /v1/score tells, kept in its log. Both with one worker, in turns, from the same clients.
Latency at half of the maximal load counts from the moment at which a request was to be sent, not from when it was.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import mlflow.pyfunc
import numpy as np

from benchmarks.claim_speed import three_lines
from benchmarks.http_site import free_port, make_site, serving, wait_for
from benchmarks.results import record
from claims.read import read_claims
from claims.settings import Settings
from data.synthetic import generate, load_world
from serving.score import Scorer
from training.fit import Recipe
from training.model import DenialModel

CLIENTS, SECONDS, TURNS, LINES = 4, 4.0, 3, 3
WORLD = "base"
JSON = {"Content-Type": "application/json"}
Measures = dict[str, tuple[float, str]]


class Asked(NamedTuple):
    """Where requests go, and their bodies, in turn; process: the one that was begun for it."""

    process: int
    port: int
    path: str
    bodies: Sequence[bytes]


def main(first: int = 20_000, second: int = 200_000, claims: int = 4_000) -> None:
    """Measure, print and record."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        settings = make_site(folder / "home", WORLD, claims, Recipe(seed=1))
        ours, theirs = _bodies(settings, claims)
        with (
            serving(settings.home, folder / "log") as (port, process),
            _peer(settings, folder) as (other, peer),
        ):
            us = Asked(process.pid, port, "/v1/score", ours)
            told = _beside(us, Asked(peer, other, "/invocations", theirs))
        record("http_speed", told)
        with serving(settings.home, folder / "log", "--workers", "2") as (port, process):
            two = Asked(process.pid, port, "/v1/score", ours)
            most = max(_most(two) for _ in range(1 + TURNS))  # the second one may still load at first
            record("http_speed", {"lines/s, two workers": (most, "lines/s")})
        with serving(settings.home, folder / "log") as (port, process):
            us = Asked(process.pid, port, "/v1/score", ours)
            record("http_speed", _memory(us, first, second))


def _beside(us: Asked, peer: Asked) -> Measures:
    """Lines/s of both at the maximal load, and the service's latency at half of its own."""
    rates: dict[str, list[float]] = {"ours": [], "peer": []}
    worked: dict[str, float] = {}
    for turn in range(1 + TURNS):
        for name, asked in (("ours", us), ("peer", peer)):
            before, found = _worked(asked.process), _most(asked)
            claims = found * SECONDS / LINES
            worked[name] = 1000 * (_worked(asked.process) - before) / claims
            rates[name] += [found] if turn else []  # the first turn warms
    ours, theirs = (float(np.median(rates[name])) for name in ("ours", "peer"))
    cuts = quantiles(_paced(us, ours / LINES / 2), n=100)
    return {
        "lines/s, one worker": (ours, "lines/s"), "lines/s, peer with one worker": (theirs, "lines/s"),
        "ours / peer": (ours / theirs, "x"), "p50 at half load": (1000 * cuts[49], "ms"),
        "p99 at half load": (1000 * cuts[98], "ms"), "processor, a claim": (worked["ours"], "ms"),
        "processor, a claim, peer": (worked["peer"], "ms"),
    }  # fmt: skip


def _most(asked: Asked) -> float:
    """Lines/s of all clients, each with its next request as soon as it has an answer."""
    end = time.perf_counter() + SECONDS
    return LINES * sum(map(len, _clients(asked, end))) / SECONDS


def _paced(asked: Asked, rate: float) -> list[float]:
    """Seconds of each answer at so many requests/s of all clients together, for TURNS * SECONDS."""
    end = time.perf_counter() + TURNS * SECONDS
    return [spent for mine in _clients(asked, end, CLIENTS / rate) for spent in mine]


def _clients(asked: Asked, end: float, every: float = 0.0) -> list[list[float]]:
    """Seconds of each answer, by client, one request `every` seconds until `end`; 0: one after the other."""
    times: list[list[float]] = [[] for _ in range(CLIENTS)]
    start = time.perf_counter()

    def work(number: int) -> None:
        with closing(HTTPConnection("127.0.0.1", asked.port, timeout=120)) as connection:
            due = start + every * number / CLIENTS
            while (now := time.perf_counter()) < end:
                if every:
                    time.sleep(max(0.0, due - now))
                _ask(connection, asked, len(times[number]) * CLIENTS + number)
                times[number].append(time.perf_counter() - (due if every else now))
                due += every

    _together(work)
    return times


def _ask(connection: HTTPConnection, asked: Asked, number: int) -> None:
    connection.request("POST", asked.path, asked.bodies[number % len(asked.bodies)], JSON)
    response = connection.getresponse()
    told = response.read()
    if response.status != 200:
        raise RuntimeError(f"status {response.status}: {told[:500]!r}")


def _together(work: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in pool.map(work, range(CLIENTS)):
            pass


def _send(asked: Asked, count: int) -> None:
    """So many requests, as fast as they are answered."""

    def work(number: int) -> None:
        with closing(HTTPConnection("127.0.0.1", asked.port, timeout=120)) as connection:
            for at in range(number, count, CLIENTS):
                _ask(connection, asked, at)

    _together(work)


def _memory(us: Asked, first: int, second: int) -> Measures:
    """Resident memory after so many claims."""
    held: dict[int, float] = {}
    for wanted in (first, second):
        _send(us, wanted - first if held else wanted)
        held[wanted] = _resident(us.process)
    told = {f"resident after {wanted} claims": (size / 1e6, "MB") for wanted, size in held.items()}
    return told | {f"growth from {first} to {second}": (100 * (held[second] / held[first] - 1), "%")}


def _resident(process: int) -> float:
    """Bytes that a process holds in memory now."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) * 1024.0


def _worked(process: int) -> float:
    """Seconds of processor that a process and those it began have used; neighbours on the machine change nothing."""
    told, seconds = [process], 0.0
    while told:
        one = told.pop()
        children = Path(f"/proc/{one}/task/{one}/children").read_text(encoding="ascii").split()
        told += map(int, children)
        fields = Path(f"/proc/{one}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def _bodies(settings: Settings, claims: int) -> tuple[list[bytes], list[bytes]]:
    """The same claims for the service, and as the matrix of its model for the peer."""
    scorer, found = Scorer.load(settings=settings), three_lines(generate(load_world(WORLD), claims).lines)
    ours = [json.dumps({"claims": [claim]}).encode() for claim in found]
    theirs = []
    for claim in found:
        X = scorer.model.matrix(scorer.assess(read_claims([claim], settings).lines).table)
        rows = [[None if np.isnan(value) else value for value in row] for row in X.tolist()]
        theirs.append(json.dumps({"dataframe_split": {"data": rows}}).encode())
    return ours, theirs


@contextmanager
def _peer(settings: Settings, folder: Path) -> Iterator[tuple[int, int]]:
    """`mlflow models serve` of the champion's booster, one worker: its port and process."""
    booster = folder / "booster.txt"
    booster.write_text(DenialModel.load(settings.models / "champion").booster_text, encoding="utf-8")
    script, port, log = str(Path(__file__).with_name("http_peer.py")), free_port(), folder / "peer"
    mlflow.pyfunc.save_model(
        folder / "model", python_model=script, artifacts={"booster": str(booster)}, pip_requirements=[]
    )
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(folder / "model"), "-p", str(port)]
    beside = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    }  # it asks for uvicorn
    with log.open("wb") as file:
        options = ["-w", "1", "--env-manager", "local"]
        process = subprocess.Popen([*command, *options], stdout=file, stderr=file, env=beside, start_new_session=True)
        try:
            wait_for(f"http://127.0.0.1:{port}/ping", process, log)
            yield port, process.pid
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
