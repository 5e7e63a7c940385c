"""When an authorization fits a line, and when not. The gravest fault is the answer."""

from datetime import UTC, datetime

import ascii_table
import polars as pl
import pytest

from claims.snapshot import snapshot_of
from features import History, build

BOOK = """
    prior_authorization_number | payer_id | hcpcs_codes | units_authorized | valid_from | valid_to   | status   | known_date | place_of_service_code | rendering_npi
    FULL                       | P1       | 64483;64484 | 2                | 2026-01-01 | 2026-03-31 | approved | 2025-12-20 | 11                    | 100
    SAYS-NOTHING               |          |             |                  |            |            |          | 2025-12-20 |                       |
    UNDATED                    | P1       | 64483       | 2                | 2026-01-01 | 2026-03-31 | approved |            |                       |
    RETRO                      | P1       | 64483       | 2                | 2026-01-01 | 2026-03-31 | approved | 2026-01-10 |                       |
    REFUSED                    | P1       | 64483       | 2                | 2026-01-01 | 2026-03-31 | denied   | 2025-12-20 |                       |
    WITHDRAWN                  | P1       | 64483       | 2                | 2026-01-01 | 2026-03-31 | approved | 2025-12-01 |                       |
    WITHDRAWN                  | P1       | 64483       | 2                | 2026-01-01 | 2026-03-31 | denied   | 2025-12-20 |                       |
    UNCLEAR                    | P1       | 64483       | 2                | 2026-01-01 | 2026-03-31 | see note | 2025-12-20 |                       |
    EMPTY                      | P1       | 64483       | 2                | 2026-01-01 | 2026-03-31 | ""       | 2025-12-20 |                       |
"""
CASES = """
    prior_authorization_number | hcpcs_code | claim_line_start_date | service_unit_quantity | place_of_service_code | rendering_npi | payer_id | line_note
    FULL                       | 64483      | 2026-01-05            | 1                     | 11                    | 100           | P1       | exact
    FULL                       | 64484      | 2026-03-31            | 2                     | 11                    | 100           | P1       | exact
    FULL                       | 64483      | 2026-01-05            | 3                     | 11                    | 100           | P1       | units_exceeded
    FULL                       | 64483      | 2026-01-05            | 1                     | 22                    | 100           | P1       | other_place
    FULL                       | 64483      | 2026-01-05            | 1                     | 11                    | 101           | P1       | other_provider
    FULL                       | 62323      | 2026-01-05            | 1                     | 11                    | 100           | P1       | same_family
    FULL                       | 20610      | 2026-01-05            | 1                     | 11                    | 100           | P1       | other_code
    FULL                       | 64483      | 2025-12-31            | 1                     | 11                    | 100           | P1       | expired
    FULL                       | 20610      | 2026-04-01            | 9                     | 22                    | 101           | P1       | expired
    FULL                       | 64483      | 2026-01-05            | 1                     | 11                    | 100           | P2       | number_only
    SAYS-NOTHING               | 20610      | 2026-01-05            | 9                     | 22                    | 101           | P2       | exact
    UNDATED                    | 64483      | 2026-01-05            | 1                     | 11                    | 100           | P1       | exact
    RETRO                      | 64483      | 2026-01-05            | 1                     | 11                    | 100           | P1       | number_only
    REFUSED                    | 64483      | 2026-01-05            | 1                     | 11                    | 100           | P1       | not_approved
    WITHDRAWN                  | 64483      | 2026-01-05            | 1                     | 11                    | 100           | P1       | not_approved
    UNHEARD-OF                 | 64483      | 2026-01-05            | 1                     | 11                    | 100           | P1       | number_only
    UNCLEAR                    | 64483      | 2026-01-05            | 1                     | 11                    | 100           | P1       | number_only
    UNCLEAR                    | 64483      | 2026-04-01            | 1                     | 11                    | 100           | P1       | expired
    EMPTY                      | 64483      | 2026-01-05            | 1                     | 11                    | 100           | P1       | number_only
    ""                         | 64483      | 2026-01-05            | 1                     | 11                    | 100           | P1       | none
                               | 64483      | 2026-01-05            | 1                     | 11                    | 100           | P1       | not_known
"""


