"""The manager's tables against tables small enough to count by hand."""

from datetime import date, timedelta

import polars as pl
import pytest
from drawn_facts import facts

from dashboard import views

MIXED = """
submission | submitted_date | payer_id | state      | young | y | category      | carc | denied_cents
-----------+----------------+----------+------------+-------+---+---------------+------+-------------
1          | 2026-01-05     | P1       | mature     | no    | 1 | authorization | 197  | 20000
1          | 2026-01-05     | P1       | mature     | no    | 0 |               |      | 0
2          | 2026-02-05     | P2       | mature     | no    | 0 |               |      | 0
3          | 2026-02-06     | P2       | mature     | no    | 1 | information   | 16   |
4          | 2026-06-20     | P2       | immature   | yes   | 1 | information   | 16   | 5000
5          | 2026-06-21     | P2       | pending    | yes   |   |               |      |
6          | 2025-11-01     | P2       | no_response| no    |   |               |      |
7          | 2026-01-07     | P1       | no_response| no    |   |               |      |
8          | 2026-01-08     | P1       | resubmission | no  | 1 | coding        | 4    | 70000
"""


def test_overview_counts_mature_lines_and_what_is_open_since_their_first_day() -> None:
    seen = views.overview(facts(MIXED))
    assert (seen.first, seen.last) == (date(2026, 1, 5), date(2026, 2, 6))
    assert (seen.lines, seen.denied, seen.rate) == (4, 2, 0.5)
    assert (seen.claims, seen.denied_claims) == (3, 2)
    assert (seen.denied_cents, seen.unpriced) == (20000, 1)
    assert (seen.sent, seen.pending, seen.no_response) == (7, 1, 1)  # the line of 2025 is before the period


def test_wilson_interval_as_worked_out_by_hand() -> None:
    # 2 of 10: centre (0.2 + 0.19207) / 1.38415, half width 1.959964 * sqrt(0.016 + 0.0096036) / 1.38415
    row = views.by_payer(facts("n | y | denied_cents\n2 | 1 | 100\n8 | 0 | 0")).row(0, named=True)
    assert row["low"] == pytest.approx(0.05668, abs=1e-4)
    assert row["high"] == pytest.approx(0.50984, abs=1e-4)
    assert row["few"]


def test_wilson_interval_of_none_and_all_stays_between_zero_and_one() -> None:
    table = views.by_payer(facts("n | payer_id | y\n50 | P1 | 0\n50 | P2 | 1"))
    rows = {row["payer_id"]: row for row in table.iter_rows(named=True)}
    assert rows["P1"]["low"] == 0 and rows["P1"]["high"] == pytest.approx(0.07135, abs=1e-4)
    assert rows["P2"]["high"] == pytest.approx(1) and not rows["P2"]["few"]


def test_months_are_settled_by_the_age_of_their_lines_and_show_what_waits() -> None:
    table = views.by_month(facts(MIXED))
    rows = {row["month"]: row for row in table.iter_rows(named=True)}
    assert list(rows) == [date(2025, 11, 1), date(2026, 1, 1), date(2026, 2, 1), date(2026, 6, 1)]
    january, june = rows[date(2026, 1, 1)], rows[date(2026, 6, 1)]
    assert january["settled"] and (january["sent"], january["lines"], january["denied"]) == (3, 2, 1)
    assert january["waiting_share"] == pytest.approx(1 / 3)
    assert not june["settled"] and (june["sent"], june["waiting_share"], june["rate"]) == (2, 0.5, 1.0)
    assert rows[date(2025, 11, 1)]["rate"] is None


def test_payers_are_sorted_by_dollars_and_leave_out_lines_that_do_not_count() -> None:
    table = views.by_payer(facts(MIXED))
    assert table["payer_id"].to_list() == ["P1", "P2"]
    assert table["denied_cents"].to_list() == [20000, 0]
    assert table["lines"].to_list() == [2, 2]


def test_families_and_codes() -> None:
    found = facts(
        "n | code | family | y | denied_cents\n3 | 64483 | esi | 1 | 100\n1 | 62323 | esi | 0 | 0\n1 | 99213 | em | 1 | 900"
    )
    assert views.by_family(found).select("family", "lines", "denied", "denied_cents").rows() == [
        ("em", 1, 1, 900),
        ("esi", 4, 3, 300),
    ]
    assert views.by_code(found)["code"].to_list() == ["99213", "64483", "62323"]


