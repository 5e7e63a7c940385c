"""The command line in this process, in a home of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import Answer, Run, run

from data.synthetic import generate, load_world


@pytest.fixture
def denials(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `denials ARGUMENTS` with DENIALS_HOME at `home`."""
    monkeypatch.setenv("DENIALS_HOME", str(home))

    def answered(*arguments: object) -> Answer:
        capfd.readouterr()
        code = run(arguments)
        return Answer(code, *capfd.readouterr())

    return answered


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a small practice."""
    folder = tmp_path_factory.mktemp("files")
    generate(load_world("small"), 3_000).write(folder)
    return folder
