"""Processes that write to a score log or to the way in of outcomes, and tell what was acknowledged; some are killed.

They are forked from a server that has imported what they need, and that never starts a thread.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import Any

import pytest
from answers import answer, ids

from claims.settings import Settings
from serving.log import ScoreLog
from serving.outcomes import Outcomes

FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(["writers"])
Work = Callable[[str, Connection], None]
THREADS = 4


class Writer:
    """One such process."""

    def __init__(self, work: Work, settings: Settings) -> None:
        with pytest.MonkeyPatch.context() as patch:  # the server looks for what it imports nowhere else
            patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
            forkserver.ensure_running()
        self.told, theirs = FORKED.Pipe(duplex=False)
        self.process = FORKED.Process(target=work, args=(settings.model_dump_json(), theirs))
        self.process.start()
        theirs.close()

    def acknowledged(self) -> list[str]:
        """All that it was told is safe, once it has ended."""
        found: list[str] = []
        try:
            while True:
                found += self.told.recv()
        except EOFError:
            self.process.join()
            return found
        finally:
            self.told.close()

    def killed(self, chance: random.Random) -> list[str]:
        """Killed without warning some time after its first acknowledgement; what it had been told."""
        first = self.told.recv()
        time.sleep(chance.uniform(0.0, 0.15))
        self.process.kill()
        return [*first, *self.acknowledged()]


def scores_without_end(settings: str, told: Connection) -> None:
    """Threads that append for as long as the process lives; now and then a delivery."""
    log, one_at_a_time = ScoreLog.open(Settings.model_validate_json(settings)), threading.Lock()

    def append() -> None:
        while True:
            scored = answer(claims=2, lines=1)
            log.append(scored)
            with one_at_a_time:
                told.send(ids(scored))

    for _ in range(THREADS):
        threading.Thread(target=append, daemon=True).start()
    while True:
        log.drain()
        time.sleep(0.01)


def some_scores(settings: str, told: Connection) -> None:
    """Forty answers, each with a decision."""
    log = ScoreLog.open(Settings.model_validate_json(settings))
    for _ in range(40):
        scored = answer(claims=2)
        log.append(scored)
        log.decide(ids(scored)[0], {"action": "held"})
        told.send(ids(scored))
    log.close()


def outcomes_without_end(settings: str, told: Connection) -> None:
    """Posts of one outcome each, for as long as the process lives; now and then a delivery."""
    way_in, name = Outcomes.open(Settings.model_validate_json(settings)), multiprocessing.current_process().pid
    for number in range(10**9):
        claim = f"K{name}-{number}"
        way_in.accept("application/json", body(claim))
        told.send([claim])
        if number % 7 == 6:
            way_in.drain()


def body(*claims: str, **more: Any) -> bytes:
    """A body of outcomes, one a claim."""
    return json.dumps([
        {"claim_id": claim, "claim_line_number": 1, "known_date": "2026-11-02", "paid_amount": "80.00",
         "adjustments": "CO-45:20.00"} | more
        for claim in claims
    ]).encode()  # fmt: skip