def test_reasons_stand_above_their_codes_and_add_up() -> None:
    table = views.by_category(
        facts(
            """
            n | y | category      | carc | denied_cents
            1 | 1 | authorization | 197  | 500
            2 | 1 | authorization | 198  | 400
            1 | 1 | information   | 16   | 100
            1 | 1 |               |      |
            5 | 0 |               |      | 0
            """
        )
    )
    shown = table.select("category", "carc", "denied", "denied_cents").rows()
    assert shown == [
        ("authorization", None, 3, 1300), ("authorization", "198", 2, 800), ("authorization", "197", 1, 500),
        ("information", None, 1, 100), ("information", "16", 1, 100),
        ("not stated", None, 1, 0), ("not stated", "not stated", 1, 0),
    ]  # fmt: skip
    totals = table.filter(pl.col("carc").is_null())
    assert totals["share"].sum() == pytest.approx(1)
    assert totals["rate"].to_list() == pytest.approx([0.3, 0.1, 0.1])
    assert "uthorization" in table.filter(pl.col("carc") == "197")["meaning"][0]


def test_hot_combinations_need_support_and_lean_on_the_payers_rate_for_the_code() -> None:
    found = facts(
        """
        n   | payer_id | code  | diagnosis | y | denied_cents
        30  | P1       | 64483 | M5416     | 1 | 1000
        10  | P1       | 64483 | M5416     | 0 | 0
        29  | P1       | 64483 | M4806     | 1 | 9000
        331 | P2       | 99213 | M545      | 0 | 0
        """
    )
    table = views.hot_combinations(found)
    assert table.select("payer_id", "code", "diagnosis", "lines", "denied_cents").rows() == [
        ("P1", "64483", "M5416", 40, 30000)
    ]
    # overall 59/400; payer (59 + 20 x overall) / (69 + 20); cell (59 + 20 x payer) / 89; leaned (30 + 20 x cell) / 60
    payer = (59 + 20 * 59 / 400) / 89
    assert table["leaned"].item() == pytest.approx((30 + 20 * (59 + 20 * payer) / 89) / 60)
    assert table["sure"].item()


def test_change_is_stated_only_with_enough_lines_and_clear_only_beyond_chance() -> None:
    drawn = "n | payer_id | submitted_date | y\n" + "\n".join(
        f"{n} | {payer} | {day} | {y}"
        for payer, day, y, n in [
            ("UP", "2026-01-01", 0, 90), ("UP", "2026-01-01", 1, 10), ("UP", "2026-05-30", 0, 50), ("UP", "2026-05-30", 1, 50),
            ("SAME", "2026-01-01", 1, 20), ("SAME", "2026-01-01", 0, 80), ("SAME", "2026-05-30", 1, 22), ("SAME", "2026-05-30", 0, 78),
            ("THIN", "2026-01-01", 1, 100), ("THIN", "2026-05-30", 0, 29),
        ]
    )  # fmt: skip
    rows = {row["payer_id"]: row for row in views.by_payer(facts(drawn)).iter_rows(named=True)}
    assert rows["UP"]["change"] == pytest.approx(0.4) and rows["UP"]["clear"]
    assert rows["SAME"]["change"] == pytest.approx(0.02) and not rows["SAME"]["clear"]
    assert rows["THIN"]["change"] is None and rows["THIN"]["clear"] is False


def test_the_period_is_the_last_year_of_mature_lines() -> None:
    last = date(2026, 5, 30)
    days = [
        last,
        last - timedelta(days=364),
        last - timedelta(days=365),
        last - timedelta(days=89),
        last - timedelta(days=90),
    ]
    found = facts("submitted_date | y\n" + "\n".join(f"{day} | 0" for day in days)).mature
    assert set(found["submitted_date"]) == set(days) - {last - timedelta(days=365)}
    assert set(found.filter("recent")["submitted_date"]) == {last, last - timedelta(days=89)}


def test_coverage_counts_every_line_once_with_the_outcomes_out_of_the_target() -> None:
    drawn = (
        MIXED + "9 | 2026-01-09 | P1 | out_of_target | no | | | |\n10 | 2026-01-09 | P1 | out_of_target | no | | | |\n"
    )
    found = facts(drawn)
    table = views.coverage(found)
    assert table["lines"].sum() == len(found.lines)
    assert table.filter(pl.col("outcome") == "capitated")["lines"].item() == 2


def test_no_lines_at_all() -> None:
    found = facts("y")
    seen = views.overview(found)
    assert (seen.first, seen.lines, seen.rate, seen.denied_cents, seen.sent) == (None, 0, None, 0, 0)
    for view in (
        views.by_month,
        views.by_payer,
        views.by_family,
        views.by_code,
        views.by_category,
        views.hot_combinations,
    ):
        assert view(found).is_empty(), view.__name__
