"""The page as a file: what it says in every state of a practice, that it asks for nothing, and that it escapes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from page_parts import read

from claims.errors import OutOfReachError
from claims.settings import Settings
from claims.snapshot import Snapshot
from dashboard.report import NO_MODEL, champion, page_of, render, write_report
from training.model import DenialModel

AS_OF = date(2026, 7, 1)
Make = Callable[..., Snapshot]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture(scope="session")
def full(site: Settings) -> str:
    """The page of a practice with a model."""
    return write_report(site, site.home / "report.html", synthetic=True).read_text(encoding="utf-8")


def test_full_page_has_every_section_and_chart(full: str) -> None:
    page = read(full)
    assert {"time", "payers", "codes", "reasons", "hot", "drivers", "model", "counted"} <= page.ids
    charts = {"months", "dollars", "payer-rates", "family-rates", "code-rates", "reason", "concepts", "reliability"}
    assert set(page.figures) == {f"{name}-figure" for name in charts}
    assert page.tags.count("figcaption") == len(charts)
    assert "Synthetic data" in page.text and "version 3" in page.text


def test_the_model_section_tells_how_good_it_was(full: str, snapshot: Make, settings: Settings, site: Settings) -> None:
    text = read(full).text
    assert "The riskiest: told 40.0%, denied 60.0%" in text and "known before 1 Jan 2026" in text
    model = DenialModel.load(site.models / "champion").with_evaluation(None)
    bare = read(render(snapshot(50, lambda i: False), settings, model=model, as_of=AS_OF))
    assert "reliability-figure" not in bare.figures and "concepts-figure" in bare.figures
    assert bare.text.count("not measured") == 7 and "registered without a replay" in bare.text


def test_page_stays_small(full: str) -> None:
    assert len(full.encode()) < 6_000_000


def test_page_asks_for_nothing(full: str) -> None:
    page = read(full)
    assert page.addresses
    assert all(address.startswith("#") or address == "data:," for address in page.addresses)
    anchors = {address[1:] for address in page.addresses if address.startswith("#")}
    assert anchors <= page.ids
    assert not {"iframe", "img", "object", "embed", "form", "base"} & set(page.tags)
    assert not re.search(r"@import|url\(", re.search(r"<style>(.*?)</style>", full, re.DOTALL)[1])
    assert "default-src 'none'" in page.policy and "unsafe-inline" not in page.policy.split("script-src")[1]


def test_numbers_of_figures_are_plain_lists(full: str) -> None:
    assert "bdata" not in re.sub(r"<script>.*?</script>", "", full, flags=re.DOTALL)


def test_no_identifier_of_a_patient_provider_or_claim(full: str, site: Settings) -> None:
    from claims.store import Store

    lines = Store.open(site).lines()
    own = re.sub(r"<script>.*?</script>", "", full, flags=re.DOTALL)
    for column in (
        "claim_id",
        "patient_id",
        "member_key",
        "rendering_npi",
        "billing_npi",
        "referring_npi",
        "submission_id",
    ):
        for value in lines[column].drop_nulls().unique().to_list():
            assert not value or value not in own, column


def test_foreign_names_are_escaped_in_tables_and_charts(snapshot: Make, settings: Settings) -> None:
    name = "<script>alert(1)</script><b>x"
    html = render(snapshot(200, lambda i: i % 3 == 0, name), settings, as_of=AS_OF)
    page = read(html)
    assert "<script>alert" not in html and "<b>x" not in html
    assert name in page.text  # shown as what it is
    labels = page.figures["payer-rates-figure"]["layout"]["yaxis"]["ticktext"]
    assert labels[0].startswith("&lt;script&gt;") and "<" not in labels[0]


def test_a_name_that_ends_the_script_element_stays_inside_it(snapshot: Make, settings: Settings) -> None:
    html = render(snapshot(200, lambda i: i % 3 == 0, "</script><img src=x onerror=alert(1)>"), settings, as_of=AS_OF)
    assert "img" not in read(html).tags
    blocks = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', html, re.DOTALL)
    assert blocks and not any("<" in block for block in blocks)


def test_figures_of_a_small_practice(snapshot: Make, settings: Settings) -> None:
    text = read(render(snapshot(200, lambda i: i % 4 == 0), settings, as_of=AS_OF)).text
    assert "25.0%" in text and "50 of 200 lines" in text and "$5,000" in text
    assert "Payer One" in text and "authorization" in text
    assert NO_MODEL in text


def test_empty_store_says_what_to_do(nothing: Snapshot, settings: Settings) -> None:
    page = read(render(nothing, settings, as_of=AS_OF))
    assert "There are no claims in the store yet" in page.text and "denials ingest" in page.text
    assert not page.figures


def test_all_pending(snapshot: Make, settings: Settings) -> None:
    page = read(render(snapshot(50, lambda i: None), settings, as_of=date(2026, 3, 15)))
    assert "No line is old enough and answered yet" in page.text
    assert "50 lines were sent; 50 of them wait" in page.text
    assert set(page.figures) == {"months-figure", "dollars-figure"}


def test_no_denial(snapshot: Make, settings: Settings) -> None:
    page = read(render(snapshot(50, lambda i: False), settings, as_of=AS_OF))
    assert "No line of this period was denied" in page.text and "no reasons" in page.text
    assert "reason-figure" not in page.figures and "payer-rates-figure" in page.figures


def test_all_denied_by_one_payer(snapshot: Make, settings: Settings) -> None:
    assert "100.0%" in read(render(snapshot(5, lambda i: True), settings, as_of=AS_OF)).text


def test_synthetic_notice_when_told_or_when_the_claims_say_so(
    snapshot: Make, settings: Settings, site: Settings, nothing: Snapshot
) -> None:
    made = snapshot(50, lambda i: False)
    assert "Synthetic data" not in render(made, settings, as_of=AS_OF)
    assert "Synthetic data" not in render(nothing, settings, as_of=AS_OF)
    assert "Synthetic data" in render(made, settings, as_of=AS_OF, synthetic=True)
    assert "Synthetic data" in page_of(site)


def test_a_model_that_does_not_fit_is_said(settings: Settings, site: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert champion(settings) == (None, NO_MODEL)
    model = DenialModel.load(site.models / "champion")
    from features import catalog

    monkeypatch.setattr(catalog, "BY_NAME", {k: v for k, v in catalog.BY_NAME.items() if k != model.features[0]})
    found, problem = champion(site)
    assert found is None and model.features[0] in problem


def test_the_page_of_a_day_with_the_permissions_of_any_new_file(site: Settings, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        page = write_report(site, tmp_path / "report.html", as_of=date(2026, 3, 1))
    finally:
        os.umask(before)
    assert page.stat().st_mode & 0o777 == 0o640
    assert "As known before 1 Mar 2026" in page.read_text() or "as known before 1 Mar 2026" in page.read_text()
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_that_is_not_there_is_a_user_error(site: Settings, tmp_path: Path) -> None:
    with pytest.raises(OutOfReachError, match="cannot be written"):
        write_report(site, tmp_path / "nowhere" / "report.html")
