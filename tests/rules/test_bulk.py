"""Bulk tables: packaged ones, quarter boundaries, a site's tables over them, damage, and pairs against brute force."""

import hashlib
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from claims.errors import RuleBookError
from claims.texts import Texts
from rules.bulk import NONE, NOT_LISTED, NOT_LOADED, BulkTables
from rules.manifest import Entry, read_manifest, write_manifest


def day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def days(*texts: str) -> np.ndarray:
    return np.array([day(text) for text in texts], np.int64)


def pair(tables: BulkTables, column2: str, column1: str, when: str) -> tuple[int, int]:
    found = tables.pairs(Texts.of([column2]), Texts.of([column1]), days(when))
    return int(found.indicator[0]), int(found.lapsed[0])


def put(folder: Path, table: str, release: str, header: str, rows: Iterable[str], **more: str) -> None:
    """A table of a site with its manifest row; more: cells of that row."""
    folder.mkdir(parents=True, exist_ok=True)
    file = f"{table}-{release}{more.get('part', '')}.csv"
    (folder / file).write_text("\n".join([header, *rows]) + "\n")
    cells = {
        "table": table, "release": release, "file": file, "effective_from": "2025-01-01", "effective_to": "2025-03-31",
        "scope": "complete", "standing": "stated", "source": "made up", "checked_on": "2026-11-23",
        "sha256": hashlib.sha256((folder / file).read_bytes()).hexdigest(),
    }  # fmt: skip
    write_manifest(folder, [*read_manifest(folder), Entry.model_validate(cells | more)])


PAIRS = "column_1,column_2,indicator,effective_from,effective_to"


def test_packaged_tables_are_whole_and_say_what_the_fact_base_says() -> None:
    tables = BulkTables.load()
    tables.verify()
    summer = "2024-08-15"
    assert pair(tables, "64483", "20552", summer)[0] == 1  # the transforaminal is the one that is denied
    assert pair(tables, "62323", "64625", summer)[0] == 0
    for never in (("64493", "64483"), ("62323", "64493"), ("63685", "63650"), ("77002", "20552"), ("G0480", "80307")):
        assert pair(tables, *never, summer)[0] == NONE
    assert pair(tables, "J0585", "64483", summer)[0] == NOT_LISTED
    limits = tables.units("ncci_mue", Texts.of(["64483", "64484", "20610", "99999"]), days(*[summer] * 4))
    assert limits.limit.tolist() == [1, 4, 2, NOT_LISTED]
    assert limits.adjudication.tolist() == [2, 3, 3, NOT_LISTED]
    medicaid = tables.units("medicaid_mue", Texts.of(["J3300", "J3300"]), days("2026-03-31", "2026-04-01"))
    assert medicaid.limit.tolist() == [80, NOT_LOADED] and medicaid.lapsed_limit.tolist() == [80, 80]
    assert medicaid.adjudication[0] == 0  # the copy that was read does not tell it


def test_a_quarter_speaks_from_its_first_day_to_its_last_and_what_it_said_stands_beside() -> None:
    tables = BulkTables.load()
    for when in ("2024-07-01", "2024-09-30"):
        assert pair(tables, "77003", "62323", when) == (1, 1)
    for when in ("2024-06-30", "2024-10-01", "2026-11-23"):
        assert pair(tables, "77003", "62323", when) == (NOT_LOADED, 1)
        assert pair(tables, "64493", "64483", when) == (NOT_LOADED, NONE)
    assert tables.citation("ncci_ptp", day("2024-08-01")) == "NCCI practitioner pairs 2024Q3"


