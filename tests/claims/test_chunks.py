"""Units to batches: none cut, none lost, each row accepted or rejected; and what is remembered has an end."""

import gzip
import io

import polars as pl
import pytest

from benchmarks.edi import edi
from claims import chunks, events, records
from claims.archive import Entry
from claims.cells import Memo
from claims.chunks import Chunks
from claims.edi import Feed, Told, X12Feed, form_of
from claims.errors import UnreadableFileError
from claims.fields import SCHEMAS
from claims.read import read_batches, read_bytes, read_file
from claims.rows import source_of
from claims.settings import Settings
from claims.unit import Unit

LINE = {"claim_id": "A", "claim_line_number": "1", "claim_line_start_date": "2026-01-05", "payer_id": "P",
        "hcpcs_code": "99213", "plan_id": ""}  # fmt: skip
PAID = {"claim_id": "A", "known_date": "2026-02-01", "paid_amount": "5"}


class Fake(Feed):
    """Units as they are; an error in their place breaks the source."""

    form = "x12"
    told = ()

    def units(self):
        self.kinds["837P"] = None
        for one in self.told:
            if isinstance(one, Exception):
                raise one
            yield one


@pytest.fixture
def site(tmp_path):
    return Settings(home=tmp_path)


@pytest.fixture
def batches(site):
    def batches(*told):
        feed = Fake(io.BytesIO())
        feed.told = told
        return list(Chunks(feed, source_of(site, "f"), "x.837").batches())

    return batches


def _unit(place, *rows, table="lines", faults=None, scope=1):
    unit = Unit(table, place, faults=faults or {})
    for at, row in enumerate(rows, place + 1):
        unit.add(row, at)
    return Told(scope, unit)


def test_every_unit_and_row_is_accepted_or_rejected_with_its_place(batches):
    (batch,) = batches(
        _unit(1, LINE, LINE | {"claim_line_number": "2", "hcpcs_code": ""}),
        _unit(10, LINE | {"claim_id": "B"}, faults={-1: [("claim", "ends early")]}),
        _unit(20, faults={-1: [("claim_line_number", "is missing")]}),
        _unit(30),
        _unit(
            40, LINE | {"claim_id": "C"}, LINE | {"claim_id": "C", "claim_line_number": "2"}, faults={0: [("x", "y")]}
        ),
        _unit(50, PAID, table="outcomes"),
    )
    assert (batch.claims_accepted, batch.claims_rejected) == (3, 3)
    assert batch.lines.select("row", "claim_index").rows() == [(2, 0), (42, 4)]
    told = batch.rejects.select("table", "row", "reason", "claim_index", "line_index").sort("row").rows()
    assert told == [
        ("lines", 3, "hcpcs_code is missing", 0, 1),
        ("lines", 11, "claim ends early", 1, 0),
        ("lines", 20, "claim_line_number is missing", 2, None),
        ("lines", 30, "holds nothing that can be read", 3, None),
        ("lines", 41, "x y", 4, 0),
    ]
    assert batch.file.select("kind", "rows", "accepted", "rejected").row(0) == ("837P", 8, 3, 5)
    assert batch.rejects["claim_index"].dtype == batch.lines["claim_index"].dtype == pl.Int64


def test_a_unit_of_no_known_table_is_a_fault_of_the_program(batches):
    with pytest.raises(AssertionError, match="no known table"):
        batches(_unit(1, {}, table="persons"))


def test_a_column_that_a_row_does_not_carry_is_not_known_and_an_empty_one_not_present(batches):
    other = {name: cell for name, cell in LINE.items() if name != "plan_id"} | {"claim_id": "B"}
    (batch,) = batches(_unit(1, LINE), _unit(10, other))
    assert batch.lines["plan_id"].to_list() == ["", None]
    assert batch.lines["line_note"].to_list() == [None, None]
    assert set(batch.file["columns"].item().split(";")) == set(LINE)


def test_rows_of_one_width_may_still_carry_other_columns():
    rows = [{"a": "1", "b": "2"}, {"a": "3", "c": "4"}]
    assert chunks.columns_of(rows) == {"a": ["1", "3"], "b": ["2", None], "c": [None, "4"]}
    assert chunks.columns_of([{"a": "1"}]) == {"a": ["1"]}


