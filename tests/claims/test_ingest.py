"""Files, folders and archives into the store: whatever their order and number, counted file by file."""

import gzip
import re
import zipfile
from pathlib import Path

import polars as pl
import pytest

from benchmarks.edi import edi
from claims import ingest as ingests
from claims import matched
from claims.errors import TooManyRejectsError, UnreadableFileError
from claims.ingest import FileReport, ingest
from claims.report import IngestReport
from claims.settings import Settings
from claims.snapshot import take_snapshot
from claims.store import TABLES, Store

SENT, PAID = (b"".join(edi(kind, 30)).decode() for kind in ("837P", "835"))
CSV = "claim_id,claim_line_number,claim_line_start_date,payer_id,hcpcs_code\nT1,1,2026-01-05,P1,64483\n"


@pytest.fixture
def site(tmp_path):
    return Settings(home=tmp_path / "home")


@pytest.fixture
def folder(tmp_path):
    def folder(name, files):
        for told, content in files.items():
            at = tmp_path / name / told
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / name

    return folder


def _by_name(report):
    return {file.file: file for file in report.files}


def _told(file: FileReport):
    return (
        file.kind,
        file.claims_accepted,
        file.lines_accepted,
        file.outcomes_accepted,
        file.new,
        file.already_present,
    )


def _table(store, table):
    rows = getattr(store, table)()
    return rows.drop("loaded_at", "file_id", "row", strict=False).sort(pl.all())


def test_remittances_that_come_first_match_when_their_claims_come(site, folder):
    first = ingest([folder("in", {"a.835": PAID})], site).files[0]
    assert (first.kind, first.matched, first.unmatched) == ("835", 0, 90)
    ingest([folder("more", {"b.837": SENT})], site)
    again = ingest([folder("in", {})], site).files[0]
    assert (again.new, again.already_present, again.matched, again.unmatched) == (0, 90, 90, 0)
    assert take_snapshot(Store.open(site)).unmatched == 0


def test_the_order_of_files_does_not_matter(folder, tmp_path):
    sites = [Settings(home=tmp_path / name) for name in "ab"]
    for at, site in enumerate(sites):
        (site.home).mkdir()
        (site.home / "secret.key").write_text("0" * 64)
        path = folder(f"in{at}", {"a.835": PAID, "b.837": SENT} if at else {"a.837": SENT, "b.835": PAID})
        by_kind = {file.kind: file for file in ingest([path], site).files}
        assert (by_kind["835"].matched, by_kind["835"].unmatched, by_kind["837P"].matched) == (90, 0, 0)
    one, two = map(Store.open, sites)
    assert all(_table(one, table).equals(_table(two, table)) for table in ("lines", "outcomes"))


def test_everything_twice_changes_nothing(site, folder):
    path = folder("in", {"a.837": SENT, "b.835": PAID})
    ingest([path], site)
    store = Store.open(site)
    before = store.data_version(), store.files().height, store.quality().height
    again = ingest([path], site)
    assert (store.data_version(), store.files().height, store.quality().height) == before
    assert [(file.new, file.already_present, file.new_versions) for file in again.files] == [(0, 90, 0)] * 2


def test_the_same_remittance_in_two_files_counts_once(site, folder):
    report = _by_name(
        ingest([folder("in", {"a.835": PAID, "b.835": PAID + "\n\n", "c.835": PAID, "d.837": SENT})], site)
    )
    assert _told(report["a.835"]) == ("835", 30, 0, 90, 90, 0)
    assert _told(report["b.835"]) == _told(report["c.835"]) == ("835", 30, 0, 90, 0, 90)
    assert [report[name].matched for name in ("a.835", "b.835", "c.835")] == [90, 0, 0]
    assert Store.open(site).outcomes().height == 90
    assert sorted(Store.open(site).files()["name"]) == ["a.835", "b.835", "d.837"]


def test_archives_nested_folders_and_tables_are_walked_alike(site, folder, tmp_path):
    path = folder(
        "in", {"x/y/a.837": SENT, "z.gz": gzip.compress(PAID.encode()), ".hidden/b.837": SENT, ".DS_Store": "x"}
    )
    with zipfile.ZipFile(path / "more.zip", "w") as archive:
        archive.writestr("deep/t.csv", CSV)
        archive.writestr("deep/n.txt", "nothing\nof\nours\n")
        archive.writestr("deep/b.835.gz", gzip.compress(PAID.encode() + b"\n"))
    heard = []
    report = _by_name(ingest([path], site, progress=lambda name, share: heard.append((name, share))))
    assert {name: file.kind for name, file in report.items()} == {
        "x/y/a.837": "837P",
        "z.gz": "835",
        "more.zip/deep/t.csv": "lines",
        "more.zip/deep/n.txt": None,
        "more.zip/deep/b.835.gz": "835",
    }
    shares = [share for _, share in heard]
    assert {name for name, _ in heard} == set(report) and shares == sorted(shares) and 0.5 < shares[-1] <= 1


