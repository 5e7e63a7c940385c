"""Which submission and which line an outcome finds; `=` columns say which."""

from __future__ import annotations

import ascii_table
import polars as pl
import pytest

from claims.label import label_lines, load_classes
from claims.match import match_outcomes

LINES = ascii_table.lines("""
claim_id | line | hcpcs_code | hcpcs_modifier_1 | hcpcs_modifier_2 | charge | line_item_control_no
---------+------+------------+------------------+------------------+--------+---------------------
A        | 1    | 64483      | RT               | 59               | 500.00 | x1
A        | 2    | 64483      | LT               |                  | 500.00 | x2
A        | 3    | 64484      | RT               |                  | 200.00 | same
A        | 4    | 77003      |                  |                  | 90.00  | same
A        | 7    | 20553      |                  |                  | 80.00  |
A        | 8    | 20553      |                  |                  | 80.00  |
B        | 1    | 62323      |                  |                  | 300.00 | ""
""")


def found(text: str, lines: pl.DataFrame = LINES) -> pl.DataFrame:
    """What `match_outcomes` answers; asserts that every outcome comes back once and in its order."""
    outcomes = ascii_table.outcomes(text)
    matched = match_outcomes(lines, outcomes)
    assert matched.columns == [*outcomes.columns, "submission_id", "line", "match_method", "match_certainty"]
    assert matched.select(outcomes.columns).equals(outcomes)
    assert matched.schema["line"] == pl.Int32
    return matched


def check(text: str, lines: pl.DataFrame = LINES) -> None:
    table = ascii_table.rows(text)
    expected = [name for name in table[0] if name.startswith("=")]
    bare = "\n".join([" | ".join(k for k in table[0] if k not in expected)] + [
        " | ".join('""' if v == "" else v or "" for k, v in row.items() if k not in expected) for row in table
    ])  # fmt: skip
    got = found(bare, lines).select(pl.col([name[1:] for name in expected]).cast(pl.String))
    assert got.rows() == [tuple(row[name] for name in expected) for row in table]


def test_a_line_number_names_the_line() -> None:
    check("""
    claim_id | line | hcpcs_code | =submission_id | =line | =match_method
    A        | 3    |            | A              | 3     | line_number
    A        | 1    | 77003      | A              | 1     | line_number
    B        | 1    |            | B              | 1     | line_number
    """)


def test_a_control_number_names_the_line_or_stands_for_its_number() -> None:
    check("""
    claim_id | line | line_item_control_no | hcpcs_code | =line | =match_method
    A        |      | x2                   |            | 2     | line_item_control_no
    A        | 9    | zz                   | 77003      | 4     | code_date
    A        | 99   | x2                   | 77003      | 2     | line_item_control_no
    A        |      | 7                    | 77003      | 7     | line_item_control_no
    A        |      | 1                    | 77003      | 4     | code_date
    B        |      | 1                    |            | 1     | line_item_control_no
    A        |      | same                 | 77003      | 4     | code_date
    """)


def test_a_service_names_the_line() -> None:
    check("""
    claim_id | hcpcs_code | hcpcs_modifier_1 | hcpcs_modifier_3 | claim_line_start_date | charge | =line | =match_method
    A        | 64483      | LT               |                  | 2026-01-05            | 500.00 | 2     | service
    A        | 64483      | 59               | RT               | 2026-01-05            | 500.00 | 1     | service
    A        | 64483      | RT               | 59               | 2026-01-05            | 500.00 | 1     | service
    A        | 64484      | RT               | ""               | 2026-01-05            | 200.00 | 3     | service
    A        | 64484      | RT               | ""               | 2026-01-05            | 199.00 | 3     | code_date
    A        | 64484      | ""               | ""               |                       |        | 3     | code_date
    A        | 64484      | RT               | ""               | 2026-01-06            | 200.00 |       | none
    A        | 99999      | RT               | ""               | 2026-01-05            | 200.00 |       | none
    """)


def test_ties_go_in_order_within_one_event() -> None:
    check("""
    claim_id | hcpcs_code | known_date | control | =line | =match_method
    A        | 20553      | 2026-02-01 | K1      | 7     | code_date
    A        | 20553      | 2026-02-01 | K1      | 8     | code_date
    A        | 20553      | 2026-02-01 | K1      | 7     | code_date
    A        | 20553      | 2026-02-01 | K2      | 7     | code_date
    A        | 20553      | 2026-03-01 | K1      | 7     | code_date
    """)


