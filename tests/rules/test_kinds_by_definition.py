"""Kinds of the past on random practices against their definitions in plain loops, and many claims against each alone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from rule_lines import lines, outcomes, past, rule, rules

from rules.judge import judge

Row = dict[str, Any]
GLOBAL = {"64483": 0, "63650": 10, "64635": 10, "63655": 90, "64493": 0}  # of the packaged tables
UNLISTED = "27447"  # surgery that they do not list
CODES = [*GLOBAL, "99213", "77003", UNLISTED]
FIRST = date(2025, 9, 1)
CHOICES: dict[str, list[Any]] = {
    "patient": ["M1", "M1", "M2", "M3", "M4", "M5", "M6", ""], "mods": ["", "", "RT", "LT", "50", "RT 25", "57", "24", "58", "KX", None],
    "billing_npi": ["1234567893", "1234567893", "1111111112", ""], "claim_frequency_code": ["1", "1", "1", "7"],
    "payer": ["P1", "P1", "P1", "P2"],
}  # fmt: skip


def practice(seed: int, claims: int, tag: str, first: date = FIRST) -> list[Row]:
    """Claims of one to three lines, some with two days of service, sent 1 to 60 days after; every line with its number."""
    random = np.random.default_rng(seed)
    rows: list[Row] = []
    for place in range(claims):
        told = {name: random.choice(np.array(values, object)) for name, values in CHOICES.items() if name != "mods"}
        day = first + timedelta(days=int(random.integers(0, 120)))
        sent = day + timedelta(days=int(random.integers(1, 60)))
        for number in range(1, int(random.integers(2, 5))):
            own = day - timedelta(days=int(random.choice([0, 0, 0, 7])))
            rows.append({
                "claim": f"{tag}{place}", "line": number, "sent": sent.isoformat(), "day": own.isoformat(), **told,
                "code": str(random.choice(CODES)), "mods": random.choice(np.array(CHOICES["mods"], object)),
                "auth": random.choice(np.array([None, "", "A1"], object)),
                "doc_prior_blocks": random.choice(np.array([None, 0, 1, 2], object)), "units": float(number),
            })  # fmt: skip
    return rows


def held(row: Row) -> set[str]:
    return set((row["mods"] or "").split())


def day(row: Row) -> date:
    return date.fromisoformat(row["day"])


def earlier(row: Row, claim: list[Row], stored: list[Row]) -> list[Row]:
    """What counts for a line: the patient's lines of other claims that were sent before it, and its own claim's."""
    others = [
        one for one in stored if one["patient"] and one["patient"] == row["patient"] and one["sent"] < row["sent"]
    ]
    return others + [one for one in claim if one is not row]


def reaches(row: Row, stored: list[Row], days: int) -> bool:
    known = [day(one) for one in stored if one["sent"] < row["sent"]]
    return bool(row["patient"]) and bool(known) and min(known) <= day(row) - timedelta(days=days)


def frequency(row: Row, claim: list[Row], stored: list[Row], limit: int, days: int) -> str:
    """By side, for epidurals and facets together."""
    most = 0
    for side, other in (("RT", "LT"), ("LT", "RT")):
        if not of_side(row, side, other):
            continue
        seen = {
            day(one) for one in earlier(row, claim, stored)
            if one["code"] in ("64483", "64493") and of_side(one, side, other)
            and 0 < (day(row) - day(one)).days < days
        }  # fmt: skip
        most = max(most, len(seen) + 1)
    return "broken" if most > limit else "met" if reaches(row, stored, days - 1) else "unknown"


def of_side(row: Row, side: str, other: str) -> bool:
    return bool(held(row) & {side, "50"}) or other not in held(row)


def visits(row: Row, claim: list[Row], stored: list[Row]) -> str:
    """Of 99213: 25 or 57 on the day of a procedure, 24 within its global days; what is not known may make it unknown."""
    sure, doubtful = False, False
    for one in earlier(row, claim, stored):
        ago, span = (day(row) - day(one)).days, 90 if one["code"] == UNLISTED else GLOBAL.get(one["code"], -1)
        if ago < 0 or ago > span or (one["claim_frequency_code"] == "7" and one not in claim):
            continue
        needed = "24" if ago else "57" if one["code"] == "63655" else "25"
        mine, theirs = row["billing_npi"], one["billing_npi"]
        if needed in held(row) or (one not in claim and mine and theirs and mine != theirs):
            continue
        known = (one in claim or bool(mine and theirs)) and one["code"] != UNLISTED
        sure, doubtful = sure or known, doubtful or not known
    if row["mods"] is None and (sure or doubtful):
        return "unknown"
    back = reaches(row, stored, 0 if "24" in held(row) else 90)
    return "broken" if sure else "unknown" if doubtful or not back else "met"


@pytest.mark.parametrize("seed", range(8))
def test_frequency_and_global_days_are_what_their_definitions_say(seed: int) -> None:
    stored, asked = practice(seed, 120, "S"), practice(1_000 + seed, 120, "N", FIRST + timedelta(days=60))
    before, frame = past(lines(stored)), lines(asked)
    claims: dict[str, list[Row]] = {}
    for row in asked:
        claims.setdefault(row["claim"], []).append(row)
    often = rule("frequency", 2, "64483", "64493", window_days=60, by_side=True)
    seen = rule("global_period", True, "99213", of="visits")
    told = outcomes(frame, often, before), outcomes(frame, seen, before)
    assert {*told[0], *told[1]} == {"broken", "met", "unknown", "none"}
    for row, counted, visited in zip(asked, *told, strict=True):
        claim, asks = claims[row["claim"]], row["payer"] == "P1"
        counts = asks and row["code"] in ("64483", "64493")
        assert counted == (frequency(row, claim, stored, 2, 60) if counts else "none"), row
        assert visited == (visits(row, claim, stored) if asks and row["code"] == "99213" else "none"), row


RULES = rules(
    *(
        told | {"id": f"TEST-{place}"}
        for place, told in enumerate([
            rule("frequency", 1, "64483", "64493", window_days=60, by_side=True),
            rule("sequence", 1, "64635", after=["64493"], within_days=60, element="doc_prior_blocks", first_only=True),
            rule("global_period", True, of="visits"), rule("global_period", True, of="procedures"),
            rule("prior_auth", True, "63650"), rule("timely_filing", 30, disputed=40),
            rule("documentation", 2, "64635", element="doc_prior_blocks", repeat_within_days=60),
            rule("unit_count", 3, "64483", "64493", measure="levels"),
            rule("device_chain", True, "63655", after=["63650"], within_days=60), rule("duplicate", True, unless=["25"]),
        ])
    )
)  # fmt: skip


def test_many_claims_at_once_are_judged_as_each_alone() -> None:
    old = practice(9, 1, "O")[0] | {"day": "2025-01-05", "sent": "2025-02-01"}
    before, frame = past(lines([old, *practice(3, 150, "S")])), lines(practice(4, 200, "N"))
    together = judge(frame, before, RULES).told((0, 1, 2, 3))
    number = frame["claim_id"].to_list()
    alone = []
    for claim in dict.fromkeys(number):
        alone += judge(frame.filter(pl.col("claim_id") == claim), before, RULES).told((0, 1, 2, 3))
    assert together == alone
    seen = {(one["kind"], one["outcome"]) for line in together for one in line}
    assert {outcome for _, outcome in seen} == {"broken", "met", "unknown", "none"}
    assert len(seen) >= 30
