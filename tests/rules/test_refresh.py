"""CMS's quarterly files, made up in its layouts: recognised, read, dated, refused whole, and idempotent."""

import gzip
import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from claims.errors import RuleBookError, UsageError
from claims.settings import IngestSettings
from claims.texts import Texts
from rules.bulk import NONE, NOT_LISTED, NOT_LOADED, BulkTables
from rules.manifest import read_manifest
from rules.refresh import Loaded, refresh

PTP_HEADER = (
    "CPT only copyright.  All rights reserved.\n"
    "Column1/Column2 Edits\n"
    "Column 1\tColumn 2\t* = in existence\tEffective\tDeletion\tModifier\tPTP Edit Rationale\n"
    "\t\tprior to 1996\tDate\tDate\t0=not allowed\t\n"
    "\t\t\t\t*=no data\t1=allowed\t\n"
    "\t\t\t\t\t9=not applicable\t\n"
)
PTP = PTP_HEADER + (
    "20552\t64483\t\t20190101\t*\t1\tMisuse\n"
    "62323\t77003\t*\t19960101\t20261001\t0\tStandards\n"
    "62323\t64483\t\t20260401\t*\t1\tMutually exclusive\n"
)
MUE = (
    '"CPT codes only\nare copyright.",,,\n"HCPCS/\nCPT Code","{service} Services MUE Values",'
    '"MUE Adjudication Indicator","MUE Rationale"\n64483,1,"2 Date of Service Edit: Policy","x"\n'
    'j3301,16,"3 Date of Service Edit: Clinical","x"\n'
)
AOC = (
    "Add-on Code Edits\n"
    "AOC_Edit_Type\tAdd-On_Code\tAOC_DelDT\tPrimary_Code\tPrimary_Code_DelDT\tAOC_Edit_EffDT\tAOC_Edit_DelDT\tSpecial_Instruction_Notes\n"
    "1\t64484\t\t64483\t\t2013001\t\t\n1\t64484\t\t64479\t2026091\t2013001\t2026182\t\n2\t69990\t\tCCCCC\t\t2013001\t\tContractor\n"
)
RVU_HEADERS = {
    2025: (
        "STATUS,MEDICARE ,WORK,NON-FAC,NA,FACILITY,NA,MP,NON-FACILITY,FACILITY,PCTC,GLOB,PRE,INTRA,POST,MULT,BILAT,ASST,CO-,TEAM,ENDO,CONV",
        "CODE,PAYMENT,RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,IND,DAYS,OP,OP,OP,PROC,SURG,SURG,SURG,SURG,BASE,FACTOR",
    ),
    2026: (
        "STATUS,MEDICARE,WORK,NON-FAC,NA,FACILITY,NA,MP,NON-FACILITY,FACILITY,PCTC,GLOB,PRE,INTRA,POST,MULT,BILAT,ASST,CO-,TEAM,PRIC,ENDO,CONV",
        "CODE,PAYMENT,RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,IND,DAYS,OP,OP,OP,PROC,SURG,SURG,SURG,SURG,IND,BASE,FACTOR",
    ),
}
RVU_ROW = "{code},{modifier},OUR WORDS,A,,1.00,1.00,,1.00,,0.10,2.00,2.00,0,{days},0.10,0.80,0.10,2,{bilateral},0,0,0,,32.3465"


def rvu(year: int, *rows: str) -> str:
    above, own = RVU_HEADERS[year]
    return f",,{year} Relative Value File,,\n,,,{above}\nHCPCS,MOD,DESCRIPTION,{own}\n" + "\n".join(rows) + "\n"


def load(folder: Path, name: str, content: str, release: str | None = None) -> Loaded:
    (folder / "in").mkdir(exist_ok=True)
    file = folder / "in" / name
    file.write_text(content, encoding="cp1252")
    (loaded,) = refresh([file], folder / "tables", IngestSettings(), release)
    return loaded


def ask(folder: Path, column2: str, column1: str, when: str) -> int:
    tables, day = BulkTables.load(folder / "tables"), np.array([np.datetime64(when, "D").astype(np.int64)])
    return int(tables.pairs(Texts.of([column2]), Texts.of([column1]), day).indicator[0])


def state(folder: Path) -> dict[str, bytes]:
    """Every file of the site's folder."""
    return {file.name: file.read_bytes() for file in sorted((folder / "tables").rglob("*")) if file.is_file()}


