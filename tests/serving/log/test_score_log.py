"""The score log on SQLite and on PostgreSQL: what is kept of an answer, decisions, several processes, old scores."""

from __future__ import annotations

import json
import math
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from answers import SECRETS, Opener, answer, ids

from claims.errors import JournalError, OutOfReachError, UsageError
from claims.identity import Keys
from claims.settings import ScoreLogSettings, Settings
from serving.log import DecisionError, ScoreLog, UnknownScoreError
from serving.log.database import Database
from serving.log.tables import METADATA

NEVER_GIVEN = "01a1c7d2-6f0e-7c3b-9f52-0d2f3a7e9b10"


def test_an_answer_is_kept_as_rows(log: ScoreLog, home: Settings) -> None:
    told = answer(claims=2, lines=3)
    before = datetime.now(UTC)
    log.append(told)
    assert log.status()["waiting"] == 2 and log.scores().is_empty()
    log.drain()
    scores, lines = log.scores(), log.lines()
    assert log.status() == {
        "enabled": True, "reachable": True, "waiting": 0, "bytes": 0, "since": None, "trouble": None, "damaged": 0,
    }  # fmt: skip
    assert scores["score_id"].to_list() == sorted(ids(told))
    first = scores.row(by_predicate=pl.col("score_id") == ids(told)[0], named=True)
    assert before <= first.pop("scored_at") <= datetime.now(UTC)
    assert first == {
        "score_id": ids(told)[0], "claim_key": Keys(home.home).claim("PM-20418-01"), "model_name": "denial",
        "model_version": "7", "catalog_digest": "sha256:c0ffee", "trained_through": date(2026, 10, 31),
        "rules_version": "sha256:beef", "history_through": date(2026, 11, 20), "claim_denial_risk": 0.64,
        "risk_low": 0.55, "risk_high": 0.72, "band": "high", "decision": "hold", "evidence": "high",
        "expected_loss": Decimal("212.40"), "lines": 3, "lines_left_out": 1,
        "reasons": [{"category": "authorization", "probability": 0.41}],
        "corrections": [
            {"kind": "attach", "fields": ["prior_authorization_number"], "risk_after": 0.29, "saves_cents": 12110}
        ],
    }  # fmt: skip
    assert lines.height == 6 and set(lines["score_id"]) == set(ids(told))
    assert lines.drop("score_id").row(1, named=True) == {
        "place": 1, "claim_line_number": 2, "hcpcs_code": "64483", "denial_risk": 0.52, "raw_score": 0.11,
        "base_value": -1.72, "expected_loss": Decimal("141.20"),
        "reasons": [{"category": "authorization", "probability": 0.38}],
        "drivers": [{"feature": "diagnosis", "shap": 1.83}, {"feature": "other", "shap": 0.0}],
        "rules": [{"rule_id": "UHC-PA-01", "outcome": "broken"}],
    }  # fmt: skip


def test_what_is_not_known_yet_stays_empty(log: ScoreLog) -> None:
    told = answer()
    told["model"] |= {"trained_through": None}
    told |= {"rules_version": None, "history_through": None}
    told["claims"][0] |= {"risk_interval": None, "evidence": None, "reasons": [], "corrections": [], "errors": []}
    log.append(told)
    log.append(answer(claims=0))  # all of its claims were rejected
    log.drain()
    row = log.scores().row(0, named=True)
    assert [row[name] for name in ("trained_through", "history_through", "risk_low", "evidence")] == [None] * 4
    assert log.scores().height == 1


def test_others_may_not_read_the_log(opened: Opener, home: Settings) -> None:
    before = os.umask(0o022)
    try:
        log = opened()
        log.append(answer())
        log.drain()
        assert (home.home / "journal").stat().st_mode & 0o777 == 0o700
        if not (file := log.database.file):
            return
        writer = sqlite3.connect(file)  # keeps the files beside it
        log.append(answer())
        log.drain()
        writer.execute("select count(*) from scores").fetchall()
        files = list(home.home.glob("score_log.db*"))
        assert len(files) == 3 and {path.stat().st_mode & 0o777 for path in files} == {0o600}
        writer.close()
        file.chmod(0o644)  # as it was made before
        opened().database.migrate()
        assert file.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_the_most_that_a_claim_can_lose_is_kept(log: ScoreLog) -> None:
    line, lines = Decimal("9999999999.99"), 29
    told = answer(lines=lines)
    told["claims"][0]["expected_loss"] = str(line * lines)
    for one in told["claims"][0]["lines"]:
        one["expected_loss"] = str(line)
    most = answer(lines=1)
    most["claims"][0]["expected_loss"] = str(Decimal(2**63 - 1) / 100)  # what the tables can hold
    log.append(told)
    log.append(most)
    log.drain()
    assert log.scores()["expected_loss"].to_list() == [line * lines, Decimal(2**63 - 1) / 100]
    assert line in log.lines()["expected_loss"].to_list()


