"""Foreign exports in our terms: renaming, translating, deriving; what a mapping may not say."""

from datetime import date, timedelta

import polars as pl
import pytest

from claims.errors import UnreadableFileError, UsageError
from claims.mapping import load_mapping, mapping_of
from claims.read import read_file, read_frame
from claims.settings import Settings

FOREIGN = """
[columns]
claim_id = "ACCT"
claim_line_number = "LN"
claim_line_start_date = "DOS"
hcpcs_code = "CPT"
denied = "IND"
[constants]
payer_id = "mcr"
diagnosis_code_type = "icd-9-cm"
[values.denied]
A = false
"*" = true
[days_after.submitted_date]
from = "claim_line_start_date"
days = 1
[days_after.known_date]
from = "claim_line_start_date"
days = 15
"""
ROWS = """ACCT,LN,DOS,CPT,IND,TIN
c1,1,1/31/2024,99214,A,9
c1,2,1/31/2024,64483,O,9
c2,1,soon,64483,A,9
c3,1,2024-02-01,64483,,9
"""


@pytest.fixture
def site(tmp_path):
    return Settings(home=tmp_path)


def _mapping(tmp_path, text=FOREIGN):
    path = tmp_path / "theirs.toml"
    path.write_text(text)
    return load_mapping(path)


def test_one_foreign_file_gives_lines_and_their_results(tmp_path, site):
    path = tmp_path / "export.csv"
    path.write_text(ROWS)
    batch = read_file(path, site, _mapping(tmp_path))
    assert batch.file.row(0, named=True) | {"loaded_at": 0, "file_id": 0, "columns": 0} == {
        "file_id": 0,
        "name": "export.csv",
        "kind": "lines+outcomes",
        "columns": 0,
        "rows": 8,
        "accepted": 6,
        "rejected": 2,
        "loaded_at": 0,
    }
    assert batch.outcomes["denied"].to_list() == [False, True, None]  # an empty cell is not "anything else"
    assert batch.outcomes["known_date"].to_list()[0] == date(2024, 2, 15)
    assert batch.lines["submitted_date"].to_list()[0] == date(2024, 2, 1)
    assert set(batch.lines["payer_id"]) == {"MCR"}
    assert batch.unknown_columns == ("TIN",)
    assert batch.rejects["row"].to_list() == [3, 3]
    assert all("claim_line_start_date is not a date" in reason for reason in batch.rejects["reason"])


def test_a_column_that_the_file_lacks_is_named_with_near_misses(tmp_path, site):
    frame = pl.DataFrame({"ACCOUNT": ["c"], "LN": ["1"], "DOS": ["2024-01-01"], "CPT": ["99214"], "IND": ["A"]})
    with pytest.raises(UnreadableFileError, match=r"theirs.toml maps: ACCT"):
        read_frame(frame, site, _mapping(tmp_path))
    with pytest.raises(UnreadableFileError, match=r"ACCTS \(near: ACCT\)"):
        read_frame(frame.rename({"ACCOUNT": "ACCT"}), site, _mapping(tmp_path, FOREIGN.replace('"ACCT"', '"ACCTS"')))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[columns]\nclaim_idd = "A"', r"claim_idd is not one of our columns \(near: claim_id"),
        ('[columns]\nclaim_id = "A"\n[constants]\nclaim_id = "B"', "twice"),
        ("[values.denied]\nA = true", "does not say which column"),
        ('[days_after.known_date]\nfrom = "paid_date"\ndays = 1', "does not say which column"),
        ('[columns]\npaid_date = "P"\n[days_after.known_date]\nfrom = "paid_date"\ndays = "x"', "days_after"),
        ('[column]\nclaim_id = "A"', "column"),
        ("claim_id = ", "cannot be read as a mapping"),
    ],
)
def test_what_a_mapping_may_not_say(tmp_path, text, told):
    with pytest.raises(UsageError, match=told):
        _mapping(tmp_path, text)


def test_a_mapping_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        load_mapping(tmp_path / "no.toml")


