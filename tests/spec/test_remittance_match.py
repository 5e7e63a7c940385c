"""Which line the rows of an 835 find: no line number, the control number only now and then, the payer's own names.

`=` columns say what must come of a row. A service is of 2026-01-05, answered on 2026-02-01, unless the table says so.
"""

from __future__ import annotations

from datetime import date

import ascii_table
import polars as pl
import pytest

from claims.label import label_lines, load_classes
from claims.match import match_outcomes
from claims.table import Outcome


def remittance(text: str) -> pl.DataFrame:
    table = [{k: v for k, v in row.items() if not k.startswith("=")} for row in ascii_table.rows(text)]
    given = {"claim_line_start_date": "2026-01-05", "claim_status_code": "1", "payer_id": "P1"}
    rows = [ascii_table.OUTCOME | given | {k: v for k, v in row.items() if v is not None} for row in table]
    return ascii_table.frame([{"outcome_id": f"o{i:02}", "row": str(i)} | r for i, r in enumerate(rows)], Outcome)


def check(lines: pl.DataFrame, text: str) -> None:
    """Rows of a remittance; the order of both tables decides nothing."""
    table, outcomes = ascii_table.rows(text), remittance(text)
    wanted = [name for name in table[0] if name.startswith("=")]
    for sent, told in ((lines, outcomes), (lines.reverse(), outcomes.reverse())):
        got = match_outcomes(sent, told).sort("row", "line").select(pl.col([n[1:] for n in wanted]).cast(pl.String))
        assert got.rows() == [tuple(row[name] for name in wanted) for row in table]


def labels(lines: pl.DataFrame, outcomes: pl.DataFrame) -> list[tuple[object, ...]]:
    """claim_line_number, outcome, denied and paid cents, label_source of each line that has a label."""
    labelled = label_lines(lines, match_outcomes(lines, outcomes), load_classes())
    assert labelled.equals(label_lines(lines, match_outcomes(lines, outcomes.reverse()), load_classes()))
    return labelled.select("claim_line_number", "outcome", "denied_cents", "paid_cents", "label_source").rows()


LINES = ascii_table.lines("""
claim_id | line | hcpcs_code | hcpcs_modifier_1 | charge | line_item_control_no
A        | 1    | 64483      | RT               | 500.00 | x1
A        | 2    | 64483      | LT               | 500.00 | x2
A        | 3    | 20553      |                  | 80.00  |
A        | 4    | 20553      |                  | 120.00 |
""")


def test_the_surest_that_a_row_says_decides_and_how_sure_it_is_is_kept() -> None:
    check(LINES, """
    claim_id | line_item_control_no | hcpcs_code | hcpcs_modifier_1 | charge  | status | =line | =match_method        | =match_certainty
    A        | x2                   | 64483      | RT               | 500.00  | 1      | 2     | line_item_control_no | exact
    A        | 3                    | 20553      |                  | 120.00  | 1      | 3     | line_item_control_no | exact
    A        | 1                    | 20553      |                  | 80.00   | 1      | 3     | service              | exact
    A        |                      | 64483      | LT               | 500.00  | 1      | 2     | service              | exact
    A        |                      | 64483      | LT               | -500.00 | 22     | 2     | service              | exact
    A        |                      | 64483      | LT               | 499.00  | 1      | 2     | code_date            | probable
    A        |                      | 99213      |                  | 80.00   | 1      |       | none                 | none
    Z        |                      | 64483      | LT               | 500.00  | 1      |       | none                 | none
    """)  # fmt: skip


def test_modifiers_that_the_payer_added_or_dropped() -> None:
    check(
        LINES,
        """
    claim_id | hcpcs_code | hcpcs_modifier_1 | charge | =line | =match_method | =match_certainty
    A        | 64483      | LT               | 500.00 | 2     | service       | exact
    A        | 64483      |                  | 500.00 | 1     | code_date     | probable
    A        | 20553      | 59               | 120.00 | 4     | code_date     | probable
    A        | 20553      | 51               | 80.00  | 3     | code_date     | probable
    """,
    )


