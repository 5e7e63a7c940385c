"""Too little history: what a practice is told is missing, and how long it may take."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from claims.errors import UsageError
from training.cohort import Cohort, require_enough

TODAY = date(2026, 7, 1)


def cohort(mature: int, pending: int, recent: int) -> Cohort:
    """So many lines of each state; `recent` of all were sent within the last weeks."""
    states = ["mature"] * mature + ["pending"] * pending
    days = [TODAY - timedelta(days=400 if i >= recent else 10) for i in range(len(states))]
    lines = pl.DataFrame(
        {"state": states, "submitted_date": days}, schema={"state": pl.String, "submitted_date": pl.Date}
    )
    lags = pl.DataFrame({"payer_id": ["A", "B", "C"], "events": [1, 1, 1], "days": [20.0, 44.2, 60.0]})
    return Cohort(TODAY, lines, lags, {})


def test_enough_is_enough() -> None:
    require_enough(cohort(1_000, 0, 0), 1_000)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            (999, 5, 10),
            "1 more are needed; 5 wait for their payers, so that the time they usually take (45 days) may do",
        ),
        ((100, 10, 0), "none was sent in the last 91 days"),
        ((100, 20, 91), "about 126 weeks and known 45 days later"),  # 880 at 7 a week
        ((0, 0, 0), "1,000 more are needed"),
    ],
)
def test_what_is_missing_and_how_long_it_takes(given: tuple[int, int, int], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        require_enough(cohort(*given), 1_000)
    assert words in str(caught.value) and "starting model" in str(caught.value)