def test_pairs_are_read_with_their_dates_and_their_quarter(tmp_path: Path) -> None:
    loaded = load(tmp_path, "ccipra-v321r0-f2.txt", PTP)
    assert (loaded.table, loaded.release, loaded.part, loaded.what) == ("ncci_ptp", "2026Q2", "2", "new")
    assert (loaded.accepted, loaded.rejected, loaded.rows) == (3, {}, 3)
    (entry,) = read_manifest(tmp_path / "tables")
    assert (entry.effective_from, entry.effective_to) == (date(2026, 4, 1), date(2026, 6, 30))
    assert (entry.scope, entry.standing) == ("20552-62323", "stated")
    assert entry.source.endswith("file ccipra-v321r0-f2.txt of CMS")
    assert ask(tmp_path, "77003", "62323", "2026-06-30") == 0
    assert ask(tmp_path, "77003", "62323", "2026-07-01") == NOT_LOADED
    assert ask(tmp_path, "99999", "62323", "2026-05-01") == NONE
    assert ask(tmp_path, "77003", "62324", "2026-05-01") == NOT_LISTED  # of a part that is not loaded
    assert "Misuse" not in (tmp_path / "tables" / entry.file).read_text()


def test_an_edit_ends_on_the_day_before_its_deletion_date(tmp_path: Path) -> None:
    rows = PTP.replace("19960101\t20261001", "19960101\t20260515")
    load(tmp_path, "ccipra-v321r0-f1.txt", rows)
    assert [ask(tmp_path, "77003", "62323", when) for when in ("2026-05-14", "2026-05-15")] == [0, NONE]


def test_the_same_file_twice_changes_nothing_and_a_corrected_one_replaces_it(tmp_path: Path) -> None:
    load(tmp_path, "ccipra-v321r0-f1.txt", PTP)
    before = state(tmp_path)
    assert load(tmp_path, "ccipra-v321r0-f1.txt", PTP).what == "unchanged"
    assert state(tmp_path) == before
    assert load(tmp_path, "ccipra-v321r1-f1.txt", PTP.replace("*\t1\tMisuse", "*\t0\tMisuse")).what == "replaced"
    assert ask(tmp_path, "64483", "20552", "2026-05-01") == 0
    assert len(state(tmp_path)) == 2  # the manifest and one table: what was replaced is gone


def test_quarters_and_parts_stand_beside_each_other(tmp_path: Path) -> None:
    load(tmp_path, "ccipra-v321r0-f1.txt", PTP)
    load(tmp_path, "ccipra-v321r0-f2.txt", PTP_HEADER + "64483\t77003\t\t20260401\t*\t9\tx\n")
    older = PTP_HEADER + "62323\t77003\t\t20260101\t*\t1\tx\n"
    load(tmp_path, "medicare-ncci-2026-q1-practitioner-ptp.txt", older)
    assert ask(tmp_path, "77003", "62323", "2026-02-01") == 1
    assert ask(tmp_path, "77003", "62323", "2026-05-01") == 0
    assert ask(tmp_path, "77003", "64483", "2026-05-01") == 9
    assert ask(tmp_path, "77003", "63650", "2026-05-01") == NONE  # between the first part and the second
    assert ask(tmp_path, "77003", "62323", "2024-08-01") == 1  # packaged, as before


def test_limits_are_read_from_the_practitioners_table_alone(tmp_path: Path) -> None:
    loaded = load(tmp_path, "MCR_MUE_PractitionerServices_Eff_10-01-2026.csv", MUE.format(service="Practitioner"))
    assert (loaded.table, loaded.release, loaded.accepted) == ("ncci_mue", "2026Q4", 2)
    found = BulkTables.load(tmp_path / "tables").units(
        "ncci_mue", Texts.of(["64483", "J3301", "62323"]), np.full(3, 20_750)
    )
    assert (found.limit.tolist(), found.adjudication.tolist()) == ([1, 16, NONE], [2, 3, NONE])
    before = state(tmp_path)
    for service in ("Outpatient Hospital", "DME Supplier"):
        with pytest.raises(RuleBookError, match="is for hospitals or suppliers"):
            load(tmp_path, "practitioner_Eff_10-01-2026.csv", MUE.format(service=service))
    assert state(tmp_path) == before
    medicaid = load(tmp_path, "MCD_MUE_PractitionerServices_Eff_07-01-2026.csv", MUE.format(service="Practitioner"))
    assert (medicaid.table, medicaid.release) == ("medicaid_mue", "2026Q3")


