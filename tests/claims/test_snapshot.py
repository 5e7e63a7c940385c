"""Snapshots of little or nothing, and of a store."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import ascii_table
import polars as pl
import pytest

from claims.label import load_classes
from claims.read import read_frame
from claims.settings import Settings
from claims.snapshot import snapshot_of, take_snapshot
from claims.store import Store

LINES = ascii_table.lines("""
claim_id | submitted_date | charge | hcpcs_code
B        | 2026-01-20     | 100.00 | 64483
A        | 2026-01-10     | 100.00 | 64484
""")
OUTCOMES = ascii_table.outcomes("""
claim_id | line | control | paid | adjustments
A        | 1    | K1      | 0.00 | CO-197:100.00
B        | 1    | K2      | 0.00 | CO-45:100.00
Z        | 1    | K3      | 0.00 | CO-45:100.00
""")
AUTHORIZATIONS = ascii_table.authorizations("prior_authorization_number | known_date\nN1 | 2026-01-01")


@pytest.mark.parametrize("as_of", [None, date(2020, 1, 1)])
@pytest.mark.parametrize(("lines", "outcomes"), [(0, 0), (2, 0), (0, 3)])
def test_nothing_keeps_its_columns(lines: int, outcomes: int, as_of: date | None) -> None:
    full = snapshot_of(LINES, OUTCOMES, AUTHORIZATIONS)
    bare = snapshot_of(LINES[:lines], OUTCOMES[:outcomes], AUTHORIZATIONS[:0], as_of=as_of)
    for name in ("lines", "outcomes", "authorizations", "controls"):
        assert getattr(bare, name).schema == getattr(full, name).schema
    assert bare.unmatched == (0 if as_of else outcomes)


def test_what_it_holds() -> None:
    snapshot = snapshot_of(LINES, OUTCOMES, AUTHORIZATIONS, data_version="lines@1")
    kept = [name for name in LINES.columns if name not in {"version", "row_hash", "file_id", "loaded_at"}]
    assert snapshot.lines.columns == [*kept, "chain_id", "is_resubmission", "is_original"]
    assert snapshot.lines["submission_id"].to_list() == ["B", "A"]
    assert snapshot.outcomes.schema == {
        "submission_id": pl.String, "claim_line_number": pl.Int32, "outcome": pl.String, "y": pl.Int8,
        "category": pl.String, "carc": pl.String, "denied_cents": pl.Int64, "paid_cents": pl.Int64,
        "allowed_cents": pl.Int64, "known_date": pl.Date, "label_source": pl.String, "quality": pl.String,
    }  # fmt: skip
    assert dict(snapshot.outcomes.select("submission_id", "outcome").rows()) == {"A": "denied", "B": "full_contractual"}
    assert (snapshot.unmatched, snapshot.data_version, snapshot.as_of) == (1, "lines@1", None)
    assert sorted(snapshot.controls["payer_claim_control_number"]) == ["K1", "K2"]


def test_each_row_without_a_line_is_counted_once() -> None:
    lines = ascii_table.lines("claim_id | line | charge\nA | 1 | 60.00\nA | 2 | 40.00")
    outcomes = ascii_table.outcomes("""
    claim_id | known_date | paid | adjustments
    A        | 2026-02-01 | 0.00 | CO-29:100.00
    A        | 2026-02-02 | 0.00 | CO-29:50.00
    """)
    snapshot = snapshot_of(lines, outcomes, AUTHORIZATIONS)
    assert snapshot.outcomes.select("denied_cents", "label_source").rows() == [(6000, "claim_cas"), (4000, "claim_cas")]
    assert snapshot.unmatched == 1


def test_the_sites_classes_decide() -> None:
    classes = load_classes().with_columns(
        pl.when(pl.col("carc") == "45").then(pl.lit("denial")).otherwise("class").alias("class"),
        pl.when(pl.col("carc") == "45").then(pl.lit("other")).otherwise("category").alias("category"),
    )
    snapshot = snapshot_of(LINES, OUTCOMES, AUTHORIZATIONS, classes=classes)
    assert snapshot.outcomes.filter(submission_id="B").select("outcome", "category").row(0) == ("denied", "other")


class Shelf:
    """What a snapshot asks of a store."""

    def as_it_is(self) -> Shelf:
        return self

    def lines(self) -> pl.DataFrame:
        return LINES

    def outcomes(self) -> pl.DataFrame:
        return OUTCOMES

    def authorizations(self) -> pl.DataFrame:
        return AUTHORIZATIONS

    def data_version(self) -> str:
        return "lines@7"


def test_of_a_store() -> None:
    snapshot = take_snapshot(Shelf(), date(2026, 1, 15))
    assert snapshot.lines["submission_id"].to_list() == ["A"]
    assert (snapshot.data_version, snapshot.as_of, snapshot.outcomes.height) == ("lines@7", date(2026, 1, 15), 0)


SOURCES = [
    {"claim_line_number": "1", "claim_line_start_date": "2026-01-05", "payer_id": "P1", "hcpcs_code": "64483"},
    {"claim_line_number": "1", "known_date": "2026-02-01", "adjustments": "CO-45:10.00"},
    {"valid_from": "2026-01-01"},
]


def add_everywhere(site: Settings, claim: str) -> None:
    """A row more in each table."""
    for row in SOURCES:
        named = row | {"prior_authorization_number" if "valid_from" in row else "claim_id": claim}
        Store.open(site).add(read_frame(pl.DataFrame([named]), site))


@pytest.mark.parametrize("table", ["lines", "outcomes", "authorizations"])
def test_what_comes_in_while_a_snapshot_is_taken_is_not_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    site = Settings(home=tmp_path)
    add_everywhere(site, "A")
    store, read = Store.open(site), getattr(Store, table)
    version = store.data_version()

    def interrupted(self: Store) -> pl.DataFrame:
        monkeypatch.setattr(Store, table, read)
        add_everywhere(site, "B")
        before: pl.DataFrame = read(self)
        return before

    monkeypatch.setattr(Store, table, interrupted)
    snapshot = take_snapshot(store)
    assert snapshot.data_version == version != store.data_version()
    assert [snapshot.lines.height, snapshot.outcomes.height, snapshot.authorizations.height] == [1, 1, 1]
    assert (store.lines().height, take_snapshot(store).outcomes.height) == (2, 2)
