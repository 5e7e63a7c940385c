"""No content of a claim where it does not belong: identifiers are planted, the whole job is run, every byte is searched.

Nowhere at all: member ids (nor unkeyed hashes of them), dates of birth, names, addresses, ZIP codes, words of rejected
cells and of refused files. Claim ids: in the store, in the answers asked for; of a rejected row only there. Numbers of
providers, notes, authorizations, control numbers, columns of the site: in the store alone.
"""

from __future__ import annotations

import json
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import planted
import polars as pl
import pytest
from planted import BORN, CLAIM, IDENTIFIERS, LOST_CLAIM, MEMBER, OTHER_MEMBER, Planted, found_in, written
from site_run import Done
from starlette.testclient import TestClient

from claims.settings import load_settings
from claims.store import Store
from dashboard.app import create_app

ZONES = {  # where a run writes; what a pattern does not name belongs to the last zone
    "store": "home/store/**/*", "models": "home/models/**/*", "mlflow": "home/mlruns/**/*", "report": "home/report.html",
    "answers": "answers/**/*", "logs": "logs/**/*", "elsewhere": "**/*",
}  # fmt: skip
BODY: dict[str, Any] = {
    "claim_id": CLAIM, "payer_id": "SYN01", "member_id": MEMBER, "patient_birth_date": BORN, "patient_sex": "F",
    "patient_name": "Zebulonia Quagmire", "patient_address": "7 Hexenbuckel, QXTOWN 99071-4417",
    "rendering_npi": "078-05-1120", "prior_authorization_number": "QXAUTH5512", "line_note": "QXNOTE",
    "extra": {"x_clinic": "QXSITE"},
    "lines": [{"claim_line_number": 1, "claim_line_start_date": "2026-10-20", "hcpcs_code": "64483"}],
}  # fmt: skip
BAD_LINE = {"claim_line_number": "QXBODY", "claim_line_start_date": f"QXBODY {BORN}", "hcpcs_code": "QXBODY Zebulonia"}
REFUSED: tuple[tuple[str, str, bytes], ...] = (
    ("POST", "/v1/score", b'{"claims": [{"member_id": "QXM7731904", QXBODY'),
    ("POST", "/v1/score", b'{"claims": "QXBODY Zebulonia"}'),
    ("POST", "/v1/score", b'["QXM7731904 QXBODY"]'),
    ("POST", "/v1/score", b'{"claims": [{"claim_id": "QXC8841 \xff QXBODY"}]}'),
    ("POST", "/v1/score", json.dumps({"claims": [BODY] * 1_001}).encode()),
    ("POST", "/v1/QXC8841", b"QXBODY"),
    ("PUT", "/v1/score", b"QXBODY"),
    ("GET", "/v1/model/QXM7731904?born=1907-11-29", b""),
)


def files(folder: Path) -> dict[str, list[Path]]:
    """Every file of a run by its zone; input and the secret key are what was given, or must be there."""
    found: dict[str, list[Path]] = {zone: [] for zone in ZONES}
    claimed = set((folder / "input").rglob("*")) | {folder / "home" / "secret.key"}
    for zone, pattern in ZONES.items():
        found[zone] = sorted(path for path in folder.glob(pattern) if path.is_file() and path not in claimed)
        claimed.update(found[zone])
    return found


def zones_of(folder: Path, identifiers: dict[str, Planted] = IDENTIFIERS) -> dict[str, dict[str, set[str]]]:
    """zone -> file -> identifiers that it holds."""
    searched = {
        zone: {str(path.relative_to(folder)): found_in(written(path), identifiers) for path in paths}
        for zone, paths in files(folder).items()
    }
    return {zone: {name: held for name, held in found.items() if held} for zone, found in searched.items()}


def leaks(found: dict[str, dict[str, set[str]]]) -> list[str]:
    """Identifiers that stand where they may not."""
    return [
        f"{name} in {file}"
        for zone, by_file in found.items()
        for file, held in by_file.items()
        for name in sorted(held)
        if zone not in IDENTIFIERS[name].zones
    ]


