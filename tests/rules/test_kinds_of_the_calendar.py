"""Global days, filing in time, authorizations and units against the record: broken, met, unknown and none."""

from __future__ import annotations

from typing import Any

import ascii_table
import polars as pl
import pytest
from rule_lines import findings, judged, lines, outcomes, past, rule

from rules.past import Past

NPI, OTHER = "1234567893", "1111111112"
OLD = {"claim": "OLD", "patient": "M0", "day": "2022-01-05", "sent": "2022-02-01", "code": "99213"}
Row = dict[str, Any]


def practice(*earlier: Row, old: bool = True) -> Past:
    """The past of a practice that has sent these lines, and by default one four years ago."""
    rows = [OLD] * old + [
        {"claim": f"E{i}", "sent": "2026-01-20", "billing_npi": NPI} | x for i, x in enumerate(earlier)
    ]
    return past(lines(rows)) if rows else past()


def said(ruled: Row, row: Row, *earlier: Row, old: bool = True) -> str:
    """What a rule says of one line, sent on 1 February 2026."""
    return outcomes(lines([row], billing_npi=NPI), ruled, practice(*earlier, old=old))[0]


# Global days --------------------------------------------------------------------------------------------------------

TOLD = "{earlier} {since} {days} {needed}"
VISIT = rule("global_period", True, "99213", of="visits", message=TOLD)
AGAIN = rule("global_period", True, "63685", "64483", "64635", of="procedures", message=TOLD)
SEEN = {"code": "99213", "day": "2026-01-15"}


@pytest.mark.parametrize(
    ("code", "day", "mods", "wanted"),
    [
        ("64483", "2026-01-15", "", "broken"), ("64483", "2026-01-15", "25", "met"), ("64483", "2026-01-14", "", "met"),
        ("64635", "2026-01-15", "24", "broken"), ("64635", "2026-01-15", "25", "met"),
        ("64635", "2026-01-14", "25", "broken"), ("64635", "2026-01-14", "24", "met"),
        ("64635", "2026-01-05", "", "broken"), ("64635", "2026-01-04", "", "met"),  # 10 and 11 days
        ("63655", "2026-01-15", "25", "broken"), ("63655", "2026-01-15", "57", "met"),
        ("63655", "2025-10-17", "", "broken"), ("63655", "2025-10-16", "", "met"),  # 90 and 91 days
        ("77003", "2026-01-15", "", "met"), ("99214", "2026-01-15", "", "met"), ("J1030", "2026-01-15", "", "met"),
        ("27447", "2026-01-10", "", "unknown"), ("27447", "2026-01-10", "24", "met"),  # surgery that is not listed
        ("63655", "2024-12-20", "", "met"),
    ],
)  # fmt: skip
def test_a_visit_on_the_day_of_a_procedure_or_after_it(code: str, day: str, mods: str, wanted: str) -> None:
    assert said(VISIT, SEEN | {"mods": mods}, {"code": code, "day": day}) == wanted


def test_a_visit_beside_procedures_of_its_own_claim() -> None:
    wanted = {
        ("", "64483", "15"): "broken", ("25", "64483", "15"): "met", ("25", "63655", "15"): "broken",
        ("57", "63655", "15"): "met", ("25", "64635", "14"): "broken", ("24", "64635", "14"): "met",
    }  # fmt: skip
    for (mods, code, day), outcome in wanted.items():
        frame = lines([SEEN | {"mods": mods}, {"code": code, "day": f"2026-01-{day}"}], billing_npi=NPI)
        assert outcomes(frame, VISIT, practice())[0] == outcome, (mods, code, day)


def test_what_a_visit_lacks_is_told_of_the_latest_procedure() -> None:
    earlier = [{"code": "63655", "day": "2025-12-20"}, {"code": "63650", "day": "2026-01-10"}]
    frame = lines([SEEN], billing_npi=NPI)
    (told,) = findings(frame, VISIT, practice(*earlier))
    assert told["message"] == "63650 2026-01-10 10 24"
    (told,) = findings(frame, VISIT, practice({"code": "64483", "day": "2026-01-15"}))
    assert told["message"] == "64483 2026-01-15 0 25"


@pytest.mark.parametrize(
    ("day", "mods", "wanted"),
    [
        ("2026-01-15", "", "met"), ("2026-01-14", "", "broken"), ("2026-01-05", "", "broken"),
        ("2026-01-04", "", "met"), ("2026-01-10", "58", "met"), ("2026-01-10", "RT 79", "met"),
        ("2026-01-10", "24 59", "broken"),
    ],
)  # fmt: skip
def test_a_permanent_stimulator_within_ten_days_of_the_trial_says_why(day: str, mods: str, wanted: str) -> None:
    assert said(AGAIN, SEEN | {"code": "63685", "mods": mods}, {"code": "63650", "day": day}) == wanted


