"""What makes a submission a resubmission, and of which one. The first table of a test lies in the store.

A line's patient is `pat`, its provider `npi`, unless the table says otherwise.
"""

from __future__ import annotations

import ascii_table
import polars as pl
import pytest

from claims.earlier import ChainIndex, chains
from claims.snapshot import snapshot_of

NONE = ascii_table.outcomes("claim_id")


def frame(text: str) -> pl.DataFrame:
    lines = ascii_table.lines(text)
    given = {name for name in ("patient_id", "rendering_npi") if name in text}
    fill = {"patient_id": "pat", "rendering_npi": "npi"}
    return lines.with_columns(**{name: pl.lit(value) for name, value in fill.items() if name not in given})


def links(lines: pl.DataFrame, outcomes: pl.DataFrame = NONE) -> dict[str, tuple[bool, str | None, str]]:
    """submission: (is_resubmission, resubmission_of, chain); what one claim alone is told agrees."""
    table = chains(lines, outcomes)
    for (name,), own in lines.group_by("submission_id"):
        rest = lines.filter(pl.col("submission_id") != name)
        stored = rest.join(chains(rest, outcomes), on="submission_id", how="left", maintain_order="left")
        index = ChainIndex.of(stored, outcomes)
        (code,) = set(index.chain_of(own).tolist())
        chain = table.filter(submission_id=name)["chain_id"][0]
        assert (stored["chain_id"][index.codes.tolist().index(code)] if code >= 0 else name) == chain
    return {row["submission_id"]: (row["is_resubmission"], row["resubmission_of"], row["chain_id"])
            for row in table.to_dicts()}  # fmt: skip


FIRST = (False, None, "A")
AGAIN = (True, "A", "A")
NEW = (False, None, "B")


@pytest.mark.parametrize("frequency", ["7", "8"])
def test_a_replacement_or_void_is_one_even_where_nothing_is_found(frequency: str) -> None:
    assert links(frame(f"""
    claim_id | submitted_date | hcpcs_code | claim_frequency_code
    ---------+----------------+------------+---------------------
    A        | 2026-01-10     | 64483      | 1
    B        | 2026-02-10     | 62323      | {frequency}
    """)) == {"A": FIRST, "B": (True, None, "B")}  # fmt: skip


@pytest.mark.parametrize("frequency", ["", '""', "1"])
def test_another_claim_of_the_patient_is_a_first_one(frequency: str) -> None:
    assert links(frame(f"""
    claim_id | submitted_date | hcpcs_code | claim_frequency_code
    A        | 2026-01-10     | 64483      | 1
    B        | 2026-02-10     | 62323      | {frequency}
    """)) == {"A": FIRST, "B": NEW}  # fmt: skip


NAMED = """
claim_id | submitted_date | hcpcs_code | original_reference_number | payer_id
---------+----------------+------------+---------------------------+---------
A        | 2026-01-10     | 64483      |                           | P1
B        | 2026-02-10     | 62323      | {number}                  | {payer}
"""


@pytest.mark.parametrize(("number", "payer", "known", "expected"), [
    ("K1", "P1", "2026-01-20", AGAIN),
    ("K9", "P1", "2026-01-20", (True, None, "B")),  # nobody's number
    ("K1", "P2", "2026-01-20", (True, None, "B")),  # another payer's
    ("K1", "P1", "2026-02-10", (True, None, "B")),  # not known before it was sent
    ("", "P1", "2026-01-20", NEW),
    ('""', "P1", "2026-01-20", NEW),
])  # fmt: skip
def test_a_named_number_leads_to_the_claim_it_was_given_to(
    number: str, payer: str, known: str, expected: tuple[object, ...]
) -> None:
    outcomes = ascii_table.outcomes(f"""
    claim_id | claim_line_number | known_date | payer_claim_control_number
    A        | 1                 | {known}    | K1
    """)
    assert links(frame(NAMED.format(number=number, payer=payer)), outcomes)["B"] == expected


@pytest.mark.parametrize(("payer", "source", "day", "expected"), [
    ("P1", "practice", "2026-02-10", AGAIN),
    ("P2", "practice", "2026-02-10", NEW),  # the next payer
    ("P1", "other", "2026-02-10", NEW),  # another practice's numbering
    ("P1", "practice", "2026-01-10", NEW),  # the same day: not earlier
    ("P1", "practice", "", NEW),  # no day: never later
])  # fmt: skip
def test_the_same_claim_to_the_same_payer_again(payer: str, source: str, day: str, expected: object) -> None:
    assert links(frame(f"""
    submission_id | claim_id | source_system | payer_id | submitted_date | hcpcs_code
    A             | X        | practice      | P1       | 2026-01-10     | 64483
    B             | X        | {source}      | {payer}  | {day}          | 62323
    """))["B"] == expected  # fmt: skip


