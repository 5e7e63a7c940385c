"""The page in a real browser, from a file: charts are drawn, nothing is asked for, tables sort by keyboard."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from claims.settings import Settings
from dashboard import write_report

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="Debian's chromium is not installed (apt-get install chromium)"
)
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
]  # fmt: skip


@pytest.fixture(scope="module")
def report(site: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(site, tmp_path_factory.mktemp("page") / "report.html", synthetic=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


def opened(browser: Browser, report: Path, width: int) -> tuple[Page, list[str], list[str]]:
    """The page at a width, what the console said, and every address asked for."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-drawn]")
    return page, said, asked


@pytest.mark.parametrize("width", [1280, 390])
def test_charts_are_drawn_quietly_and_fit(browser: Browser, report: Path, width: int) -> None:
    page, said, asked = opened(browser, report, width)
    assert said == []
    assert [address for address in asked if not address.startswith(("data:", "blob:"))] == [report.as_uri()]
    charts = page.locator(".chart")
    assert charts.count() == 8
    for i in range(charts.count()):
        assert charts.nth(i).locator("path.point, .points path, .bars path").count() > 0
        assert charts.nth(i).locator("svg").first.bounding_box()["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_tables_sort_by_keyboard(browser: Browser, report: Path) -> None:
    page, _, _ = opened(browser, report, 1280)
    table = page.locator("section[aria-labelledby=payers] table")
    head = table.locator("thead th").nth(1)
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    lines = [
        float(v) for v in table.locator("tbody td:nth-child(2)").evaluate_all("cells => cells.map(c => c.dataset.sort)")
    ]
    assert lines == sorted(lines, reverse=True) and len(lines) > 1
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    page.close()


def test_a_script_that_slipped_in_would_not_run(browser: Browser, report: Path, tmp_path: Path) -> None:
    spoiled = tmp_path / "spoiled.html"
    text = report.read_text(encoding="utf-8")
    spoiled.write_text(text.replace("<main", "<script>document.title = 'ran'</script><main"), encoding="utf-8")
    page, said, _ = opened(browser, spoiled, 1280)
    assert page.title() == "Denials" and any("Content Security Policy" in message for message in said)
    page.close()
