"""Score logs of both databases; PostgreSQL is a real server, started for these tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import postgres
import pytest
from answers import Opener

from claims.settings import ScoreLogSettings, Settings
from serving.log import ScoreLog


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """The server; a test that stops it starts it again."""
    if postgres.programs() is None:
        pytest.skip("no PostgreSQL here: install Debian's postgresql")
    started = postgres.Server()
    yield started
    started.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return ScoreLogSettings().url
    return str(request.getfixturevalue("server").database())


@pytest.fixture
def home(tmp_path: Path, url: str) -> Settings:
    """A site whose log is in that database."""
    return Settings(home=tmp_path, score_log=ScoreLogSettings(url=url))


@pytest.fixture
def opened(home: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opener]:
    """Opens logs, of this site or of others, that deliver when a test says so; closes them in the end."""
    monkeypatch.setattr("serving.log.score_log.EVERY", 3600.0)
    logs: list[ScoreLog] = []

    def open_log(settings: Settings | None = None) -> ScoreLog:
        logs.append(ScoreLog.open(settings or home))
        return logs[-1]

    yield open_log
    for log in logs:
        log.close()


@pytest.fixture
def log(opened: Opener) -> ScoreLog:
    """The log of the site."""
    return opened()
