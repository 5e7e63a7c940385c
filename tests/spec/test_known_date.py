"""A snapshot as of a day knows what was submitted and known strictly before it, and nothing else."""

from __future__ import annotations

from datetime import date

import ascii_table

from claims.snapshot import Snapshot, snapshot_of

LINES = ascii_table.lines("""
claim_id | submitted_date | charge_amount | patient_id
---------+----------------+---------------+-----------
A        | 2026-01-10     | 100.00        | p
B        | 2026-01-20     | 100.00        | q
C        |                | 100.00        | r
D        | 2026-02-20     | 100.00        | p
""")
OUTCOMES = ascii_table.outcomes("""
claim_id | claim_line_number | known_date | payer_claim_control_number | paid_amount | adjustments
---------+-------------------+------------+----------------------------+-------------+--------------
A        | 1                 | 2026-02-01 | K1                         | 0.00        | CO-197:100.00
A        | 1                 | 2026-03-01 | K2                         | 100.00      |
B        | 1                 | 2026-02-05 | K3                         | 100.00      |
Z        | 1                 | 2026-02-05 | K4                         | 100.00      |
""")
AUTHORIZATIONS = ascii_table.authorizations("""
prior_authorization_number | known_date
---------------------------+-----------
N1                         |
N2                         | 2026-02-01
N3                         | 2026-02-02
""")


def as_of(day: str | None) -> Snapshot:
    return snapshot_of(LINES, OUTCOMES, AUTHORIZATIONS, as_of=date.fromisoformat(day) if day else None)


def known(day: str | None) -> tuple[str, dict[str, str]]:
    snapshot = as_of(day)
    outcomes = snapshot.outcomes.select("submission_id", "outcome").rows()
    return "".join(snapshot.lines["submission_id"]), dict(outcomes)


def test_lines_submitted_and_outcomes_known_strictly_before_the_day() -> None:
    assert known("2026-01-10") == ("", {})
    assert known("2026-01-11") == ("A", {})
    assert known("2026-02-01") == ("AB", {})
    assert known("2026-02-02") == ("AB", {"A": "denied"})
    assert known("2026-02-06") == ("AB", {"A": "denied", "B": "paid"})


def test_what_became_known_later_leaves_the_first_decision() -> None:
    assert known("2027-01-01") == ("ABD", {"A": "denied", "B": "paid"})


def test_without_a_day_everything_counts_lines_without_a_date_too() -> None:
    assert known(None) == ("ABCD", {"A": "denied", "B": "paid"})


def test_authorizations_of_an_unknown_day_came_with_the_claim() -> None:
    assert as_of("2026-02-01").authorizations["prior_authorization_number"].to_list() == ["N1"]
    assert as_of("2026-02-02").authorizations["prior_authorization_number"].to_list() == ["N1", "N2"]


def test_chains_are_those_of_the_lines_known() -> None:
    assert as_of("2026-02-20").lines["is_resubmission"].to_list() == [False, False]
    later = as_of("2026-02-21").lines
    assert later["is_resubmission"].to_list() == [False, False, True]
    assert later["chain_id"][2] == "A"


def test_outcomes_of_unknown_claims_are_counted() -> None:
    assert as_of(None).unmatched == 1
    assert as_of("2026-02-05").unmatched == 0


def test_a_denial_taken_back_later_is_still_one_as_of_a_day_between() -> None:
    lines = ascii_table.lines("claim_id | submitted_date | charge_amount\nA | 2026-01-10 | 100.00")
    outcomes = ascii_table.outcomes("""
    claim_id | claim_line_number | known_date | claim_status_code | charge_amount | paid_amount | adjustments
    A        | 1                 | 2026-02-01 | 1                 | 100.00        | 0.00        | CO-197:100.00
    A        | 1                 | 2026-03-01 | 22                | -100.00       | 0.00        | CO-197:-100.00
    A        | 1                 | 2026-03-01 | 1                 | 100.00        | 100.00      |
    """)
    for day in (date(2026, 2, 15), date(2026, 3, 15)):
        assert snapshot_of(lines, outcomes, AUTHORIZATIONS, as_of=day).outcomes["outcome"].to_list() == ["denied"]
