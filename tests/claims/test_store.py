"""The store: nothing twice, nothing rewritten, nothing that names a patient, and several writers at once."""

import json
import os
import shutil
import threading
from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from deltalake import DeltaTable

from claims import store as stores
from claims import unseen
from claims.errors import OutOfReachError, UsageError
from claims.read import read_file, read_frame
from claims.settings import Settings
from claims.store import TABLES, Store

LINE = {
    "claim_id": "A1",
    "claim_line_number": "1",
    "claim_line_start_date": "2024-01-05",
    "payer_id": "p1",
    "hcpcs_code": "64483",
    "charge_amount": "1450.10",
    "submitted_date": "2024-01-08",
}
OUTCOME = {"claim_id": "A1", "claim_line_number": "1", "known_date": "2024-02-01", "adjustments": "CO-45:10"}
GRANT = {"prior_authorization_number": "AU1", "member_id": "M1", "valid_from": "2024-01-01"}


@pytest.fixture
def site(tmp_path):
    return Settings(home=tmp_path)


def _batch(site, *rows):
    return read_frame(pl.DataFrame(list(rows)), site)


def test_others_may_not_read_the_store(site):
    before = os.umask(0o022)
    try:
        Store.open(site)
    finally:
        os.umask(before)
    assert site.store.stat().st_mode & 0o777 == 0o700
    site.store.chmod(0o755)  # as it was made before
    Store.open(site)
    assert site.store.stat().st_mode & 0o777 == 0o700


def test_what_was_added_comes_back_in_its_types(site):
    store = Store.open(site)
    batch = _batch(site, LINE, LINE | {"claim_id": "A2", "charge_amount": "bad"})
    added = store.add(batch)
    assert (added.new["lines"], added.present["lines"], added.versions["lines"]) == (1, 0, 0)
    row = store.lines().row(0, named=True)
    assert (row["claim_line_start_date"], row["charge_amount"], row["version"]) == (
        date(2024, 1, 5),
        Decimal("1450.10"),
        1,
    )
    assert row["loaded_at"] == batch.lines["loaded_at"].item()
    for table, schema in TABLES.items():
        schema.validate(getattr(store, table)())
    assert store.rejects().select("table", "row", "field", "reason").rows() == [
        ("lines", 2, "charge_amount", "charge_amount is not an amount of money")
    ]
    assert store.files().select("rows", "accepted", "rejected").row(0) == (2, 1, 1)


def test_the_same_file_twice_or_under_another_name_changes_nothing(site, tmp_path):
    store = Store.open(site)
    for kind in (LINE, OUTCOME, GRANT):
        pl.DataFrame([kind]).write_csv(tmp_path / "one.csv")
        (tmp_path / "two.csv").write_bytes((tmp_path / "one.csv").read_bytes())
        store.add(read_file(tmp_path / "one.csv", site))
        before = store.data_version(), len(store.files())
        again = store.add(read_file(tmp_path / "two.csv", site))
        assert (store.data_version(), len(store.files())) == before
        assert sum(again.new.values()) == sum(again.versions.values()) == 0
        assert sum(again.present.values()) == 1


def test_lines_are_frozen_at_first_sight(site):
    store = Store.open(site)
    store.add(_batch(site, LINE))
    added = store.add(_batch(site, LINE | {"charge_amount": "9"}, LINE | {"charge_amount": "10"}, LINE))
    assert (added.new["lines"], added.versions["lines"], added.present["lines"]) == (0, 2, 1)
    added = store.add(_batch(site, LINE | {"charge_amount": "9"}, LINE | {"charge_amount": "11"}))
    assert (added.new["lines"], added.versions["lines"], added.present["lines"]) == (0, 1, 1)
    assert store.lines()["charge_amount"].to_list() == [Decimal("1450.10")]
    assert store.versions().sort("version").select("version", "charge_amount").rows() == [
        (2, Decimal("9.00")),
        (3, Decimal("10.00")),
        (4, Decimal("11.00")),
    ]


