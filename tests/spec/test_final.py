"""How the adjudication of a line ended, claim by claim; `=` columns say what must come of a line."""

from __future__ import annotations

from datetime import date

import ascii_table
import dataframely as dy
import polars as pl
import pytest

from claims.earlier import chains
from claims.final import final_lines
from claims.match import match_outcomes
from claims.table import ProviderAdjustment, Rejection


def of(text: str, schema: type[dy.Schema], **given: str) -> pl.DataFrame:
    """A table of rejections or provider adjustments, numbered."""
    name = schema.primary_key()[0]
    table = [ascii_table.ORIGIN | given | {k: v for k, v in r.items() if v is not None} for r in ascii_table.rows(text)]
    return ascii_table.frame([{name: f"n{i}"} | row for i, row in enumerate(table)], schema)


def adjusted(text: str = "reason_code") -> pl.DataFrame:
    return of(text, ProviderAdjustment, known_date="2026-05-01")


def refused(text: str = "claim_id") -> pl.DataFrame:
    return of(text, Rejection, known_date="2026-01-12", transaction="277CA")


def final(
    lines: pl.DataFrame, outcomes: pl.DataFrame, plb: pl.DataFrame, rejected: pl.DataFrame, as_of: date
) -> pl.DataFrame:
    """What `final_lines` answers; asserts that the order of rows decides nothing."""
    matched = match_outcomes(lines, outcomes)
    chained = chains(lines, matched)
    answer = final_lines(lines, matched, chained, plb, rejected, as_of)
    backwards = match_outcomes(lines.reverse(), outcomes.reverse())
    other = final_lines(lines.reverse(), backwards, chained.reverse(), plb.reverse(), rejected.reverse(), as_of)
    assert answer.equals(other.reverse())
    return answer


def check(
    sent: str, told: str, plb: str = "reason_code", rejected: str = "claim_id", as_of: str = "2027-06-01"
) -> None:
    """`sent`: lines with `=` columns on those of originals, which are all that come back. A charge is 100.00."""
    table = ascii_table.rows(sent)
    wanted = [name for name in table[0] if name.startswith("=")]
    base = {"submitted_date": "2026-01-10", "charge_amount": "100.00", "patient_id": "p", "rendering_npi": "n"}
    rows = [
        ascii_table.LINE | base | {k: v for k, v in row.items() if v is not None and k not in wanted} for row in table
    ]
    lines = ascii_table.frame([{"submission_id": row["claim_id"]} | row for row in rows], ascii_table.Line)
    got = final(lines, ascii_table.outcomes(told), adjusted(plb), refused(rejected), date.fromisoformat(as_of))
    expected = [
        (one["submission_id"], one["claim_line_number"], *(row[name] for name in wanted))
        for one, row in zip(lines.to_dicts(), table, strict=True) if any(row[name] for name in wanted)
    ]  # fmt: skip
    columns = [pl.col(name[1:]).cast(pl.String).replace({"true": "yes", "false": ""}) for name in wanted]
    shown = got.select("submission_id", "claim_line_number", *columns)
    assert [tuple(None if cell == "" else cell for cell in row) for row in shown.rows()] == expected


def test_what_is_said_once_is_both_the_first_and_the_last_answer() -> None:
    check("""
    claim_id | line | =initial_outcome | =final_outcome | =final_paid_cents | =overturned | =recouped | =right_censored
    A        | 1    | paid             | paid           | 8000              |             |           |
    A        | 2    | denied           | denied         | 0                 |             |           |
    A        | 3    | partial_denied   | partial_denied | 3000              |             |           |
    A        | 4    | cost_share_only  | cost_share_only| 0                 |             |           |
    A        | 5    | denied           | denied         |                   |             |           |
    """, """
    claim_id | line | charge | paid  | adjustments
    A        | 1    | 100.00 | 80.00 | CO-45:20.00
    A        | 2    | 100.00 | 0.00  | CO-197:100.00
    A        | 3    | 100.00 | 30.00 | CO-197:70.00
    A        | 4    | 100.00 | 0.00  | PR-1:100.00
    A        | 5    | 100.00 |       | CO-197
    """)  # fmt: skip