SAME = {
    "patient_id": "p", "payer_id": "P1", "claim_line_start_date": "2026-01-05", "hcpcs_code": "64483",
    "hcpcs_modifier_1": "RT", "hcpcs_modifier_2": "59", "service_unit_quantity": "1", "rendering_npi": "n1",
    "submitted_date": "2026-02-10",
}  # fmt: skip


def repeated(**changes: str) -> tuple[object, ...]:
    rows = [SAME | {"claim_id": "A", "submitted_date": "2026-01-10"}, SAME | {"claim_id": "B"} | changes]
    text = "\n".join([" | ".join(rows[0]), *[" | ".join(row.values()) for row in rows]])
    return links(frame(text))["B"]


def test_a_claim_sent_anew_under_another_number() -> None:
    assert repeated() == AGAIN


@pytest.mark.parametrize(("first", "second"), [("59", "RT"), ("RT", "59")])
def test_modifiers_count_in_any_order(first: str, second: str) -> None:
    assert repeated(hcpcs_modifier_1=first, hcpcs_modifier_2=second) == AGAIN


@pytest.mark.parametrize(("field", "value"), [
    ("patient_id", "q"), ("payer_id", "P2"), ("claim_line_start_date", "2026-01-06"), ("hcpcs_code", "64484"),
    ("hcpcs_modifier_1", "LT"), ("hcpcs_modifier_2", "76"), ("hcpcs_modifier_2", "77"), ("hcpcs_modifier_2", '""'),
    ("service_unit_quantity", "2"), ("service_unit_quantity", ""), ("rendering_npi", "n2"),
    ("submitted_date", "2026-01-10"), ("submitted_date", "2026-01-09"), ("submitted_date", ""),
])  # fmt: skip
def test_another_service_is_no_resubmission(field: str, value: str) -> None:
    assert repeated(**{field: value}) == NEW


@pytest.mark.parametrize("patient", ["", '""'])
def test_an_unknown_patient_repeats_nothing(patient: str) -> None:
    assert links(frame(f"""
    claim_id | submitted_date | patient_id
    A        | 2026-01-10     | {patient}
    B        | 2026-02-10     | {patient}
    """))["B"] == NEW  # fmt: skip


TWO = """
claim_id | claim_line_number | submitted_date | hcpcs_code
---------+-------------------+----------------+-----------
A        | 1                 | 2026-01-10     | 64483
A        | 2                 | 2026-01-10     | 64484
"""


def test_a_part_of_an_earlier_claim_repeats_it() -> None:
    assert links(frame(TWO + "B | 1 | 2026-02-10 | 64484"))["B"] == AGAIN


def test_a_claim_with_one_new_line_repeats_nothing() -> None:
    assert links(frame(TWO + "B | 1 | 2026-02-10 | 64484\nB | 2 | 2026-02-10 | 77003"))["B"] == NEW


def test_all_lines_must_repeat_one_and_the_same_submission() -> None:
    assert links(frame("""
    claim_id | claim_line_number | submitted_date | hcpcs_code
    A        | 1                 | 2026-01-10     | 64483
    C        | 1                 | 2026-01-11     | 64484
    B        | 1                 | 2026-02-10     | 64483
    B        | 2                 | 2026-02-10     | 64484
    """))["B"] == NEW  # fmt: skip


def test_the_latest_earlier_one_and_the_first_of_the_chain() -> None:
    assert links(frame("""
    claim_id | submitted_date
    A        | 2026-01-10
    B        | 2026-02-10
    C        | 2026-03-10
    """)) == {"A": FIRST, "B": AGAIN, "C": (True, "B", "A")}  # fmt: skip


def test_originals_are_first_claims_to_the_first_payer() -> None:
    lines = frame("""
    claim_id | submitted_date | hcpcs_code | claim_frequency_code | payer_responsibility_code
    A        | 2026-01-10     | 1          |                      |
    B        | 2026-01-10     | 2          | ""                   | ""
    C        | 2026-01-10     | 3          | 1                    | P
    D        | 2026-01-10     | 4          | 1                    | S
    E        | 2026-01-10     | 5          | 7                    | P
    F        | 2026-01-20     | 3          | 1                    | P
    """)
    snapshot = snapshot_of(lines, NONE, ascii_table.authorizations("prior_authorization_number"))
    assert snapshot.lines.filter("is_original")["submission_id"].to_list() == ["A", "B", "C"]
    assert snapshot.lines["submission_id"].to_list() == ["A", "B", "C", "D", "E", "F"]