def test_the_fee_schedule_speaks_for_its_year_and_says_where_that_is_our_reading() -> None:
    tables = BulkTables.load()
    code, when = Texts.of(["64483", "64483", "64483", "64483", "L8680"]), days(
        "2024-12-31", "2025-01-01", "2025-12-31", "2026-07-01", "2025-11-01"
    )  # fmt: skip
    assert list(tables.indicator("bilateral", code, when)) == [None, "1", "1", "1", ""]
    assert list(tables.indicator("global_days", Texts.of(["64635", "63655"]), days("2025-05-05", "2026-05-05"))) == [
        "010",
        "090",
    ]
    assert tables.assumed("mpfs", code, when).tolist() == [False, True, False, True, False]
    new = Texts.of(["62330", "62330", "62330"])
    assert tables.assumed("mpfs", new, days("2026-06-30", "2026-07-01", "2026-10-01")).tolist() == [True, False, True]
    assert list(tables.indicator("bilateral", new, days("2025-10-01", "2026-07-01", "2027-01-01"))) == ["", "2", None]


def test_add_ons_know_their_primaries() -> None:
    tables = BulkTables.load()
    when = days("2025-05-05", "2025-05-05", "2025-05-05", "2023-12-31", "2025-12-31", "2026-01-01")
    add_on = Texts.of(["64484", "77003", "64483", "64484", "62331", "62331"])
    other = Texts.of(["64483", "62323", "64484", "64483", "62330", "62330"])
    assert tables.parents(add_on, other, when).indicator.tolist() == [1, NONE, NOT_LISTED, NOT_LOADED, NONE, 1]
    assert tables.parents(add_on, other, when).lapsed[3] == 1
    assert tables.add_ons(add_on, when).indicator.tolist() == [1, 1, NOT_LISTED, NOT_LOADED, NONE, 1]
    assert tables.assumed("add_on", add_on, when).tolist() == [False, False, False, False, False, True]
    assert tables.primaries("64495", day("2025-01-01")) == ("64493", "64494")
    assert tables.primaries("62331", day("2025-12-31")) == ()


def test_quarters_stand_beside_each_other_and_each_judges_its_own_days(tmp_path: Path) -> None:
    put(tmp_path, "ncci_ptp", "2025Q1", PAIRS, ["62323,77003,0,2019-01-01,"])
    put(
        tmp_path,
        "ncci_ptp",
        "2025Q2",
        PAIRS,
        ["62323,77003,9,2019-01-01,"],
        effective_from="2025-04-01",
        effective_to="2025-06-30",
    )
    tables = BulkTables.load(tmp_path)
    found = tables.pairs(
        Texts.of(["77003"] * 4), Texts.of(["62323"] * 4), days("2024-08-01", "2025-03-31", "2025-04-01", "2025-07-01")
    )
    assert found.indicator.tolist() == [1, 0, 9, NOT_LOADED]
    assert found.lapsed.tolist() == [1, 0, 9, 9]
    assert pair(tables, "00000", "62323", "2025-02-01")[0] == NONE  # a whole table knows all codes
    assert pair(tables, "6232", "62323", "2025-02-01")[0] == NOT_LISTED  # but not what is no code


def test_an_edit_applies_from_its_effective_date_to_the_day_before_its_deletion(tmp_path: Path) -> None:
    rows = ["62323,77003,0,2025-01-10,2025-02-14", "62323,77003,1,2025-03-01,", "62323,64483,1,2025-02-02,2025-02-01"]
    put(tmp_path, "ncci_ptp", "2025Q1", PAIRS, rows)
    tables = BulkTables.load(tmp_path)
    said = {
        when: pair(tables, "77003", "62323", when)[0]
        for when in ("2025-01-09", "2025-01-10", "2025-02-14", "2025-02-15", "2025-03-01")
    }
    assert said == {"2025-01-09": NONE, "2025-01-10": 0, "2025-02-14": 0, "2025-02-15": NONE, "2025-03-01": 1}
    assert pair(tables, "64483", "62323", "2025-02-02")[0] == NONE  # deleted before it began


