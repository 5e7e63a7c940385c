"""What the other lines of a claim say of a line."""

import math

import ascii_table
import polars as pl
import pytest

from claims.snapshot import Snapshot
from features import FeatureTable, History, build

# Three claims: a visit with an injection and imaging; a bilateral block on two lines; an add-on with its primary.
CLAIMS = """
    claim_id | line | hcpcs_code | hcpcs_modifier_1 | hcpcs_modifier_2 | charge | service_unit_quantity | diagnosis_code_1 | diagnosis_code_2 | diagnosis_pointers
    VISIT    | 1    | 99214      | ""               | ""               | 240.00 | 1                     | M5416            | M5136            | 2,1
    VISIT    | 2    | 62323      | ""               | ""               | 900.00 | 1                     | M5416            | M5136            | 1
    VISIT    | 3    | 77003      | 26               | ""               | 150.00 | 1                     | M5416            | M5136            |
    SIDES    | 1    | 64493      | RT               | KX               | 700.00 | 1                     | M47816           | ""               | 1
    SIDES    | 2    | 64493      | LT               | KX               | 700.00 | 1                     | M47816           | ""               | 1
    ADDON    | 7    | 64484      | 50               | 59               | 300.00 | 2                     | M5416            | ""               | 1
    ADDON    | 3    | 64483      | 50               | ""               | 800.00 | 1                     | M5416            | ""               | 1
    ALONE    | 1    | 20552      | 50               | ""               |        |                       |                  |                  |
    ALONE-25 | 1    | 99213      |                  |                  | 100.00 | 1                     | M545             | ""               | 1
"""
EXPECTED = {
    "claim_lines": [3, 3, 3, 2, 2, 2, 2, 1, 1],
    "line_position": [1, 2, 3, 1, 2, 2, 1, 1, 1],
    "claim_charge": [1290, 1290, 1290, 1400, 1400, 1100, 1100, 0, 100],
    "same_code_lines": [1, 1, 1, 2, 2, 1, 1, 1, 1],
    "same_family_lines": [1, 1, 1, 2, 2, 2, 2, 1, 1],
    "procedures_on_claim": [1, 1, 1, 1, 1, 1, 1, 1, 0],
    "visit_on_claim": [1, 1, 1, 0, 0, 0, 0, 0, 1],
    "visit_without_25": [1, 0, 0, 0, 0, 0, 0, 0, 0],
    "imaging_in_included_guidance": [0, 0, 1, 0, 0, 0, 0, 0, 0],
    "add_on_without_primary": [0, 0, 1, 0, 0, 0, 0, 0, 0],
    "both_sides_on_two_lines": [0, 0, 0, 1, 1, 0, 0, 0, 0],
    "modifier_50_not_defined": [0, 0, 0, 0, 0, 0, 0, 1, math.nan],
    "modifiers_on_line": [0, 0, 1, 2, 2, 2, 1, 1, math.nan],
    "modifier_50": [0, 0, 0, 0, 0, 1, 1, 1, math.nan],
    "modifier_59_or_x": [0, 0, 0, 0, 0, 1, 0, 0, math.nan],
    "diagnoses_on_claim": [2, 2, 2, 1, 1, 1, 1, math.nan, 1],
    "charge_amount": [240, 900, 150, 700, 700, 300, 800, math.nan, 100],
    "modifier_pattern": ["none", "none", "26", "KX-RT", "KX-LT", "50-59", "50", "50", None],
    "diagnosis_code": ["M5136", "M5416", "M5416", "M47816", "M47816", "M5416", "M5416", None, "M545"],
    "diagnosis_category": ["M51", "M54", "M54", "M47", "M47", "M54", "M54", None, "M54"],
    "companion_family": ["esi", "em", "esi", "facet", "facet", "esi", "esi", "none", "none"],
}


@pytest.fixture(scope="module")
def table() -> FeatureTable:
    return build(drawn(), History.empty())


def drawn() -> pl.DataFrame:
    return ascii_table.lines(CLAIMS).with_columns(submitted_date=pl.date(2026, 1, 10))


@pytest.mark.parametrize("name", EXPECTED)
def test_the_claim_says(name: str, table: FeatureTable) -> None:
    found = table.column(name)
    told = [None if isinstance(v, float) and math.isnan(v) else v for v in found]
    assert told == [None if isinstance(v, float) and math.isnan(v) else v for v in EXPECTED[name]]


def test_every_line_needs_a_point_in_time() -> None:
    undated = drawn().with_columns(submitted_date=pl.lit(None, pl.Date))
    with pytest.raises(ValueError, match="submitted_date"):
        build(undated, History.empty())


def test_an_earlier_claim_of_the_same_call_is_history_of_a_later_one() -> None:
    """Two sessions of one patient in one file: the second knows of the first, the first of nothing."""
    sessions = ascii_table.lines("""
        claim_id | submitted_date | claim_line_start_date | hcpcs_code | patient_id | charge
        FIRST    | 2026-01-10     | 2026-01-08            | 62323      | p          | 800.00
        SECOND   | 2026-02-10     | 2026-02-07            | 62323      | p          | 1600.00
        SAME-DAY | 2026-02-10     | 2026-02-09            | 62323      | p          | 800.00
    """)
    found = build(sessions, History.empty())
    assert found.column("same_code_sessions__365d").tolist() == [0, 1, 1]
    assert found.column("days_since_same_family").tolist()[1:] == [30, 32]
    assert found.column("charge_against_usual").tolist()[1:] == [2.0, 1.0]


def test_an_empty_snapshot_is_a_history() -> None:
    assert isinstance(History.empty().snapshot, Snapshot)
