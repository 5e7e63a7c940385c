"""No person from an 837, 835, 277CA, 999, 278 or FHIR Bundle where none belongs: planted in every element, then searched.

Nowhere: names and words in any element, addresses, ZIP codes, telephones, dates of birth, member and other numbers of a
person (nor unkeyed hashes of them). Claim ids: in the store and in what was asked for; of a rejected claim only there.
Notes, authorizations and control numbers: in the store alone.
"""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import planted_edi
import polars as pl
import pytest
from planted import written
from planted_edi import FILES, IDENTIFIERS, found_in, write_files
from site_run import Answer, Done, Site
from test_no_phi import files

from claims.settings import load_settings
from claims.store import Store

SCORED = ("professional.837", "institutional.837", "bundle.json")


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory, done: Done) -> tuple[Site, dict[str, Answer]]:
    """A site that took the planted files in, damaged ones among them, and scored those that hold claims."""
    site = Site(tmp_path_factory.mktemp("edi"))
    folder = site.input / "folder"
    (folder / "damaged").mkdir(parents=True)
    write_files(folder)
    for name in FILES:
        content = (folder / name).read_bytes()
        (folder / "damaged" / name).write_bytes(content[: len(content) * 2 // 3])
    (folder / "lines.ndjson.gz").write_bytes(gzip.compress(_ndjson(folder / "bundle.json")))
    answers = {"ingest": site.denials("ingest", folder, "--json"), "again": site.denials("ingest", folder)}
    shutil.copytree(done.site.home / "models" / "champion", site.home / "models" / "champion")
    for name in SCORED:
        out = site.answers / f"{name}.csv"
        answers[name] = site.denials("score", folder / name, "--out", out, "--explain", "full")
        answers[f"damaged {name}"] = site.denials(
            "score", folder / "damaged" / name, "--out", site.answers / f"d-{name}.csv"
        )
        answers[f"explain {name}"] = site.denials("explain", folder / name, "--claims", 3, asked=True)
    return site, answers


def _ndjson(bundle: Path) -> bytes:
    """The resources of a Bundle one a line, the last of them cut short."""
    lines = [json.dumps(entry["resource"]) for entry in json.loads(bundle.read_bytes())["entry"]]
    return "\n".join([*lines[:-1], lines[-1][:-40]]).encode()


def leaks(site: Site) -> list[str]:
    """Places of what stands where it may not."""
    return [
        f"{place} in {path.relative_to(site.folder)}"
        for zone, paths in files(site.folder).items()
        for path in paths
        if zone != "models"  # of another site
        for place in sorted(found_in(written(path)))
        if zone not in IDENTIFIERS[place].zones
    ]


def test_the_files_were_taken_and_scored(taken: tuple[Site, dict[str, Answer]]) -> None:
    site, answers = taken
    assert {name: answer.err for name, answer in answers.items() if answer.code and "damaged" not in name} == {}
    store = Store.open(load_settings(site.home))
    assert {"ZQC837PA", "ZQC837PB", "ZQC837IA", "ZQC837IB", "ZQFHIRA"} <= set(store.lines()["claim_id"])
    assert {"ZQC837PA", "ZQCNOBODY", "ZQFHIRA"} <= set(store.outcomes()["claim_id"])
    assert store.authorizations()["prior_authorization_number"].to_list() == ["ZQAUTH1"]
    assert {"ZQCREFUSED", ""} <= set(store.rejections()["claim_id"]) and store.provider_adjustments().height
    for name in SCORED:
        assert pl.read_csv(site.answers / f"{name}.csv").height


def test_nobody_is_found_where_nobody_belongs(taken: tuple[Site, dict[str, Answer]]) -> None:
    assert leaks(taken[0]) == []


def test_what_may_be_kept_is_found(taken: tuple[Site, dict[str, Answer]]) -> None:
    """Otherwise the search would prove nothing."""
    site, _ = taken
    held = {zone: {p for path in paths for p in found_in(written(path))} for zone, paths in files(site.folder).items()}
    forms = {place: one.forms for place, one in IDENTIFIERS.items()}
    for zone in ("store", "answers"):
        wanted = {forms[place] for place, one in IDENTIFIERS.items() if zone in one.zones and "bad" not in place}
        assert wanted == {forms[place] for place in held[zone]} & wanted


def test_every_form_of_every_value_is_searched_for(tmp_path: Path) -> None:
    """Also in capitals, in UTF-16 and with other text around it."""
    planted = write_files(tmp_path)
    assert len(planted) > 1_000
    for turn in range(max(len(one.forms) for one in planted.values())):
        told = {one.forms[turn]: one for one in planted.values() if turn < len(one.forms)}
        found = found_in([f"a{form.upper()}a".encode("utf-16-le") for form in told])
        assert {one.forms for one in told.values()} == {planted[place].forms for place in found}


def test_every_place_has_a_value_of_its_own(tmp_path: Path) -> None:
    planted = write_files(tmp_path)
    nowhere = [one.forms for one in planted.values() if not one.zones]
    assert len({form for forms in nowhere for form in forms}) == sum(map(len, nowhere))
    text = "".join(path.read_text() for path in tmp_path.iterdir()).lower()
    assert [place for place, one in planted.items() if not any(form.lower() in text for form in one.forms)] == []
    assert planted_edi.born("one more") and "one more" in IDENTIFIERS