def test_equal_outcomes_of_one_transaction_are_two_and_those_of_two_are_one(batches):
    told = [_unit(i * 10, PAID, table="outcomes", scope=scope) for i, scope in enumerate((1, 1, 2, 2, 3), 1)]
    ids = pl.concat([batch.outcomes for batch in batches(*told)])["outcome_id"].to_list()
    assert ids[0] != ids[1] and ids == [ids[0], ids[1], ids[0], ids[1], ids[0]]


@pytest.mark.parametrize("size", [1, 7, 100])
def test_parts_are_the_whole_and_no_claim_is_cut(size, site, monkeypatch):
    content = b"".join([*edi("837P", 20), *edi("835", 20)])
    whole = read_bytes(content, site)
    monkeypatch.setattr(chunks, "CHUNK", size)
    parts = list(read_batches(Entry("x", 0, lambda: io.BytesIO(content)), site))
    assert len(parts) == {1: 41, 7: 14, 100: 2}[size]
    for table in SCHEMAS:
        joined = pl.concat([getattr(part, table) for part in parts]).drop("loaded_at")
        assert joined.equals(getattr(whole, table).drop("loaded_at")), table
    assert [part.file.height for part in parts] == [0] * (len(parts) - 1) + [1]
    assert all(len(part.lines) % 3 == len(part.outcomes) % 3 == 0 for part in parts)
    assert parts[-1].file.drop("name", "loaded_at").equals(whole.file.drop("name", "loaded_at"))
    assert sum(part.claims_accepted for part in parts) == whole.claims_accepted == 40
    assert whole.file.select("kind", "rows", "accepted").row(0) == ("837P+835", 120, 120)
    assert whole.lines["claim_index"].to_list() == [i // 3 for i in range(60)]


def test_a_repeat_in_a_stream_is_left_for_the_store(batches):
    (batch,) = batches(_unit(1, LINE), _unit(10, LINE))
    assert batch.lines.height == 2 and batch.rejects.is_empty()


def test_a_source_that_breaks_later_keeps_what_was_whole(batches):
    (batch,) = batches(_unit(1, LINE), UnreadableFileError("cut"))
    assert batch.lines.height == 1
    assert batch.quality.select("flag", "count").rows() == [("broken_off", 1)]
    with pytest.raises(UnreadableFileError, match=r"^x\.837: cut$"):
        batches(UnreadableFileError("cut"))


def test_what_a_stream_remembers_has_an_end(site, monkeypatch):
    monkeypatch.setattr(events, "SPAN", 50)
    monkeypatch.setattr(records, "REMEMBERED", 40)
    monkeypatch.setattr(chunks, "CHUNK", 30)
    content = b"".join([*edi("837P", 300), *edi("835", 300)])
    reading = Chunks(X12Feed(io.BytesIO(content)), source_of(site, "f"), "x")
    assert sum(batch.claims_accepted for batch in reading.batches()) == 600
    kept = reading.records
    assert all(len(memo) <= 40 for table in kept.values() for name, memo in table.memos.items() if name != "scope")
    assert len(kept["lines"].members) <= 40 and not kept["lines"].seen and len(kept["outcomes"].seen) <= 50
    assert not any(table.frames or table.rejected or table.rows for table in kept.values())


def test_a_memo_of_a_stream_leaves_a_null_not_known():
    assert Memo(str.upper, null=None)[None] is None
    assert Memo(str.upper)[None] == ""


def test_bodies_are_x12_or_fhir(site):
    body = b"".join(edi("837P", 2))
    assert form_of(b"\xef\xbb\xbf \r\n" + body) is X12Feed
    assert read_bytes(body, site).claims_accepted == 2
    with pytest.raises(UnreadableFileError, match="neither X12 nor FHIR"):
        read_bytes(b"claim_id,hcpcs_code\n", site)


def test_a_packed_file_is_the_same_file(site, tmp_path):
    body = b"".join(edi("837P", 2))
    (tmp_path / "a.837").write_bytes(body)
    (tmp_path / "b.837").write_bytes(gzip.compress(body))
    plain, packed = (read_file(tmp_path / name, site) for name in ("a.837", "b.837"))
    assert plain.file_id == packed.file_id and plain.lines.drop("loaded_at").equals(packed.lines.drop("loaded_at"))
