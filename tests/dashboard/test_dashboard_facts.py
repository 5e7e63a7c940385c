"""From a snapshot to facts: states, payers' names, the diagnosis a line points to."""

from datetime import date

import ascii_table

from claims.settings import MaturitySettings
from claims.snapshot import Snapshot, snapshot_of
from claims.table import Authorization, Outcome
from dashboard.facts import facts_of
from rules.encode import Lines

LINES = """
claim_id | claim_line_number | submitted_date | payer_id | payer_name | diagnosis_code_1 | diagnosis_code_2 | diagnosis_pointers
---------+-------------------+----------------+----------+------------+------------------+------------------+-------------------
A        | 1                 | 2026-01-06     | P1       | Plan A     | M5416            | M545             | 2,1
A        | 2                 | 2026-01-06     | P1       | Plan A     | M5416            | M545             | 1
B        | 1                 | 2026-01-07     | P1       | PLAN A INC | M5416            | ""               | 2
C        | 1                 | 2026-01-08     | P1       | Plan A     | M5416            | M545             | nonsense
D        | 1                 | 2026-01-09     | P2       | ""         | M5416            | M545             | ""
E        | 1                 | 2026-06-28     | P3       | Same       |                  |                  | 99
F        | 1                 |                | P4       | Same       | M5416            | M545             | 2;1
"""
OUTCOMES = """
claim_id | claim_line_number | payer_id | known_date | charge_amount | paid_amount | adjustments
A        | 1                 | P1       | 2026-02-01 | 100.00        | 0           | CO-197:100.00
A        | 2                 | P1       | 2026-02-01 | 100.00        | 80          | CO-45:20.00
B        | 1                 | P1       | 2026-07-01 | 100.00        | 0           | CO-197:100.00
"""
AS_OF = date(2026, 7, 1)


def made() -> Snapshot:
    return snapshot_of(ascii_table.lines(LINES), ascii_table.outcomes(OUTCOMES), Authorization.create_empty())


def test_what_became_known_on_the_day_or_later_is_not_seen() -> None:
    found = facts_of(made(), AS_OF, MaturitySettings())
    assert found.lines.group_by("state").len().sort("state").rows() == [("mature", 2), ("pending", 4), ("undated", 1)]
    assert found.lines["denied_cents"].sum() == 10000
    assert found.lines.filter(found.lines["young"])["payer_id"].to_list() == ["P3"]
    assert found.through == date(2026, 1, 6)


def test_the_diagnosis_is_the_one_that_features_take() -> None:
    snapshot = made()
    found = facts_of(snapshot, AS_OF, MaturitySettings()).lines
    expected = sorted(
        (d or "", c) for d, c in zip(Lines(snapshot.lines).diagnosis, Lines(snapshot.lines).code, strict=True)
    )
    assert sorted((d or "", c) for d, c in found.select("diagnosis", "code").rows()) == expected
    assert found.filter(found["payer_id"] == "P4")["diagnosis"].to_list() == ["M545"]


def test_a_payer_has_its_most_frequent_name_and_its_id_where_that_does_not_tell() -> None:
    found = facts_of(made(), AS_OF, MaturitySettings())
    labels = dict(found.payers.select("payer_id", "label").iter_rows())
    assert labels == {"P1": "Plan A", "P2": "P2", "P3": "Same (P3)", "P4": "Same (P4)"}


def test_no_identifier_of_a_patient_provider_or_claim_is_kept() -> None:
    found = facts_of(made(), AS_OF, MaturitySettings())
    forbidden = {"claim_id", "submission_id", "patient_id", "member_key", "rendering_npi", "billing_npi"}
    assert not forbidden & set(found.lines.columns)


def test_no_outcome_at_all() -> None:
    snapshot = snapshot_of(ascii_table.lines(LINES), Outcome.create_empty(), Authorization.create_empty())
    assert facts_of(snapshot, AS_OF, MaturitySettings()).through is None