def test_a_line_twice_in_its_first_file_is_frozen_as_it_came_first(site):
    store = Store.open(site)
    added = store.add(_batch(site, LINE, LINE | {"charge_amount": "9"}))
    assert (added.new["lines"], added.versions["lines"]) == (1, 1)
    assert store.lines()["charge_amount"].to_list() == [Decimal("1450.10")]


def test_the_same_remittance_in_two_files_counts_once_but_two_equal_events_are_two(site):
    store = Store.open(site)
    store.add(_batch(site, OUTCOME, OUTCOME))
    added = store.add(_batch(site, OUTCOME, OUTCOME | {"claim_id": "B"}, OUTCOME))
    assert (added.new["outcomes"], added.present["outcomes"]) == (1, 2)
    assert len(store.outcomes()) == 3


def test_an_outcome_keeps_the_row_it_was_first_seen_in(site):
    store = Store.open(site)
    rows = [OUTCOME | {"claim_id": name} for name in ("A", "B", "C", "C")]
    store.add(_batch(site, *rows))
    added = store.add(_batch(site, OUTCOME | {"claim_id": "D"}, *reversed(rows)))  # other rows, the same remittances
    assert (added.new["outcomes"], added.present["outcomes"]) == (1, 4)
    told = store.outcomes().sort("claim_id", "row").select("claim_id", "row").rows()
    assert told == [("A", 1), ("B", 2), ("C", 3), ("C", 4), ("D", 1)]


def test_many_writers_at_once_lose_nothing_and_add_nothing_twice(site):
    Store.open(site)
    batches = [_batch(site, LINE, LINE | {"claim_id": f"W{i}"}, LINE | {"charge_amount": f"{i}"}) for i in range(1, 6)]
    faults = []

    def write(batch):
        try:
            Store.open(site).add(batch)
        except Exception as fault:  # a thread's exception would be lost
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    store = Store.open(site)
    assert store.lines()["claim_id"].sort().to_list() == ["A1", "W1", "W2", "W3", "W4", "W5"]
    assert sorted(store.versions()["version"]) == [2, 3, 4, 5, 6]
    assert len(store.files()) == 5


def test_a_writer_that_came_between_is_seen(site, monkeypatch):
    store = Store.open(site)
    insert, between = stores._insert, [_batch(site, LINE, LINE | {"claim_id": "A9"})]

    def interrupted(delta, rows):
        if between:
            Store.open(site).add(between.pop())
        insert(delta, rows)

    monkeypatch.setattr(stores, "_insert", interrupted)
    added = store.add(_batch(site, LINE, LINE | {"claim_id": "A2"}))
    assert (added.new["lines"], added.present["lines"]) == (1, 1)
    assert len(store.lines()) == 3


def test_endless_conflicts_end_in_a_clear_error(site, monkeypatch):
    def conflict(*_):
        raise stores.CommitFailedError("someone else")

    store, batch = Store.open(site), _batch(site, LINE)
    monkeypatch.setattr(stores, "_insert", conflict)
    with pytest.raises(OutOfReachError, match="written by others"):
        store.add(batch)


def test_two_processes_may_open_a_new_store_at_once(site):
    opened = []
    threads = [threading.Thread(target=lambda: opened.append(Store.open(site).lines().height)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == [0] * 6


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('{"schema_version": 2}', "newer than 1: update"),
        ('{"schema_version": 0}', "denials migrate"),
        ('{"schema": 1}', "damaged"),
        ("nonsense", "damaged"),
        ('{"schema_version": "1"}', "schema_version"),
        ('{"schema_version": true}', "schema_version"),
        ("[1]", "damaged"),
        ('{"schema_version": 1}', "store_id"),
        ('{"schema_version": 1, "store_id": ""}', "store_id"),
    ],
)
def test_another_schema_version_is_told(site, written, told):
    Store.open(site)
    path = site.store / "store.json"
    assert json.loads(path.read_text()).keys() == {"schema_version", "store_id"}
    path.write_text(written)
    with pytest.raises(UsageError, match=told):
        Store.open(site)