def test_procedures_without_days_of_their_own_are_none_of_the_rules_business() -> None:
    trial = {"code": "63650", "day": "2026-01-14"}
    every = AGAIN | {"codes": []}
    assert [said(every, SEEN | {"code": code}, trial) for code in ("99213", "77003", "J1030")] == ["none"] * 3
    assert said(every, SEEN | {"code": "27447"}, trial) == "unknown"
    assert said(every, SEEN | {"code": "64483"}, trial) == "broken"
    assert said(every, SEEN | {"code": "64483"}, trial | {"code": "64483"}) == "met"  # no days after it
    assert said(VISIT | {"codes": []}, SEEN | {"code": "64483"}, trial) == "none"
    assert said(VISIT | {"codes": []}, SEEN, trial) == "broken"


def test_only_first_submissions_of_the_same_practice_have_global_days() -> None:
    trial = {"code": "63650", "day": "2026-01-14"}
    assert said(VISIT, SEEN, trial | {"billing_npi": OTHER}) == "met"
    assert said(VISIT, SEEN, trial | {"billing_npi": ""}) == "unknown"
    assert said(VISIT, SEEN, trial | {"claim_frequency_code": "7"}) == "met"
    assert said(VISIT, SEEN, trial | {"patient": "M2"}) == "met"
    assert said(VISIT, SEEN, trial | {"sent": "2026-02-01"}) == "met"
    assert outcomes(lines([SEEN], billing_npi=""), VISIT, practice(trial)) == ["unknown"]
    assert outcomes(lines([SEEN], billing_npi=OTHER), VISIT, practice(trial)) == ["met"]


def test_global_days_are_not_known_without_past_patient_or_modifiers() -> None:
    trial = {"code": "63650", "day": "2026-01-14"}
    assert said(VISIT, SEEN, old=False) == said(VISIT, SEEN | {"patient": ""}) == "unknown"
    assert said(VISIT, SEEN, trial, old=False) == "broken"
    assert said(VISIT, SEEN | {"mods": None}, trial) == "unknown"
    assert said(VISIT, SEEN | {"mods": None}) == "met"
    on_the_day = {"patient": "M2", "day": "2026-01-15"}
    assert said(VISIT, SEEN | {"mods": "24"}, on_the_day, old=False) == "met"  # only its own day matters


def test_days_that_no_fee_schedule_speaks_for_are_unknown_and_told_apart() -> None:
    before = {"code": "63655", "day": "2024-12-20", "sent": "2024-12-27"}
    frame = lines([{"code": "99213", "day": "2025-01-15", "sent": "2025-02-01"}], billing_npi=NPI)
    for day, lapsed in (("2024-12-20", True), ("2025-01-02", False)):
        (one,) = judged(frame, VISIT, practice(before | {"day": day})).judged
        assert one.verdict.outcome.tolist() == [2 if lapsed else 3]
        assert one.verdict.lapsed is not None and one.verdict.lapsed.tolist() == [lapsed]


# Filing in time -----------------------------------------------------------------------------------------------------

FILING = rule("timely_filing", 90, message="{days} {limit}")


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"day": "2025-11-03"}, "met"), ({"day": "2025-11-02"}, "broken"),
        ({"day": "2025-11-02", "to": "2025-11-03"}, "met"),
        ({"day": "2026-02-01"}, "met"), ({"day": "2026-02-02"}, "none"), ({"day": "2026-01-30", "to": "2026-02-02"}, "none"),
        ({"day": "2025-11-02", "payer_responsibility_code": "S"}, "unknown"),
        ({"day": "2025-11-03", "payer_responsibility_code": "S"}, "met"),
        ({"day": "2025-11-02", "payer_responsibility_code": "P"}, "broken"),
        ({"day": "2025-01-02", "claim_frequency_code": "7"}, "none"),
        ({"day": "2025-01-02", "claim_frequency_code": "1"}, "broken"),
        ({"day": "2025-01-02", "original_reference_number": "K1"}, "none"),
    ],
)  # fmt: skip
def test_days_from_the_last_day_of_service_to_the_first_submission(row: Row, wanted: str) -> None:
    assert said(FILING, row) == wanted


