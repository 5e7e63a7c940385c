"""The page over HTTP, beside the service."""

import re
import shutil
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient

import dashboard.app
import dashboard.report
from claims.read import read_frame
from claims.settings import Settings
from claims.store import Store
from dashboard import create_app
from dashboard.app import Page
from dashboard.report import page_of
from features.history import History
from serving.current import Current
from serving.score import Scorer


def test_page_and_service_answer_from_one_app(site: Settings) -> None:
    with TestClient(create_app(site)) as client:
        page = client.get("/")
        assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
        assert "<title>Denials</title>" in page.text and page.headers["cache-control"] == "no-store"
        assert client.get("/health").status_code == 200
        assert "/" not in client.get("/openapi.json").json()["paths"]


def test_empty_home_has_a_page(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(home=tmp_path))) as client:
        page = client.get("/")
    assert page.status_code == 200 and "no claims in the store yet" in page.text
    assert not (tmp_path / "store").exists()


@pytest.fixture
def home(site: Settings, tmp_path: Path) -> Settings:
    """A site of its own, to be changed."""
    shutil.copytree(site.home, tmp_path / "home", symlinks=True)
    return Settings(home=tmp_path / "home")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a scorer is loaded, a history made and a page rendered."""
    seen: Counter[str] = Counter()
    for owner, name in ((Scorer, "load"), (History, "of"), (dashboard.app, "render"), (dashboard.report, "render")):
        real = getattr(owner, name)

        def counting(*given: Any, _real: Any = real, _name: str = name, **named: Any) -> Any:
            seen[_name] += 1
            return _real(*given, **named)

        monkeypatch.setattr(owner, name, counting)
    return seen


def test_the_champion_is_loaded_as_the_service_starts_and_its_history_serves_the_page(
    home: Settings, counted: Counter[str]
) -> None:
    app = create_app(home)
    assert counted == {}
    with TestClient(app) as client:
        assert counted["load"] == 1
        made = counted["of"]  # the golden claims have an empty one of their own
        pages = [client.get("/").text, client.get("/").text]
        assert client.get("/ready").json()["model_version"] == "3"
    assert (counted["load"], counted["of"], counted["render"]) == (1, made, 1)
    assert pages[0] == pages[1] and "version 3" in pages[0]
    assert _timeless(pages[0]) == _timeless(page_of(home))


def _timeless(page: str) -> str:
    return re.sub(r"Made [0-9: -]+ UTC", "", page)


def test_page_is_made_anew_when_data_model_or_day_change(
    home: Settings, counted: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    current = Current(home)
    page = Page(home, current)
    assert "version 3" in page.text() and page.text() == page.text()
    assert counted["render"] == 1
    current.get().model.with_version("4").save(home.models / "champion")
    assert "version 4" in page.text() and counted["render"] == 2  # at once: a page waits for the new scorer
    old = current.get().history.snapshot.data_version
    store = Store.open(home)
    store.add(read_frame(store.lines().head(1).drop("version", "row_hash").with_columns(claim_id=pl.lit("NEW")), home))
    assert store.data_version() != old and store.data_version() in page.text()
    assert (counted["render"], counted["load"]) == (3, 3)
    monkeypatch.setattr(Settings, "today", lambda self: date(2030, 1, 1))
    assert "1 Jan 2030" in page.text() and counted["render"] == 4 and counted["load"] == 3


def test_data_that_the_old_scorer_does_not_know_is_shown_all_the_same(home: Settings, counted: Counter[str]) -> None:
    current = Current(home)
    page = Page(home, current)
    assert "version 3" in page.text()
    (home.models / "champion" / "booster.txt").write_text("tree")
    (home.models / "champion" / "versions.json").touch()
    assert "version 3" in page.text()  # it goes on serving
    store = Store.open(home)
    store.add(read_frame(store.lines().head(1).drop("version", "row_hash").with_columns(claim_id=pl.lit("NEW")), home))
    assert store.data_version() in page.text() and current.get().model.version == "3"


def test_a_store_out_of_reach_is_a_problem_not_a_page(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("not a folder")
    with TestClient(create_app(Settings(home=tmp_path))) as client:
        answer = client.get("/")
    assert answer.status_code == 503 and answer.headers["content-type"] == "application/problem+json"
