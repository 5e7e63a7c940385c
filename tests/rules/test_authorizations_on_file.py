"""What the status of an authorization means, and an authorization that names what the claim does not say."""

from __future__ import annotations

from typing import Any

import ascii_table
import polars as pl
import pytest
from rule_lines import findings, lines, past, rule

from rules.approval import GRANTED, REFUSED, UNCLEAR, approval

NPI = "1234567893"
NEEDED = rule(
    "prior_auth", True, "64483", message="{authorization}", correction="attach", field="prior_authorization_number"
)
HEAD = "prior_authorization_number | payer_id | hcpcs_codes | member_key | units_authorized | status | place_of_service_code | rendering_npi"
WHOLE = f"N1 | P1 | 64483 | me | 2 | approved | 11 | {NPI}"
SAID: dict[str, Any] = {"auth": "N1", "pos": "11", "units": 1, "rendering_npi": NPI}


def told(granted: str = WHOLE, member: str | None = "me", **row: Any) -> dict[str, Any]:
    frame = lines([SAID | row]).with_columns(member_key=pl.lit(member, pl.String))
    (one,) = findings(frame, NEEDED, past(None, ascii_table.authorizations(f"{HEAD}\n{granted}")))
    return one


@pytest.mark.parametrize(
    ("meaning", "words"),
    [
        (
            GRANTED,
            "approved APPROVED affirmed Provisionally-Affirmed certified active Authorized partially_approved A1 A6",
        ),
        (
            REFUSED,
            "denied pending non-affirmed NOT-APPROVED rejected void in_review NOT_CERTIFIED cancelled canceled A3 A4",
        ),
        (UNCLEAR, "see-note ? approved-but-no 17 - disapproved-maybe"),
    ],
)
def test_what_a_status_means(meaning: int, words: str) -> None:
    assert {word: approval(word.replace("_", " ")) for word in words.split()} == dict.fromkeys(words.split(), meaning)


def test_a_source_without_a_status_lists_what_was_granted_and_an_empty_one_says_nothing() -> None:
    assert (approval(None), approval("")) == (GRANTED, UNCLEAR)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("affirmed", "met"), ("", "met"), ("non-affirmed", "broken"), ('""', "unknown"), ("see note", "unknown")],
)
def test_only_what_was_granted_meets_the_rule(status: str, outcome: str) -> None:
    assert told(WHOLE.replace("approved", status))["outcome"] == outcome


def test_an_unclear_status_is_told() -> None:
    assert "does not say that it was approved" in told(WHOLE.replace("approved", "see note"))["message"]


@pytest.mark.parametrize(
    ("silent", "words"),
    [
        ({"member": None}, "whose it is"), ({"pos": None}, "the place of service"), ({"pos": ""}, "the place of service"),
        ({"rendering_npi": None}, "who rendered"), ({"units": None}, "units under the authorization"),
    ],
)  # fmt: skip
def test_what_the_authorization_names_and_the_claim_does_not_say_is_not_known(silent: Any, words: str) -> None:
    found = told(**silent)
    assert (found["outcome"], words in found["message"]) == ("unknown", True)
    assert told("N1 | P1 | 64483", **silent)["outcome"] == "met"  # it names none of them
    assert told("N1 | P1 | 62323", **silent)["outcome"] == "broken"  # whatever the claim left out


def test_units_that_an_earlier_claim_left_out_may_be_all_that_were_left() -> None:
    earlier = lines([SAID | {"claim": "B", "units": None, "sent": "2026-01-10"}])
    frame = lines([SAID]).with_columns(member_key=pl.lit("me"))
    (one,) = findings(frame, NEEDED, past(earlier, ascii_table.authorizations(f"{HEAD}\n{WHOLE}")))
    assert one["outcome"] == "unknown"


@pytest.mark.parametrize(("granted", "suggested"), [(WHOLE, "N1"), (WHOLE.replace("approved", "see note"), None)])
def test_only_what_surely_fits_is_suggested(granted: str, suggested: str | None) -> None:
    assert told(granted, auth="")["suggested"] == suggested
    assert told(granted, auth="", rendering_npi=None)["suggested"] is None
