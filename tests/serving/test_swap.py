"""Champions change and the store grows while claims are scored: no request fails, and what is worse never takes over."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from claims.read import read_frame
from claims.settings import Settings
from claims.store import Store
from data.synthetic.generate import Generated
from serving.current import Current
from serving.score import Scorer
from training.export import export, link

Json = dict[str, Any]
CLIENTS, SWAPS = 3, 50


@pytest.fixture
def home(site: Settings, scorer: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home with a copy of the store, in which two versions of the champion stand ready and the first serves."""
    monkeypatch.setattr("serving.current.EVERY", 0.0)
    shutil.copytree(site.store, tmp_path / "store")
    shutil.copy(site.home / "secret.key", tmp_path / "secret.key")
    settings = Settings(home=tmp_path)
    for version in ("3", "4"):
        scorer.model.with_version(version).save(settings.models / f"denial-{version}")
    link(settings, settings.models / "denial-3")
    return settings


@contextmanager
def load_on(current: Current, claim: Json) -> Iterator[list[str]]:
    """Clients that score a claim over and over; the versions that answered them. An error of one is raised."""
    answered: list[str] = []
    over = threading.Event()

    def client() -> None:
        while not over.is_set():
            told = current.get().score_claims([claim])
            assert len(told["claims"]) == 1 and not told["rejected"]
            answered.append(told["model"]["version"])

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(client) for _ in range(CLIENTS)]
        try:
            yield answered
        finally:
            over.set()
        for one in clients:
            one.result()


def eventually(holds: Callable[[], object]) -> None:
    """Waits at most five minutes."""
    for _ in range(6_000):
        if holds():
            return
        time.sleep(0.05)
    pytest.fail("it did not come true within five minutes")


def test_no_request_fails_while_champions_change(home: Settings, claim: Json) -> None:
    current = Current(home)
    current.get()
    with load_on(current, claim) as answered:
        for swap in range(SWAPS):
            version = "34"[(swap + 1) % 2]
            link(home, home.models / f"denial-{version}")
            eventually(lambda version=version: current.status()["model_version"] == version)
            assert current.status()["notice"] is None
    assert set(answered) == {"3", "4"}
    assert len(answered) >= SWAPS


def test_champions_that_change_faster_than_they_load_harm_nobody(home: Settings, claim: Json) -> None:
    current = Current(home)
    current.get()
    with load_on(current, claim):
        for swap in range(SWAPS):
            link(home, home.models / f"denial-{'34'[swap % 2]}")
            time.sleep(0.01)
        eventually(lambda: current.get() and current.status()["model_version"] == "4")
    assert current.status()["notice"] is None


def test_the_store_grows_while_claims_are_scored(
    home: Settings, world: Generated, claim: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.warm.LARGE", 1)  # in a process of its own, as of a large store
    monkeypatch.setattr("serving.current.REST", 0)
    current = Current(home)
    before = len(current.get().history.past.services)
    with load_on(current, claim) as answered:
        grown = world.lines.tail(1).with_columns(claim_id=pl.lit("T-GREW"))
        Store.open(home).add(read_frame(grown, home))
        seen = len(answered)
        eventually(lambda: len(current.get().history.past.services) == before + 1)
    assert len(answered) > seen


def test_a_champion_that_does_not_reproduce_its_golden_claims_never_takes_over(
    home: Settings, scorer: Scorer, claim: Json
) -> None:
    current = Current(home)
    current.get()
    (row,) = scorer.model.golden
    wrong = replace(scorer.model.with_version("5"), golden=(row | {"risks": [risk + 1e-6 for risk in row["risks"]]},))
    wrong.save(home.models / "denial-5")
    with load_on(current, claim) as answered:
        link(home, home.models / "denial-5")
        eventually(lambda: current.status()["notice"])
        seen = len(answered)
        eventually(lambda: len(answered) > seen + 2 * CLIENTS)
    assert set(answered) == {"3"}
    status = current.status()
    assert (status["model_version"], "golden" in status["notice"]) == ("3", True)
    link(home, home.models / "denial-4")
    eventually(lambda: current.get() and current.status()["model_version"] == "4")
    assert current.status()["notice"] is None


def test_a_link_that_moves_there_and_back_while_a_model_is_read(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found when the link was looked at is loaded, whatever it leads to a moment later."""
    load = Scorer.load

    def moved(*given: Any, **named: Any) -> Scorer:
        link(home, home.models / "denial-3")
        try:
            return load(*given, **named)
        finally:
            link(home, home.models / "denial-4")

    current = Current(home)
    current.get()
    link(home, home.models / "denial-4")
    monkeypatch.setattr(Scorer, "load", moved)
    eventually(lambda: current.get().model.version == "4")


def test_status_without_loading_anything(home: Settings) -> None:
    current = Current(home)
    assert current.status() == {"model_version": None, "history_through": None, "notice": None, "age": None}
    scorer = current.get()
    status = current.status()
    assert scorer.history.through and status["history_through"] == scorer.history.through.isoformat()
    assert status["age"] >= 0


def test_outcomes_that_trickle_in_wait_for_their_turn(
    home: Settings, world: Generated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.current.REST", 10_000)
    current = Current(home)
    first = current.get()
    grown = world.lines.tail(1).with_columns(claim_id=pl.lit("T-GREW"))
    Store.open(home).add(read_frame(grown, home))
    link(home, home.models / "denial-4")
    eventually(lambda: current.get().model.version == "4")  # a champion does not wait
    assert current.get().history is first.history
    assert len(current.fresh().history.past.services) == len(first.history.past.services) + 1  # nor who asks for all


def test_scoring_goes_on_where_no_server_can_be_reached(
    home: Settings, claim: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*given: object, **named: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    shutil.rmtree(home.mlruns, ignore_errors=True)
    told = Current(home).get().score_claims([claim])
    assert told["model"]["version"] == "3" and not home.mlruns.exists()


def test_threads_get_the_very_same_answer(home: Settings, claim: Json) -> None:
    scorer = Current(home).get()

    def told(_: int) -> bytes:
        answer = scorer.score_claims([claim])
        for one in answer["claims"]:
            del one["score_id"]
        return json.dumps(answer).encode()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(told, range(64)))) == 1


def test_an_exported_model_replaces_the_one_in_service(home: Settings, scorer: Scorer, tmp_path: Path) -> None:
    current = Current(home)
    current.get()
    scorer.model.with_version("7").save(tmp_path / "made")
    link(home, export(home, tmp_path / "made", "7"))
    eventually(lambda: current.get().model.version == "7")
