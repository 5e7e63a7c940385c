"""What a line's outcome is. Each row of a table is a line with its remittance; `=` columns say what must come of it."""

from __future__ import annotations

import ascii_table
import polars as pl
import pytest

from claims.adjustments import CATEGORIES, load_classes
from claims.label import label_lines
from claims.match import match_outcomes

OUTCOMES = {
    "denied": 1, "partial_denied": 1, "paid": 0, "cost_share_only": 0, "duplicate": None, "capitated": None,
    "cob_neutral": None, "full_contractual": None, "reporting_only": None, "unknown": None, "not_applicable": None,
    "pending": None,
}  # fmt: skip
LINE_ONLY = {"hcpcs_modifier_1", "billed"}


def labels(lines: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    labelled = label_lines(lines, match_outcomes(lines, outcomes), load_classes())
    backwards = label_lines(lines, match_outcomes(lines, outcomes).reverse(), load_classes())
    assert labelled.equals(backwards), "labels depend on the order of outcomes"
    assert labelled["y"].to_list() == [OUTCOMES[outcome] for outcome in labelled["outcome"]]
    assert labelled["category"].is_null().to_list() == (labelled["y"].fill_null(0) == 0).to_list()
    return labelled


def check(text: str) -> pl.DataFrame:
    """Every row a claim of one line; money that a table leaves out is not known."""
    table = [{k.removeprefix("="): v for k, v in row.items()} for row in ascii_table.rows(text)]
    expected = [name[1:] for name in ascii_table.rows(text)[0] if name.startswith("=")]
    ids = [{"claim_id": f"C{i:03}", "submission_id": f"C{i:03}", "claim_line_number": "1"} for i in range(len(table))]
    kept = [{k: v for k, v in row.items() if k not in expected} for row in table]
    lines = [ascii_table.LINE | i | {"charge_amount": r.pop("billed", None)} for i, r in zip(ids, kept, strict=True)]
    lines = [i | {k: r.pop(k) for k in LINE_ONLY & r.keys()} for i, r in zip(lines, kept, strict=True)]
    outcomes = [ascii_table.OUTCOME | i | {"outcome_id": i["claim_id"]} | r for i, r in zip(ids, kept, strict=True)]
    labelled = labels(ascii_table.frame(lines, ascii_table.Line), ascii_table.frame(outcomes, ascii_table.Outcome))
    got = labelled.select(pl.col(expected).cast(pl.String)).to_dicts()
    wanted = [
        {name: "" if name == "quality" and row[name] is None else row[name] for name in expected} for row in table
    ]
    assert got == wanted
    return labelled


def test_outcomes_with_amounts() -> None:
    check("""
    charge | paid   | adjustments                       | =outcome         | =category         | =carc | =denied_cents
    -------+--------+-----------------------------------+------------------+-------------------+-------+--------------
    100.00 | 0.00   | CO-197:100.00                     | denied           | authorization     | 197   | 10000
    100.00 | 0.00   | CO-45:40.00;CO-197:60.00          | denied           | authorization     | 197   | 6000
    100.00 | 50.00  | CO-151:30.00;CO-45:20.00          | partial_denied   | medical_necessity | 151   | 3000
    100.00 | 0.00   | PR-1:20.00;CO-50:80.00            | partial_denied   | medical_necessity | 50    | 8000
    100.00 | 60.00  | CO-45:40.00                       | paid             |                   |       | 0
    100.00 | 100.00 |                                   | paid             |                   |       | 0
    100.00 | 0.00   | CO-45:40.00;PR-1:60.00            | cost_share_only  |                   |       | 0
    100.00 | 0.00   | PR-2:20.00;PR-3:20.00;CO-45:60.00 | cost_share_only  |                   |       | 0
    100.00 | 0.00   | OA-18:100.00                      | duplicate        |                   |       | 0
    100.00 | 0.00   | CO-45:10.00;CO-18:90.00           | duplicate        |                   |       | 0
    100.00 | 0.00   | CO-B13:100.00                     | duplicate        |                   |       | 0
    100.00 | 0.00   | CO-24:100.00                      | capitated        |                   |       | 0
    100.00 | 0.00   | OA-23:100.00                      | cob_neutral      |                   |       | 0
    100.00 | 0.00   | OA-23:80.00;CO-45:20.00           | cob_neutral      |                   |       | 0
    100.00 | 0.00   | CO-45:100.00                      | full_contractual |                   |       | 0
    100.00 | 0.00   | CO-45:99.99                       | full_contractual |                   |       | 0
    100.00 | 0.00   | OA-133:100.00                     | pending          |                   |       | 0
    100.00 | 0.00   |                                   | unknown          |                   |       | 0
    100.00 |        |                                   | unknown          |                   |       | 0
    0.00   | 0.00   |                                   | not_applicable   |                   |       | 0
    0.00   | 0.00   | CO-97:0.00                        | not_applicable   |                   |       | 0
    """)


def test_what_was_neither_paid_nor_denied_is_called_by_its_largest_part() -> None:
    check("""
    charge | paid | adjustments                        | =outcome
    -------+------+------------------------------------+----------------
    100.00 | 0.00 | OA-23:80.00;PR-3:20.00             | cob_neutral
    100.00 | 0.00 | OA-23:20.00;PR-3:80.00             | cost_share_only
    100.00 | 0.00 | OA-23:90.00;OA-18:10.00            | cob_neutral
    100.00 | 0.00 | CO-24:10.00;OA-18:20.0;CO-45:70.00 | duplicate
    100.00 | 0.00 | OA-133:80.00;PR-3:20.00            | pending
    """)


def test_the_group_says_who_owes_not_whether_it_was_denied() -> None:
    check("""
    charge | paid | adjustments   | =outcome         | =category
    -------+------+---------------+------------------+-------------------------
    100.00 | 0.00 | PR-96:100.00  | denied           | coverage_limit
    100.00 | 0.00 | PR-204:100.00 | denied           | coverage_limit
    100.00 | 0.00 | PR-27:100.00  | denied           | eligibility
    100.00 | 0.00 | CO-22:100.00  | denied           | coordination_of_benefits
    100.00 | 0.00 | PI-45:100.00  | full_contractual |
    100.00 | 0.00 | CO-23:100.00  | cob_neutral      |
    100.00 | 0.00 | PR-66:100.00  | cost_share_only  |
    100.00 | 0.00 | CO-66:100.00  | denied           | other
    """)


def test_services_that_are_denied_by_design_are_out_of_the_target() -> None:
    check("""
    hcpcs_modifier_1 | charge | paid  | adjustments   | =outcome
    -----------------+--------+-------+---------------+---------------
    GY               | 100.00 | 0.00  | PR-96:100.00  | reporting_only
    GX               | 100.00 | 0.00  | PR-96:100.00  | reporting_only
    GZ               | 100.00 | 0.00  | CO-50:100.00  | reporting_only
    GA               | 100.00 | 0.00  | PR-50:100.00  | denied
    GA               | 100.00 | 80.00 | CO-45:20.00   | paid
    RT               | 100.00 | 0.00  | CO-246:100.00 | reporting_only
    RT               | 0.01   | 0.00  | CO-96:0.01    | reporting_only
    RT               | 0.01   | 0.00  | CO-246:0.01   | reporting_only
    RT               | 0.02   | 0.00  | CO-96:0.02    | denied
    """)


def test_only_positive_amounts_deny() -> None:
    check("""
    charge | paid   | adjustments                           | =outcome         | =denied_cents
    -------+--------+---------------------------------------+------------------+--------------
    100.00 | 180.00 | CO-97:-80.00                          | paid             | 0
    100.00 | 60.00  | CO-45:60.00;CO-197:-20.00             | paid             | 0
    100.00 | 0.00   | CO-45:120.00;CO-50:-20.00             | unknown          | 0
    100.00 | 0.00   | CO-50:130.00;CO-197:-30.00            | denied           | 13000
    100.00 | 0.00   | CO-50:80.00;CO-50:-80.00;CO-45:100.00 | full_contractual | 0
    100.00 | 99.99  | CO-50:0.01                            | paid             | 0
    100.00 | 0.00   | CO-45:110.00;CO-50:20.00;CO-197:-30.0 | denied           | 2000
    """)


def test_a_code_that_no_list_names_denies_only_what_was_paid_nothing() -> None:
    check("""
    charge | paid  | adjustments              | =outcome       | =category         | =carc | =quality
    -------+-------+--------------------------+----------------+-------------------+-------+--------------
    100.00 | 0.00  | CO-301:100.00            | denied         | other             | 301   | unlisted_code
    100.00 | 70.00 | CO-301:30.00             | paid           |                   |       | unlisted_code
    100.00 | 50.00 | CO-301:30.00;CO-50:20.00 | partial_denied | medical_necessity | 50    | unlisted_code
    """)


def test_codes_without_amounts_count_as_something() -> None:
    check("""
    charge | paid  | adjustments     | =outcome         | =category     | =denied_cents | =quality
    -------+-------+-----------------+------------------+---------------+---------------+----------------
    100.00 | 0.00  | CO-197          | denied           | authorization | 10000         | amounts_missing
    100.00 |       | CO-197          | denied           | authorization | 10000         | amounts_missing
           |       | CO-197          | denied           | authorization |               | amounts_missing
           | 0.00  | CO-197,CO-45    | denied           | authorization |               | amounts_missing
    100.00 | 50.00 | CO-197          | partial_denied   | authorization |               | amounts_missing
    100.00 |       | CO-45           | paid             |               | 0             | amounts_missing
    100.00 |       | CO-45 PR-2      | cost_share_only  |               | 0             | amounts_missing
    100.00 | 0.00  | PR-1            | cost_share_only  |               | 0             | amounts_missing
    100.00 | 0.00  | CO-45           | full_contractual |               | 0             | amounts_missing
    100.00 | 0.00  | OA-18           | duplicate        |               | 0             | amounts_missing
    100.00 | 0.00  | CO-45:40.00;197 | denied           | authorization | 10000         | amounts_missing
    """)


def test_a_missing_charge_is_what_was_paid_and_adjusted() -> None:
    check("""
    billed | charge | paid  | adjustments             | =outcome         | =denied_cents | =quality
    -------+--------+-------+-------------------------+------------------+---------------+-----------
           |        | 0.00  | CO-197:100.00           | denied           | 10000         |
           |        | 0.00  | CO-45:100.00            | full_contractual | 0             |
           |        | 0.00  | CO-246:0.01             | reporting_only   | 0             |
           |        | 60.00 | CO-45:40.00             | paid             | 0             |
    100.00 |        | 0.00  | CO-45:40.00;CO-50:60.00 | denied           | 6000          |
    100.00 |        | 0.00  | CO-45:40.00             | unknown          | 0             | unbalanced
    0.00   |        | 0.00  | CO-45:40.00             | not_applicable   | 0             | unbalanced
    50.00  | 100.00 | 0.00  | CO-50:100.00            | denied           | 10000         |
    """)


def test_a_missing_payment_is_what_adjustments_leave() -> None:
    check("""
    charge | adjustments            | =outcome         | =paid_cents
    -------+------------------------+------------------+------------
    100.00 | CO-45:40.00            | paid             |
    100.00 | CO-45:40.00;PR-1:60.00 | cost_share_only  |
    100.00 | CO-45:100.00           | full_contractual |
    100.00 | CO-50:100.00           | denied           |
    100.00 | CO-50:70.00            | partial_denied   |
           | CO-50:70.00            | denied           |
           | CO-45:70.00            | paid             |
    """)


def test_quality_never_changes_a_label() -> None:
    check("""
    charge | paid  | adjustments       | remark_codes | =outcome | =quality
    -------+-------+-------------------+--------------+----------+-------------------------------
    100.00 | 0.00  | CO-16:100.00      | N290         | denied   |
    100.00 | 0.00  | CO-16:100.00      |              | denied   | remark_missing
    100.00 | 0.00  | CO-16:100.00      | ""           | denied   | remark_missing
    100.00 | 0.00  | PR-96:100.00      |              | denied   | remark_missing
    100.00 | 0.00  | CO-234:100.00     |              | denied   | remark_missing
    100.00 | 0.00  | CO-252:100.00     |              | denied   | remark_missing
    100.00 | 0.00  | CO-197:100.00     |              | denied   |
    100.00 | 0.00  | CO-197:90.00      |              | denied   | unbalanced
    100.00 | 0.00  | CO-16             |              | denied   | amounts_missing;remark_missing
    100.00 | 60.00 | CO-45:40.01       |              | paid     |
    100.00 | 60.00 | CO-45:40.02       |              | paid     | unbalanced
    100.00 | 60.00 | ""                |              | paid     | unbalanced
    100.00 | 60.00 |                   |              | paid     |
    100.00 | 60.00 | CO-45:40;nonsense |              | paid     | unreadable_adjustment
    """)


def test_what_the_source_states_is_taken_as_it_is() -> None:
    check("""
    denied | charge | paid   | adjustments  | hcpcs_modifier_1 | =outcome | =category     | =carc | =denied_cents
    -------+--------+--------+--------------+------------------+----------+---------------+-------+--------------
    yes    |        |        |              |                  | denied   | other         |       |
    no     |        |        |              |                  | paid     |               |       | 0
    yes    | 100.00 |        |              |                  | denied   | other         |       | 10000
    yes    | 100.00 | 0.00   | CO-29:90.00  |                  | denied   | timely_filing | 29    | 9000
    yes    | 100.00 | 100.00 |              |                  | denied   | other         |       | 10000
    yes    | 100.00 | 0.00   | CO-45:100.00 |                  | denied   | other         |       | 10000
    yes    |        |        | CO-15        |                  | denied   | authorization | 15    |
    no     | 100.00 | 0.00   | CO-29:100.00 |                  | paid     |               |       | 0
    yes    | 0.00   | 0.00   |              | GY               | denied   | other         |       | 0
    """)


def test_the_category_is_that_of_the_largest_denied_amount() -> None:
    check("""
    charge | paid | adjustments                           | =category         | =carc | =denied_cents
    -------+------+---------------------------------------+-------------------+-------+--------------
    100.00 | 0.00 | CO-50:40.00;CO-197:60.00              | authorization     | 197   | 10000
    100.00 | 0.00 | CO-50:50.00;CO-197:50.00              | medical_necessity | 50    | 10000
    100.00 | 0.00 | CO-197:50.00;CO-50:50.00              | authorization     | 197   | 10000
    100.00 | 0.00 | CO-197:40.00;CO-50:25.00;CO-151:35.00 | medical_necessity | 151   | 10000
    100.00 | 0.00 | CO-50;CO-197                          | medical_necessity | 50    | 10000
    """)


@pytest.mark.parametrize("text", [
    "CO-45:40.00;CO-197:60.00", "CO-45:40.00,CO-197:60.00", "CO-45:40.00|CO-197:60.00", "CO-45:40.00  CO-197:60.00",
    "co-45:40 ; co-197:60", "CO45=40.0;CO197=60.0", "CO-045: $40.00; CO-197: $60.00;", "CO-45:20;CO-45:20;197:60",
])  # fmt: skip
def test_adjustments_are_read_however_they_are_written(text: str) -> None:
    lines = ascii_table.lines("claim_id\nA")
    outcomes = ascii_table.outcomes("claim_id | claim_line_number | charge_amount | paid_amount\nA | 1 | 100.00 | 0.00")
    label = labels(lines, outcomes.with_columns(adjustments=pl.lit(text))).to_dicts()[0]
    assert (label["outcome"], label["carc"], label["denied_cents"], label["quality"]) == ("denied", "197", 60_00, "")


CONTRACT = load_classes().filter(pl.col("carc") != "*").rows()
ALONE = {"cost_share": "cost_share_only", "contractual": "full_contractual"}


def test_every_code_of_the_contract() -> None:
    lines = pl.concat([
        ascii_table.lines("claim_id | charge_amount\nA | 100.00").with_columns(claim_line_number=pl.lit(i, pl.Int32))
        for i in range(len(CONTRACT))
    ])  # fmt: skip
    blank = ascii_table.outcomes("claim_id | paid_amount\nA | 0.00").drop("claim_line_number", "outcome_id")
    codes = [f"{group or 'CO'}-{carc}:100.00" for group, carc, *_ in CONTRACT]
    given = pl.DataFrame({"claim_line_number": range(len(codes)), "adjustments": codes}).with_columns(
        pl.col("claim_line_number").cast(pl.Int32), outcome_id=pl.col("adjustments")
    )
    got = labels(
        lines, given.join(blank.drop("adjustments"), how="cross").select(ascii_table.outcomes("claim_id").columns)
    )
    for (_, carc, cls, category), label in zip(CONTRACT, got.to_dicts(), strict=True):
        assert label["outcome"] == ("denied" if cls == "denial" else ALONE.get(cls, cls)), carc
        assert (label["category"], label["carc"]) == ((category, carc) if cls == "denial" else (None, None))
    assert {category for *_, category in CONTRACT} - {""} == set(CATEGORIES)


LINES = """
claim_id | line | charge
---------+------+-------
A        | 1    | 100.00
A        | 2    | 100.00
"""


def outcome_of_first(text: str) -> tuple[object, ...]:
    label = labels(ascii_table.lines(LINES), ascii_table.outcomes(text)).filter(claim_line_number=1).to_dicts()
    return tuple(label[0][name] for name in ("outcome", "denied_cents", "paid_cents", "known_date")) if label else ()


def day(text: str) -> object:
    return pl.Series([text]).str.to_date()[0]


@pytest.mark.parametrize(("other", "control", "known", "outcome"), [
    ("OA-94:-100.00", "K1", "2026-02-01", "full_contractual"),  # bundled into a line that is paid for both
    ("CO-45:10.00", "K1", "2026-02-01", "denied"),  # nothing says where it went
    ("OA-94:-100.00", "K2", "2026-02-01", "denied"),  # another claim event
    ("OA-94:-100.00", "K1", "2026-02-02", "denied"),
    ("CO-94:-100.00", "K1", "2026-02-01", "denied"),
])  # fmt: skip
@pytest.mark.parametrize("code", ["97", "231", "234", "236"])
def test_bundled_into_a_paid_line_is_no_denial(code: str, other: str, control: str, known: str, outcome: str) -> None:
    got = outcome_of_first(f"""
    claim_id | line | known_date | control   | charge | paid   | adjustments
    A        | 1    | 2026-02-01 | K1        | 100.00 | 0.00   | CO-{code}:100.00
    A        | 2    | {known}    | {control} | 100.00 | 200.00 | {other}
    """)
    assert got[0] == outcome


def test_bundling_is_seen_on_a_service_that_was_never_submitted() -> None:
    assert outcome_of_first("""
    claim_id | line | hcpcs_code | charge | paid   | adjustments
    A        | 1    |            | 100.00 | 0.00   | CO-97:100.00
    A        |      | 64999      | 0.00   | 150.00 | OA-94:-150.00
    """)[0] == "full_contractual"  # fmt: skip


def test_another_denial_beside_the_bundling_one_stays_a_denial() -> None:
    assert outcome_of_first("""
    claim_id | line | charge | paid   | adjustments
    A        | 1    | 100.00 | 0.00   | CO-97:60.00;CO-50:40.00
    A        | 2    | 100.00 | 160.00 | OA-94:-60.00
    """)[:2] == ("denied", 40_00)  # fmt: skip


def test_split_rows_are_summed() -> None:
    assert outcome_of_first("""
    claim_id | line | control | charge | paid  | adjustments
    A        | 1    | K1      | 50.00  | 30.00 | CO-45:20.00
    A        | 1    | K1      | 50.00  | 0.00  | CO-151:50.00
    """) == ("partial_denied", 50_00, 30_00, day("2026-02-01"))  # fmt: skip


def test_amounts_that_cancel_within_a_split_deny_nothing() -> None:
    assert outcome_of_first("""
    claim_id | line | control | charge | paid  | adjustments
    A        | 1    | K1      | 100.00 | 0.00  | CO-97:100.00
    A        | 1    | K1      | 0.00   | 80.00 | CO-97:-100.00;CO-45:20.00
    """)[:3] == ("paid", 0, 80_00)  # fmt: skip


def test_the_same_outcome_counts_once() -> None:
    assert outcome_of_first("""
    outcome_id | claim_id | line | charge | paid | adjustments
    same       | A        | 1    | 100.00 | 0.00 | CO-50:100.00
    same       | A        | 1    | 100.00 | 0.00 | CO-50:100.00
    """)[:2] == ("denied", 100_00)  # fmt: skip


def test_of_two_claim_events_on_a_day_the_one_paid_first_is_the_initial_one() -> None:
    assert outcome_of_first("""
    claim_id | line | paid_date  | control | charge | paid  | adjustments
    A        | 1    | 2026-01-31 | K2      | 100.00 | 0.00  | CO-50:100.00
    A        | 1    | 2026-02-01 | K1      | 100.00 | 70.00 | CO-45:30.00
    """)[:3] == ("denied", 100_00, 0)  # fmt: skip


def test_a_later_payment_does_not_rewrite_the_denial() -> None:
    assert outcome_of_first("""
    claim_id | line | known_date | status | charge  | paid  | adjustments
    A        | 1    | 2026-03-01 | 1      | 100.00  | 60.00 | CO-45:40.00
    A        | 1    | 2026-02-01 | 1      | 100.00  | 0.00  | CO-197:100.00
    A        | 1    | 2026-03-01 | 22     | -100.00 | 0.00  | CO-197:-100.00
    """) == ("denied", 100_00, 0, day("2026-02-01"))  # fmt: skip


EVENTS = """
name                | known_date | control | paid  | denied | adjustments             | =outcome        | =known_date
--------------------+------------+---------+-------+--------+-------------------------+-----------------+------------
alone               | 2026-02-01 | K1      | 0.00  |        | OA-133:100.00           | pending         | 2026-02-01
twice               | 2026-02-01 | K1      | 0.00  |        | OA-133:100.00           |                 |
twice               | 2026-02-20 | K2      | 0.00  |        | CO-133:100.00           | pending         | 2026-02-01
then denied         | 2026-02-01 | K1      | 0.00  |        | OA-133:100.00           |                 |
then denied         | 2026-03-01 | K1      | 0.00  |        | CO-197:100.00           | denied          | 2026-03-01
then paid           | 2026-02-01 | K1      |       |        | OA-133                  |                 |
then paid           | 2026-02-15 | K1      |       |        | 133                     |                 |
then paid           | 2026-03-01 | K2      | 60.00 |        | CO-45:40.00             | paid            | 2026-03-01
then denied, paid   | 2026-02-01 | K1      | 0.00  |        | OA-133:100.00           |                 |
then denied, paid   | 2026-03-01 | K1      | 0.00  |        | CO-50:100.00            | denied          | 2026-03-01
then denied, paid   | 2026-04-01 | K1      | 60.00 |        | CO-45:40.00             |                 |
decided before      | 2026-02-01 | K1      | 60.00 |        | CO-45:40.00             | paid            | 2026-02-01
decided before      | 2026-03-01 | K1      | 0.00  |        | OA-133:100.00           |                 |
on one day          | 2026-02-01 | K1      | 0.00  |        | OA-133:100.00           |                 |
on one day          | 2026-02-01 | K2      | 0.00  |        | CO-50:100.00            | denied          | 2026-02-01
not the code alone  | 2026-02-01 | K1      | 0.00  |        | OA-133:80.00;PR-3:20.00 | pending         | 2026-02-01
not the code alone  | 2026-03-01 | K1      | 0.00  |        | CO-197:100.00           |                 |
split               | 2026-02-01 | K1      | 0.00  |        | OA-133:80.00            | pending         | 2026-02-01
split               | 2026-02-01 | K1      | 0.00  |        | PR-1:20.00              |                 |
split               | 2026-03-01 | K1      | 0.00  |        | CO-197:100.00           |                 |
with a payment      | 2026-02-01 | K1      | 60.00 |        | OA-133:40.00            | paid            | 2026-02-01
with a payment      | 2026-03-01 | K1      | 0.00  |        | CO-197:100.00           |                 |
source states it    | 2026-02-01 | K1      | 0.00  | yes    | OA-133:100.00           | denied          | 2026-02-01
source states it    | 2026-03-01 | K1      | 60.00 |        | CO-45:40.00             |                 |
"""


def test_a_line_that_was_put_off_is_decided_by_what_follows() -> None:
    told = ascii_table.rows(EVENTS)
    wanted = {r["name"]: (r["=outcome"], r["=known_date"]) for r in told if r["=outcome"]}
    assert set(wanted) == {r["name"] for r in told}
    names = {name: f"C{i:02}" for i, name in enumerate(wanted)}
    own = ("known_date", "payer_claim_control_number", "paid_amount", "denied", "adjustments")
    events = [
        ascii_table.OUTCOME | {name: r[name] for name in own}
        | {"outcome_id": f"o{i}", "claim_id": names[r["name"]], "claim_line_number": "1", "charge_amount": "100.00"}
        for i, r in enumerate(told)
    ]  # fmt: skip
    lines = [ascii_table.LINE | {"claim_id": c, "submission_id": c, "charge_amount": "100.00"} for c in names.values()]
    got = labels(ascii_table.frame(lines, ascii_table.Line), ascii_table.frame(events, ascii_table.Outcome))
    by_claim = {row["submission_id"]: (row["outcome"], str(row["known_date"])) for row in got.to_dicts()}
    assert {name: by_claim[claim] for name, claim in names.items()} == wanted


def test_a_line_is_put_off_until_its_decision_is_known() -> None:
    told = ascii_table.outcomes("""
    claim_id | line | known_date | charge | paid | adjustments
    A        | 1    | 2026-02-01 | 100.00 | 0.00 | OA-133:100.00
    A        | 1    | 2026-03-01 | 100.00 | 0.00 | CO-197:100.00
    """)
    lines = ascii_table.lines(LINES)
    then, now = labels(lines, told.filter(pl.col("known_date") < day("2026-03-01"))), labels(lines, told)
    assert then.select("outcome", "y").rows() == [("pending", None)]
    assert now.select("outcome", "y").rows() == [("denied", 1)]


@pytest.mark.parametrize("back", ["CO-197:-100.00", ""])
def test_a_reversal_and_correction_of_one_day_leave_the_correction(back: str) -> None:
    assert outcome_of_first(f"""
    claim_id | line | status | charge  | paid  | adjustments
    A        | 1    | 1      | 100.00  | 0.00  | CO-197:100.00
    A        | 1    | 22     | -100.00 | 0.00  | {back}
    A        | 1    | 1      | 100.00  | 60.00 | CO-45:40.00
    """)[:3] == ("paid", 0, 60_00)  # fmt: skip


@pytest.mark.parametrize("first", ["1", "3"])
def test_a_reversal_takes_back_the_row_whose_codes_it_repeats(first: str) -> None:
    second = {"1": "3", "3": "1"}[first]
    assert outcome_of_first(f"""
    outcome_id | claim_id | line | status | charge  | paid | adjustments
    {first}    | A        | 1    | 1      | 100.00  | 0.00 | CO-197:100.00
    2          | A        | 1    | 22     | -100.00 | 0.00 | CO-197:-100.00
    {second}   | A        | 1    | 1      | 100.00  | 0.00 | CO-45:20.00;CO-50:80.00
    """)[:2] == ("denied", 80_00)  # fmt: skip


def test_a_line_taken_back_and_not_corrected_that_day_waits_for_its_correction() -> None:
    assert outcome_of_first("""
    claim_id | line | known_date | status | charge  | paid  | adjustments
    A        | 1    | 2026-02-01 | 1      | 100.00  | 0.00  | CO-197:100.00
    A        | 1    | 2026-02-01 | 22     | -100.00 | 0.00  | CO-197:-100.00
    A        | 1    | 2026-02-09 | 1      | 100.00  | 60.00 | CO-45:40.00
    """) == ("paid", 0, 60_00, day("2026-02-09"))  # fmt: skip


@pytest.mark.parametrize("status", ["22", "23", "25"])
def test_what_does_not_adjudicate_gives_no_label(status: str) -> None:
    assert outcome_of_first(f"""
    claim_id | line | status   | charge | paid | adjustments
    A        | 1    | {status} | 100.00 | 0.00 | CO-197:100.00
    """) == ()  # fmt: skip


@pytest.mark.parametrize("status", ["1", "2", "4", "19", ""])
def test_a_status_decides_nothing(status: str) -> None:
    assert outcome_of_first(f"""
    claim_id | line | status   | charge | paid | adjustments
    A        | 1    | {status} | 100.00 | 0.00 | CO-24:100.00
    """)[0] == "capitated"  # fmt: skip


def test_a_line_without_an_outcome_has_no_label() -> None:
    got = labels(ascii_table.lines(LINES), ascii_table.outcomes("claim_id | claim_line_number | denied\nA | 2 | yes"))
    assert got.select("claim_line_number", "label_source").rows() == [(2, "given")]


def test_allowed_is_given_or_what_was_paid_and_shared() -> None:
    check("""
    charge | paid  | allowed | adjustments            | =allowed_cents
    -------+-------+---------+------------------------+---------------
    100.00 | 60.00 | 75.00   | CO-45:30.00;PR-2:10.00 | 7500
    100.00 | 60.00 |         | CO-45:30.00;PR-2:10.00 | 7000
    100.00 | 60.00 |         | CO-45;PR-2             |
    100.00 | 60.00 |         |                        |
    """)


CLAIM = """
claim_id | line | charge | hcpcs_modifier_1
---------+------+--------+-----------------
A        | 1    | 100.00 |
A        | 2    | 150.00 |
A        | 3    | 50.00  | GY
A        | 4    | 0.00   |
B        | 1    | 100.00 |
B        | 2    |        |
"""


def of_claim(text: str) -> list[tuple[object, ...]]:
    """line, outcome, category, carc, denied cents, source and quality of each label; every row comes back."""
    lines, outcomes = ascii_table.lines(CLAIM), ascii_table.outcomes(text)
    matched = match_outcomes(lines, outcomes)
    assert matched["outcome_id"].unique(maintain_order=True).equals(outcomes["outcome_id"])
    names = ("claim_line_number", "outcome", "category", "carc", "denied_cents", "label_source", "quality")
    return labels(lines, outcomes).select(names).rows()


def test_a_denial_of_the_whole_claim_denies_each_line() -> None:
    assert of_claim("""
    claim_id | charge | paid | adjustments
    A        | 300.00 | 0.00 | CO-29:250.00;CO-197:50.00
    """) == [
        (1, "denied", "timely_filing", "29", 100_00, "claim_cas", ""),
        (2, "denied", "timely_filing", "29", 150_00, "claim_cas", ""),
        (3, "reporting_only", None, None, 0, "claim_cas", ""),
        (4, "not_applicable", None, None, 0, "claim_cas", ""),
    ]  # fmt: skip


def test_a_line_of_it_without_a_charge_is_denied_an_amount_that_is_not_known() -> None:
    assert of_claim("claim_id | charge | paid | adjustments\nB | 300.00 | 0.00 | CO-29:300.00") == [
        (1, "denied", "timely_filing", "29", 100_00, "claim_cas", ""),
        (2, "denied", "timely_filing", "29", None, "claim_cas", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(("row", "applies"), [
    ("A |   |       |            |        | 0.00 |     | CO-29:300.00", True),  # the lines say what was charged
    ("A |   |       |            | 300.00 |      |     | CO-29:299.99", True),
    ("A |   |       | 2026-01-05 | 300.00 | 0.00 | yes | CO-29:300.00", True),
    ("A |   |       | 2026-01-06 | 300.00 | 0.00 |     | CO-29:300.00", False),  # another day's
    ("A |   |       |            | 300.00 | 0.00 |     | CO-29:299.98", False),
    ("A |   |       |            | 300.00 | 0.00 |     | CO-45:100.00;CO-29:200.00", True),
    ("A |   |       |            | 300.00 | 0.00 |     | CO-29:400.00;CO-29:-150.00", False),
    ("A |   |       |            | 300.00 | 0.00 |     | CO-45:300.00", True),
    ("A |   |       |            | 300.00 | 0.00 |     | CO-29", False),
    ("A |   |       |            | 300.00 | 0.00 |     |", False),
    ("A |   |       |            | 300.00 | 0.00 | no  | CO-29:300.00", False),
    ("A |   |       |            | 300.00 | 0.02 |     | CO-29:300.00", False),
    ("A |   |       |            | 100.00 | 0.00 |     | CO-29:100.00", False),  # which line that was, it does not say
    ("A |   |       |            | 400.00 | 0.00 |     | CO-29:300.00", False),
    ("A | 9 |       |            | 300.00 | 0.00 |     | CO-29:300.00", False),  # names a line that was never sent
    ("A |   | 99999 |            | 300.00 | 0.00 |     | CO-29:300.00", False),
    ("B |   |       |            |        | 0.00 |     | CO-29:300.00", False),  # what was charged is not known
])  # fmt: skip
def test_only_codes_that_cover_the_charge_of_the_claim_speak_of_its_lines(row: str, applies: bool) -> None:
    head = "claim_id | line | hcpcs_code | claim_line_start_date | charge | paid | denied | adjustments"
    outcomes = ascii_table.outcomes(f"{head}\n{row}")
    matched = match_outcomes(ascii_table.lines(CLAIM), outcomes)
    assert matched["match_method"].to_list() == (["claim"] * 4 if applies else ["none"])
    assert matched["line"].to_list() == ([1, 2, 3, 4] if applies else [None])
    assert bool(of_claim(f"{head}\n{row}")) is applies


@pytest.mark.parametrize(("codes", "outcome"), [
    ("PR-1:300.00", "cost_share_only"), ("CO-45:100.00;PR-1:200.00", "cost_share_only"), ("CO-18:300.00", "duplicate"),
    ("CO-24:300.00", "capitated"), ("OA-23:300.00", "cob_neutral"), ("CO-27:300.00", "denied"),
])  # fmt: skip
def test_an_unpaid_claim_without_lines_says_the_same_of_each(codes: str, outcome: str) -> None:
    lines = ascii_table.lines(CLAIM)
    told = ascii_table.outcomes(f"claim_id | charge | paid | adjustments\nA | 300.00 | 0.00 | {codes}")
    labels = label_lines(lines, match_outcomes(lines, told), load_classes())
    assert labels["outcome"][:2].to_list() == [outcome, outcome]


def test_a_line_keeps_what_its_own_row_of_that_day_says() -> None:
    got = of_claim("""
    claim_id | line | known_date | charge | paid  | adjustments
    A        | 1    | 2026-02-01 | 100.00 | 80.00 | CO-45:20.00
    A        |      | 2026-02-01 | 300.00 | 0.00  | CO-29:300.00
    A        | 2    | 2026-01-31 | 150.00 | 90.00 | CO-45:60.00
    A        | 4    | 2026-02-02 | 0.00   | 0.00  |
    """)
    assert [(line, outcome, source) for line, outcome, *_, source, _ in got] == [
        (1, "paid", "codes"), (2, "paid", "codes"), (3, "reporting_only", "claim_cas"),
        (4, "not_applicable", "claim_cas"),
    ]  # fmt: skip


def test_a_claims_row_beside_rows_of_all_its_lines_stays_without_a_line() -> None:
    told = ascii_table.outcomes("""
    claim_id | line | charge | paid | adjustments
    B        |      | 300.00 | 0.00 | CO-29:300.00
    B        | 1    | 100.00 | 0.00 | CO-50:100.00
    B        | 2    | 200.00 | 0.00 | CO-50:200.00
    """)
    matched = match_outcomes(ascii_table.lines(CLAIM), told)
    assert matched.select("line", "match_method").rows() == [(None, "none"), (1, "line_number"), (2, "line_number")]


def test_the_sites_classes_say_what_denies_a_claim() -> None:
    classes = load_classes().with_columns(
        pl.when(carc="45").then(pl.lit("denial")).otherwise("class").alias("class"),
        pl.when(carc="45").then(pl.lit("other")).otherwise("category").alias("category"),
    )
    lines, told = (
        ascii_table.lines(CLAIM),
        ascii_table.outcomes("claim_id | paid | adjustments\nA | 0.00 | CO-45:300.00"),
    )
    plain = label_lines(lines, match_outcomes(lines, told), load_classes())
    assert plain["outcome"][:2].to_list() == ["full_contractual", "full_contractual"]
    matched = match_outcomes(lines, told, classes)
    assert label_lines(lines, matched, classes)["category"].to_list() == ["other", "other", None, None]
