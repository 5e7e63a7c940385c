"""The service on loopback beside `mlflow models serve`: four clients, claims of three lines, all explanations.

    python -m benchmarks.http_speed [--claims 20000] [--seconds 10] [--rounds 3] [--memory 200000] [--home HOME]

Both servers run at once and are asked in turns. Memory is the worker's after its first 20,000 claims, and after all.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.claim_speed import three_lines
from benchmarks.http_load import Connection, Load, load, request_of
from benchmarks.http_peer import save, served
from benchmarks.http_site import make_site, serving
from benchmarks.results import record
from claims.read import read_claims
from claims.settings import Settings
from data.synthetic import generate, load_world
from features.build import build
from serving.score import Scorer

CLIENTS, LINES = 4, 3
FIRST, A_REQUEST = 20_000, 20  # claims after which memory is looked at first; claims of a request for it


def main() -> None:
    """Measure, print and record."""
    given = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        home = given.home or Path(scratch) / "home"
        settings = Settings(home=home) if (home / "models").exists() else make_site(home, "base", given.claims)
        lines = generate(load_world("base"), 4_000).lines
        claims = [claim | {"submitted_date": None} for claim in three_lines(lines)]  # about to be sent
        scorer = Scorer.load(settings=settings)
        requests = [request_of("/v1/score", json.dumps({"claims": [claim]}).encode()) for claim in claims]
        matrices = [_matrix(scorer, claim, settings) for claim in claims]
        model = save(Path(scratch), scorer.model.booster_text)  # type: ignore[union-attr]
        log = Path(scratch) / "log"
        with ExitStack() as stack:
            ours = stack.enter_context(serving(home, log))[0]
            peer = stack.enter_context(served(model, Path(scratch) / "peer.log"))
            found = _beside(ours, requests, peer, [request_of("/invocations", m) for m in matrices], given)
        with serving(home, log, "--workers", "2") as (port, _):
            load(port, requests, 2 * CLIENTS, given.seconds)
            found |= _rate("two workers", [load(port, requests, CLIENTS, given.seconds) for _ in range(given.rounds)])
        if given.memory:
            with serving(home, log) as (port, process):
                found |= _memory(port, process.pid, requests, claims, given.memory)
    record("http_speed", found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--claims", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, default=200_000)
    parser.add_argument("--home", type=Path)
    return parser.parse_args()


Found = dict[str, tuple[float, str]]


def _beside(ours: int, mine: list[bytes], peer: int, theirs: list[bytes], given: argparse.Namespace) -> Found:
    load(ours, mine, CLIENTS, given.seconds / 2)
    load(peer, theirs, CLIENTS, given.seconds / 2)
    runs: dict[str, list[Load]] = {"ours": [], "peer": []}
    for _ in range(given.rounds):
        runs["ours"].append(load(ours, mine, CLIENTS, given.seconds))
        runs["peer"].append(load(peer, theirs, CLIENTS, given.seconds))
    ratios = [one.rate / other.rate for one, other in zip(runs["ours"], runs["peer"], strict=True)]
    told = {"ours / peer": (median(ratios), "x"), "ours / peer, least": (min(ratios), "x")}
    told |= _rate("ours", runs["ours"]) | _rate("peer", runs["peer"])
    half = median(one.rate for one in runs["ours"]) / 2
    calm = load(ours, mine, CLIENTS, given.seconds * given.rounds, half)
    return told | {
        "ours, p50 at half that load": (1000 * calm.quantile(0.5), "ms"),
        "ours, p99 at half that load": (1000 * calm.quantile(0.99), "ms"),
        "answers other than 200": (sum(one.wrong for one in (*runs["ours"], *runs["peer"], calm)), "requests"),
    }


def _rate(name: str, runs: list[Load]) -> Found:
    return {
        f"{name}, lines": (LINES * median(one.rate for one in runs), "lines/s"),
        f"{name}, p50 at full load": (1000 * median(one.quantile(0.5) for one in runs), "ms"),
        f"{name}, p99 at full load": (1000 * median(one.quantile(0.99) for one in runs), "ms"),
    }


def _matrix(scorer: Scorer, claim: dict[str, object], settings: Settings) -> bytes:
    """What the peer is sent: the lines as the booster takes them."""
    table = build(scorer.assess(read_claims([claim], settings).lines).lines, scorer.history)
    X = scorer.model.matrix(table).astype(object)
    X[np.array([[value != value for value in row] for row in X])] = None
    columns = list(scorer.model.features)
    return json.dumps({"dataframe_split": {"columns": columns, "data": X.tolist()}}).encode()


def _memory(port: int, pid: int, requests: list[bytes], claims: list[dict[str, object]], most: int) -> Found:
    """Resident bytes of the service, by claims of one and of twenty a request."""
    connection, told = Connection(port), {}
    many = [
        request_of("/v1/score", json.dumps({"claims": claims[at : at + A_REQUEST]}).encode())
        for at in range(0, len(claims) - A_REQUEST + 1, A_REQUEST)
    ]
    done = turn = 0
    for goal in (min(FIRST, most // 10), most):
        while done < goal:
            small = turn % 8 == 0
            connection.ask(requests[turn % len(requests)] if small else many[turn % len(many)])
            done, turn = done + (1 if small else A_REQUEST), turn + 1
        told[goal] = _resident(pid)
    connection.close()
    first, last = told
    return {
        f"resident after {first:,} claims": (told[first] / 2**20, "MiB"),
        f"resident after {last:,} claims": (told[last] / 2**20, "MiB"),
        "growth of memory": (told[last] / told[first] - 1, "share"),
    }


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) * 1024.0


if __name__ == "__main__":
    main()
