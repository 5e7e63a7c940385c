"""Keeping an answer before it is given: the journal, one and four threads at a time, and what reaches the database.

The peer commits each answer's rows into SQLite itself (WAL, synchronous FULL: as safe), by the same tables and inserts.
Answers hold one claim of three lines. Both run on one disk, in turns; a sync takes as long as the disk says.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks.results import record
from claims.identity import Keys
from claims.settings import Settings
from serving.answer import new_id
from serving.log import ScoreLog
from serving.log.database import Database
from serving.log.record import answer_record, rows_of

SECONDS, TURNS = 3.0, 3
REASON = {"category": "authorization", "probability": 0.38, "carc": ["197"]}
DRIVERS = [
    {"feature": f"feature_{i}", "concept": "c", "value": 1.0, "shap": 0.1 * i, "sentence": "s"} for i in range(8)
]
FINDING = {"rule_id": "NCCI-PTP", "kind": "ptp", "outcome": "broken"}


def main() -> None:
    """Measure, print and record."""
    told: dict[str, tuple[float, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        log, peer, keys = ScoreLog.open(settings), Database.of(settings), Keys(settings.home)
        peer.migrate()

        def commit(answer: dict[str, Any]) -> None:
            peer.add(rows_of([answer_record(answer, keys, datetime.now(UTC))]))

        ways: dict[str, Callable[[dict[str, Any]], None]] = {"journal": log.append, "peer: SQLite itself": commit}
        for threads in (1, 4):
            spent: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(TURNS):
                for name, way in ways.items():
                    spent[name] += _measured(way, threads)
                    log.drain()
            for name, times in spent.items():
                cuts = quantiles(times, n=100)
                told[f"{name}, {threads} threads"] = len(times) / (SECONDS * TURNS), "answers/s"
                told[f"{name}, {threads} threads, p50"] = 1000 * cuts[49], "ms"
                told[f"{name}, {threads} threads, p99"] = 1000 * cuts[98], "ms"
        told["building one record, without the disk"] = _building(keys), "us"
        told["into the database"] = _drained(log), "claims/s"
        log.close()
        peer.close()
    record("score_log", told)


def _measured(way: Callable[[dict[str, Any]], None], threads: int) -> list[float]:
    """Seconds of each call, of all threads."""
    times: list[list[float]] = [[] for _ in range(threads)]
    end = time.perf_counter() + SECONDS

    def work(mine: list[float]) -> None:
        while (begun := time.perf_counter()) < end:
            way(_answer())
            mine.append(time.perf_counter() - begun)

    workers = [threading.Thread(target=work, args=(mine,)) for mine in times]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return [spent for mine in times for spent in mine]


def _building(keys: Keys) -> float:
    answer, now = _answer(), datetime.now(UTC)
    begun = time.perf_counter()
    for _ in range(2_000):
        answer_record(answer, keys, now)
    return 1e6 * (time.perf_counter() - begun) / 2_000


def _drained(log: ScoreLog, claims: int = 5_000) -> float:
    for _ in range(claims // 500):
        log.append(_answer(500))
    begun = time.perf_counter()
    log.drain()
    return claims / (time.perf_counter() - begun)


def _answer(claims: int = 1) -> dict[str, Any]:
    line = {"hcpcs_code": "64483", "denial_risk": 0.52, "raw_score": 0.11, "base_value": -1.72,
            "expected_loss": "141.20", "reasons": [REASON], "drivers": DRIVERS, "findings": [FINDING]}  # fmt: skip
    claim = {"claim_id": "PM-1", "claim_denial_risk": 0.64, "risk_interval": [0.5, 0.7], "band": "high",
             "decision": "hold", "expected_loss": "212.40", "evidence": "high", "reasons": [REASON], "corrections": [],
             "errors": [], "lines": [line | {"claim_line_number": number} for number in (1, 2, 3)]}  # fmt: skip
    model = {"name": "denial", "version": "7", "trained_through": "2026-10-31", "catalog_digest": "sha256:c0ffee"}
    return {"model": model, "rules_version": "sha256:beef", "history_through": "2026-11-20",
            "claims": [claim | {"score_id": new_id()} for _ in range(claims)], "rejected": []}  # fmt: skip


if __name__ == "__main__":
    main()
