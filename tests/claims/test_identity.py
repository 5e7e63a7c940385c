"""The secret key and the ids made with it."""

import hashlib
import stat
import threading
from datetime import date

import polars as pl
import pytest

from claims.cells import CellError
from claims.errors import UsageError
from claims.identity import Keys, age_on, digest, names_member, row_digests, secret_key, submission_id
from claims.read import read_frame
from claims.settings import Settings


def test_the_key_is_made_once_and_for_the_owner_alone(tmp_path):
    key = secret_key(tmp_path)
    assert len(key) == 32
    assert secret_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_many_at_once_get_one_key(tmp_path):
    keys = []
    threads = [threading.Thread(target=lambda: keys.append(secret_key(tmp_path))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 16
    assert len(set(keys)) == 1


@pytest.mark.parametrize("content", ["", "short", "Z" * 64, "é" * 64])
def test_a_damaged_key_is_refused_not_replaced(tmp_path, content):
    (tmp_path / "secret.key").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=r"secret\.key"):
        secret_key(tmp_path)


def test_a_key_that_was_exchanged_is_read_anew(tmp_path):
    first = Keys(tmp_path).member("M1")
    (tmp_path / "secret.key").write_text("ab" * 32)
    assert Keys(tmp_path).member("M1") != first


def test_members_and_patients(tmp_path):
    keys = Keys(tmp_path)
    member, patient = keys.member("M1"), keys.patient("M1", date(1960, 1, 1))
    assert (
        len({member, patient, keys.patient("M1", None), keys.patient("M1", date(1960, 1, 2)), keys.member("M2")}) == 5
    )
    assert all(len(key) == 32 and set(key) <= set("0123456789abcdef") for key in (member, patient))
    assert keys.member("M-1") == member
    assert keys.member("") is keys.member(None) is keys.patient("", date(1960, 1, 1)) is None


def test_no_key_is_made_where_no_member_is_given(tmp_path):
    frame = pl.DataFrame(
        {
            "claim_id": ["a"],
            "claim_line_number": ["1"],
            "claim_line_start_date": ["2024-01-01"],
            "payer_id": ["p"],
            "hcpcs_code": ["99214"],
        }
    )
    read_frame(frame, Settings(home=tmp_path))
    assert not (tmp_path / "secret.key").exists()


@pytest.mark.parametrize(
    ("birth", "service", "years"),
    [
        (date(2000, 2, 29), date(2024, 2, 28), 23),
        (date(2000, 2, 29), date(2024, 2, 29), 24),
        (date(2000, 2, 29), date(2023, 3, 1), 23),
        (date(1900, 1, 1), date(2024, 1, 1), 90),
        (date(1934, 1, 2), date(2024, 1, 1), 89),
        (date(2024, 1, 1), date(2024, 1, 1), 0),
    ],
)
def test_age(birth, service, years):
    assert age_on(birth, service) == years


def test_nobody_is_treated_before_birth():
    with pytest.raises(CellError):
        age_on(date(2024, 1, 2), date(2024, 1, 1))


def test_row_ids_tell_null_from_empty_and_columns_from_each_other():
    rows = [("a", ""), ("a", None), ("", "a"), (None, "a"), ("a", "a")]
    ids = row_digests([[row[0] for row in rows], [row[1] for row in rows]], len(rows), "line")
    assert len(set(ids)) == len(rows)
    assert row_digests([["a"], None], 1, "line") == [ids[1]]
    assert row_digests([["a"], [None]], 1, "outcome") != [ids[1]]


def test_an_id_does_not_change_with_the_version_of_the_program():
    written = "\x1f".join(("submission", "s", "p", "", "c", "2024-01-02", "1", "P"))
    expected = hashlib.blake2b(written.encode(), digest_size=16).hexdigest()
    assert (
        submission_id("s", "p", None, "c", date(2024, 1, 2), None, None)
        == expected
        == "bccf10f93608442d76ba851b20dd6678"
    )
    assert digest(("submission", "a", "b")) == "812630bac6120674e9cd98badf76313b"


@pytest.mark.parametrize(("text", "names"), [
    ("MEMB-A1", True), ("memba1", True), ("MEMBA1-01", True), ("PLAN1", False), ("", False), (None, False),
])  # fmt: skip
def test_a_member_id_however_it_is_written(text: str | None, names: bool) -> None:
    assert names_member(text, "MEMBA1") is names