def test_neither_journal_nor_database_holds_what_a_claim_says(log: ScoreLog, home: Settings) -> None:
    log.append(answer())
    journals = b"".join(path.read_bytes() for path in home.home.glob("journal/**/*.segment"))
    log.drain()
    rows = f"{log.scores().to_dicts()} {log.lines().to_dicts()}".encode()
    assert b"authorization" in journals and b"authorization" in rows
    assert [secret for secret in SECRETS if secret.encode() in journals + rows] == []


def test_a_record_that_is_delivered_again_is_kept_once(log: ScoreLog, home: Settings) -> None:
    """As after a crash between the commit and the removal of the segment."""
    told = answer(claims=3)
    log.append(told)
    log.decide(ids(told)[0], {"action": "held"})
    (segment,) = home.home.glob("journal/scores/*/*.segment")
    copy = segment.read_bytes()
    log.drain()
    orphan = home.home / "journal" / "scores" / "999999-dead"
    orphan.mkdir()
    (orphan / segment.name).write_bytes(copy)
    log.drain()
    assert not orphan.exists()
    assert (log.scores().height, log.lines().height, log.decisions().height) == (3, 6, 1)
    assert log.status()["damaged"] == 0


def test_scores_are_read_by_time(log: ScoreLog) -> None:
    told = []
    for day in (1, 2, 3):
        log._now = lambda day=day: datetime(2026, 11, day, tzinfo=UTC)  # type: ignore[misc]
        told.append(answer())
        log.append(told[-1])
    log.drain()
    second, third = datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)
    assert log.scores(second)["score_id"].to_list() == [*ids(told[1]), *ids(told[2])]
    assert log.scores(until=second)["score_id"].to_list() == ids(told[0])
    assert log.scores(second, third)["score_id"].to_list() == ids(told[1])
    assert set(log.lines(second, third)["score_id"]) == set(ids(told[1]))


def test_scores_older_than_the_site_keeps_them_are_deleted(opened: Opener, home: Settings) -> None:
    home.score_log.retention_days = 30
    log, old, new = opened(), answer(), answer()
    log._now = lambda: datetime.now(UTC) - timedelta(days=31)
    log.append(old)
    log.decide(ids(old)[0], {"action": "held"})
    log._now, log._tidied = lambda: datetime.now(UTC), -math.inf
    log.append(new)
    log.drain()
    assert set(log.scores()["score_id"]) == set(log.lines()["score_id"]) == set(ids(new))
    assert log.decisions().is_empty()


# Decisions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drained", [False, True])
def test_a_decision_is_kept_once_however_often_it_is_told(log: ScoreLog, drained: bool) -> None:
    told = answer()
    log.append(told)
    (score,) = ids(told)
    if drained:
        log.drain()
    first = log.decide(score, {"action": "held", "reason": "on_file"})
    if drained:
        log.drain()
    again = log.decide(score.upper(), {"action": "held", "reason": "on_file"})
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert {**first, "repeated": True} == again
    log.decide(score, {"action": "submitted"})
    third = log.decide(score, {"action": "held", "reason": "on_file"})
    assert not third["repeated"] and third["decision_id"] != first["decision_id"]
    log.drain()
    assert log.decisions()["action"].to_list() == ["held", "submitted", "held"]
    assert log.decisions()["score_id"].to_list() == [score] * 3


def test_a_decision_that_says_when_is_known_by_that(log: ScoreLog) -> None:
    told = answer()
    log.append(told)
    (score,) = ids(told)
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    late = {"action": "corrected", "decided_at": moment.isoformat()}
    early = {"action": "held", "decided_at": (moment - timedelta(days=1)).isoformat()}
    made = [log.decide(score, one)["repeated"] for one in (late, early, late, early)]
    log.drain()
    made += [log.decide(score, one)["repeated"] for one in (early, late)]
    log.drain()
    assert made == [False, False, True, True, True, True]
    assert log.decisions()["action"].to_list() == ["held", "corrected"]


def test_equal_decisions_at_the_same_time_are_one(opened: Opener) -> None:
    logs, told = [opened(), opened()], answer()
    logs[0].append(told)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda at: logs[at % 2].decide(ids(told)[0], {"action": "held"}), range(16)))
    for log in logs:
        log.drain()
    assert logs[0].decisions().height == 1