def test_a_sites_release_replaces_the_packaged_one_of_the_same_name(tmp_path: Path) -> None:
    put(
        tmp_path,
        "ncci_ptp",
        "2024Q3",
        PAIRS,
        ["62323,77003,9,,"],
        effective_from="2024-07-01",
        effective_to="2024-09-30",
    )
    tables = BulkTables.load(tmp_path)
    assert pair(tables, "77003", "62323", "2024-08-01")[0] == 9
    assert pair(tables, "64483", "20552", "2024-08-01")[0] == NONE
    assert tables.units("ncci_mue", Texts.of(["64483"]), days("2024-08-01")).limit.tolist() == [1]  # packaged as before
    assert BulkTables.load().digest != tables.digest
    assert BulkTables.load(tmp_path / "absent").digest == BulkTables.load().digest


def test_a_later_schedule_speaks_from_its_quarter_on(tmp_path: Path) -> None:
    header, row = "code,modifier,status,bilateral,global_days,multiple_procedure", "64483,{},A,{},000,2"
    put(
        tmp_path,
        "mpfs",
        "RVU25B",
        header,
        [row.format("", "3"), row.format("26", "0")],
        effective_from="2025-04-01",
        effective_to="2025-06-30",
    )
    files = read_manifest(tmp_path)[0].model_dump() | {
        "effective_from": "2025-07-01",
        "effective_to": "2025-12-31",
        "standing": "assumed",
    }
    write_manifest(tmp_path, [*read_manifest(tmp_path), Entry.model_validate(files)])
    tables = BulkTables.load(tmp_path)
    code, when = Texts.of(["64483"] * 4), days("2025-03-31", "2025-04-01", "2025-09-30", "2025-10-01")
    assert list(tables.indicator("bilateral", code, when)) == ["1", "3", "3", "1"]
    assert tables.assumed("mpfs", code, when).tolist() == [True, False, True, False]


def test_of_a_split_release_only_what_its_parts_cover_is_known(tmp_path: Path) -> None:
    put(tmp_path, "ncci_ptp", "2025Q1", PAIRS, ["20552,64483,1,,", "29999,64483,1,,"], part="1", scope="20552-29999")
    put(tmp_path, "ncci_ptp", "2025Q1", PAIRS, ["62323,64483,1,,"], part="3", scope="62323-62323")
    tables = BulkTables.load(tmp_path)
    said = [pair(tables, "64483", code, "2025-02-01")[0] for code in ("10000", "20553", "31000", "62323", "62324")]
    assert said == [NONE, NONE, NOT_LISTED, 1, NOT_LISTED]
    put(tmp_path, "ncci_ptp", "2025Q1", PAIRS, ["40000,64483,1,,"], part="2", scope="40000-45000")
    tables = BulkTables.load(tmp_path)
    said = [pair(tables, "64483", code, "2025-02-01")[0] for code in ("31000", "40000", "50000", "62324")]
    assert said == [NONE, 1, NONE, NOT_LISTED]


def test_contractor_defined_primaries_are_not_known(tmp_path: Path) -> None:
    rows = ["64484,64483,1,2013-01-01,", "99292,99291,3,2013-01-01,", "69990,CCCCC,2,2013-01-01,"]
    put(tmp_path, "add_on", "2025Q1", "add_on,primary,type,effective_from,effective_to", rows, effective_to="")
    tables = BulkTables.load(tmp_path)
    add_on, other = (
        Texts.of(["64484", "99292", "99292", "69990", "62323"]),
        Texts.of(["62323", "99291", "62323", "62323", "62321"]),
    )
    assert tables.parents(add_on, other, days(*["2025-05-05"] * 5)).indicator.tolist() == [
        NONE,
        1,
        NOT_LISTED,
        NOT_LISTED,
        NONE,
    ]
    assert tables.add_ons(add_on, days(*["2025-05-05"] * 5)).indicator.tolist() == [1, 2, 2, 2, NONE]


