"""The page over HTTP, beside the service."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from claims.settings import Settings
from dashboard import create_app
from dashboard.app import Page


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


def test_page_is_made_anew_when_data_model_or_day_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import date

    made: list[int] = []

    def make(_: Settings) -> str:
        made.append(1)
        return str(len(made))

    settings = Settings(home=tmp_path)
    page = Page(settings, make)
    assert (page.text(), page.text()) == ("1", "1")
    champion = settings.models / "champion"
    champion.mkdir(parents=True)
    (champion / "versions.json").write_text("{}")
    assert (page.text(), page.text()) == ("2", "2")
    monkeypatch.setattr(Settings, "today", lambda self: date(2030, 1, 1))
    assert page.text() == "3"


def test_a_store_out_of_reach_is_a_problem_not_a_page(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("not a folder")
    with TestClient(create_app(Settings(home=tmp_path))) as client:
        answer = client.get("/")
    assert answer.status_code == 503 and answer.headers["content-type"] == "application/problem+json"
