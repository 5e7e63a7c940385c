"""denials migrate: the score log's tables made before the service starts, and what doctor says of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from command import Run

from claims.settings import load_settings
from claims.store import Store


def test_migrate_makes_the_tables_and_does_nothing_the_second_time(denials: Run, home: Path) -> None:
    assert "no tables yet" in denials("doctor").out and not (home / "score_log.db").exists()
    first, second = denials("migrate", "--json"), denials("migrate", "--json")
    assert first.json == {"score_log": {"before": None, "now": "0001"}}
    assert second.json == {"score_log": {"before": "0001", "now": "0001"}}
    with closing(sqlite3.connect(home / "score_log.db")) as database:
        tables = {name for (name,) in database.execute("select name from sqlite_master where type = 'table'")}
    assert tables == {"alembic_version", "scores", "score_lines", "decisions"}
    Store.open(load_settings(home))
    told = denials("migrate")
    assert told.code == 0 and told.out.split("\n")[:2] == ["score_log: version 0001", "store: version 1"]
    assert "version 0001" in denials("doctor").out


def test_doctor_says_what_others_may_read(denials: Run, home: Path) -> None:
    denials("migrate")
    assert "others may read" not in denials("doctor").out
    (home / "score_log.db").chmod(0o644)
    (home / "journal").mkdir(mode=0o755)
    found = {check["found"]: check for check in denials("doctor", "--json").json["checks"] if check["name"] == "modes"}
    assert set(found) == {"others may read score_log.db: mode 644", "others may read journal: mode 755"}
    assert all(check["well"] is False and check["remedy"].startswith("chmod") for check in found.values())


def test_migrate_says_what_is_out_of_reach_and_what_is_off(
    denials: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DENIALS_SCORE_LOG__URL", f"postgresql://me:hunter2@/nothing?host={home}")
    told = denials("migrate")
    assert told.code == 15 and "does not answer" in told.err and "hunter2" not in told.err
    monkeypatch.setenv("DENIALS_SCORE_LOG__URL", "mysql://here")
    assert denials("migrate").code == 2
    monkeypatch.setenv("DENIALS_SCORE_LOG__ENABLED", "false")
    assert denials("migrate", "--json").json == {}


def test_migrate_refuses_what_a_later_program_made(denials: Run, home: Path) -> None:
    denials("migrate")
    with closing(sqlite3.connect(home / "score_log.db")) as database, database:
        database.execute("update alembic_version set version_num = '0999'")
    told = denials("migrate")
    assert told.code == 2 and "update the program" in told.err