@pytest.fixture(scope="session")
def served(done: Done) -> Path:
    """The finished site after its service has answered good and bad requests; bodies and headers in its folders."""
    site = done.site
    with site.apart(), TestClient(create_app(load_settings()), raise_server_exceptions=False) as client:
        good = client.post("/v1/score", json={"claims": [BODY, BODY | {"claim_id": LOST_CLAIM, "lines": [BAD_LINE]}]})
        (site.answers / "good.json").write_bytes(good.content)
        assert good.status_code == 200
        (site.logs / "rejected.json").write_text(json.dumps([c["errors"] for c in good.json()["rejected"]]))
        (site.logs / "headers.txt").write_text(str(good.headers.raw))
        page = client.get("/")
        assert page.status_code == 200
        (site.logs / "page.html").write_bytes(page.content)
        for number, (method, url, body) in enumerate(REFUSED):
            answer = client.request(method, url, content=body, headers={"content-type": "application/json"})
            assert answer.status_code >= 400
            (site.logs / f"refused-{number}.txt").write_bytes(str(answer.headers.raw).encode() + answer.content)
    return site.folder


@pytest.fixture(scope="session")
def found(served: Path) -> dict[str, dict[str, set[str]]]:
    return zones_of(served)


def test_the_job_was_done(done: Done, served: Path) -> None:
    for answer in (done.ingest, done.train, done.promote, done.score, done.explain, done.report, done.doctor):
        assert answer.code == 0, answer.err
    rejected = sum(file["lines_rejected"] for file in done.ingest.json["files"])
    assert rejected == len(planted.BAD_CELLS), done.ingest.out
    assert done.refused.code == 10
    assert all(name in done.refused.out for name in planted.UNREADABLE)
    there = files(served)
    assert all(there[zone] for zone in ZONES if zone != "elsewhere")
    assert any(path.name == "mlflow.db" for path in there["mlflow"])


def test_every_identifier_stays_where_it_belongs(found: dict[str, dict[str, set[str]]]) -> None:
    assert leaks(found) == []


def test_what_may_be_kept_is_there(found: dict[str, dict[str, set[str]]]) -> None:
    """Otherwise the search would prove nothing: what is to be found in the store and in the answers is found."""
    for zone in ("store", "answers"):
        held = set().union(*found[zone].values())
        assert {name for name, one in IDENTIFIERS.items() if zone in one.zones} <= held | {"claim id of a rejected row"}
    assert "claim id of a rejected row" in set().union(*found["answers"].values())


def test_the_store_keeps_keys_and_ages_in_place_of_members_and_births(done: Done, served: Path) -> None:
    settings = load_settings(done.site.home)
    lines = Store.open(settings).lines()
    planted_lines = lines.filter(pl.col("claim_id") == CLAIM)
    assert len(planted_lines) == 2 and set(planted_lines["patient_age"]) == {90}
    assert planted_lines["member_key"].str.contains("^[0-9a-f]{32}$").all()
    held = [
        column for column, kind in lines.schema.items() if kind == pl.Date and lines[column].dt.year().min() == 1907
    ]
    assert held == []
    assert (done.site.home / "secret.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("way", ["log", "parquet", "sqlite", "utf-16", "hash", "temporary file"])
def test_a_leak_is_found(way: str, tmp_path: Path) -> None:
    for folder in ("home/store", "home/mlruns", "logs", "left", "input", "answers"):
        (tmp_path / folder).mkdir(parents=True)
    assert leaks(zones_of(tmp_path)) == []
    _leak(way, tmp_path)
    assert len(leaks(zones_of(tmp_path))) == 1


def _leak(way: str, folder: Path) -> None:
    if way == "log":
        (folder / "logs" / "a.err").write_text(f"cannot read {MEMBER.lower()}")
    elif way == "parquet":
        births = pl.DataFrame({"born": [date.fromisoformat(BORN)] * 500})
        births.write_parquet(folder / "home" / "store" / "a.parquet")
    elif way == "sqlite":
        with sqlite3.connect(folder / "home" / "mlruns" / "mlflow.db") as database:
            database.execute("create table tags (value text)")
            database.execute("insert into tags values ('claim QXC8841')")
        database.close()
    elif way == "utf-16":
        (folder / "home" / "report.html").write_text("Zebulonia", encoding="utf-16")
    elif way == "hash":
        (folder / "home" / "store" / "keys.json").write_text(IDENTIFIERS["member id with dashes"].forms[4])
    else:
        (folder / "left" / "draft.csv").write_text(f"{OTHER_MEMBER.replace('-', '')},64483")