@pytest.mark.parametrize("year", [2025, 2026])
def test_the_fee_schedule_is_read_by_its_stacked_header_and_never_its_descriptions(tmp_path: Path, year: int) -> None:
    rows = [
        RVU_ROW.format(code="64483", modifier="", days="000", bilateral="1"),
        RVU_ROW.format(code="77003", modifier="26", days="ZZZ", bilateral="0"),
    ]
    loaded = load(tmp_path, f"PPRRVU{year}_Apr_nonQPP.csv", rvu(year, *rows))
    assert (loaded.table, loaded.release, loaded.accepted) == ("mpfs", f"RVU{year % 100}B", 2)
    periods = [
        (str(entry.effective_from), str(entry.effective_to), entry.standing)
        for entry in read_manifest(tmp_path / "tables")
    ]
    assert periods == [(f"{year}-04-01", f"{year}-06-30", "stated"), (f"{year}-07-01", f"{year}-12-31", "assumed")]
    tables, day = BulkTables.load(tmp_path / "tables"), np.full(2, np.datetime64(f"{year}-05-01", "D").astype(np.int64))
    code = Texts.of(["64483", "77003"])
    assert list(tables.indicator("bilateral", code, day)) == ["1", ""]  # a row of 26 is not the code's own
    assert list(tables.indicator("multiple_procedure", code, day)) == ["2", ""]
    assert all(b"OUR WORDS" not in content for content in state(tmp_path).values())


def test_add_ons_end_with_the_first_of_their_deletion_dates(tmp_path: Path) -> None:
    loaded = load(tmp_path, "AOC_V2026Q1-MCR.txt", AOC)
    assert (loaded.table, loaded.release, loaded.accepted) == ("add_on", "2026Q1", 3)
    tables = BulkTables.load(tmp_path / "tables")
    day = {when: int(np.datetime64(when, "D").astype(np.int64)) for when in ("2026-03-31", "2026-04-01", "2031-01-01")}
    assert [tables.primaries("64484", one) for one in day.values()] == [("64479", "64483"), ("64483",), ("64483",)]
    assert tables.add_ons(Texts.of(["64484", "69990"]), np.full(2, 20_600)).indicator.tolist() == [1, 2]


def test_rows_that_cannot_be_read_are_counted_with_reasons(tmp_path: Path) -> None:
    bad = [
        "6232\u00e9\t77003\t\t20260401\t*\t1",
        "62323\t77003\t\t20261340\t*\t1",
        "62323\t77003\t\t*\t*\t1",
        "62323\t77003\t\t20260401\t*\t7",
        "6.2323\t j3301\t\t20260401\t*\t1\tread",
        "",
        "1992\t62280\t\t20260401\t*\t1",
    ]
    good = "".join(f"{code}\t99213\t\t20190101\t*\t1\tx\n" for code in range(10_000, 15_000))
    loaded = load(tmp_path, "ccipra-v321r0-f1.txt", PTP + good + "\n".join(bad) + "\n")
    assert loaded.accepted == 5_005 and loaded.rows == 5_009
    assert sorted(loaded.rejected) == [
        "has a date that is not understood", "has an indicator that is none of 0, 1, 9",
        "has no code of five letters or digits", "has no effective date",
    ]  # fmt: skip
    assert read_manifest(tmp_path / "tables")[0].unread == "62323 77003"
    for unread in (("J3301", "62323"), ("64483", "62323"), ("77003", "10000")):  # an edit of theirs may be missing
        assert ask(tmp_path, *unread, "2026-05-01") == NOT_LISTED
    assert ask(tmp_path, "99213", "10000", "2026-05-01") == 1
    assert ask(tmp_path, "99214", "10000", "2026-05-01") == NONE
    assert ask(tmp_path, "62280", "01992", "2026-05-01") == 1  # a spreadsheet had taken its zero


def test_a_file_of_mostly_unreadable_rows_changes_nothing(tmp_path: Path) -> None:
    load(tmp_path, "ccipra-v321r0-f1.txt", PTP)
    before = state(tmp_path)
    with pytest.raises(RuleBookError, match=r"2 rows cannot be read \(2 has a date that is not understood\)"):
        load(tmp_path, "ccipra-v321r0-f2.txt", PTP_HEADER + "1\t2\t\tx\t*\t1\n3\t4\t\ty\t*\t1\n")
    assert state(tmp_path) == before


