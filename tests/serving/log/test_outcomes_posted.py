"""Outcomes as POST /v1/outcomes takes them: read at once, kept before they are acknowledged, in the store together."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable
from writers import body

from claims.errors import DenialsError, JournalError, OutOfReachError, UnreadableFileError, UsageError
from claims.ingest import ingest
from claims.settings import OutcomesSettings, Settings
from claims.store import Store
from data.synthetic import generate, load_world
from serving.current import known_stamp
from serving.outcomes import Outcomes

JSON, EDI, FHIR = "application/json", "application/edi-x12", "application/fhir+json"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", outcomes=OutcomesSettings(every_seconds=3600))


@pytest.fixture
def way_in(settings: Settings) -> Iterator[Outcomes]:
    made = Outcomes.open(settings)
    yield made
    made.close()


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a small practice, as tables, X12 and FHIR."""
    folder = tmp_path_factory.mktemp("practice")
    world = generate(load_world("small"), 120)
    for form in ("csv", "x12", "fhir"):
        world.write(folder / form, form)
    return folder


def commits(settings: Settings, table: str = "outcomes") -> int:
    return DeltaTable(str(settings.store / table)).version()


def test_many_small_posts_become_one_commit(way_in: Outcomes, settings: Settings) -> None:
    way_in.accept(JSON, body("A"))
    way_in.drain()
    before, stamp = commits(settings), known_stamp(settings)
    for number in range(25):
        told = way_in.accept(JSON, body(f"B{number}", f"C{number}"))
        assert (told["accepted"], told["rejected"], told["kind"]) == (2, 0, "outcomes")
    assert way_in.status()["waiting"] == 50 and known_stamp(settings) == stamp
    way_in.drain()
    assert commits(settings) == before + 1 and known_stamp(settings) != stamp
    assert Store.open(settings).outcomes().height == 51 and way_in.status()["waiting"] == 0


def test_the_same_outcome_counts_once(way_in: Outcomes, settings: Settings) -> None:
    for _ in range(2):
        for _ in range(2):
            way_in.accept(JSON, body("A", "B"))
        way_in.accept(JSON, b'{"outcomes": %s}' % body("B"))
        way_in.drain()
    assert sorted(Store.open(settings).outcomes()["claim_id"]) == ["A", "B"]


def test_an_outcome_is_stored_as_a_file_of_it_would_be(way_in: Outcomes, settings: Settings, tmp_path: Path) -> None:
    way_in.accept(JSON, body("A", denied=True, hcpcs_code="64483", remark_codes="N115;M76", known_date=None,
                             paid_date="2026-11-01", paid_amount=12.5))  # fmt: skip
    way_in.drain()
    row = Store.open(settings).outcomes().row(0, named=True)
    assert (row["known_date"], row["paid_amount"], row["denied"]) == (date(2026, 11, 1), Decimal("12.50"), True)
    assert (row["remark_codes"], row["claim_line_number"]) == ("N115;M76", 1)


@pytest.mark.parametrize(("form", "kind"), [("x12", EDI), ("fhir", FHIR), ("csv", JSON)])
def test_a_remittance_gives_what_its_file_gives(
    form: str, kind: str, way_in: Outcomes, settings: Settings, practice: Path
) -> None:
    other = Settings(home=settings.home / "other")
    accepted = 0
    for path in sorted((practice / form).rglob("*")):
        if path.is_file() and not path.name.startswith(("lines", "authorizations", "837", "claims", "Claim")):
            content = path.read_bytes()
            if form == "csv":
                content = json.dumps(pl.read_csv(path, infer_schema=False).to_dicts()).encode()
            try:
                told = way_in.accept(kind, content)
            except UnreadableFileError:
                continue
            assert told["accepted"] and not told["rejected"]
            accepted += told["accepted"]
            ingest([path], other)
    way_in.drain()
    mine, theirs = Store.open(settings), Store.open(other)
    for table in ("outcomes", "rejections", "provider_adjustments"):
        key = {"outcomes": "outcome_id", "rejections": "rejection_id"}.get(table, "provider_adjustment_id")
        told = [set(getattr(store, table)()[key]) for store in (mine, theirs)]
        assert len(told[0]) == len(told[1]) and (form == "csv" or told[0] == told[1])
    assert accepted > 100 and mine.outcomes().height > 100


def test_rows_in_are_rows_accepted_and_rows_rejected(way_in: Outcomes, settings: Settings) -> None:
    rows: list[Any] = json.loads(body("A", "B"))
    rows += [5, {"claim_id": "C"}, {"claim_id": "Quagmire", "known_date": "Zebulonia", "paid_amount": [1]}, {}]
    told = way_in.accept(JSON, json.dumps(rows).encode())
    assert told["accepted"] + told["rejected"] == len(rows) and told["accepted"] == told["outcomes_accepted"] == 2
    assert sum(told["reasons"].values()) == told["rejected"] == len(told["rejects"]) == 4
    assert {reject["row"] for reject in told["rejects"]} == {3, 4, 5, 6}
    assert "Zebulonia" not in json.dumps(told) and "Quagmire" not in json.dumps(told)
    (segment,) = settings.store.glob("incoming/*/*.segment")
    assert b"Quagmire" not in segment.read_bytes()
    way_in.drain()
    assert Store.open(settings).rejects().height == 4