def test_ties_of_a_service_go_in_order_too() -> None:
    check("""
    claim_id | hcpcs_code | claim_line_start_date | charge | =line | =match_method
    A        | 20553      | 2026-01-05            | 80.00  | 7     | service
    A        | 20553      | 2026-01-05            | 80.00  | 8     | service
    """)


TIES = ascii_table.outcomes("""
file_id | row | claim_id | hcpcs_code | claim_line_start_date | charge | control | paid  | status | adjustments
f       | 9   | A        | 20553      | 2026-01-05            | 80.00  | K1      | 50.00 | 1      | CO-45:30.00
f       | 10  | A        | 20553      | 2026-01-05            | 80.00  | K1      | 0.00  | 1      | CO-50:80.00
g       | 1   | A        | 20553      | 2026-01-05            | 80.00  | K2      | 70.00 | 1      | CO-45:10.00
g       | 2   | A        | 20553      | 2026-01-05            | 80.00  | K2      | 0.00  | 1      | CO-197:80.00
g       | 3   | A        | 64483      |                       |        | K2      | 20.00 | 1      |
g       | 4   | A        | 64483      |                       |        | K2      | 0.00  | 1      | CO-29:500.00
""").with_columns(outcome_id=pl.Series(["z", "c", "b", "a", "y", "x"]))


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_a_table_decides_nothing(seed: int) -> None:
    """Tables keep no order of rows: what came first is told by file and row."""
    shuffled = TIES.sample(fraction=1, shuffle=True, seed=seed)
    matched = match_outcomes(LINES, shuffled)
    assert matched.select(TIES.columns).equals(shuffled)
    assert dict(matched.select("outcome_id", "line").rows()) == {"z": 7, "c": 8, "b": 7, "a": 8, "y": 1, "x": 2}
    labelled = label_lines(LINES, matched, load_classes())
    assert labelled.equals(label_lines(LINES, match_outcomes(LINES, TIES), load_classes()))
    assert labelled.select("claim_line_number", "outcome", "carc").rows() == [
        (1, "paid", None), (2, "denied", "29"), (7, "paid", None), (8, "denied", "50"),
    ]  # fmt: skip


def test_a_line_that_is_answered_for_goes_last() -> None:
    check("""
    claim_id | line | hcpcs_code | hcpcs_modifier_1 | claim_line_start_date | charge | =line | =match_method
    A        |      | 64483      | XS               | 2026-01-05            | 500.00 | 2     | code_date
    A        | 1    | 64483      |                  | 2026-01-05            | 500.00 | 1     | line_number
    B        | 1    | 62323      |                  | 2026-01-05            | 100.00 | 1     | line_number
    B        |      | 62323      |                  | 2026-01-05            | 200.00 | 1     | code_date
    """)


def test_an_outcome_of_the_whole_claim_belongs_to_its_only_line() -> None:
    check("""
    claim_id | line | claim_line_start_date | =submission_id | =line | =match_method
    B        |      |                       | B              | 1     | code_date
    B        |      | 2026-01-05            | B              | 1     | code_date
    B        |      | 2026-01-06            | B              |       | none
    B        | 2    |                       | B              |       | none
    A        |      |                       | A              |       | none
    Z        | 1    |                       |                |       | none
    """)


PAYERS = ascii_table.lines("""
submission_id | claim_id | source_system | payer_id | billing_npi | submitted_date
S1            | A        | practice      | P1       | n1          | 2026-01-10
S2            | A        | practice      | P2       | n1          | 2026-01-11
S3            | A        | practice      | P2       | n2          | 2026-01-12
S4            | A        | practice      | P3       |             | 2026-01-13
S5            | A        | other         | P4       | n1          | 2026-01-14
""")


def test_payer_provider_and_source_must_agree_where_they_are_given() -> None:
    check("""
    claim_id | line | source_system | payer_id | billing_npi | =submission_id
    A        | 1    |               |          |             | S4
    A        | 1    |               | P1       |             | S1
    A        | 1    |               | P2       | ""          | S3
    A        | 1    |               | P2       | n1          | S2
    A        | 1    |               | ""       | n2          | S4
    A        | 1    |               | P3       | n9          | S4
    A        | 1    |               | P1       | n2          |
    A        | 1    |               | P4       |             |
    A        | 1    | other         |          |             | S5
    """, PAYERS)  # fmt: skip


