"""What was acknowledged is never lost: processes killed, databases that go and come back, torn and damaged journals."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import postgres
import pytest
import writers
from answers import Opener, answer, ids

from claims.errors import JournalError, OutOfReachError
from claims.settings import OutcomesSettings, Settings
from claims.store import Store
from serving.outcomes import Outcomes

KILLED = 10


def test_every_score_that_was_acknowledged_is_in_the_database_after_kill_9(home: Settings, opened: Opener) -> None:
    chance, told = random.Random(6), list[str]()
    for _ in range(KILLED // 2):  # two at a time
        both = [writers.Writer(writers.scores_without_end, home) for _ in range(2)]
        for writer in both:
            told += writer.killed(chance)
    log = opened()
    log.drain()
    kept = log.scores()["score_id"].to_list()
    assert len(told) > 4 * KILLED and len(set(kept)) == len(kept)
    assert set(told) <= set(kept)
    assert log.status()["waiting"] == log.status()["damaged"] == 0
    assert len(list((home.home / "journal" / "scores").iterdir())) == 1


def test_every_outcome_that_was_acknowledged_is_in_the_store_after_kill_9(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, outcomes=OutcomesSettings(every_seconds=3600))
    chance, told = random.Random(7), list[str]()
    for _ in range(3):
        told += writers.Writer(writers.outcomes_without_end, settings).killed(chance)
    with closing(Outcomes.open(settings)) as way_in:
        way_in.drain()
    kept = Store.open(settings).outcomes()["claim_id"].to_list()
    assert len(set(kept)) == len(kept) and told and set(told) <= set(kept)


def test_several_processes_share_one_database(home: Settings, opened: Opener) -> None:
    """They open it, and so make its tables, at the same time."""
    both = [writers.Writer(writers.some_scores, home) for _ in range(3)]
    told = [score for writer in both for score in writer.acknowledged()]
    log = opened()
    log.drain()
    assert len(told) == 240 and sorted(log.scores()["score_id"]) == sorted(told)
    assert log.decisions().height == 120
    assert not list(home.home.glob("journal/scores/*/*.segment"))


# Out of reach -------------------------------------------------------------------------------------------------------


Begin = Callable[[], "Outage"]


class Outage:
    """A database that is away: locked by somebody, or its server stopped."""

    def __init__(self, home: Settings, server: postgres.Server | None) -> None:
        self.server, self.ended = server, False
        if server:
            server.stop()
        else:
            self.other = sqlite3.connect(home.home / "score_log.db", isolation_level=None)
            self.other.execute("BEGIN IMMEDIATE")

    def end(self) -> None:
        if self.ended:
            return
        self.ended = True
        if self.server:
            self.server.start()
        else:
            self.other.rollback()
            self.other.close()


@pytest.fixture
def outage(
    url: str, home: Settings, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Begin]:
    """Begins an outage, which ends with the test at the latest."""
    monkeypatch.setattr("serving.log.database.CONNECT", 1)
    begun: list[Outage] = []

    def begin() -> Outage:
        begun.append(Outage(home, None if url.startswith("sqlite") else request.getfixturevalue("server")))
        return begun[-1]

    yield begin
    for one in begun:
        one.end()


def test_scoring_goes_on_while_the_database_is_away(outage: Begin, opened: Opener, home: Settings) -> None:
    log, before, during = opened(), answer(), [answer(), answer()]
    log.append(before)
    log.drain()
    away = outage()
    for told in during:
        log.append(told)
    for _ in range(2):
        with pytest.raises(OutOfReachError, match="score log's database"):
            log.drain()
    assert not log.decide(ids(during[0])[0], {"action": "held"})["repeated"]
    assert log.decide(ids(during[0])[0], {"action": "held"})["repeated"]
    told = log.status()
    assert (told["reachable"], told["waiting"]) == (False, 3) and told["since"] and "does not answer" in told["trouble"]
    away.end()
    log.drain()
    assert log.status()["reachable"] and log.status()["waiting"] == 0
    assert set(log.scores()["score_id"]) == {score for one in (before, *during) for score in ids(one)}
    assert log.decisions().height == 1


def test_a_service_that_starts_while_the_database_is_away_takes_over_what_waits(
    outage: Begin, opened: Opener, home: Settings
) -> None:
    first = opened()
    first.drain()
    away, told = outage(), [answer(), answer()]
    first.append(told[0])
    first.close()
    second = opened()
    second.append(told[1])
    with pytest.raises(OutOfReachError):
        second.drain()
    assert second.status()["waiting"] == 2
    assert not second.decide(ids(told[0])[0], {"action": "submitted"})["repeated"]
    away.end()
    second.drain()
    assert set(second.scores()["score_id"]) == {*ids(told[0]), *ids(told[1])}


def test_a_database_that_was_lost_is_made_anew(home: Settings, opened: Opener) -> None:
    if home.score_log.url.startswith("postgresql"):
        pytest.skip("a file of SQLite can be deleted")
    log, told = opened(), answer()
    log.append(answer())
    log.drain()
    for path in home.home.glob("score_log.db*"):
        path.unlink()
    log.append(told)
    with pytest.raises(OutOfReachError):
        log.drain()  # it is noticed here
    log.drain()
    assert log.scores()["score_id"].to_list() == ids(told)


def test_a_journal_that_is_full_refuses_and_loses_nothing(outage: Begin, opened: Opener, home: Settings) -> None:
    home.score_log.max_journal_bytes = 1 << 20
    log, told = opened(), list[str]()
    log.drain()
    away = outage()
    with pytest.raises(JournalError, match="max_journal_bytes") as refused:
        for _ in range(10_000):
            one = answer(claims=50)
            log.append(one)
            told += ids(one)
    assert refused.value.http_status == 503 and log.status()["waiting"] == len(told) > 500
    away.end()
    log.drain()
    log.append(answer())
    assert sorted(log.scores()["score_id"]) == sorted(told)