def test_a_file_with_more_than_a_row_in_a_thousand_unread_is_refused(tmp_path: Path) -> None:
    bad = "64484,x,y,z\n"
    table = MUE.format(service="Practitioner")
    name = "MCR_MUE_PractitionerServices_Eff_10-01-2026.csv"
    with pytest.raises(RuleBookError, match="1 rows cannot be read"):
        load(tmp_path, name, table + bad)
    assert state(tmp_path) == {}
    many = "".join(f"{code},1,2 Date of Service Edit: Policy,x\n" for code in range(10_000, 12_000))
    for broken, of_it, of_another in ((bad, NOT_LISTED, NONE), ("6?484,1,2,x\n", NOT_LISTED, NOT_LISTED)):
        load(tmp_path, name, table + many + broken)
        units = BulkTables.load(tmp_path / "tables").units
        limits = units("ncci_mue", Texts.of(["64483", "64484", "62323"]), np.full(3, 20_750)).limit
        assert limits.tolist() == [1, of_it, of_another]  # without its code, all that are not there may be it


def test_an_unknown_layout_says_what_was_found_and_expected(tmp_path: Path) -> None:
    with pytest.raises(
        RuleBookError, match=r"Found: Code A, Code B, Start.*Expected.*column 1, column 2.*Nothing was changed"
    ) as fault:
        load(tmp_path, "ptp-2026q4.csv", "Title\nCode A,Code B,Start\n62323,77003,20260101\n")
    assert "77003" not in str(fault.value)
    assert state(tmp_path) == {}
    with pytest.raises(RuleBookError, match="no row of header cells"):
        load(tmp_path, "lines.csv", "20260101,62323,120.00\n20260102,62323,120.00\n")


def test_one_bad_file_of_several_leaves_all_as_it_was(tmp_path: Path) -> None:
    good, bad = tmp_path / "ccipra-v321r0-f1.txt", tmp_path / "other-2026q2.txt"
    good.write_text(PTP)
    bad.write_text("nothing of CMS")
    with pytest.raises(RuleBookError, match=r"other-2026q2.txt has no layout"):
        refresh([good, bad], tmp_path / "tables", IngestSettings())
    assert state(tmp_path) == {}


def test_zips_are_read_and_what_lies_beside_is_passed_over(tmp_path: Path) -> None:
    archive = tmp_path / "medicare-ncci-2026q2-practitioner-ptp-edits-ccipra-v321r0-f1.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("ccipra-v321r0-f1.txt", PTP)
        packed.writestr("ccipra-v321r0-f1.xlsx", b"PK\x03\x04 a workbook")
        packed.writestr("readme.txt", "how to read")
    told = [(one.source.split("/")[-1], one.what) for one in refresh([archive], tmp_path / "tables", IngestSettings())]
    assert told == [
        ("ccipra-v321r0-f1.txt", "new"),
        ("ccipra-v321r0-f1.xlsx", "passed over"),
        ("readme.txt", "passed over"),
    ]
    packed_alone = tmp_path / "ccipra-v322r0-f1.txt.gz"
    packed_alone.write_bytes(gzip.compress(PTP.replace("20260401", "20260701").encode()))
    (loaded,) = refresh([packed_alone], tmp_path / "tables", IngestSettings())
    assert (loaded.release, loaded.what) == ("2026Q3", "new")


def test_a_workbook_is_refused_with_the_remedy(tmp_path: Path) -> None:
    file = tmp_path / "ccipra-v321r0-f1.xlsx"
    with zipfile.ZipFile(file, "w") as workbook:
        workbook.writestr("[Content_Types].xml", "")
    with pytest.raises(RuleBookError, match="is a workbook; save its sheet as CSV"):
        refresh([file], tmp_path / "tables", IngestSettings())


def test_an_export_of_the_workbook_reads_like_the_text(tmp_path: Path) -> None:
    as_csv = PTP.replace("\t", ",").replace("20260401", "4/1/2026").replace("20190101", "2019-01-01")
    assert load(tmp_path, "ccipra-v321r0-f1.csv", as_csv).accepted == 3
    first = state(tmp_path)
    assert load(tmp_path, "ccipra-v321r0-f1.txt", PTP).what == "unchanged"
    assert state(tmp_path) == first