def test_between_two_limits_of_a_payer_the_answer_is_unknown() -> None:
    for value, other in ((90, 180), (180, 90)):
        two = rule("timely_filing", value, disputed=other, message="{days} {limit}")
        days = {"2025-11-03": "met", "2025-11-02": "unknown", "2025-08-05": "unknown", "2025-08-04": "broken"}
        assert {day: said(two, {"day": day}) for day in days} == days
        (told,) = findings(lines([{"day": "2025-08-04"}]), two)
        assert told["message"] == "181 180"


@pytest.mark.parametrize(
    ("day", "sent", "wanted"),
    [
        ("2023-06-01", "2024-06-01", "met"), ("2023-06-01", "2024-06-02", "broken"),
        ("2024-02-29", "2025-02-28", "met"), ("2024-02-29", "2025-03-01", "broken"),
        ("2023-02-28", "2024-02-29", "broken"), ("2023-12-31", "2024-12-31", "met"),
    ],
)  # fmt: skip
def test_a_calendar_year_ends_on_the_same_date(day: str, sent: str, wanted: str) -> None:
    yearly = rule("timely_filing", 1, calendar_years=True, message="{days} {limit}")
    assert outcomes(lines([{"day": day, "sent": sent}]), yearly) == [wanted]
    if (day, sent) == ("2023-06-01", "2024-06-02"):
        assert findings(lines([{"day": day, "sent": sent}]), yearly)[0]["message"] == "367 2024-06-01"


def test_a_limit_on_a_weekend_is_the_monday_after() -> None:
    rolled = FILING | {"to_workday": True}  # 90 days after 3 November 2025 are Sunday, 1 February 2026
    days = {"2026-02-02": ("met", "broken"), "2026-02-03": ("broken", "broken")}
    for sent, wanted in days.items():
        frame = lines([{"day": "2025-11-03", "sent": sent}])
        assert tuple(outcomes(frame, one)[0] for one in (rolled, FILING)) == wanted


@pytest.mark.parametrize(
    ("kind", "wanted"), [("professional", "broken"), ("institutional", "met"), (None, "unknown"), ("", "broken")]
)
def test_the_first_day_counts_for_professional_lines(kind: str | None, wanted: str) -> None:
    first = FILING | {"counts_from": "first"}
    row = {"day": "2025-11-02", "to": "2025-11-03", "claim_type": kind}
    assert said(first, row) == wanted
    assert said(FILING, row) == said(first, row | {"day": "2025-11-03"}) == "met"
    assert said(first, row | {"to": "2025-11-02"}) == "broken"


def test_a_claim_that_was_sent_before_is_judged_by_no_initial_limit() -> None:
    late = {"day": "2025-01-02", "claim": "E0"}
    assert said(FILING, late, {"day": "2025-01-02"}) == "none"  # the same claim went to this payer before
    assert said(FILING, late | {"claim": "X"}, {"day": "2025-01-02"}) == "none"  # or the same lines
    assert said(FILING, late, {"day": "2025-01-02", "payer": "P2"}) == "broken"
    stored = [{"day": "2025-01-02", "sent": "2026-01-20"}, late | {"sent": "2026-02-01"}]
    frame = lines([stored[0] | {"claim": "E0"}, stored[1]], billing_npi=NPI)
    assert outcomes(frame, FILING, practice(*stored)) == ["broken", "none"]  # as judged when both are stored


def test_of_two_submissions_of_one_call_the_later_is_judged_by_no_initial_limit() -> None:
    rows = [{"claim": "N", "day": "2025-01-02", "sent": sent} for sent in ("2026-01-20", "2026-02-01")]
    frame = lines(rows)
    for before in (past(), practice()):
        assert outcomes(frame, FILING, before.with_request(frame)[0]) == ["broken", "none"]


# Authorizations -----------------------------------------------------------------------------------------------------

NEEDED = rule(
    "prior_auth", True, "64483", message="{authorization}", correction="attach", field="prior_authorization_number"
)
GRANTED = """
prior_authorization_number | payer_id | member_key | hcpcs_codes | units_authorized | valid_from | valid_to   | status   | place_of_service_code | rendering_npi | known_date
CODE                       | P1       | me         | 62323;64490 |                  |            |            |          |                       |               | 2026-01-01
PAST                       | P1       | me         | 64483       |                  |            | 2026-01-04 |          |                       |               | 2026-01-01
SOON                       | P1       | me         | 64483       |                  | 2026-01-06 |            |          |                       |               | 2026-01-01
NO                         | P1       | me         | 64483       |                  |            |            | denied   |                       |               | 2026-01-01
HERS                       | P1       | she        | 64483       |                  |            |            |          |                       |               | 2026-01-01
FEW                        | P1       | me         | 64483       | 1                |            |            |          |                       |               | 2026-01-01
PLACE                      | P1       | me         | 64483       |                  |            |            |          | 24                    |               | 2026-01-01
NAME                       | P1       | me         | 64483       |                  |            |            |          |                       | 1234567893    | 2026-01-01
"""
GOOD = "\nGOOD | P1 | me | 64483 | 9 | 2026-01-01 | 2026-03-01 | approved | 11 | | {known}"
MINE = {"pos": "11", "units": 2, "rendering_npi": OTHER}


