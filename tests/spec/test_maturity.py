"""When a line may be learned from: when older than its payer's remittance lag (Kaplan-Meier). Worked out by hand."""

from datetime import date

import polars as pl
import pytest
from ascii_table import authorizations, lines, outcomes, rows
from polars.testing import assert_frame_equal

from claims.errors import UsageError
from claims.settings import MaturitySettings
from claims.snapshot import snapshot_of
from training.cohort import PRIOR_LINES, Cohort, cohort_of, kaplan_meier, remittance_lags, require

TODAY = date(2026, 7, 1)
MATURITY = MaturitySettings()


def cohort(line_table: str, outcome_table: str, today: date = TODAY) -> Cohort:
    snapshot = snapshot_of(lines(line_table), outcomes(outcome_table), authorizations("prior_authorization_number"))
    return cohort_of(snapshot, today, MATURITY)


def states(found: Cohort) -> dict[str, str]:
    return dict(found.lines.select("submission_id", "state").iter_rows())


def waits(table: str) -> pl.DataFrame:
    return pl.DataFrame(rows(table)).with_columns(pl.col("lag").cast(pl.Int64), pl.col("known") == "yes")


def test_kaplan_meier_counts_those_who_still_wait() -> None:
    found = kaplan_meier(
        waits("""
        group | lag | known
        P1    | 10  | yes
        P1    | 10  | yes
        P1    | 20  | no
        P1    | 30  | yes
        P1    | 30  | no
        P1    | 40  | yes
        P2    | 5   | no
        """)
    )
    # P1: six wait; two leave on day 10; of the three still waiting on day 30 one leaves; then the last
    expected = pl.DataFrame({
        "group": ["P1", "P1", "P1", "P1", "P2"],
        "lag": [10, 20, 30, 40, 5],
        "at_risk": [6, 4, 3, 1, 1],
        "events": [2, 0, 1, 1, 0],
        "survival": [4 / 6, 4 / 6, 4 / 6 * 2 / 3, 0.0, 1.0],
    })  # fmt: skip
    assert_frame_equal(found, expected, check_dtypes=False)


def many(payer: str, filing: str, lag: int, lines_: int, known: bool = True) -> pl.DataFrame:
    return pl.DataFrame(
        {"payer_id": [payer] * lines_, "filing": [filing] * lines_, "lag": [lag] * lines_, "known": [known] * lines_}
    )


def days_of(*groups: pl.DataFrame) -> dict[str, float]:
    return dict(remittance_lags(pl.concat(groups), MATURITY).select("payer_id", "days").iter_rows())


def test_a_lag_is_shrunk_toward_its_filing_type_and_that_toward_all() -> None:
    # own: Q 30 (100 remittances), S 60 (300). Of all 400, 95 % are there on day 60. Type CI is Q alone, MB is S alone.
    found = days_of(many("Q", "CI", 30, 100), many("S", "MB", 60, 300))
    ci = (100 * 30 + PRIOR_LINES * 60) / (100 + PRIOR_LINES)
    assert found["Q"] == pytest.approx((100 * 30 + PRIOR_LINES * ci) / (100 + PRIOR_LINES))
    assert found["S"] == pytest.approx(60)


def test_a_new_payer_waits_as_its_filing_type_does() -> None:
    found = days_of(many("Q", "CI", 40, 5000), many("new", "CI", 10, 3, known=False))
    assert found["new"] == pytest.approx(40, abs=0.1)


def test_pending_lines_lengthen_the_lag() -> None:
    quick = days_of(many("Q", "CI", 25, 1000))["Q"]
    slow = days_of(many("Q", "CI", 25, 1000), many("Q", "CI", 100, 80, known=False))["Q"]
    assert quick == 25
    assert slow == 90  # eight in a hundred still wait, so the 95th percentile is not seen: the longest wait


def test_lags_are_clipped_to_21_and_90_days() -> None:
    assert days_of(many("Q", "CI", 3, 1000))["Q"] == 21
    assert days_of(many("Q", "CI", 200, 1000))["Q"] == 90


def test_age_decides_not_whether_the_outcome_came_early() -> None:
    # 200 old lines of day 30 set the lag to 30 days; A is 30 days old on 1 July and answered at once, B is 31.
    old = "\n".join(f"O{i} | 2026-01-05 | P1" for i in range(200))
    answered = "\n".join(f"O{i} | 2026-02-04 | 100.00" for i in range(200))
    found = cohort(
        f"claim_id | submitted_date | payer_id\nA | 2026-06-01 | P1\nB | 2026-05-31 | P1\n{old}",
        f"claim_id | known_date | paid_amount\nA | 2026-06-03 | 100.00\nB | 2026-06-03 | 100.00\n{answered}",
    )
    assert found.lags["days"].item() == pytest.approx(30)
    assert states(found)["A"] == "immature"
    assert states(found)["B"] == "mature"