def test_a_changed_or_missing_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    put(tmp_path, "ncci_ptp", "2025Q1", PAIRS, ["62323,77003,0,,"])
    file = tmp_path / "ncci_ptp-2025Q1.csv"
    file.write_text(file.read_text().replace(",0,", ",1,"))
    with pytest.raises(RuleBookError, match=r"ncci_ptp-2025Q1.csv is not the file.*denials rules refresh") as fault:
        BulkTables.load(tmp_path).verify()
    assert fault.value.exit_code == 12
    file.unlink()
    with pytest.raises(RuleBookError, match=r"ncci_ptp-2025Q1.csv is named by the manifest and is not there"):
        BulkTables.load(tmp_path).pairs(Texts.of(["77003"]), Texts.of(["62323"]), days("2025-02-01"))


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ({"effective_from": "2025-13-01"}, r"manifest.csv, line 2: effective_from"),
        ({"table": "ptp"}, "line 2: table"),
        ({"scope": "some"}, "line 2: scope"),
        ({"sha256": "0"}, "line 2: sha256"),
    ],
)
def test_a_faulty_manifest_names_its_line(tmp_path: Path, cells: dict[str, str], fault: str) -> None:
    put(tmp_path, "ncci_ptp", "2025Q1", PAIRS, ["62323,77003,0,,"])
    (good,) = read_manifest(tmp_path)
    written = (good.cells() | cells).values()
    (tmp_path / "manifest.csv").write_text(",".join(Entry.model_fields) + "\n" + ",".join(written) + "\n")
    with pytest.raises(RuleBookError, match=fault):
        BulkTables.load(tmp_path)


def test_a_table_of_another_layout_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "ncci_mue", "2025Q1", "code,units", ["64483,1"])
    with pytest.raises(RuleBookError, match="is no table ncci_mue: without adjudication, limit"):
        BulkTables.load(tmp_path).units("ncci_mue", Texts.of(["64483"]), days("2025-02-01"))


@pytest.mark.parametrize("levels", [4, 40])  # pairs of levels fewer than rows, and more
def test_pairs_agree_with_brute_force(tmp_path: Path, levels: int) -> None:
    random = np.random.default_rng(levels)
    codes = [f"{number:05}" for number in random.choice(99_999, levels, replace=False)]
    rows, start = set(), day("2025-01-01")
    for _ in range(levels * levels // 2):
        one, two = random.choice(codes, 2)
        first, length, kind = (
            int(random.integers(start - 40, start + 90)),
            int(random.integers(0, 60)),
            random.choice([0, 1, 9]),
        )
        rows.add((str(one), str(two), int(kind), first, first + length if random.random() < 0.7 else None))
    text = [
        f"{one},{two},{kind},{np.datetime64(first, 'D')},{np.datetime64(last, 'D') if last else ''}"
        for one, two, kind, first, last in rows
    ]
    put(tmp_path, "ncci_ptp", "2025Q1", PAIRS, text)
    count = 600
    column2, column1 = (Texts.of([str(code) for code in random.choice([*codes, "", "ABC"], count)]) for _ in range(2))
    when = random.integers(start, start + 90, count)

    def said(two: str | None, one: str | None, on: int) -> set[int]:
        held = [row for row in rows if row[:2] == (one, two) and row[3] <= on and (row[4] is None or on <= row[4])]
        if "" in (one, two) or "ABC" in (one, two):
            return {NOT_LISTED}
        newest = max((row[3] for row in held), default=0)
        return {row[2] for row in held if row[3] == newest} or {NONE}

    found = BulkTables.load(tmp_path).pairs(column2, column1, when).indicator.tolist()
    expected = [said(*row) for row in zip(column2, column1, when.tolist(), strict=True)]
    assert len(set(found)) >= 4
    assert all(answer in allowed for answer, allowed in zip(found, expected, strict=True))
    alone = [
        pair(BulkTables.load(tmp_path), str(two), str(one), str(np.datetime64(int(on), "D")))[0]
        for two, one, on in list(zip(column2, column1, when, strict=True))[:50]
    ]
    assert alone == found[:50]