def test_a_line_that_was_split_is_summed() -> None:
    told = """
    claim_id | hcpcs_code | hcpcs_modifier_1 | charge | paid  | adjustments   | =line | =match_certainty
    A        | 64483      | RT               | 250.00 | 90.00 | CO-45:160.00  | 1     | probable
    A        | 64483      | RT               | 250.00 | 0.00  | CO-151:250.00 | 1     | probable
    A        | 64483      | LT               | 500.00 | 0.00  | CO-50:500.00  | 2     | exact
    """
    check(LINES, told)
    assert labels(LINES, remittance(told)) == [
        (1, "partial_denied", 250_00, 90_00, "codes"), (2, "denied", 500_00, 0, "codes"),
    ]  # fmt: skip


def test_a_part_whose_charge_is_that_of_another_line_stays_with_its_modifiers() -> None:
    lines = ascii_table.lines("""
    claim_id | line | hcpcs_code | hcpcs_modifier_1 | charge
    A        | 1    | 64483      | RT               | 500.00
    A        | 2    | 64483      | LT               | 250.00
    """)
    check(
        lines,
        """
    claim_id | hcpcs_code | hcpcs_modifier_1 | charge | =line
    A        | 64483      | RT               | 250.00 | 1
    A        | 64483      | LT               | 250.00 | 2
    A        | 64483      | RT               | 250.00 | 1
    """,
    )


def test_extras_of_an_unbundled_line_have_its_code_and_no_charge() -> None:
    told = """
    claim_id | hcpcs_code | hcpcs_modifier_1 | charge | paid  | adjustments  | =line
    A        | 64483      | RT               | 500.00 | 60.00 | CO-45:440.00 | 1
    A        | 64483      | RT               | 0.00   | 30.00 | CO-45:-30.00 | 1
    A        | 64483      | LT               | 500.00 | 0.00  | CO-50:500.00 | 2
    """
    check(LINES, told)
    assert labels(LINES, remittance(told))[0] == (1, "paid", 0, 90_00, "codes")


def test_bundled_lines_keep_their_codes_and_are_not_denied() -> None:
    told = """
    claim_id | hcpcs_code | hcpcs_modifier_1 | charge | paid   | control | adjustments
    A        | 20553      |                  | 80.00  | 150.00 | K1      | OA-94:-120.00;CO-45:50.00
    A        | 20553      |                  | 120.00 | 0.00   | K1      | CO-97:120.00
    """
    assert [row[:2] for row in labels(LINES, remittance(told))] == [(3, "paid"), (4, "full_contractual")]


TWO = ascii_table.lines("""
claim_id | line | hcpcs_code | charge
A        | 1    | 99214      | 200.00
A        | 2    | 20553      | 80.00
B        | 1    | 99214      | 200.00
C        | 1    | 99214      | 0.00
""")


def test_a_code_that_the_payer_changed_is_that_of_the_only_line_left() -> None:
    check(
        TWO,
        """
    claim_id | hcpcs_code | charge  | status | claim_line_start_date | =line | =match_method | =match_certainty
    A        | 20553      | 80.00   | 1      |                       | 2     | service       | exact
    A        | 99213      | 200.00  | 1      |                       | 1     | date_charge   | probable
    A        | 99213      | -200.00 | 22     |                       |       | none          | none
    B        | 99213      | 200.00  | 1      |                       | 1     | date_charge   | probable
    B        | 99213      | -200.00 | 22     |                       | 1     | date_charge   | probable
    """,
    )


@pytest.mark.parametrize("row", [
    "A | 99213 | 200.00 | 2026-01-05",  # two lines are left
    "B | 99213 | 199.00 | 2026-01-05",
    "B | 99213 | 200.00 | 2026-01-06",
    "C | 99213 | 0.00   | 2026-01-05",  # charges of nothing agree by chance
    "B | 99213 | 200.00 | 2026-01-05\nB | 99212 | 200.00 | 2026-01-05",  # which of the two?
])  # fmt: skip
def test_what_nothing_makes_likely_stays_without_a_line(row: str) -> None:
    told = remittance(f"claim_id | hcpcs_code | charge | claim_line_start_date\n{row}")
    assert match_outcomes(TWO, told)["match_method"].unique().to_list() == ["none"]


