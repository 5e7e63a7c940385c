"""Expected loss by hand: median of payer and code, else of the code, else the fee, else the charge."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from ascii_table import authorizations, lines, outcomes

from claims.settings import MoneySettings, ServingSettings
from claims.snapshot import snapshot_of
from rules.reference import fee
from serving.worth import DECISIONS, Prices, Worth, band, usd

MONEY = MoneySettings(rework_cost=50.0, chance_of_recovery=0.6)
SEEN = """
    submission_id | claim_id | payer_id | hcpcs_code | submitted_date | charge_amount
    a             | a        | P1       | 64483      | 2026-01-06     | 900.00
    b             | b        | P1       | 64483      | 2026-01-06     | 900.00
    c             | c        | P1       | 64483      | 2026-01-06     | 900.00
    d             | d        | P1       | 64483      | 2026-01-06     | 900.00
    e             | e        | P2       | 64483      | 2026-01-06     | 900.00
"""
PAID = """
    claim_id | claim_line_number | payer_id | allowed_amount | paid_amount | adjustments
    a        | 1                 | P1       | 200.00         | 200.00      | CO-45:700.00
    b        | 1                 | P1       | 300.00         | 300.00      | CO-45:600.00
    c        | 1                 | P1       | 310.00         | 310.00      | CO-45:590.00
    d        | 1                 | P1       | 0.00           | 0.00        | CO-50:900.00
    e        | 1                 | P2       | 400.00         | 400.00      | CO-45:500.00
"""


@pytest.fixture(scope="module")
def worth() -> Worth:
    """Prices of four paid lines and a denied one."""
    known = snapshot_of(lines(SEEN), outcomes(PAID), authorizations("prior_authorization_number"))
    return Worth(Prices.of(known), MONEY)


def allowed(worth: Worth, row: str) -> float:
    """Cents allowed for a line, of payer, code, place, units and charge."""
    head = "payer_id | hcpcs_code | place_of_service_code | service_unit_quantity | charge_amount"
    return float(worth.allowed(lines(f"{head}\n{row}"))[0])


@pytest.mark.parametrize(
    ("row", "cents"),
    [
        ("P1 | 64483 | 11 | 1 | 900.00", 30_000),  # the denied line, allowed nothing, is no price
        ("P9 | 64483 | 11 | 1 | 900.00", 30_500),  # of the code, all payers
        ("P1 | 64483 | 11 | 1 | 120.00", 12_000),  # never more than the charge
        ("P1 | 64483 | 11 | 1 |", 30_000),
        ("P1 | ZZZZZ | 11 | 1 | 77.00", 7_700),
        ("P1 | ZZZZZ | 11 | 1 |", 0),
    ],
)
def test_what_a_line_would_be_allowed(worth: Worth, row: str, cents: int) -> None:
    assert allowed(worth, row) == cents


def test_without_history_the_fee_counts_by_unit(worth: Worth) -> None:
    price = fee("20553", "11")
    assert price is not None
    assert allowed(worth, "P1 | 20553 | 11 | 1 |") == pytest.approx(100 * price)
    assert allowed(worth, "P1 | 20553 | 11 | 3 |") == pytest.approx(300 * price)


def test_loss_by_hand(worth: Worth) -> None:
    table = lines("payer_id | hcpcs_code | charge_amount\nP1 | 64483 | 900.00\nP1 | 64483 | 900.00")
    # 300.00 x (1 - 0.6) + 50.00 = 170.00
    assert worth.loss(table, np.array([0.5, 0.0])).tolist() == [8_500, 0]
    assert worth.loss(pl.DataFrame(schema=table.schema), np.zeros(0)).tolist() == []


@pytest.mark.parametrize(("cents", "words"), [(0, "0.00"), (5, "0.05"), (14_120, "141.20"), (10**12, "10000000000.00")])
def test_money_in_words(cents: int, words: str) -> None:
    assert usd(cents) == words


def test_bands_begin_at_their_thresholds() -> None:
    serving = ServingSettings(medium_from=0.2, high_from=0.5)
    told = [(r, band(r, "low", serving), DECISIONS[band(r, "low", serving)]) for r in (0.1999, 0.2, 0.4999, 0.5)]
    assert told == [
        (0.1999, "low", "submit"), (0.2, "medium", "review"), (0.4999, "medium", "review"), (0.5, "high", "hold"),
    ]  # fmt: skip


@pytest.mark.parametrize("risk", [0.001, 0.3, 0.999])
def test_without_evidence_a_claim_is_reviewed_whatever_its_number(risk: float) -> None:
    assert DECISIONS[band(risk, "none", ServingSettings())] == "review"