def authorized(number: str | None, granted: str = GRANTED, **row: Any) -> Row:
    """The finding of a line that bills under a number."""
    frame = lines([MINE | {"auth": number} | row]).with_columns(member_key=pl.lit("me"))
    (told,) = findings(frame, NEEDED, past(None, ascii_table.authorizations(granted)))
    return told


FAULTS = {
    "": "no authorization", "CODE": "authorization CODE covers 62323 and 64490, not 64483",
    "PAST": "authorization PAST ended on 2026-01-04", "SOON": "authorization SOON begins on 2026-01-06",
    "NO": "authorization NO is not approved", "HERS": "authorization HERS is of another patient",
    "FEW": "authorization FEW has 1 unit left, fewer than are billed",
    "PLACE": "authorization PLACE is for place of service 24, not 11",
    "NAME": "authorization NAME names another provider",
}  # fmt: skip


@pytest.mark.parametrize(("number", "fault"), FAULTS.items())
def test_what_is_wrong_with_an_authorization_and_which_would_do(number: str, fault: str) -> None:
    told = authorized(number)
    assert (told["outcome"], told["message"], told["suggested"]) == ("broken", fault, None)
    assert authorized(number, GRANTED + GOOD.format(known="2026-01-31"))["suggested"] == "GOOD"
    assert authorized(number, GRANTED + GOOD.format(known="2026-02-01"))["suggested"] is None  # not known when sent
    assert authorized(number, GRANTED + GOOD.format(known="2026-01-31"), units=10)["suggested"] is None


def test_an_authorization_that_names_no_patient_is_suggested_to_none() -> None:
    nobody = "prior_authorization_number | payer_id | hcpcs_codes\nN1 | P1 | 64483"
    assert authorized("", nobody)["suggested"] is None
    frame = lines([MINE | {"auth": "", "patient": ""}])
    (told,) = findings(frame, NEEDED, past(None, ascii_table.authorizations(nobody)))
    assert (told["outcome"], told["suggested"]) == ("broken", None)


def test_an_authorization_of_another_payer_or_one_withdrawn_since_is_not_suggested() -> None:
    head = GRANTED.strip().splitlines()[0]
    other = f"{head}\nGOOD | P2 | me | 64483\n"
    assert authorized("", other)["suggested"] is None
    assert authorized("", other.replace("P2", ""))["suggested"] == "GOOD"
    twice = f"{head}\nGOOD | P1 | me | 64483\nGOOD | P1 | me | 64483 | | | | cancelled | | | 2026-01-20"
    assert authorized("", twice)["suggested"] is None


def test_an_authorization_that_covers_the_line_meets_the_rule() -> None:
    granted = GRANTED + GOOD.format(known="2026-01-31")
    assert authorized("GOOD", granted)["outcome"] == "met"
    assert authorized(None, granted)["outcome"] == authorized("UNHEARD", granted)["outcome"] == "unknown"
    assert outcomes(lines([{"code": "99213", "auth": ""}]), NEEDED) == ["none"]


# Units --------------------------------------------------------------------------------------------------------------

LEVELS = rule("unit_count", 2, "64483", "64484", measure="levels", message="{units} {limit}")


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ("64483 RT 1, 64483 LT 1, 64484 RT 1, 64484 LT 1", "met"), ("64483 50 2, 64484 50 2", "met"),
        ("64483 50 1, 64484 50 1", "met"), ("64483 - 1, 64484 - 2", "broken"), ("64483 50 2, 64484 50 4", "broken"),
        ("64483 RT 1, 64484 RT 2, 64484 LT 1", "broken"), ("64483 RT.LT 2, 64484 RT 1", "met"),
        ("64483 - 1, 64484 - ?", "unknown"), ("64483 - ?, 64484 - 3", "broken"), ("64483 ? 1, 64484 RT 1", "unknown"),
        ("64483 - 1, 99213 - 5", "met"),
    ],
)  # fmt: skip
def test_both_sides_of_a_level_are_one_level(rows: str, wanted: str) -> None:
    told = [row.split() for row in rows.split(", ")]
    frame = lines([
        {"code": code, "mods": None if mods == "?" else mods.strip("-").replace(".", " "),
         "units": None if units == "?" else float(units)} for code, mods, units in told
    ])  # fmt: skip
    assert set(outcomes(frame, LEVELS)) - {"none"} == {wanted}