@pytest.mark.parametrize(
    ("kind", "content", "error"),
    [
        (JSON, b"{", UsageError), (JSON, b"\xff", UsageError), (JSON, b"[" * 100_000, UsageError),
        (JSON, b"{}", UnreadableFileError), (JSON, b"5", UnreadableFileError), (JSON, b"[]", UnreadableFileError),
        (JSON, b'{"outcomes": {}}', UnreadableFileError), (EDI, b"", UnreadableFileError),
        (EDI, b"no X12", UnreadableFileError), (FHIR, b"{}", UnreadableFileError), (EDI, b"ISA*00", UnreadableFileError),
    ],
)  # fmt: skip
def test_what_holds_no_outcomes_is_refused(way_in: Outcomes, kind: str, content: bytes, error: type) -> None:
    with pytest.raises(error):
        way_in.accept(kind, content)
    assert way_in.status()["waiting"] == 0


def test_claims_are_refused_whole(way_in: Outcomes, practice: Path) -> None:
    refused = 0
    for path in sorted((practice / "x12").rglob("*")):
        if path.is_file() and b"ST*837" in path.read_bytes().replace(b"\n", b""):
            with pytest.raises(UnreadableFileError, match="denials ingest"):
                way_in.accept(EDI, path.read_bytes())
            refused += 1
    assert refused and way_in.status()["waiting"] == 0


def test_fuzzed_bodies_are_read_or_refused(way_in: Outcomes, practice: Path) -> None:
    chance = random.Random(5)
    told = (path.read_bytes() for path in sorted((practice / "x12").rglob("*")) if path.is_file())
    whole = [next(content for content in told if b"ST*835" in content), body(*(f"A{i}" for i in range(20)))]
    for turn in range(150):
        damaged = bytearray(whole[turn % 2][:20_000])
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(damaged))
            damaged[at : at + chance.randrange(1, 30)] = chance.choice(
                [b"", b"\x00", b"~", b"null", b'{"a":', b"9" * 400]
            )
        try:
            report = way_in.accept((EDI, JSON)[turn % 2], bytes(damaged))
        except DenialsError:
            continue
        assert report["accepted"] + report["rejected"] > 0
    way_in.drain()
    assert way_in.status()["damaged"] == 0


def test_a_store_out_of_reach_is_waited_for(way_in: Outcomes, settings: Settings) -> None:
    way_in.accept(JSON, body("A"))
    (settings.store / "outcomes").write_text("no table")
    for _ in range(2):
        with pytest.raises(OutOfReachError):
            way_in.drain()
    told = way_in.status()
    assert (told["reachable"], told["waiting"], told["damaged"]) == (False, 1, 0) and told["trouble"]
    way_in.close()
    (settings.store / "outcomes").unlink()
    later = Outcomes.open(settings)
    later.drain()
    later.close()
    assert Store.open(settings).outcomes()["claim_id"].to_list() == ["A"]


def test_outcomes_leave_the_journal_once_the_store_is_on_the_disk(
    way_in: Outcomes, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, sync = [], os.sync

    def watched() -> None:
        waiting = len(list(settings.store.glob("incoming/*/*.segment")))
        seen.append((Store.open(settings).outcomes().height, waiting))
        sync()

    monkeypatch.setattr(os, "sync", watched)
    for _ in range(2):  # the second time the store holds it: nobody knows whether it was synced
        way_in.accept(JSON, body("A"))
        way_in.drain()
    assert seen == [(1, 1), (1, 1)] and not list(settings.store.glob("incoming/*/*.segment"))


def test_more_than_may_wait_is_refused(settings: Settings) -> None:
    settings.outcomes.max_journal_bytes = 1 << 20
    way_in = Outcomes.open(settings)
    with pytest.raises(JournalError, match="max_journal_bytes"):
        for number in range(1_000):
            way_in.accept(JSON, body(*(f"A{number}-{at}" for at in range(300))))
    way_in.drain()
    way_in.accept(JSON, body("A"))
    way_in.close()


def test_a_site_that_gets_no_outcomes_has_no_store(settings: Settings) -> None:
    way_in = Outcomes.open(settings)
    with pytest.raises(UnreadableFileError):
        way_in.accept(JSON, b"[]")
    way_in.drain()
    assert way_in.status()["reachable"] and not settings.store.exists()
    way_in.close()