def test_a_store_made_anew_is_not_taken_for_the_old_one(site):
    versions = []
    for _ in range(2):
        store = Store.open(site)
        store.add(_batch(site, LINE))
        assert store.data_version() == Store.open(site).data_version()
        versions.append(store.data_version().split(":"))
        shutil.rmtree(site.store)
    assert versions[0][1] == versions[1][1] == "lines@1,outcomes@0,authorizations@0"
    assert versions[0][0] != versions[1][0]


def test_a_store_that_cannot_be_opened(site):
    site.store.write_text("a file where the folder should be")
    with pytest.raises(OutOfReachError, match="cannot be opened"):
        Store.open(site)


def test_maintenance_keeps_every_row(site):
    store = Store.open(site)
    for i in range(4):
        store.add(_batch(site, LINE | {"claim_id": f"A{i}"}))
    before = store.lines().sort("claim_id")
    store.maintain()
    assert store.lines().sort("claim_id").equals(before)
    assert len(DeltaTable(str(site.store / "lines")).file_uris()) == 1


def test_nothing_in_the_store_names_a_patient(site, tmp_path):
    """Every byte of every file, and every value of every parquet file."""
    planted = ["QX7-731-4458", "QX77314458", "1947-03-17", "19470317", "Zebulon", "3/17/1947"]
    rows = [
        LINE | {"member_id": planted[0], "patient_birth_date": birth, "patient_name": "Zebulon Q", "claim_id": name}
        for birth, name in [("1947-03-17", "A1"), ("3/17/1947", "A2"), ("1947-17-17", "A3")]
    ]
    store = Store.open(site)
    store.add(_batch(site, *rows))
    store.add(_batch(site, *(GRANT | {"member_id": planted[0], "valid_to": day} for day in ("", "1947-03-17"))))
    assert store.rejects().height == 2
    written = b"".join(path.read_bytes() for path in site.store.rglob("*") if path.is_file())
    written += "".join(str(pl.read_parquet(path).rows()) for path in site.store.rglob("*.parquet")).encode()
    assert store.lines()["member_key"].item(0).encode() in written
    assert store.lines()["patient_age"].to_list() == [76, 76]
    assert [told for told in planted if told.encode() in written] == []


def test_what_is_there_is_found_in_whatever_part_of_the_table_it_stands(site, monkeypatch):
    monkeypatch.setattr(unseen, "PART", 2)
    store = Store.open(site)
    rows = [LINE | {"claim_id": f"A{i}"} for i in range(7)]
    for row in rows:
        store.add(_batch(site, row))
    again = store.add(_batch(site, *rows, LINE | {"claim_id": "A3", "charge_amount": "9"}, LINE | {"claim_id": "B"}))
    assert (again.present["lines"], again.versions["lines"], again.new["lines"]) == (7, 1, 1)
    assert again.files == {again_id: {"new": 1, "present": 7, "versions": 1} for again_id in again.files}


def test_rows_that_were_there_are_never_held_all_at_once(site):
    store = Store.open(site)
    store.add(_batch(site, *(OUTCOME | {"claim_id": f"A{i}"} for i in range(50))))
    asked = _batch(site, OUTCOME | {"claim_id": "A7"}, OUTCOME | {"claim_id": "new"}).outcomes
    parts = unseen.parts_of(store._table("outcomes"), store.folder / "outcomes", TABLES["outcomes"])
    assert unseen._seen(parts, ["outcome_id"], asked, ["outcome_id"]).height == 1


def test_a_damaged_table_is_told_when_something_is_added(site):
    store = Store.open(site)
    store.add(_batch(site, LINE))
    for path in (site.store / "lines").glob("*.parquet"):
        path.unlink()
    with pytest.raises(OutOfReachError, match="missing or damaged"):
        store.add(_batch(site, LINE | {"claim_id": "A2"}))