def test_levels_are_those_of_the_claim_and_day() -> None:
    frame = lines(
        "claim | day | code | units\nA | 2026-01-05 | 64483 | 2\nA | 2026-01-06 | 64483 | 1\nB | 2026-01-05 | 64483 | 3"
    )
    assert outcomes(frame, LEVELS) == ["met", "met", "broken"]
    assert findings(frame, LEVELS)[2]["message"] == "3 2"


@pytest.mark.parametrize(
    ("code", "rows", "wanted"),
    [
        ("62323", "RT 1, LT 1", "broken"), ("62323", "RT.LT 2", "broken"), ("20552", "RT 1, LT 1", "broken"),
        ("20552", "50 2", "broken"), ("20552", "50 1", "met"), ("64483", "RT 1, LT 1", "met"), ("64483", "50 2", "met"),
        ("64999", "RT 1, LT 1", "unknown"), ("64999", "RT 2, LT 1", "broken"), ("64999", "RT 1", "met"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("day", ["2026-01-05", "2023-01-05"])  # by the fee schedule of the day, or the latest one
def test_codes_without_sides_have_no_pairs(day: str, code: str, rows: str, wanted: str) -> None:
    told = [row.split() for row in rows.split(", ")]
    frame = lines([
        {"code": code, "mods": mods.replace(".", " "), "units": float(units), "day": day} for mods, units in told
    ])  # fmt: skip
    assert set(outcomes(frame, rule("unit_count", 1, code, measure="levels"))) == {wanted}


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, "broken"), ({"mods": "LT", "code": "64483"}, "met"), ({"mods": "RT", "code": "64483"}, "broken"),
        ({"payer": "P2"}, "met"), ({"rendering_npi": "1111111112"}, "met"), ({"day": "2026-01-06"}, "met"),
        ({"sent": "2026-02-01"}, "met"), ({"claim_frequency_code": "7"}, "met"), ({"units": None}, "unknown"),
    ],
)  # fmt: skip
def test_a_session_that_stands_on_two_claims_is_one(change: Row, wanted: str) -> None:
    mine = {"mods": "RT", "units": 2, "rendering_npi": "1234567893"}
    other = mine | {"code": "64484", "units": 1} | change
    assert said(LEVELS, mine, other) == wanted


def test_what_stands_on_other_claims_is_not_measured_against_the_record() -> None:
    joints = rule("unit_count", True, "64635", measure="units_documented", element="doc_joints")
    row = {"code": "64635", "units": 2, "doc_joints": 2}
    assert said(joints, row, row | {"mods": "59"}) == "met"


def test_units_are_measured_against_the_record() -> None:
    joints = rule("unit_count", True, "64635", "64636", measure="units_documented", element="doc_joints",
                  message="{units} {limit} {documented}")  # fmt: skip

    def nerves(documented: float | None, units: float | None = 2) -> list[str]:
        rows = [{"code": "64635", "units": 1}, {"code": "64636", "units": units}]
        return outcomes(lines(rows, doc_joints=documented), joints)

    assert (nerves(2), nerves(3), nerves(None)) == (["broken"] * 2, ["met"] * 2, ["unknown"] * 2)
    assert nerves(3, None) == ["unknown"] * 2
    (told,) = findings(lines([{"code": "64635", "units": 3, "doc_joints": 2}]), joints)
    assert told["message"] == "3 2 2"


def test_the_code_follows_from_the_number_in_the_record() -> None:
    least = rule(
        "unit_count", 3, "20553", measure="documented_at_least", element="doc_muscles", message="{limit} {documented}"
    )
    most = rule("unit_count", 2, "20553", measure="documented_at_most", element="doc_muscles")
    line = {"code": "20553", "units": 1}
    assert [said(least, line | {"doc_muscles": n}) for n in (2, 3, None)] == ["broken", "met", "unknown"]
    assert [said(most, line | {"doc_muscles": n}) for n in (2, 3, None)] == ["met", "broken", "unknown"]
    (told,) = findings(lines([line | {"doc_muscles": 2}]), least)
    assert told["message"] == "3 2"
