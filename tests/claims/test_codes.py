"""Cells to values: what is understood, what is refused, and that a refusal never repeats the cell."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims import codes, quantities
from claims.cells import CellError, Memo, attempt, text

UNDERSTOOD = [
    (text, "  a \t b ", "a b"),
    (text, 87726, "87726"),
    (text, 87726.0, "87726"),
    (text, Decimal("12.50"), "12.50"),
    (codes.code, " 64483 ", "64483"),
    (codes.code, "j1030", "J1030"),
    (codes.procedure, 99214, "99214"),
    (codes.procedure, 100, "00100"),
    (codes.procedure, " j1030 ", "J1030"),
    (codes.place, 5, "05"),
    (codes.place, "11", "11"),
    (codes.diagnosis, "m54.16 ", "M5416"),
    (codes.sex, "female", "F"),
    (codes.sex, "x", "X"),
    (codes.tight_code, "r t", "RT"),
    (codes.listed, "n115, M76|ma01", "N115;M76;MA01"),
    (codes.procedures, "64483 64484,100", "64483;64484;00100"),
    (codes.adjustments, "co-45:1200; PR-2:12.5", "CO-45:1200.00;PR-2:12.50"),
    (codes.adjustments, "CO-197", "CO-197"),
    (codes.adjustments, "CO-45:-3|OA-B7 , PI-P12:(2)", "CO-45:-3.00;OA-B7;PI-P12:-2.00"),
    (codes.adjustments, "CO50", "CO-50"),
    (codes.adjustments, "co 50", "CO-50"),
    (codes.adjustments, "CO-50: 100.00", "CO-50:100.00"),
    (codes.adjustments, "CO-50:$100", "CO-50:100.00"),
    (
        codes.adjustments,
        "CO - 50 : $ 1200,PR2=3 OA B7:1- PIP12|CO-45 PR-1",
        "CO-50:1200.00;PR-2:3.00;OA-B7:-1.00;PI-P12;CO-45;PR-1",
    ),
    (codes.adjustments, "", ""),
    (codes.frequency, "01", "1"),
    (codes.frequency, "07", "7"),
    (codes.frequency, 8.0, "8"),
    (codes.frequency, "", ""),
    (codes.frequency, "10", "10"),
    (codes.pointers, [1, 2], "1,2"),
    (codes.pointers, "1:2", "1,2"),
    (codes.pointers, "AC", "1,3"),
    (codes.pointers, 12, "12"),
    (codes.pointers, "", ""),
    (quantities.day, "2024-02-29", date(2024, 2, 29)),
    (quantities.day, "20240229", date(2024, 2, 29)),
    (quantities.day, "2/29/2024", date(2024, 2, 29)),
    (quantities.day, "2024-02-29T00:00:00Z", date(2024, 2, 29)),
    (quantities.day, "2/29/2024 12:00:00 AM", date(2024, 2, 29)),
    (quantities.day, 20240229, date(2024, 2, 29)),
    (quantities.day, datetime(2024, 2, 29), date(2024, 2, 29)),
    (quantities.day, "", None),
    (quantities.day, "1990-01-01", date(1990, 1, 1)),
    (quantities.day, "2100-12-31", date(2100, 12, 31)),
    (quantities.birth_day, "1931-05-06", date(1931, 5, 6)),
    (quantities.money, "1,450.00", Decimal("1450.00")),
    (quantities.money, "$1450", Decimal("1450.00")),
    (quantities.money, "(12.00)", Decimal("-12.00")),
    (quantities.money, "-$12", Decimal("-12.00")),
    (quantities.money, 1450.1, Decimal("1450.10")),
    (quantities.money, 3, Decimal("3.00")),
    (quantities.money, "0.005", Decimal("0.01")),
    (quantities.money, "-0.004", Decimal("0.00")),
    (quantities.money, "9,999,999,999.99", Decimal("9999999999.99")),
    (quantities.money, " ", None),
    (quantities.money, "+5", Decimal("5.00")),
    (quantities.money, "$+5", Decimal("5.00")),
    (quantities.money, "5-", Decimal("-5.00")),
    (quantities.money, "$1,200.50 -", Decimal("-1200.50")),
    (quantities.money, "$-12", Decimal("-12.00")),
    (quantities.number, "1,000.5", 1000.5),
    (quantities.number, "-2", -2.0),
    (quantities.number, "1e3", 1000.0),
    (quantities.count, "1.0", 1),
    (quantities.count, 7.0, 7),
    (quantities.age, "67.9", 67),
    (quantities.age, 95, 90),
    (quantities.flag, "Y", True),
    (quantities.flag, "f", False),
    (quantities.flag, 1, True),
    (quantities.flag, "No", False),
    (quantities.flag, "", None),
    (quantities.flag, True, True),
]
REFUSED = [
    (text, "a\0b"),
    (text, ["a"]),
    (text, {"a": 1}),
    (text, True),
    (text, float("nan")),
    (text, 10**40),
    (text, "x" * 2001),
    (quantities.day, "13/45/2024"),
    (quantities.day, "2/3/24"),
    (quantities.day, "2024-02-30"),
    (quantities.day, "1989-12-31"),
    (quantities.day, "2101-01-01"),
    (quantities.day, "2024-02-29 13:00"),
    (quantities.day, datetime(2024, 1, 1, 12)),
    (quantities.day, "2024-W01-1"),
    (quantities.day, "2024123"),
    (quantities.money, "12 USD"),
    (quantities.money, "1.2.3"),
    (quantities.money, "1,45"),
    (quantities.money, "NaN"),
    (quantities.money, float("inf")),
    (quantities.money, "9999999999.995"),
    (quantities.money, 10**400),
    (quantities.money, "."),
    (quantities.money, Decimal("NaN")),
    (quantities.money, "()"),
    (quantities.money, "-5-"),
    (quantities.money, "+-5"),
    (quantities.money, "-$-5"),
    (quantities.money, "-"),
    (quantities.money, "5-3"),
    (quantities.charge, "-1"),
    (quantities.number, "inf"),
    (quantities.number, "nan"),
    (quantities.number, "1_000"),
    (quantities.number, True),
    (quantities.number, "1e999"),
    (quantities.number, "\u0661"),
    (quantities.count, "1.5"),
    (quantities.count, "-1"),
    (quantities.count, 2**31),
    (quantities.age, "131"),
    (quantities.age, "-1"),
    (quantities.flag, "maybe"),
    (quantities.flag, 2),
    (codes.adjustments, "CO45 100"),
    (codes.adjustments, "ICO45"),
    (codes.adjustments, "CO-45: PR-2:3"),
    (codes.adjustments, "CO"),
    (codes.adjustments, "XX-45"),
    (codes.adjustments, "CO-45:x"),
    (codes.adjustments, "CO-45:1,200.00"),
    (codes.adjustments, "CO-12345"),
    (codes.pointers, "13"),
    (codes.pointers, "M"),
    (codes.pointers, [[1]]),
]


@pytest.mark.parametrize(("parse", "raw", "value"), UNDERSTOOD)
def test_what_is_understood(parse, raw, value):
    parsed = parse(raw)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(("parse", "raw"), REFUSED)
def test_what_is_refused_is_not_repeated(parse, raw):
    refusal = attempt(parse, raw)
    assert isinstance(refusal, CellError)
    assert len(str(raw)) < 3 or str(raw) not in str(refusal)


def test_not_known_stays_not_known():
    assert attempt(quantities.money, None) is None


def test_a_column_parses_each_cell_once_and_takes_null_for_empty():
    seen = []
    memo = Memo(lambda raw: seen.append(raw) or quantities.money(raw))
    assert [memo[cell] for cell in ["1", "1", None, ""]] == [Decimal("1.00"), Decimal("1.00"), None, None]
    assert seen == ["1", "", ""]
    assert not memo.faulty
    assert isinstance(memo["x"], CellError)
    assert memo.faulty


PARSERS = [
    text,
    codes.procedure,
    codes.adjustments,
    codes.pointers,
    quantities.day,
    quantities.money,
    quantities.number,
    quantities.count,
    quantities.flag,
    quantities.age,
]
CELLS = st.one_of(
    st.text(max_size=12),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.lists(st.integers(), max_size=2),
    st.binary(max_size=3),
)


@pytest.mark.parametrize("parse", PARSERS)
@given(raw=CELLS)
def test_any_cell_gives_a_value_or_a_refusal_and_values_are_stable(parse, raw):
    value = attempt(parse, raw)
    if not isinstance(value, CellError) and value is not None:
        again = attempt(parse, str(value) if not isinstance(value, bool) else value)
        assert again == value


@given(st.decimals(min_value=-9999999999, max_value=9999999999, places=2))
def test_money_survives_writing_with_commas_and_brackets(amount):
    written = f"({-amount:,})" if amount < 0 else f"${amount:,}"
    assert quantities.money(written) == amount