def test_a_reversal_and_its_correction_in_one_file_are_one_event() -> None:
    check("""
    claim_id | =initial_outcome | =initial_date | =final_outcome | =final_date | =final_paid_cents | =overturned
    A        | paid             | 2026-02-01    | paid           | 2026-02-01  | 6000              |
    B        | denied           | 2026-02-01    | paid           | 2026-03-01  | 6000              | yes
    """, """
    claim_id | line | known_date | status | charge  | paid  | adjustments
    A        | 1    | 2026-02-01 | 1      | 100.00  | 0.00  | CO-197:100.00
    A        | 1    | 2026-02-01 | 22     | -100.00 | 0.00  | CO-197:-100.00
    A        | 1    | 2026-02-01 | 1      | 100.00  | 60.00 | CO-45:40.00
    B        | 1    | 2026-02-01 | 1      | 100.00  | 0.00  | CO-197:100.00
    B        | 1    | 2026-03-01 | 22     | -100.00 | 0.00  | CO-197:-100.00
    B        | 1    | 2026-03-01 | 1      | 100.00  | 60.00 | CO-45:40.00
    """)  # fmt: skip


def test_what_a_later_reversal_leaves() -> None:
    check("""
    claim_id | =initial_outcome | =final_outcome | =final_date | =final_paid_cents | =overturned | =recouped
    A        | paid             | reversed       |             | 0                 |             | yes
    B        | paid             | paid           | 2026-04-01  | 5000              |             |
    C        | paid             | denied         | 2026-03-01  | 0                 |             | yes
    D        | denied           | paid           | 2026-04-01  | 6000              | yes         |
    E        | partial_denied   | paid           | 2026-03-01  | 7000              | yes         |
    F        | denied           | reversed       |             | 0                 |             |
    G        | paid             | partial_denied | 2026-03-01  | 6000              |             |
    """, """
    claim_id | line | known_date | status | charge  | paid   | adjustments
    A        | 1    | 2026-02-01 | 1      | 100.00  | 60.00  | CO-45:40.00
    A        | 1    | 2026-03-01 | 22     | -100.00 | -60.00 | CO-45:-40.00
    B        | 1    | 2026-02-01 | 1      | 100.00  | 60.00  | CO-45:40.00
    B        | 1    | 2026-03-01 | 22     | -100.00 | -60.00 | CO-45:-40.00
    B        | 1    | 2026-04-01 | 1      | 100.00  | 50.00  | CO-45:50.00
    C        | 1    | 2026-02-01 | 1      | 100.00  | 60.00  | CO-45:40.00
    C        | 1    | 2026-03-01 | 22     | -100.00 | -60.00 | CO-45:-40.00
    C        | 1    | 2026-03-01 | 1      | 100.00  | 0.00   | CO-50:100.00
    D        | 1    | 2026-02-01 | 1      | 100.00  | 0.00   | CO-197:100.00
    D        | 1    | 2026-03-01 | 22     | -100.00 | 0.00   | CO-197:-100.00
    D        | 1    | 2026-04-01 | 1      | 100.00  | 60.00  | CO-45:40.00
    E        | 1    | 2026-02-01 | 1      | 100.00  | 30.00  | CO-45:30.00;CO-50:40.00
    E        | 1    | 2026-03-01 | 22     | -100.00 | -30.00 | CO-45:-30.00;CO-50:-40.00
    E        | 1    | 2026-03-01 | 1      | 100.00  | 70.00  | CO-45:30.00
    F        | 1    | 2026-02-01 | 1      | 100.00  | 0.00   | CO-197:100.00
    F        | 1    | 2026-03-01 | 22     | -100.00 | 0.00   | CO-197:-100.00
    G        | 1    | 2026-02-01 | 1      | 100.00  | 60.00  | CO-45:40.00
    G        | 1    | 2026-03-01 | 1      | 100.00  | 0.00   | CO-50:100.00
    """)  # fmt: skip