def test_the_sites_own_mapping_applies_only_where_its_columns_are(tmp_path):
    written = {"columns": {"claim_id": "ACCT"}, "values": {"claim_id": {"*": "mapped"}}}
    site = Settings(home=tmp_path, map=written)
    ours = pl.DataFrame(
        {
            "claim_id": ["a"],
            "claim_line_number": [1],
            "claim_line_start_date": ["2024-01-01"],
            "payer_id": ["p"],
            "hcpcs_code": ["99214"],
        }
    )
    assert read_frame(ours, site).lines["claim_id"].to_list() == ["a"]
    assert read_frame(ours.rename({"claim_id": "ACCT"}), site).lines["claim_id"].to_list() == ["mapped"]


def test_a_mapped_column_hides_one_that_had_its_name_and_says_so(tmp_path, site):
    mapping = mapping_of({"columns": {"claim_id": "ACCT"}}, "m")
    frame = pl.DataFrame(
        {
            "ACCT": ["a"],
            "claim_id": ["b"],
            "claim_line_number": ["1"],
            "hcpcs_code": ["99214"],
            "claim_line_start_date": ["2024-01-01"],
            "payer_id": ["p"],
        }
    )
    batch = read_frame(frame, site, mapping)
    assert batch.lines["claim_id"].to_list() == ["a"]
    assert batch.unknown_columns == ("claim_id",)


def test_the_same_bytes_under_another_mapping_are_another_reading(tmp_path, site):
    path = tmp_path / "export.csv"
    path.write_text(ROWS)
    other = FOREIGN.replace("days = 15", "days = 20")
    first, again, changed = (read_file(path, site, _mapping(tmp_path, text)) for text in (FOREIGN, FOREIGN, other))
    assert first.file["file_id"].item() == again.file["file_id"].item() != changed.file["file_id"].item()


THEIRS = {"claim_id": ["a", "b"], "claim_line_number": [1, 2], "hcpcs_code": ["99214"] * 2, "payer_id": ["p"] * 2}
THEIRS |= {"claim_line_start_date": ["2024-01-01"] * 2}
STAR = {"columns": {"payer_name": "WHO"}, "values": {"payer_name": {"*": "someone", "true": "yes"}}}
ODD = {"list": [["a"]] * 2, "bytes": [b"a"] * 2, "span": [timedelta(1)] * 2, "struct": [{"a": 1}] * 2}


@pytest.mark.parametrize("cell", ["a\x01", "a" * 3000])
def test_a_cell_that_cannot_be_translated_rejects_its_row_only(site, cell):
    batch = read_frame(pl.DataFrame(THEIRS | {"WHO": [cell, "b"]}), site, mapping_of(STAR, "m"))
    assert batch.lines["payer_name"].to_list() == ["someone"]
    assert batch.rejects.select("row", "field").rows() == [(1, "payer_name")]


def test_yes_and_no_are_translated_by_their_words_and_nan_is_an_empty_cell(site):
    for cells, told in (([True, False], ["yes", "someone"]), ([float("nan"), 1.0], ["", "someone"])):
        batch = read_frame(pl.DataFrame(THEIRS | {"WHO": cells}), site, mapping_of(STAR, "m"))
        assert batch.lines["payer_name"].to_list() == told


@pytest.mark.parametrize("kind", ODD)
def test_a_column_without_single_values_is_refused_by_its_name_whatever_the_mapping_does(site, kind):
    frame = pl.DataFrame(THEIRS | {"WHO": ODD[kind]})
    with pytest.raises(UnreadableFileError, match="the column payer_name holds"):
        read_frame(frame, site, mapping_of(STAR, "m"))
    later = {"columns": {"claim_line_end_date": "WHO"}}
    later |= {"days_after": {"submitted_date": {"from": "claim_line_end_date", "days": 3}}}
    with pytest.raises(UnreadableFileError, match="the column claim_line_end_date holds"):
        read_frame(frame, site, mapping_of(later, "m"))


def test_a_column_of_theirs_may_be_named_like_one_of_ours_in_other_letters(site, tmp_path):
    written = {"columns": {"payer_name": "Status", "plan_id": "Plan_ID"}}
    frame = pl.DataFrame(THEIRS | {"Status": ["x", "y"], "Plan_ID": ["1", "2"]})
    of_site = Settings(home=tmp_path, map=written)
    for batch in (read_frame(frame, site, mapping_of(written, "m")), read_frame(frame, of_site)):
        assert batch.lines.select("payer_name", "plan_id").rows() == [("x", "1"), ("y", "2")]
        assert batch.unknown_columns == ()