def test_a_line_without_an_outcome_waits_for_as_long_as_it_is_old() -> None:
    # 100 lines answered on day 25, 30 lines of 60 days unanswered: on day 25 they still wait, so 95 % is not reached.
    sent = (
        "\n".join(f"O{i} | 2026-01-05" for i in range(100)) + "\n" + "\n".join(f"W{i} | 2026-05-02" for i in range(30))
    )
    answered = "\n".join(f"O{i} | 2026-01-30 | 100.00" for i in range(100))
    found = cohort(f"claim_id | submitted_date\n{sent}", f"claim_id | known_date | paid_amount\n{answered}")
    assert found.lags["days"].item() == pytest.approx(90)


def test_every_line_has_one_state() -> None:
    found = cohort(
        """
        claim_id | submitted_date | claim_line_start_date|payer_responsibility_code|claim_frequency_code|charge_amount
        PAID     | 2026-01-10     | 2026-01-05            | P                         |                      | 100.00
        DENIED   | 2026-01-10     | 2026-01-06            |                           | 1                    | 100.00
        YOUNG    | 2026-06-25     | 2026-06-20            |                           |                      | 100.00
        WAITS    | 2026-02-01     | 2026-01-08            |                           |                      | 100.00
        SILENT   | 2025-12-01     | 2025-11-01            |                           |                      | 100.00
        CAPITATE | 2026-01-10     | 2026-01-09            |                           |                      | 100.00
        AGAIN    | 2026-01-10     | 2026-01-10            |                           | 7                    | 100.00
        SECOND   | 2026-01-10     | 2026-01-11            | S                         |                      | 100.00
        UNSENT   |                | 2026-01-12            |                           |                      | 100.00
        """,
        """
        claim_id | known_date | paid_amount | adjustments
        PAID     | 2026-02-01 | 100.00      |
        DENIED   | 2026-02-01 | 0.00        | CO-197:100.00
        YOUNG    | 2026-06-28 | 100.00      |
        CAPITATE | 2026-02-01 | 0.00        | CO-24:100.00
        AGAIN    | 2026-02-01 | 100.00      |
        """,
    )
    assert states(found) == {
        "PAID": "mature", "DENIED": "mature", "YOUNG": "immature", "WAITS": "pending", "SILENT": "no_response",
        "CAPITATE": "out_of_target", "AGAIN": "resubmission", "SECOND": "not_original", "UNSENT": "undated",
    }  # fmt: skip
    assert found.counts == dict.fromkeys(found.counts, 1) | {"mature": 2}
    assert found.out_of_target == {"capitated": 1}
    assert dict(found.mature.select("submission_id", "y").iter_rows()) == {"PAID": 0, "DENIED": 1}


def test_an_outcome_known_today_is_not_known_yet() -> None:
    table = "claim_id | submitted_date | charge_amount\nA | 2026-01-05 | 100.00"
    answer = "claim_id | known_date | paid_amount\nA | 2026-07-01 | 100.00"
    assert states(cohort(table, answer)) == {"A": "pending"}
    assert states(cohort(table, answer, date(2026, 7, 2))) == {"A": "mature"}


def test_no_response_begins_after_180_days_not_on_the_last_of_them() -> None:
    found = cohort(  # 2 January is 180 days before 1 July
        """
        claim_id | submitted_date
        ON_IT    | 2026-01-02
        AFTER_IT | 2026-01-01
        """,
        "claim_id | known_date",
    )
    assert states(found) == {"ON_IT": "pending", "AFTER_IT": "no_response"}


def test_the_order_of_the_store_does_not_matter() -> None:
    table = ["C | 2026-01-05 | P2", "A | 2026-01-07 | P1", "B | 2026-01-05 | P1"]
    head = "claim_id | submitted_date | payer_id\n"
    one, other = (cohort(head + "\n".join(order), "claim_id | known_date") for order in (table, table[::-1]))
    assert_frame_equal(one.lines, other.lines)
    assert one.lines["submission_id"].to_list() == ["B", "C", "A"]


@pytest.mark.parametrize(
    ("line_table", "outcome_table", "advice"),
    [
        ("claim_id", "claim_id", "no lines at all.*denials ingest"),
        ("claim_id | submitted_date\nA | 2026-01-05", "claim_id", "1 pending.*load their remittances"),
        (
            "claim_id | submitted_date | charge_amount\nA | 2026-06-29 | 10.00",
            "claim_id | known_date | paid_amount\nA | 2026-06-30 | 10.00",
            "1 immature.*later --as-of",
        ),
    ],
)
def test_too_little_to_learn_from_says_what_is_there_and_what_to_do(
    line_table: str, outcome_table: str, advice: str
) -> None:
    with pytest.raises(UsageError, match=advice):
        require(cohort(line_table, outcome_table))


def test_no_denials_at_all_is_said() -> None:
    table = "\n".join(f"A{i} | 2026-01-05 | 10.00" for i in range(150))
    answers = "\n".join(f"A{i} | 2026-02-05 | 10.00" for i in range(150))
    found = cohort(
        f"claim_id | submitted_date | charge_amount\n{table}", f"claim_id | known_date | paid_amount\n{answers}"
    )
    with pytest.raises(UsageError, match=r"0 denied and 150 paid lines are mature.*needs denied and paid lines"):
        require(found)