@pytest.mark.parametrize(
    ("name", "content", "release", "fault"),
    [
        ("practitioner.txt", PTP, None, r"does not tell its release; .*--release 2026Q4"),
        (
            "PPRRVU.csv",
            rvu(2025, RVU_ROW.format(code="64483", modifier="", days="000", bilateral="1")),
            None,
            "--release RVU26D",
        ),
        ("practitioner-2026q2.txt", PTP, "2026Q3", "which release, of 2026Q2, 2026Q3"),
        (
            "ccipra-v323r0-f1.txt",
            PTP,
            None,
            "seems to be of 2026Q4 by its version, but its newest edits are of 2026-04-01",
        ),
        ("ccipra-v324r0-f1.txt", PTP, None, "does not tell its release"),
        ("practitioner-2026q1.txt", PTP, None, "holds edits from 2026-04-01, after 2026Q1"),
        ("ccioph-v321r0-f1.txt", PTP, None, "is for hospitals or suppliers"),
        ("pairs-2026q2.txt", PTP, None, "does not say whether it is the practitioners'"),
        ("medicaid-ncci-2026-q2-practitioner.txt", PTP, None, "is of Medicaid"),
    ],
)
def test_a_file_that_cannot_be_placed_is_refused(
    tmp_path: Path, name: str, content: str, release: str | None, fault: str
) -> None:
    with pytest.raises(RuleBookError, match=fault):
        load(tmp_path, name, content, release)
    assert state(tmp_path) == {}


def test_a_release_can_be_said_where_the_file_does_not(tmp_path: Path) -> None:
    assert load(tmp_path, "practitioner.txt", PTP, "2026Q3").release == "2026Q3"
    with pytest.raises(UsageError, match="'autumn' names no release"):
        load(tmp_path, "practitioner.txt", PTP, "autumn")


def test_two_files_for_one_place_are_refused_where_they_differ(tmp_path: Path) -> None:
    (tmp_path / "practitioner-2026q2.txt").write_text(PTP)
    (tmp_path / "practitioner-2026q2.csv").write_text(PTP.replace("\t", ","))
    paths = sorted(tmp_path.glob("practitioner*"))
    assert [one.what for one in refresh(paths, tmp_path / "tables", IngestSettings())] == ["new", "unchanged"]
    (tmp_path / "practitioner-2026q2.csv").write_text(PTP.replace("\t", ",").replace(",1,", ",9,"))
    with pytest.raises(RuleBookError, match="are both ncci_ptp 2026Q2 and differ"):
        refresh(paths, tmp_path / "tables", IngestSettings())


def test_progress_is_heard_on_long_files(tmp_path: Path) -> None:
    heard: list[float] = []
    file = tmp_path / "ccipra-v321r0-f1.txt"
    file.write_text(PTP + "20552\t64483\t\t20190101\t*\t1\tx\n" * 100_000)
    (loaded,) = refresh([file], tmp_path / "tables", IngestSettings(), progress=lambda name, share: heard.append(share))
    assert loaded.accepted == 100_003
    assert len(heard) == 2 and heard == sorted(heard) and heard[-1] > 0.5


def test_a_year_of_schedules_is_judged_quarter_by_quarter(tmp_path: Path) -> None:
    for month, bilateral in (("Jan", "1"), ("Apr", "3"), ("Oct", "0")):
        row = RVU_ROW.format(code="64483", modifier="", days="0", bilateral=bilateral)
        assert load(tmp_path, f"PPRRVU27_{month}.csv", rvu(2025, row)).what == "new"
    tables, code = BulkTables.load(tmp_path / "tables"), Texts.of(["64483"] * 5)
    when = [f"2027-{month}-15" for month in ("01", "04", "08", "10", "12")]
    day = np.array([np.datetime64(one, "D").astype(np.int64) for one in when])
    assert list(tables.indicator("bilateral", code, day)) == ["1", "3", "3", "0", "0"]
    assert tables.assumed("mpfs", code, day).tolist() == [False, False, True, False, False]
    assert list(tables.indicator("global_days", code, day)) == ["000"] * 5  # a spreadsheet had made 0 of it


def test_a_mark_of_byte_order_does_not_hide_the_header(tmp_path: Path) -> None:
    file = tmp_path / "practitioner-2026q2.csv"
    file.write_text(PTP.replace("\t", ",").split("Edits\n")[1], encoding="utf-8-sig")
    (loaded,) = refresh([file], tmp_path / "tables", IngestSettings())
    assert loaded.accepted == 3