def test_an_837_in_the_place_of_an_835_is_simply_an_837(site, folder):
    report = _by_name(ingest([folder("in", {"remit.835": SENT, "claims.837": PAID, "both.txt": SENT + PAID})], site))
    assert {name: file.kind for name, file in report.items()} == {
        "remit.835": "837P",
        "claims.837": "835",
        "both.txt": "837P+835",
    }


def test_a_file_cut_in_the_middle_gives_what_was_whole(site, folder):
    at = SENT.index("CLM*A00000020") + 55
    (file,) = ingest([folder("in", {"a.837": SENT[:at]})], site).files
    assert file.claims_accepted + file.claims_rejected == 21 and file.claims_accepted >= 20
    assert file.quality["truncated"] == 1


def test_some_broken_files_of_many_are_told_and_the_rest_lands(site, folder):
    files = {f"f{i}.835": PAID.replace("A000", f"B{i:02d}0") for i in range(9)}
    report = ingest(
        [folder("in", {**files, "bad.zip": b"PK\x03\x04 cut", "bad.gz": b"\x1f\x8b\x08 cut", "empty.txt": b""})], site
    )
    report.raise_for_faults(site)
    assert sorted(file.file for file in report.unread) == ["bad.gz", "bad.zip", "empty.txt"]
    assert all(file.file in next(iter(file.reasons)) for file in report.unread)
    assert Store.open(site).outcomes().height == 9 * 90
    assert Store.open(site).files().height == 9


@pytest.mark.parametrize(
    ("unread", "read", "error"), [(1, 1, None), (2, 1, TooManyRejectsError), (1, 0, UnreadableFileError), (0, 1, None)]
)
def test_too_many_unreadable_files_are_an_error(site, unread, read, error):
    files = [FileReport(f"bad{i}", reasons={"no": 1}) for i in range(unread)]
    report = IngestReport(files + [FileReport("good", "835")] * read)
    if error is None:
        report.raise_for_faults(site)
    else:
        with pytest.raises(error, match="2 of 3 files" if read else "no"):
            report.raise_for_faults(site)


def test_many_small_files_go_into_the_store_together(site, folder, monkeypatch):
    files = {f"f{i}.835": PAID.replace("A000", f"B{i:02d}0") for i in range(12)}
    monkeypatch.setattr(ingests, "MOST_FILES", 5)
    versions = []
    monkeypatch.setattr(Store, "maintain", lambda store: versions.append(store.data_version()))
    report = ingest([folder("in", files)], site)
    assert [_told(file) for file in report.files] == [("835", 30, 0, 90, 90, 0)] * 12
    assert ",outcomes@3," in versions[0]
    assert Store.open(site).files().select("rows", "accepted").unique().rows() == [(90, 90)]


def test_matching_in_parts_is_matching(site, folder, monkeypatch):
    late = PAID.replace("CLP*A0000000", "CLP*Z0000000")
    paths = [folder("in", {"a.837": SENT, "b.835": PAID.replace("AMT*B6*", "AMT*B6*1"), "c.835": late})]
    whole = _by_name(ingest(paths, site))
    monkeypatch.setattr(matched, "PART", 20)
    parts = _by_name(ingest(paths, site))
    for told in (whole, parts):
        assert [(told[n].matched, told[n].unmatched) for n in ("b.835", "c.835")] == [(90, 0), (60, 30)]


def test_a_bomb_among_files_is_told_and_the_others_land(folder, tmp_path):
    site = Settings(home=tmp_path / "home", ingest={"max_unpacked_bytes": 2 << 20})
    path = folder("in", {"a.835": PAID})
    (path / "bomb.gz").write_bytes(gzip.compress(b"ISA" + b"0" * (3 << 20)))
    report = _by_name(ingest([path], site))
    assert report["bomb.gz"].kind is None and "unpacks to more" in next(iter(report["bomb.gz"].reasons))
    assert report["a.835"].new == 90


def test_a_store_of_before_gets_the_tables_it_lacks(site):
    store = Store.open(site)
    for table in ("rejections", "provider_adjustments", "quality"):
        for path in sorted(Path(store.folder / table).rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        (store.folder / table).rmdir()
    store = Store.open(site)
    for table, schema in TABLES.items():
        schema.validate(getattr(store, table)())


def test_nothing_is_told_of_a_claim(site, folder):
    told = str(ingest([folder("in", {"a.837": SENT.replace("*64483", "*BAD CODE!"), "b.835": PAID})], site).as_json())
    assert not [word for word in ("A000", "DOE", "M0000", "1950", "BAD CODE", "ICN", "1234567893") if word in told]


def test_a_claim_number_that_the_payer_cut_is_found(site, folder):
    sent = re.sub(r"CLM\*(A\d+)\*", r"CLM*PRACTICE\1-2026*", SENT)
    path = folder("in", {"a.837": sent, "b.835": PAID.replace("CLP*A", "CLP*PRACTICEA")})
    assert [file.matched for file in ingest([path], site).files] == [0, 90]