def test_what_was_told_twice_on_a_day_names_its_lines_in_the_same_order() -> None:
    twins = ascii_table.lines("claim_id | line | charge\nA | 1 | 50.00\nA | 2 | 50.00")
    told = """
    claim_id | hcpcs_code | charge | status | paid   | adjustments   | =line
    A        | 64483      | 50.00  | 1      | 0.00   | CO-50:50.00   | 1
    A        | 64483      | 50.00  | 1      | 20.00  | CO-45:30.00   | 2
    A        | 64483      | -50.00 | 22     | 0.00   | CO-50:-50.00  | 1
    A        | 64483      | -50.00 | 22     | -20.00 | CO-45:-30.00  | 2
    A        | 64483      | 50.00  | 1      | 40.00  | CO-45:10.00   | 1
    A        | 64483      | 50.00  | 1      | 0.00   | CO-197:50.00  | 2
    """
    check(twins, told)
    assert [row[:3] for row in labels(twins, remittance(told))] == [(1, "paid", 0), (2, "denied", 50_00)]


def test_a_reversal_of_4010_has_a_group_of_its_own() -> None:
    told = remittance("""
    claim_id | hcpcs_code | charge  | status | paid | adjustments
    B        | 99214      | 200.00  | 1      | 0.00 | CO-50:200.00
    B        | 99214      | -200.00 | 22     | 0.00 | CR-50:-200.00
    B        | 99214      | 200.00  | 1      | 0.00 | CO-45:20.00;CO-197:180.00
    """)
    assert labels(TWO, told) == [(1, "denied", 180_00, 0, "codes")]


@pytest.mark.parametrize("status", ["23", "25"])
def test_what_was_forwarded_or_only_asked_about_is_no_answer(status: str) -> None:
    told = f"""
    claim_id | hcpcs_code | charge | status   | paid   | adjustments  | =line
    A        | 99214      | 200.00 | {status} | 150.00 | CO-45:50.00  | 1
    A        | 20553      | 80.00  | {status} | 0.00   | CO-50:80.00  | 2
    A        | 99213      | 200.00 | 1        | 0.00   | CO-50:200.00 |
    """
    check(TWO, told)
    assert labels(TWO, remittance(told)) == []


def test_a_control_number_stays_with_what_it_was_first_given_to() -> None:
    sent = ascii_table.lines("""
    submission_id | claim_id | line | hcpcs_code | submitted_date
    A1            | A        | 1    | 64493      | 2026-01-10
    A1            | A        | 2    | 64494      | 2026-01-10
    A2            | A        | 2    | 64494      | 2026-02-10
    """)
    check(
        sent,
        """
    claim_id | hcpcs_code | known_date | control | status | =submission_id | =line
    A        | 64493      | 2026-02-01 | K1      | 1      | A1             | 1
    A        | 64494      | 2026-02-01 | K1      | 1      | A1             | 2
    A        | 64493      | 2026-03-01 | K1      | 22     | A1             | 1
    A        | 64494      | 2026-03-01 | K1      | 22     | A1             | 2
    A        | 64494      | 2026-03-01 | K2      | 1      | A2             | 2
    A        | 64494      | 2026-04-01 | K2      | 22     | A2             | 2
    A        | 64494      | 2026-04-01 |         | 1      | A2             | 2
    """,
    )


# A row of the whole claim ---------------------------------------------------------------------------------------------

WHOLE = """
claim_id | hcpcs_code | charge | paid | adjustments
A        |            | 280.00 | {paid} | {codes}
"""


def whole(codes: str, rows: str = "", paid: str = "") -> list[tuple[object, ...]]:
    """Labels of claim A from the row of its own and from the service lines beside it."""
    return labels(TWO, remittance(WHOLE.format(codes=codes, paid=paid).strip() + "\n" + rows))