def test_of_two_answers_known_on_one_day_the_one_paid_last_is_the_last() -> None:
    check("""
    claim_id | =initial_outcome | =final_outcome | =final_paid_cents
    A        | denied           | paid           | 6000
    """, """
    claim_id | line | known_date | paid_date  | control | paid  | adjustments
    A        | 1    | 2026-02-01 | 2026-02-01 | K2      | 60.00 | CO-45:40.00
    A        | 1    | 2026-02-01 | 2026-01-31 | K1      | 0.00  | CO-197:100.00
    """)  # fmt: skip


REPLACED = """
submission_id | claim_id | submitted_date | line | hcpcs_code | charge   | claim_frequency_code | original_reference_number
A             | A        | 2026-01-10     | 1    | 64483      | 100.00   | 1                    |
A             | A        | 2026-01-10     | 2    | 77003      | 100.00   | 1                    |
B             | A        | 2026-02-10     | 1    | {code}     | {charge} | 7                    | K1
B             | A        | 2026-02-10     | 2    | 77003      | 100.00   | 7                    | K1
"""
REPLIES = """
claim_id | line | known_date | control | paid  | adjustments
A        | 1    | 2026-02-01 | K1      | 0.00  | CO-197:100.00
A        | 2    | 2026-02-01 | K1      | 50.00 | CO-45:50.00
A        | 1    | 2026-03-01 | K2      | 60.00 | CO-45:40.00
A        | 2    | 2026-03-01 | K2      | 0.00  | OA-18:100.00
"""


@pytest.mark.parametrize(("code", "charge"), [("64483", "100.00"), ("64484", "100.00"), ("64484", "150.00")])
def test_a_replacement_paid_after_the_denial_overturns_it(code: str, charge: str) -> None:
    wanted = ["overturned", "final_outcome", "final_paid_cents", "final_date"]
    answers = ["yes | paid | 6000 | 2026-03-01", " | paid | 5000 | 2026-02-01", " | | | ", " | | | "]
    head, *rows = REPLACED.format(code=code, charge=charge).strip().splitlines()
    cells = [" | ".join(f"={name}" for name in wanted), *answers]
    check("\n".join(f"{row} | {cell}" for row, cell in zip([head, *rows], cells, strict=True)), REPLIES)


def test_part_b_takes_no_replacement_so_the_denied_line_is_sent_anew_under_another_number() -> None:
    check("""
    claim_id | submitted_date | line | hcpcs_code | =final_outcome | =final_paid_cents | =overturned
    A        | 2026-01-10     | 1    | 64483      | paid           | 5000              |
    A        | 2026-01-10     | 2    | 77003      | paid           | 6000              | yes
    B        | 2026-02-10     | 1    | 77003      |                |                   |
    """, """
    claim_id | line | known_date | paid  | adjustments
    A        | 1    | 2026-02-01 | 50.00 | CO-45:50.00
    A        | 2    | 2026-02-01 | 0.00  | CO-16:100.00
    B        | 1    | 2026-03-01 | 60.00 | CO-45:40.00
    """)  # fmt: skip


@pytest.mark.parametrize("payer", ["P1", "P2"])
def test_what_a_secondary_pays_overturns_nothing(payer: str) -> None:
    check(f"""
    submission_id | claim_id | submitted_date | payer_id | payer_responsibility_code | =final_outcome | =final_paid_cents
    A             | A        | 2026-01-10     | P1       | P                         | denied         | 0
    B             | A        | 2026-02-10     | {payer}  | S                         |                |
    """, f"""
    claim_id | line | known_date | payer_id | status | paid  | adjustments
    A        | 1    | 2026-02-01 | P1       | 1      | 0.00  | CO-197:100.00
    A        | 1    | 2026-03-01 | {payer}  | 2      | 90.00 | OA-23:10.00
    """)  # fmt: skip


