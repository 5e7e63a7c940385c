"""Numbers and names as the manager reads them."""

from datetime import date

import polars as pl
import pytest

from dashboard import tables, words
from features.catalog import BY_NAME, CATALOG


@pytest.mark.parametrize(
    ("cents", "shown"),
    [
        (0, "$0"),
        (49, "$0"),
        (50, "$1"),
        (123456789, "$1,234,568"),
        (-12300, "-$123"),
        (-20, "$0"),
        (None, words.MISSING),
    ],
)
def test_dollars_have_no_cents(cents: int | None, shown: str) -> None:
    assert words.dollars(cents) == shown


def test_shares_and_days() -> None:
    assert words.percent(0.12345) == "12.3%"
    assert words.between(0.1, 0.2) == f"10.0{words.DASH}20.0%"
    assert words.percent(None) == words.between(None, None) == words.day(None) == words.MISSING
    assert (words.day(date(2026, 10, 3)), words.month(date(2026, 10, 3))) == ("3 Oct 2026", "Oct 2026")


def test_a_change_has_an_arrow_only_where_it_is_clear() -> None:
    assert words.points(0.031, False) == "+3.1"
    assert words.points(0.031, True).endswith(" +3.1")
    assert words.points(None, False) == words.MISSING


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("denied_rate__payer_id_hcpcs_code__180d", "Denial rate of the same payer and code, in the last 180 days"),
        ("denied_rate__all__30d", "Denial rate of the practice, in the last 30 days"),
        ("visit_without_25", "A visit on the day of a procedure, sent without modifier 25"),
        ("days_to_submit", "Days to submit"),
        ("hcpcs_code", "Code"),
    ],
)
def test_features_have_plain_names(name: str, shown: str) -> None:
    assert words.feature_words(BY_NAME[name]) == shown


def test_every_feature_has_a_name_of_its_own_without_marks() -> None:
    shown = [words.feature_words(feature) for feature in CATALOG]
    assert len(set(shown)) == len(shown)
    assert not [name for name in shown if "_" in name or "{value}" in name]


def test_a_diagnosis_has_its_dot_and_an_unlisted_code_its_category() -> None:
    assert [words.diagnosis(code) for code in ("M47816", "M25", "", None)] == ["M47.816", "M25", "none", "none"]
    frame = pl.DataFrame({"category": ["other", "other"], "carc": [None, "15"], "meaning": [None, None]}).with_columns(
        denied=1, share=1.0, rate=0.5, low=0.1, high=0.9, denied_cents=100
    )
    assert [row[0].text for row in tables.carcs(frame).rows] == ["other", "CARC 15 (other)"]