DENIED = [(1, "denied", 200_00, 0, "claim_cas"), (2, "denied", 80_00, 0, "claim_cas")]
SILENT = 'A | 99214 | 200.00 | 0.00 | ""\nA | 20553 | 80.00 | 0.00 | ""'


def test_codes_of_the_claim_that_cover_its_charge_deny_lines_that_say_nothing() -> None:
    assert whole("CO-29:280.00", paid="0.00") == DENIED
    assert whole("CO-29:280.00", SILENT) == DENIED


def test_a_line_that_has_codes_or_a_payment_speaks_for_itself() -> None:
    rows = 'A | 99214 | 200.00 | 150.00 | ""\nA | 20553 | 80.00 | 0.00 | CO-45:80.00'
    assert whole("CO-29:280.00", rows) == [
        (1, "paid", 0, 150_00, "codes"), (2, "full_contractual", 0, 0, "codes"),
    ]  # fmt: skip


def test_codes_of_the_claim_that_cover_a_part_of_it_stay_with_the_claim() -> None:
    rows = 'A | 99214 | 200.00 | 150.00 | ""\nA | 20553 | 80.00 | 80.00 | ""'
    assert whole("CO-29:50.00", rows) == [(1, "paid", 0, 150_00, "codes"), (2, "paid", 0, 80_00, "codes")]


def test_a_claim_of_one_line_is_not_counted_twice() -> None:
    told = """
    claim_id | hcpcs_code | charge | paid   | adjustments  | =line | =match_method
    B        |            | 200.00 |        | CO-197:50.00 |       | none
    B        | 99214      | 200.00 | 150.00 | ""           | 1     | service
    """
    check(TWO, told)
    assert labels(TWO, remittance(told)) == [(1, "paid", 0, 150_00, "codes")]


def test_a_denial_of_the_claim_is_taken_back_as_it_was_given() -> None:
    told = remittance("""
    claim_id | known_date | charge  | paid | status | adjustments
    A        | 2026-02-01 | 280.00  | 0.00 | 1      | CO-29:280.00
    A        | 2026-02-01 | -280.00 | 0.00 | 22     | CO-29:-280.00
    A        | 2026-02-09 | 280.00  | 0.00 | 1      | CO-50:280.00
    """)
    labelled = label_lines(TWO, match_outcomes(TWO, told), load_classes())
    assert labelled.select("outcome", "carc").rows() == [("denied", "50")] * 2


# Payers ---------------------------------------------------------------------------------------------------------------

SENT = ascii_table.lines("""
submission_id | claim_id | payer_id | payer_responsibility_code | billing_npi | submitted_date
A1            | A        | P1       | P                         | n1          | 2026-01-10
B1            | B        | P1       | P                         | n1          | 2026-01-10
B2            | B        | P2       | S                         | n1          | 2026-01-20
C1            | C        | P1       |                           | n1          | 2026-01-10
D1            | D        | P1       | P                         | n1          | 2026-01-10
D2            | D        | P3       | P                         | n2          | 2026-01-10
E1            | E        | P1       | P                         | n1          | 2026-01-10
E2            | E        | P1       | S                         | n1          | 2026-01-20
F2            | F        | P2       | S                         | n1          | 2026-01-10
G3            | G        | P4       | T                         | n1          | 2026-01-10
H1            | H2345678901234567-99 | P1 | P                   | n1          | 2026-01-10
""")
PAYER_ROWS = """
    A | X | n1 | 1  | A1 | probable
    A | X | n1 | 19 | A1 | probable
    A | X | n1 | 2  |    | none
    A | X | n1 | 20 |    | none
    A | X | n1 | 3  |    | none
    A | X | n1 | 4  | A1 | probable
    A | X | n1 | 22 | A1 | probable
    A | X | n1 | 5  |    | none
    A | X | n1 | "" |    | none
    A | X | n9 | 1  |    | none
    A | X | "" | 1  | A1 | probable
    A | P1| n1 | 2  | A1 | exact
    A | ""| n1 | 1  | A1 | exact
    A | ""| n1 | 2  |    | none
    B | X | n1 | 1  | B1 | probable
    B | X | n1 | 2  | B2 | probable
    B | X | n1 | 4  |    | none
    B | ""| n1 | 1  | B1 | exact
    B | ""| n1 | 20 | B2 | exact
    B | ""| n1 | 4  | B2 | exact
    C | X | n1 | 1  | C1 | probable
    C | X | n1 | 2  |    | none
    D | X | n1 | 1  | D1 | probable
    D | X | "" | 1  |    | none
    E | P1| n1 | 1  | E1 | exact
    E | P1| n1 | 2  | E2 | exact
    E | P1| n1 | 4  | E2 | exact
    F | X | n1 | 2  | F2 | probable
    F | X | n1 | 1  |    | none
    G | X | n1 | 21 | G3 | probable
    G | X | n1 | 2  |    | none
    H2345678901234567 | P1 | n1 | 1 | H1 | probable
    H2345678901234567 | X  | n1 | 1 | H1 | probable
    H2345678901234567 | X  | n1 | 2 |    | none
""".strip().splitlines()


