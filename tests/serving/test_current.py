"""The scorer in service follows the champion and the store, and survives a bad model."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from claims.errors import NoModelError
from claims.settings import Settings
from serving.api import create_app
from serving.current import Current
from serving.score import Scorer
from serving.warm import Known


def settled(current: Current, wanted: str) -> bool:
    """Whether the version comes into service within ten seconds."""
    for _ in range(200):
        if current.get().model.version == wanted:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def home(site: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home without a model, looked at on every call."""
    monkeypatch.setattr("serving.current.EVERY", 0.0)
    return Settings(home=tmp_path)


def test_follows_what_is_promoted(home: Settings, site: Settings, scorer: Scorer) -> None:
    current = Current(home)
    assert current.get().model.version == "starting"
    shutil.copytree(site.models / "champion", home.models / "champion")
    assert settled(current, "3")
    assert current.get() is current.get()
    assert current.get().history.through is None
    scorer.model.with_version("4").save(home.models / "champion")
    assert settled(current, "4")


def test_a_damaged_model_does_not_replace_a_good_one(home: Settings, site: Settings) -> None:
    shutil.copytree(site.models / "champion", home.models / "champion")
    current = Current(home)
    assert current.get().model.version == "3"
    (home.models / "champion" / "versions.json").write_text("{")
    current.get()
    for _ in range(100):
        time.sleep(0.01)
        assert current.get().model.version == "3"


def test_follows_the_store(home: Settings, site: Settings, scorer: Scorer) -> None:
    shutil.copytree(site.models / "champion", home.models / "champion")
    current = Current(home)
    assert current.get().history.through is None
    shutil.copytree(site.store, home.store)
    for _ in range(200):
        if current.get().history.through == scorer.history.through:
            return
        time.sleep(0.05)
    pytest.fail("the history was not loaded anew")


def test_fresh_waits_for_what_is_there_now(home: Settings, site: Settings, scorer: Scorer) -> None:
    current = Current(home)
    assert current.fresh().model.version == "starting" and current.fresh() is current.get()
    shutil.copytree(site.models / "champion", home.models / "champion")
    assert current.fresh().history.through is None
    shutil.copytree(site.store, home.store)
    assert current.fresh().history.through == scorer.history.through
    scorer.model.with_version("4").save(home.models / "champion")
    assert current.fresh().model.version == "4" and current.fresh() is current.get()
    (home.models / "champion" / "versions.json").write_text("{")
    assert current.fresh().model.version == "4"


def test_a_load_that_failed_is_tried_again_after_a_pause(
    home: Settings, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    now = [1_000.0]

    def load(folder: Path | None, settings: Settings, known: Known) -> Scorer:
        tried.append(1)
        if len(tried) < 3:
            raise NoModelError("half written")
        return scorer

    monkeypatch.setattr("serving.current.Scorer.load", load)
    monkeypatch.setattr("serving.current.time.monotonic", lambda: now[0])
    current = Current(home)
    for later, count in ((0.0, 1), (29.0, 1), (2.0, 2), (29.0, 2)):
        now[0] += later
        with pytest.raises(NoModelError, match="half written"):
            current.get()
        assert len(tried) == count
    now[0] += 2.0
    assert current.get() is scorer
    now[0] += 100.0
    assert current.get() is scorer
    assert len(tried) == 3


def test_a_given_scorer_serves_for_good(home: Settings, scorer: Scorer) -> None:
    current = Current(home, scorer)
    assert current.get() is current.fresh() is scorer


def test_an_unforeseen_error_is_logged_without_its_words(
    home: Settings, site: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(site.models / "champion", home.models / "champion")
    current, printed = Current(home), []
    serving = current.get()

    def load(folder: Path | None, settings: Settings, known: Known) -> Scorer:
        raise ValueError("member M-1")

    monkeypatch.setattr("serving.current.Scorer.load", load)
    monkeypatch.setattr("threading.excepthook", printed.append)
    serving.model.with_version("4").save(home.models / "champion")
    for _ in range(200):
        assert current.get() is serving
        if "unforeseen" in caplog.text or printed:
            break
        time.sleep(0.05)
    assert not printed
    assert "unforeseen ValueError" in caplog.text and "M-1" not in caplog.text
    assert current.status()["notice"] == "the model could not be loaded (ValueError)"


def test_a_service_whose_model_fails_unforeseen_starts_and_answers_503(
    site: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def load(folder: Path | None, settings: Settings, known: Known) -> Scorer:
        raise EOFError("member M-1")

    monkeypatch.setattr("serving.current.Scorer.load", load)
    with TestClient(create_app(site)) as client:
        assert client.get("/ready").status_code == 503
    assert "unforeseen EOFError" in caplog.text and "M-1" not in caplog.text
