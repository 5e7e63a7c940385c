"""Files that are read as they come, and files that are refused with what was expected."""

import io
from datetime import timedelta

import polars as pl
import pytest

from claims.errors import UnreadableFileError
from claims.read import read_file, read_frame
from claims.settings import Settings

HEADER = "claim_id,claim_line_number,claim_line_start_date,payer_id,hcpcs_code,charge_amount"
ROW = 'A1,1,2024-01-05,60054,64483,"1,450.00"'
GOOD = f"{HEADER}\n{ROW}\n"


@pytest.fixture
def read(tmp_path):
    def read(content, name="claims.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_file(path, Settings(home=tmp_path))

    return read


def _parquet(frame):
    content = io.BytesIO()
    frame.write_parquet(content)
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("1,450.00", "1 450.00").replace(",", ";").replace("1 450", "1,450"),
        GOOD.replace('"1,450.00"', "1450").replace(",", "\t"),
        GOOD.replace('"1,450.00"', "1450").replace(",", "|"),
        GOOD.encode("utf-16"),
        "  \n" + GOOD.replace("claim_id", " Claim_ID ").replace("\n", "\n \n\n"),
        f"{HEADER}\n{ROW},,\n",
    ],
    ids=[
        "plain",
        "BOM",
        "CRLF",
        "semicolon",
        "tab",
        "bar",
        "UTF-16",
        "header case and blank lines",
        "empty cells beyond",
    ],
)
def test_the_same_line_however_it_is_written(read, content):
    row = read(content).lines.row(0, named=True)
    assert (row["claim_id"], row["claim_line_number"], str(row["charge_amount"])) == ("A1", 1, "1450.00")


def test_latin_1_where_it_is_not_utf_8(read):
    content = GOOD.replace("charge_amount", "payer_name").replace('"1,450.00"', "Médica").encode("latin-1")
    assert read(content).lines["payer_name"].item() == "Médica"


def test_a_quoted_cell_may_hold_the_delimiter_and_a_line_break(read):
    content = GOOD.replace("charge_amount", "line_note").replace('"1,450.00"', '"see\nnote, ""7"""')
    assert read(content).lines["line_note"].item() == 'see note, "7"'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty"),
        ("  \n \n", "is empty"),
        ("\x0b\n\x0c", "is empty"),
        ("\ufeff", "is empty"),
        (HEADER + "\n", "no rows of data"),
        (GOOD + "A1,2,2024-01-05\n", "row 2 has 3 cells where the header has 6"),
        (GOOD + ROW + ",x\n", "row 2 has 7 cells where the header has 6"),
        (GOOD + 'A1,2,2024-01-01,p,64483,"9\n' + ROW.replace('"', "") + "\n", "quote may be left open"),
        (b"\x00\x01\x02\xff" * 50, "is not text"),
        (b"PK\x03\x04rest", "Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"\x1f\x8b\x08", "damaged or cut short"),
        ("ISA*00*", "X12"),
        ("<html>", "XML or HTML"),
        (b"PAR1 and no more", "damaged"),
        ('{"claims": ', "not valid JSON"),
        ('{"claims": []}', "no score request"),
        ('{"claims": {}}', "no score request"),
        ("[" * 100_000, "not valid JSON"),
        ('[{"claim_id": ' + "9" * 5000 + "}]", "not valid JSON"),
        (GOOD.replace("payer_id", "claim_id"), "'claim_id' twice"),
        ("name,age\nx,1\n", "none of the known columns"),
        (GOOD.replace("claim_line_number", "claim_line_no"), r"claim_line_number \(near: claim_line_no\)"),
        (GOOD.replace("hcpcs_code", "cpt"), "lacks the column hcpcs_code;"),
        ("claim_id,denied\nA,1\n", "known_date or paid_date"),
        ("claim_id,known_date\nA,2024-01-01\n", "denied, adjustments or paid_amount"),
    ],
)
def test_what_is_refused_says_why(read, content, told):
    with pytest.raises(UnreadableFileError, match=told):
        read(content)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UnreadableFileError, match="cannot be opened"):
        read_file(tmp_path / "no.csv", Settings(home=tmp_path))