def apart(cases: list[pl.DataFrame]) -> pl.DataFrame:
    """Each case as of a practice of its own, with SENT beside it: the submissions of all their rows in order."""
    practices = [pl.lit(str(i)).alias("source_system") for i in range(len(cases))]
    sent = pl.concat([SENT.with_columns(practice) for practice in practices])
    told = [case.with_columns(practice) for case, practice in zip(cases, practices, strict=True)]
    lines = sent.with_columns(pl.concat_str("submission_id", "source_system", separator="-"))
    return match_outcomes(lines, pl.concat(told)).with_columns(pl.col("submission_id").str.split("-").list.first())


def test_a_payer_by_another_name_is_recognised_where_only_one_can_be_meant() -> None:
    head = "claim_id | payer_id | billing_npi | status | =submission_id | =match_certainty | line_item_control_no"
    tables = [f"{head}\n{row} | 1" for row in PAYER_ROWS]
    got = apart([remittance(table) for table in tables]).select(
        "claim_id", "payer_id", "submission_id", "match_certainty"
    )
    wanted = [row for table in tables for row in ascii_table.rows(table)]
    assert got.rows() == [(r["claim_id"], r["payer_id"], r["=submission_id"], r["=match_certainty"]) for r in wanted]


@pytest.mark.parametrize("status", ["4", "22", "23"])
def test_a_status_of_any_turn_counts_where_nobody_else_has_answered(status: str) -> None:
    cases = [
        ("A | X | 2026-02-01 | 1", "A1"),  # this name has answered as the primary
        ("A | Y | 2026-02-01 | 1", None),  # another one has
        ("A | P1 | 2026-02-01 | 4", None),
        ("A | X | 2026-02-01 | 2", None),  # this name has answered as a secondary
        ("A | Y | 2026-02-03 | 1", "A1"),  # later: not known yet
        ("A | X | 2026-02-01 | 1\nA | Y | 2026-02-01 | 2", "A1"),
        ("C | Y | 2026-02-01 | 1", "A1"),  # of another claim
    ]
    head = f"claim_id | payer_id | known_date | status\nA | X | 2026-02-02 | {status}"
    got = apart([remittance(f"{head}\n{before}") for before, _ in cases])
    assert got.filter(claim_status_code=status, known_date=date(2026, 2, 2))["submission_id"].to_list() == [
        submission for _, submission in cases
    ]


@pytest.mark.parametrize(("answered", "submission"), [("1", "B1"), ("2", "B2")])
def test_a_reversal_by_another_name_is_of_the_turn_that_the_name_answered(answered: str, submission: str) -> None:
    told = remittance(
        f"claim_id | payer_id | known_date | status\nB | X | 2026-02-01 | {answered}\nB | X | 2026-02-02 | 22"
    )
    assert match_outcomes(SENT, told)["submission_id"].to_list() == [submission, submission]


def test_a_remittance_is_never_of_what_was_sent_after_it() -> None:
    told = remittance("claim_id | payer_id | known_date\nA | X | 2026-01-09\nA | X | 2026-01-10")
    assert match_outcomes(SENT, told)["submission_id"].to_list() == [None, "A1"]