def cases() -> pl.DataFrame:
    drawn = ascii_table.lines(CASES)
    number = pl.int_range(pl.len()).cast(pl.String)
    submitted = pl.lit("2026-01-10").str.to_date()
    return drawn.with_columns(claim_id=number, submission_id=number, submitted_date=submitted)


def history(lines: str = "", outcomes: str = "") -> History:
    nothing = "claim_id"
    return History.of(
        snapshot_of(
            ascii_table.lines(lines or nothing),
            ascii_table.outcomes(outcomes or nothing),
            ascii_table.authorizations(BOOK),
        )
    )


@pytest.mark.parametrize("row", range(21))
def test_the_state_of_a_line(row: int) -> None:
    line = cases()[row]
    assert build(line, history()).column("authorization_match") == [line["line_note"][0]]


@pytest.mark.parametrize(("last", "state"), [("2026-03-31", "exact"), ("2026-04-01", "expired")])
def test_an_authorization_must_hold_to_the_last_day_of_service(last: str, state: str) -> None:
    line = cases()[:1].with_columns(
        claim_line_start_date=pl.date(2026, 3, 30), claim_line_end_date=pl.lit(last).str.to_date()
    )
    assert build(line, history()).column("authorization_match") == [state]


def test_a_date_that_is_not_recorded_is_told() -> None:
    table = build(cases(), history())
    told = dict(
        zip(
            cases()["line_note"] + cases()["prior_authorization_number"],
            table.column("authorization_date_assumed"),
            strict=True,
        )
    )
    assert (told["exactUNDATED"], told["exactFULL"]) == (1.0, 0.0)


def test_a_retroactive_one_counts_from_the_day_after_it_became_known() -> None:
    later = cases().filter(prior_authorization_number="RETRO").with_columns(submitted_date=pl.date(2026, 1, 11))
    assert build(later, history()).column("authorization_match") == ["exact"]


USED = """
    claim_id | submitted_date | claim_line_start_date | hcpcs_code | service_unit_quantity | prior_authorization_number | rendering_npi | place_of_service_code
    EARLIER  | 2026-01-08     | 2026-01-06            | 64483      | 1                     | FULL                       | 100           | 11
    SAME-DAY | 2026-01-10     | 2026-01-06            | 64483      | 1                     | FULL                       | 100           | 11
    EM       | 2026-01-08     | 2026-01-06            | 99213      | 1                     | FULL                       | 100           | 11
"""


def test_units_of_earlier_claims_are_used_up() -> None:
    """One unit of an earlier claim is gone; the visit is not covered and uses none; the same day is not earlier."""
    table = build(cases()[:2], history(USED))
    assert table.column("authorization_units_left").tolist() == [1.0, 1.0]
    assert table.column("authorization_match") == ["exact", "units_exceeded"]


def test_lines_of_one_claim_share_the_units() -> None:
    drawn = cases()[[0, 1]].with_columns(submission_id=pl.lit("X"), claim_line_number=pl.Series([1, 2], dtype=pl.Int32))
    assert build(drawn, history()).column("authorization_match") == ["units_exceeded"] * 2


def test_of_two_states_of_one_day_the_later_loaded_holds() -> None:
    """In whatever order the table gives them."""
    both = ascii_table.authorizations("""
        prior_authorization_number | payer_id | hcpcs_codes | status
        N1                         | P1       | 64483       | denied
        N1                         | P1       | 64483       | approved
    """).with_columns(loaded_at=pl.Series([datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)]))
    line = cases()[:1].with_columns(prior_authorization_number=pl.lit("N1"))
    nothing = ascii_table.lines("claim_id"), ascii_table.outcomes("claim_id")
    found = [
        build(line, History.of(snapshot_of(*nothing, book))).column("authorization_match")
        for book in (both, both[::-1])
    ]
    assert found == [["exact"], ["exact"]]