AGAIN = ascii_table.lines("""
submission_id | claim_id | submitted_date | claim_frequency_code | original_reference_number
S3            | A        | 2026-03-10     | 7                    | K2
S1            | A        | 2026-01-10     | 1                    |
S2            | A        | 2026-02-10     | 7                    | K1
S0            | A        |                | 1                    |
""")


@pytest.mark.parametrize(("known", "control", "submission"), [
    ("2026-01-09", "", "S0"),  # before any that has a day
    ("2026-01-10", "", "S1"),
    ("2026-02-09", "", "S1"),
    ("2026-02-10", "", "S2"),
    ("2026-09-09", "", "S3"),
    ("2026-09-09", "K1", "S1"),  # S2 replaces the claim of that number
    ("2026-09-09", "K2", "S2"),
    ("2026-09-09", "K3", "S3"),
])  # fmt: skip
def test_of_several_submissions_the_latest_by_the_day_known(known: str, control: str, submission: str) -> None:
    outcome = f"claim_id | line | known_date | control\nA | 1 | {known} | {control}"
    for lines in (AGAIN, AGAIN.reverse()):
        assert found(outcome, lines)["submission_id"].to_list() == [submission]


@pytest.mark.parametrize("several", [AGAIN[:3], AGAIN[1:2]])
def test_what_was_known_before_anything_was_sent_belongs_to_no_submission(several: pl.DataFrame) -> None:
    matched = found("claim_id | line | known_date\nA | 1 | 2026-01-09\nA | 1 | 2026-01-10", several)
    assert matched["submission_id"].to_list() == [None, "S1"]
    assert matched["match_method"].to_list() == ["none", "line_number"]


def test_a_number_that_the_only_submission_replaces_is_not_its_own() -> None:
    assert found("claim_id | line | control\nA | 1 | K2", AGAIN[:1])["submission_id"].to_list() == [None]


LONG = ascii_table.lines("""
claim_id            | submitted_date
12345678901234567-1 | 2026-01-10
22345678901234567-1 | 2026-01-10
22345678901234567-2 | 2026-01-10
32345678901234567   | 2026-01-10
32345678901234567-1 | 2026-01-10
""")


@pytest.mark.parametrize(("claim", "submission"), [
    ("12345678901234567-1", "12345678901234567-1"),
    ("12345678901234567", "12345678901234567-1"),
    ("12345678901234567-2", None),  # not cut: another claim
    ("1234567890123456", None),
    ("22345678901234567", None),  # could be either
    ("32345678901234567", "32345678901234567"),
])  # fmt: skip
def test_a_cut_claim_number_is_recognised_where_it_can_mean_one_claim_only(claim: str, submission: str | None) -> None:
    assert found(f"claim_id | line\n{claim} | 1", LONG)["submission_id"].to_list() == [submission]


@pytest.mark.parametrize(("claim", "known", "submission"), [
    ("42345678901234567", "2026-01-09", None),
    ("42345678901234567", "2026-01-10", "42345678901234567-1"),  # the other one is not sent yet
    ("42345678901234567", "2026-02-09", "42345678901234567-1"),
    ("42345678901234567", "2026-02-10", None),  # could be either
    ("52345678901234567", "2026-02-09", "52345678901234567-1"),
    ("52345678901234567", "2026-02-10", "52345678901234567"),
])  # fmt: skip
def test_a_cut_claim_number_means_what_was_sent_by_the_day_known(
    claim: str, known: str, submission: str | None
) -> None:
    lines = ascii_table.lines("""
    claim_id            | submitted_date
    42345678901234567-1 | 2026-01-10
    42345678901234567-2 | 2026-02-10
    52345678901234567-1 | 2026-01-10
    52345678901234567   | 2026-02-10
    """)
    told = found(f"claim_id | line | known_date\n{claim} | 1 | {known}", lines)
    assert told["submission_id"].to_list() == [submission]


def test_without_lines_every_outcome_is_kept() -> None:
    matched = found("claim_id | line\nA | 1\nA | 2", LINES[:0])
    assert matched.select("submission_id", "line", "match_method").rows() == [(None, None, "none")] * 2
    assert found("claim_id").is_empty()