PAID = """
claim_id | line | control | known_date | status | charge  | paid   | adjustments  | payer_id
A        | 1    | K1      | 2026-02-01 | 1      | 100.00  | 60.00  | CO-45:40.00  | P1
A        | 2    | K1      | 2026-02-01 | 1      | 100.00  | 20.01  | CO-45:79.99  | P1
A        | 3    | K1      | 2026-02-01 | 1      | 100.00  | 0.00   | CO-50:100.00 | P1
"""
BACK = """
A        | 1    | K1      | 2026-03-01 | 22     | -100.00 | -60.00 | CO-45:-40.00 | P1
A        | 1    | K1      | 2026-03-01 | 1      | 100.00  | 30.00  | CO-45:70.00  | P1
"""


@pytest.mark.parametrize(("taken", "more", "cents", "recouped"), [
    ("WO | K1 | 80.01 | P1 | 2026-05-01", "", (60_00, 20_01, 0), True),
    ("WO | K1 | 80.01 |    | 2026-05-01", "", (60_00, 20_01, 0), True),
    ("WO | K1 | 80.01 | P1 | 2026-07-31", "", (60_00, 20_01, 0), True),
    ("WO | K1 | 80.01 | P1 | 2026-08-01", "", (0, 0, 0), False),  # after the horizon
    ("WO | K1 | 80.01 | P2 | 2026-05-01", "", (0, 0, 0), False),  # another payer's
    ("WO | K2 | 80.01 | P1 | 2026-05-01", "", (0, 0, 0), False),
    ("L6 | K1 | 80.01 | P1 | 2026-05-01", "", (0, 0, 0), False),
    ("WO | K1 | -80.0 | P1 | 2026-05-01", "", (0, 0, 0), False),
    ("WO | K1 | 40.00 | P1 | 2026-05-01", "", (29_99, 10_01, 0), False),
    ("72 | K1 | -80.01 | P1 | 2026-05-01", "", (60_00, 20_01, 0), True),
    ("72 | K1 | -80.01 | P1 | 2026-05-01\nWO | K1 | 80.01 | P1 | 2026-05-01", "", (60_00, 20_01, 0), True),
    ("WO | K1 | 60.00 | P1 | 2026-05-01", BACK.replace("30.00", "60.00").replace("70.00", "40.00"), (51_42, 8_58, 0), False),
    ("WO | K1 | 60.00 | P1 | 2026-05-01", BACK, (49_08, 10_92, 0), False),  # what the reversal took back
    ("WO | K1 | 30.00 | P1 | 2026-05-01", BACK, (24_54, 5_46, 0), False),  # the reversal and this are one recovery
])  # fmt: skip
def test_a_recoupment_is_recorded_with_the_claim_and_is_no_payment(
    taken: str, more: str, cents: tuple[int, int, int], recouped: bool
) -> None:
    lines = ascii_table.lines(
        "claim_id | line | submitted_date\n" + "\n".join(f"A | {i} | 2026-01-10" for i in (1, 2, 3))
    )
    plb = adjusted(f"reason_code | reference_id | amount | payer_id | known_date\n{taken}")
    got = final(lines, ascii_table.outcomes(PAID + more), plb, refused(), date(2027, 6, 1))
    assert got["recouped_cents"].to_list() == list(cents)
    assert got["recouped"].to_list() == [recouped, recouped, False]
    assert got["final_paid_cents"].to_list() == [30_00 if "70.00" in more else 60_00, 20_01, 0]
    assert got["initial_outcome"].to_list() == ["paid", "paid", "denied"]


def test_a_number_that_two_claims_share_recoups_neither() -> None:
    lines = ascii_table.lines("claim_id | submitted_date\nA | 2026-01-10\nB | 2026-01-10")
    told = ascii_table.outcomes("claim_id | line | control | paid\nA | 1 | K1 | 60.00\nB | 1 | K1 | 60.00")
    plb = adjusted("reason_code | reference_id | amount\nWO | K1 | 60.00")
    got = final(lines, told, plb, refused(), date(2027, 6, 1))
    assert got["recouped_cents"].to_list() == [0, 0]