def test_a_parquet_file_without_rows(read):
    frame = pl.read_csv(io.StringIO(GOOD)).clear()
    with pytest.raises(UnreadableFileError, match="no rows of data"):
        read(_parquet(frame))


def test_a_column_of_lists_is_refused_by_name(read):
    frame = pl.read_csv(io.StringIO(GOOD)).with_columns(payer_name=pl.Series([["a"]]))
    with pytest.raises(UnreadableFileError, match="payer_name holds List"):
        read(_parquet(frame))


def test_a_nul_byte_rejects_its_row_only(read):
    batch = read(GOOD + ROW.replace("A1", "A\0") + "\n")
    assert batch.lines["claim_id"].to_list() == ["A1"]
    assert batch.rejects["reason"].to_list() == ["claim_id contains control characters"]


def test_the_kind_is_told_by_the_columns(read):
    outcome = "claim_id,claim_line_number,claim_line_start_date,payer_id,hcpcs_code,known_date,adjustments\n"
    outcome += "A,1,2024-01-01,p,99214,2024-02-01,CO-45\n"
    assert read(GOOD, "outcomes.csv").file["kind"].item() == "lines"
    assert read(outcome).file["kind"].item() == "outcomes"
    assert (
        read(outcome.replace("payer_id", "payer_id,submitted_date").replace(",p,", ",p,2024-01-02,"))
        .file["kind"]
        .item()
        == "lines+outcomes"
    )
    grant = "prior_authorization_number,status,valid_from\nAU1,Approved,2024-01-01\n"
    assert read(grant).file["kind"].item() == "authorizations"
    assert read(grant).authorizations["status"].item() == "approved"


def test_the_same_bytes_under_another_name_are_the_same_file(read):
    assert read(GOOD, "a.csv").file["file_id"].item() == read(GOOD, "b.txt").file["file_id"].item()
    assert read(GOOD + ROW.replace("A1", "A2"), "a.csv").file["file_id"].item() != read(GOOD).file["file_id"].item()


@pytest.mark.parametrize("header", ["a" * 200_000, HEADER + "," + "a" * 200_000, '"' + "a\n" * 100_000])
def test_a_header_too_long_to_be_one_is_refused(read, header):
    with pytest.raises(UnreadableFileError, match="cannot be read from line"):
        read(f"{header}\n{ROW}\n")


def test_a_header_of_quotes_alone_is_none(read):
    with pytest.raises(UnreadableFileError, match="is empty"):
        read('""\n')


def test_parquet_so_damaged_that_it_upsets_polars_is_refused(read):
    content = bytearray(_parquet(pl.read_csv(io.StringIO(GOOD))))
    refused = 0
    for place in range(4, 400, 2):
        damaged = bytes(content[:place]) + b"\xff" + bytes(content[place + 1 :])
        try:
            read(damaged)
        except UnreadableFileError:
            refused += 1
    assert refused


@pytest.mark.parametrize("name", ["payer_name", "x_wait"])
@pytest.mark.parametrize("dtype", [pl.Duration, pl.Object, pl.Binary, pl.List(pl.Int64)], ids=str)
def test_a_column_without_single_values_is_refused_where_it_is_used_and_only_there(tmp_path, name, dtype):
    cell = {pl.Duration: timedelta(1), pl.Object: object(), pl.Binary: b"a"}.get(dtype, [1])
    frame, site = pl.read_csv(io.StringIO(GOOD)), Settings(home=tmp_path)
    with pytest.raises(UnreadableFileError, match=f"the column {name} holds"):
        read_frame(frame.with_columns(pl.Series(name, [cell], dtype)), site)
    batch = read_frame(frame.with_columns(pl.Series("other", [cell], dtype)), site)
    assert (len(batch.lines), batch.unknown_columns) == (1, ("other",))