@pytest.mark.parametrize(
    "told",
    [
        {}, {"action": "lost"}, {"action": None}, {"action": ["held"]}, {"action": "held", "reason": "Mrs Quagmire asked"},
        {"action": "held", "note": "x"}, {"action": "held", "reason": 5}, {"action": "held", "decided_at": "yesterday"},
        {"action": "held", "decided_at": "2026-11-01T10:00:00"}, {"action": "held", "decided_at": "2999-01-01T00:00:00Z"},
        {"action": "held", "decided_at": 5}, {"action": "held", "decided_at": "0001-01-01T00:00:00+14:00"}, "held", [],
    ],
)  # fmt: skip
def test_a_decision_in_other_words_is_refused_without_repeating_them(log: ScoreLog, told: Any) -> None:
    scored = answer()
    log.append(scored)
    with pytest.raises(DecisionError) as refused:
        log.decide(ids(scored)[0], told)
    assert refused.value.http_status == 422 and "Quagmire" not in str(refused.value)


@pytest.mark.parametrize("score", [NEVER_GIVEN, "", "x" * 5_000, "\0", "ü", "%", "01a1c7d2"])
def test_a_score_that_was_never_given_is_unknown(log: ScoreLog, score: str) -> None:
    log.append(answer())
    with pytest.raises(UnknownScoreError) as refused:
        log.decide(score, {"action": "held"})
    assert refused.value.http_status == 404


# Processes and databases --------------------------------------------------------------------------------------------


def test_a_decision_reaches_a_score_that_waits_in_another_process(opened: Opener) -> None:
    one, other, told = opened(), opened(), answer()
    one.append(told)
    assert not other.decide(ids(told)[0], {"action": "submitted"})["repeated"]
    other.drain()
    assert other.scores().is_empty() and other.decisions().height == 1
    assert one.decide(ids(told)[0], {"action": "submitted"})["repeated"]
    one.drain()
    assert one.scores().height == 1


def test_migrations_give_the_tables_that_the_program_uses(home: Settings) -> None:
    database = Database.of(home)
    assert database.migrate() == (None, "0001")
    assert database.migrate() == ("0001", "0001")
    with database._engine.connect() as connection:
        told = sa.MetaData()
        told.reflect(connection)
        held = {name: {column.name: column.nullable for column in table.columns} for name, table in told.tables.items()}
        indexed = {
            (table.name, column.name)
            for table in told.tables.values()
            for index in table.indexes
            for column in index.columns
        }
    assert held.pop("alembic_version")
    assert held == {
        table.name: {column.name: bool(column.nullable) for column in table.columns}
        for table in METADATA.tables.values()
    }
    assert indexed == {
        (table.name, column.name) for table in METADATA.tables.values() for column in table.columns if column.index
    }
    database.close()


def test_a_database_of_a_later_program_is_not_touched(home: Settings, opened: Opener) -> None:
    database = Database.of(home)
    database.migrate()
    with database._engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))
    with pytest.raises(UsageError, match="update the program"):
        database.migrate()
    log = opened()
    log.append(answer())
    with pytest.raises(UsageError):
        log.drain()
    assert not log.status()["reachable"] and log.status()["waiting"] == 1
    with database._engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '0001'"))
    log.drain()
    assert log.scores().height == 1
    database.close()


def test_a_log_that_is_off_keeps_nothing(home: Settings, opened: Opener) -> None:
    home.score_log.enabled = False
    log, told = opened(), answer()
    log.append(told)
    log.drain()
    assert log.status() == {"enabled": False} and not (home.home / "journal").exists()
    with pytest.raises(UnknownScoreError, match=r"score_log\.enabled"):
        log.decide(ids(told)[0], {"action": "held"})


def test_a_closed_log_takes_nothing(opened: Opener) -> None:
    log = opened()
    log.append(answer())
    log.close()
    log.close()
    with pytest.raises(JournalError):
        log.append(answer())
    assert opened().scores().height == 1


@pytest.mark.parametrize("wrong", ["", "nonsense", "mysql://a@b/c", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_is_none_is_told_with_its_setting(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(UsageError, match=r"score_log\.url"):
        ScoreLog.open(Settings(home=tmp_path, score_log=ScoreLogSettings(url=wrong)))


def test_errors_and_status_hide_the_password(tmp_path: Path) -> None:
    nowhere = f"postgresql://me:hunter2@/nothing?host={tmp_path}"
    log = ScoreLog.open(Settings(home=tmp_path, score_log=ScoreLogSettings(url=nowhere)))
    log.append(answer())
    with pytest.raises(OutOfReachError) as error:
        log.drain()
    told = json.dumps(dict(log.status()))
    log.close()
    assert "does not answer" in told and "hunter2" not in told + str(error.value)