@pytest.mark.parametrize(("as_of", "censored", "outcome", "paid"), [
    ("2026-07-01", "yes", "denied", "0"),  # not known yet
    ("2026-07-02", "yes", "paid", "6000"),
    ("2026-07-31", "yes", "paid", "6000"),
    ("2026-08-01", "", "paid", "6000"),  # 180 days after 1 February are over
])  # fmt: skip
def test_right_censored_until_the_horizon_is_over(as_of: str, censored: str, outcome: str, paid: str) -> None:
    check(f"""
    claim_id | =initial_outcome | =final_outcome | =final_paid_cents | =right_censored
    A        | denied           | {outcome}      | {paid}            | {censored}
    """, """
    claim_id | line | known_date | paid  | adjustments
    A        | 1    | 2026-02-01 | 0.00  | CO-197:100.00
    A        | 1    | 2026-07-01 | 60.00 | CO-45:40.00
    A        | 1    | 2026-08-01 | 9.00  | CO-45:40.00
    """, as_of=as_of)  # fmt: skip


def test_what_comes_after_the_horizon_changes_nothing() -> None:
    check("""
    claim_id | =final_outcome | =final_paid_cents | =overturned
    A        | paid           | 6000              | yes
    B        | denied         | 0                 |
    """, """
    claim_id | line | known_date | paid  | adjustments
    A        | 1    | 2026-02-01 | 0.00  | CO-197:100.00
    A        | 1    | 2026-07-31 | 60.00 | CO-45:40.00
    B        | 1    | 2026-02-01 | 0.00  | CO-197:100.00
    B        | 1    | 2026-08-01 | 60.00 | CO-45:40.00
    """)  # fmt: skip


WAITING = """
claim_id | submitted_date | =initial_outcome   | =final_outcome     | =final_paid_cents | =right_censored
A        | 2026-01-10     | {A}                | {A}                |                   | {open}
B        | 2026-01-10     | rejected_front_end | rejected_front_end |                   | {open}
C        | 2026-01-10     | paid               | paid               | 6000              | {C}
D        | 2026-01-10     | {A}                | {A}                |                   | {open}
"""


@pytest.mark.parametrize(("as_of", "state", "still", "answered"), [
    ("2026-07-09", "pending", "yes", "yes"), ("2026-07-10", "no_response", "", "yes"),
])  # fmt: skip
def test_lines_without_an_answer(as_of: str, state: str, still: str, answered: str) -> None:
    check(WAITING.format(A=state, open=still, C=answered), """
    claim_id | line | known_date | status | paid  | adjustments
    C        | 1    | 2026-02-01 | 1      | 60.00 | CO-45:40.00
    D        | 1    | 2026-02-01 | 25     | 60.00 | CO-45:40.00
    """, rejected="""
    claim_id | transaction | known_date
    B        | 277CA       | 2026-01-12
    C        | 277CA       | 2026-01-12
    D        | 277CA       | 2026-01-09
    A        | 999         | 2026-01-12
    ""       | 277CA       | 2026-01-12
    A        | 277CA       | 2026-07-10
    """, as_of=as_of)  # fmt: skip


def test_a_rejected_claim_that_was_sent_again_ends_as_the_second_one_did() -> None:
    check("""
    submission_id | claim_id | submitted_date | =initial_outcome   | =final_outcome | =final_paid_cents | =overturned
    A             | A        | 2026-01-10     | rejected_front_end | paid           | 6000              |
    B             | A        | 2026-01-20     |                    |                |                   |
    """, """
    claim_id | line | known_date | paid  | adjustments
    A        | 1    | 2026-02-01 | 60.00 | CO-45:40.00
    """, rejected="claim_id\nA")  # fmt: skip


def test_lines_sent_later_or_without_a_day_are_not_there_yet() -> None:
    check("""
    claim_id | submitted_date | =initial_outcome
    A        | 2026-01-10     | pending
    B        | 2026-01-11     |
    """, "claim_id", as_of="2026-01-11")  # fmt: skip
