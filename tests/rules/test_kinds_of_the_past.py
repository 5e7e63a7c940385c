"""Kinds that ask for earlier services: each broken, met, unknown and none of its business, and where windows end."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from rule_lines import findings, lines, outcomes, past, rule

from rules.past import Past

OLD = {"claim": "OLD", "patient": "M0", "day": "2022-01-05", "sent": "2022-02-01", "code": "99213"}
Row = dict[str, Any]


def practice(*earlier: Row, old: bool = True) -> Past:
    """The past of a practice that has sent these lines, and by default one four years ago."""
    rows = [OLD] * old + [{"claim": f"E{i}", "sent": "2026-01-20"} | row for i, row in enumerate(earlier)]
    return past(lines(rows)) if rows else past()


def said(ruled: Row, row: Row, *earlier: Row, old: bool = True) -> str:
    """What a rule says of one line, sent on 1 February 2026."""
    return outcomes(lines([row]), ruled, practice(*earlier, old=old))[0]


def message(ruled: Row, row: Row, *earlier: Row) -> str:
    return findings(lines([row]), ruled, practice(*earlier))[0]["message"]


# Frequency ----------------------------------------------------------------------------------------------------------

ESI = rule("frequency", 1, "62323", "64483", "64484", window_days=365, message="{count} {limit} {since} {group} {code}")
DAY = {"day": "2026-01-25"}


@pytest.mark.parametrize(
    ("day", "wanted"),
    [("2025-01-26", "broken"), ("2025-01-25", "met"), ("2026-01-24", "broken"), ("2026-01-25", "met")],
)
def test_a_session_counts_for_364_days_after_its_own(day: str, wanted: str) -> None:
    assert said(ESI, DAY, {"day": day}) == wanted


def test_a_window_of_the_calendar_year_begins_on_new_years_day() -> None:
    yearly = rule("frequency", 1, "64483", calendar_year=True)
    assert said(yearly, DAY, {"day": "2026-01-01"}) == "broken"
    assert said(yearly, DAY, {"day": "2025-12-31"}) == "met"
    assert said(yearly, DAY, {"day": "2026-01-02"}, old=False) == "broken"
    assert said(yearly, DAY | {"code": "99213"}) == "none"


def test_too_few_sessions_are_proof_only_where_the_past_reaches_back() -> None:
    other = {"patient": "M2", "day": "2025-01-27"}
    assert said(ESI, DAY, old=False) == "unknown"
    assert said(ESI, DAY, other, old=False) == "unknown"  # the window begins on 26 January
    assert said(ESI, DAY, other | {"day": "2025-01-26"}, old=False) == "met"
    assert said(ESI, DAY | {"patient": ""}) == "unknown"
    assert said(ESI, DAY, {"day": "2026-01-02"}, old=False) == "broken"


def test_what_was_sent_later_does_not_show_how_far_the_past_went_back() -> None:
    late = {"patient": "M2", "day": "2024-01-05", "sent": "2026-02-01"}
    assert said(ESI, DAY, late, old=False) == "unknown"
    assert said(ESI, DAY, late | {"sent": "2026-01-31"}, old=False) == "met"


def test_codes_of_one_day_are_one_session_and_groups_count_apart() -> None:
    twice = rule("frequency", 2, *ESI["codes"], window_days=365)
    day = {"day": "2026-01-02"}
    assert said(twice, DAY, day, day | {"code": "64484"}) == "met"
    assert said(twice, DAY, day, day | {"day": "2026-01-03", "code": "64484"}) == "broken"
    apart = ESI | {"groups": {"one": ["62323"], "two": ["64483", "64484"]}}
    assert said(apart, DAY, day | {"code": "62323"}) == "met"
    assert said(apart, DAY, day | {"code": "64484"}) == "broken"
    assert said(ESI | {"groups": {"one": ["62323"]}}, DAY) == "none"
    assert message(apart, DAY, day | {"code": "64484"}) == "2 1 2025-01-26 two 64483"


def test_only_sessions_before_the_lines_submission_and_of_other_claims_count() -> None:
    assert said(ESI, DAY, {"day": "2026-01-02", "sent": "2026-02-01"}) == "met"
    assert said(ESI, DAY | {"claim": "E0"}, {"day": "2026-01-02"}) == "met"  # sent again with another day of service
    assert said(ESI, DAY, {"patient": "M2", "day": "2026-01-02"}) == "met"


def test_earlier_days_of_the_same_claim_are_sessions() -> None:
    frame = lines([{"day": "2026-01-02"}, {"day": "2026-01-09"}, {"claim": "B", "day": "2026-01-10", "patient": "M2"}])
    assert outcomes(frame, ESI, practice()) == ["met", "broken", "met"]
    assert outcomes(frame, ESI | {"window_days": 7}, practice()) == ["met", "met", "met"]


@pytest.mark.parametrize(
    ("mine", "theirs", "wanted"),
    [
        ("RT", "LT", "met"), ("RT", "RT", "broken"), ("RT", "50", "broken"), ("50", "LT", "broken"),
        ("", "LT", "broken"), ("LT", "", "broken"), ("LT", "RT LT", "broken"), ("LT 59", "RT KX", "met"),
    ],
)  # fmt: skip
def test_sides_count_apart(mine: str, theirs: str, wanted: str) -> None:
    sided = ESI | {"by_side": True}
    assert said(sided, DAY | {"mods": mine}, {"day": "2026-01-02", "mods": theirs}) == wanted


def test_one_session_of_each_side_is_one_of_a_side() -> None:
    sided = ESI | {"by_side": True, "values": {"2020-01-01": 2}}
    right, left = {"day": "2026-01-02", "mods": "RT"}, {"day": "2026-01-03", "mods": "LT"}
    assert said(sided, DAY | {"mods": "50"}, right, left) == "met"
    assert said(sided, DAY | {"mods": "50"}, right, left, left | {"day": "2026-01-04"}) == "broken"
    assert said(sided, DAY | {"mods": "RT"}, right, left, left | {"day": "2026-01-04"}) == "met"


def test_modifiers_say_which_sessions_count() -> None:
    diagnostic, other = ESI | {"only_with": ["KX"]}, ESI | {"only_without": ["KX"]}
    kx, plain = {"day": "2026-01-02", "mods": "KX 50"}, {"day": "2026-01-03", "mods": "RT"}
    assert [said(diagnostic, DAY | {"mods": "KX"}, one) for one in (kx, plain)] == ["broken", "met"]
    assert [said(other, DAY | {"mods": "LT"}, one) for one in (kx, plain)] == ["met", "broken"]
    assert said(diagnostic, DAY, kx) == said(other, DAY | {"mods": "KX"}, plain) == "none"
    unknown = DAY | {"mods": None}
    assert said(diagnostic, unknown, kx) == said(other, unknown, plain) == "unknown"


# Sequence, documentation, device chain ------------------------------------------------------------------------------

BLOCKS = rule(
    "sequence", 2, "64635", after=["64493"], within_days=100, element="doc_prior_blocks", message="{count} {needed}"
)
RFA = {"day": "2026-01-25", "code": "64635"}
FIRST, SECOND = ({"code": "64493", "day": day} for day in ("2025-10-17", "2026-01-24"))


def test_enough_earlier_sessions_or_the_record_meet_a_sequence() -> None:
    assert said(BLOCKS, RFA, FIRST, SECOND, old=False) == "met"
    assert said(BLOCKS, RFA, FIRST | {"day": "2025-10-16"}, SECOND) == "broken"  # 101 days before
    assert said(BLOCKS, RFA, SECOND, SECOND | {"code": "64494"}) == "broken"
    assert said(BLOCKS, RFA | {"doc_prior_blocks": 2}, old=False) == "met"
    assert said(BLOCKS, RFA | {"doc_prior_blocks": 1}, FIRST, SECOND) == "met"
    assert message(BLOCKS, RFA | {"doc_prior_blocks": 1}) == "1 2"
    assert message(BLOCKS, RFA, SECOND) == "1 2"


def test_a_sequence_is_unknown_where_neither_past_nor_record_tells() -> None:
    assert said(BLOCKS, RFA, SECOND, old=False) == "unknown"
    assert said(BLOCKS, RFA | {"patient": ""}) == "unknown"
    assert said(BLOCKS, RFA | {"doc_prior_blocks": 1}, old=False) == "broken"
    assert said(BLOCKS, RFA | {"claim": "E1"}, FIRST, SECOND) == "broken"  # its own chain is no earlier session
    assert said(BLOCKS, RFA | {"code": "64493"}) == "none"


def test_a_yes_in_the_record_is_enough_of_any_number() -> None:
    flagged = BLOCKS | {"element": "doc_exam_findings"}
    assert said(flagged, RFA | {"doc_exam_findings": True}) == "met"
    assert said(flagged, RFA | {"doc_exam_findings": False}, old=False) == "broken"


def test_a_sequence_of_the_first_only_asks_nothing_of_later_ones() -> None:
    first, before = BLOCKS | {"first_only": True}, {"code": "64635", "day": "2025-12-01"}
    assert said(first, RFA, before) == "none"
    assert said(first, RFA, before | {"day": "2025-10-16"}) == "broken"
    assert said(first, RFA | {"doc_prior_blocks": 0}, old=False) == "unknown"  # whether it is the first is not known
    assert said(first, RFA, FIRST, SECOND, old=False) == "met"


SIDED = BLOCKS | {"by_side": True, "only_with": ["KX"], "first_only": True}


@pytest.mark.parametrize(
    ("mine", "first", "second", "wanted"),
    [
        ("RT", "RT KX", "RT KX", "met"), ("RT", "50 KX", "RT KX", "met"), ("RT", "RT KX", "LT KX", "broken"),
        ("RT", "LT KX", "LT KX", "broken"), ("RT", "RT KX", "RT", "unknown"), ("RT", "RT KX", "KX", "unknown"),
        ("RT", "RT", "LT", "broken"), ("RT", "RT KX", None, "unknown"), ("50", "50 KX", "50 KX", "met"),
        ("50", "50 KX", "RT KX", "broken"), ("", "RT KX", "RT KX", "unknown"), ("", "50 KX", "50 KX", "met"),
        ("", "RT KX", "LT KX", "broken"), (None, "RT KX", "RT KX", "unknown"), ("RT", "RT LT KX", "50 KX", "met"),
    ],
)  # fmt: skip
def test_a_sequence_counts_sessions_of_the_side_and_the_modifier(
    mine: str | None, first: str, second: str | None, wanted: str
) -> None:
    assert said(SIDED, RFA | {"mods": mine}, FIRST | {"mods": first}, SECOND | {"mods": second}) == wanted


def test_an_ablation_of_the_other_side_is_not_the_first_of_this_one() -> None:
    before = {"code": "64635", "day": "2025-12-01"}
    wanted = {"LT": "broken", "RT": "none", "50": "none", "": "none"}
    assert {mods: said(SIDED, RFA | {"mods": "RT"}, before | {"mods": mods}) for mods in wanted} == wanted


IMAGE = rule("documentation", True, "64483", element="doc_imaging", message="{found} {needed}")
RELIEF = rule(
    "documentation",
    50,
    "64483",
    "64484",
    element="doc_relief_percent",
    repeat_within_days=365,
    message="{found}/{needed}",
)


def test_an_element_of_documentation_is_there_or_reaches_the_value() -> None:
    assert [said(IMAGE, {"doc_imaging": one}) for one in (True, False, None)] == ["met", "broken", "unknown"]
    assert message(IMAGE, {"doc_imaging": False}) == "no yes"
    weeks = rule("documentation", 6, "64483", element="doc_conservative_weeks")
    assert [said(weeks, {"doc_conservative_weeks": one}) for one in (5, 6, None)] == ["broken", "met", "unknown"]
    assert said(IMAGE, {"code": "99213", "doc_imaging": False}) == "none"


def test_what_a_repeat_needs_is_asked_of_repeats() -> None:
    low, high = {"doc_relief_percent": 49.5} | DAY, {"doc_relief_percent": 50} | DAY
    before = {"code": "64484", "day": "2025-01-25"}
    assert [said(RELIEF, one, before) for one in (low, high, DAY)] == ["broken", "met", "unknown"]
    assert message(RELIEF, low, before) == "49.5/50"
    assert said(RELIEF, low, before | {"day": "2025-01-24"}) == said(RELIEF, DAY) == "none"
    assert said(RELIEF, low, old=False) == said(RELIEF, DAY, old=False) == "unknown"
    assert said(RELIEF, high, old=False) == "met"  # what a repeat would need is there
    assert said(RELIEF, low | {"patient": ""}, before) == "unknown"


def test_what_a_first_session_needs_is_asked_of_the_first() -> None:
    first = RELIEF | {"repeat_within_days": None, "first_within_days": 365}
    low, before = {"doc_relief_percent": 10} | DAY, {"day": "2025-01-25"}
    assert said(first, low, before) == "none"
    assert said(first, low, before | {"day": "2025-01-24"}) == "broken"
    assert said(first, low, old=False) == "unknown"


TRIAL = rule("device_chain", True, "63685", after=["63650", "63655"], within_days=90, message="{needed}")
IMPLANT = {"day": "2026-01-25", "code": "63685"}


def test_a_step_of_the_chain_needs_the_one_before() -> None:
    lead = {"code": "63650", "day": "2025-10-27"}
    assert said(TRIAL, IMPLANT, lead) == "met"
    assert said(TRIAL, IMPLANT, lead | {"day": "2025-10-26"}) == "broken"
    assert said(TRIAL, IMPLANT, lead | {"day": "2026-01-25"}) == "broken"
    assert said(TRIAL, IMPLANT, old=False) == said(TRIAL, IMPLANT | {"patient": ""}) == "unknown"
    assert said(TRIAL, lead) == "none"
    assert outcomes(lines([lead, IMPLANT]), TRIAL, practice(old=False))[1] == "met"  # days of one claim
    assert message(TRIAL, IMPLANT) == "63650 or 63655 in the 90 days before"


def test_a_note_in_the_record_or_codes_beside_it_count_as_well() -> None:
    noted = TRIAL | {"element": "doc_psych_evaluation", "beside": ["C1767"]}
    assert said(noted, IMPLANT | {"doc_psych_evaluation": True}, old=False) == "met"
    assert said(noted, IMPLANT | {"doc_psych_evaluation": False}, old=False) == "broken"
    assert said(noted, IMPLANT, old=False) == "unknown"
    assert outcomes(lines([IMPLANT, IMPLANT | {"code": "C1767"}]), noted, practice(old=False))[0] == "met"
    alone = rule("device_chain", True, "63685", beside=["C1767"])
    assert said(alone, IMPLANT | {"patient": ""}, old=False) == "broken"
    assert outcomes(lines([IMPLANT, IMPLANT | {"code": "C1767"}]), alone)[0] == "met"
    assert outcomes(lines([IMPLANT, IMPLANT | {"code": "C1767", "day": "2026-01-26"}]), alone)[0] == "broken"


def test_what_others_may_have_done_is_not_missing_because_the_practice_did_not_bill_it() -> None:
    trial = TRIAL | {"element": "doc_relief_percent", "at_least": 50, "elsewhere": True}
    assert said(trial, IMPLANT) == said(trial, IMPLANT, old=False) == "unknown"
    assert said(trial, IMPLANT, {"code": "63650", "day": "2025-12-01"}) == "met"
    relief = {"met": 50, "broken": 10}
    assert {said(trial, IMPLANT | {"doc_relief_percent": told}): told for told in relief.values()} == relief
    (told,) = findings(lines([IMPLANT]), trial, practice())
    assert "elsewhere" in told["message"]


# Duplicate ----------------------------------------------------------------------------------------------------------

TWICE = rule("duplicate", True, unless=["76", "77"])
MINE = {"day": "2026-01-05", "mods": "RT", "rendering_npi": "1234567893", "billing_npi": "1111111112"}


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, "broken"), ({"mods": "RT 59"}, "met"), ({"mods": ""}, "met"), ({"code": "64484"}, "met"),
        ({"day": "2026-01-06"}, "met"), ({"payer": "P2"}, "met"), ({"patient": "M2"}, "met"),
        ({"rendering_npi": "1111111112"}, "met"), ({"claim_frequency_code": "7"}, "met"),
        ({"sent": "2026-02-01"}, "met"), ({"rendering_npi": "", "billing_npi": ""}, "unknown"),
    ],
)  # fmt: skip
def test_a_service_of_another_claim_is_a_duplicate(change: Row, wanted: str) -> None:
    earlier = MINE | {"units": 2} | change  # other units: it is not the claim sent again
    assert said(TWICE, MINE | {"units": 1}, earlier) == wanted


def test_of_two_lines_of_a_claim_the_second_is_the_duplicate() -> None:
    def both(*second: Row) -> list[str]:
        return outcomes(lines([MINE, *(MINE | one for one in second)]), TWICE, practice())

    assert both({}, {}) == ["met", "broken", "broken"]
    assert both({"mods": "LT"}, {"code": "64484"}, {"day": "2026-01-06"}) == ["met"] * 4
    assert both({"rendering_npi": "1111111112"}) == ["met", "met"]
    assert both({"mods": None}) == ["met", "unknown"]
    frame = lines([MINE | {"mods": "RT 76"}, MINE | {"mods": "RT 76"}])
    assert outcomes(frame, TWICE, practice()) == ["met", "met"]


def test_a_claim_that_is_scored_again_is_no_duplicate_of_itself() -> None:
    stored = lines([MINE | {"sent": "2026-01-20", "claim": "E0"}])
    assert outcomes(stored, TWICE, practice(MINE)) == ["met"]
    assert outcomes(stored, TWICE, practice(MINE).beside(stored)) == ["met"]
    again = lines([MINE | {"sent": "2026-01-20", "claim": "E0"}, MINE | {"claim": "E1", "sent": "2026-02-01"}])
    assert outcomes(again, TWICE, practice(MINE, MINE | {"sent": "2026-02-01"})) == ["met", "broken"]


OWN = MINE | {"claim": "E0", "units": 1}


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, "met"), ({"sent": "2026-01-21"}, "met"), ({"claim_frequency_code": "1"}, "met"), ({"units": None}, "met"),
        ({"claim_frequency_code": "7"}, "none"), ({"original_reference_number": "R1"}, "none"), ({"mods": None}, "met"),
        ({"rendering_npi": "", "billing_npi": ""}, "met"), ({"units": 3}, "unknown"), ({"mods": "LT", "units": 3}, "met"),
        ({"units": 3, "mods": "RT 76"}, "met"), ({"units": 3, "claim_frequency_code": "7"}, "none"),
        ({"claim": "E9"}, "broken"), ({"claim": "E9", "units": 3}, "broken"), ({"payer": "P2"}, "none"),
    ],
)  # fmt: skip
def test_what_stands_under_a_claims_own_number_is_the_claim(change: Row, wanted: str) -> None:
    """Turned away and sent anew, or scored again: days later, from another source that says less."""
    assert said(TWICE, OWN | change, {"units": 1} | MINE) == wanted
    file = lines([OWN | change])
    assert outcomes(file, TWICE, practice(MINE | {"units": 1}).beside(file)) == [wanted]


def test_a_changed_claim_under_its_own_number_is_told_why_it_is_not_known() -> None:
    (told,) = findings(lines([OWN | {"units": 3}]), TWICE, practice(MINE | {"units": 1}))
    assert "under its own number" in told["message"]


@pytest.mark.parametrize("more", [{}, {"code": "64484"}], ids=["the same claim", "a larger one"])
@pytest.mark.parametrize(("sent", "wanted"), [("2026-01-25", "met"), ("2026-01-19", "broken"), ("2026-01-20", "met")])
def test_of_a_claim_scored_again_and_another_the_one_sent_later_is_the_duplicate(
    more: Row, sent: str, wanted: str
) -> None:
    """The other one bills the whole claim under its own number, alone or beside another service."""
    other = MINE | {"claim": "E9", "sent": sent, "units": 1}
    rows = [MINE | {"units": 1}, other, *([other | more] if more else [])]
    assert said(TWICE, OWN, *rows) == wanted
    assert said(TWICE, OWN | {"claim_id": "NEW"}, *rows) == "broken"
    late = lines([OWN, OWN | {"claim": "E9", "sent": "2026-02-02"}])
    told = outcomes(late, TWICE, practice(MINE | {"units": 1}).with_request(late)[0])
    assert told == ["met", "broken"]


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, "broken"), ({"units": 3}, "broken"), ({"claim_frequency_code": "1"}, "broken"),
        ({"claim_frequency_code": "7"}, "none"), ({"original_reference_number": "R1"}, "none"),
        ({"sent": "2026-01-20"}, "met"), ({"sent": "2026-01-19"}, "met"), ({"mods": "RT 76"}, "met"),
    ],
)  # fmt: skip
def test_a_claim_sent_again_that_does_not_say_so_is_a_duplicate(change: Row, wanted: str) -> None:
    assert said(TWICE, MINE | change, MINE) == wanted


def test_of_two_like_claims_of_a_file_the_later_is_the_duplicate() -> None:
    for days in (("2026-01-20", "2026-01-10"), ("2026-01-10", "2026-01-20")):
        frame = lines([MINE | {"claim": f"N{i}", "sent": day} for i, day in enumerate(days)])
        wanted = ["broken" if day == max(days) else "met" for day in days]
        assert outcomes(frame, TWICE, practice().beside(frame)) == wanted
        assert outcomes(frame, TWICE, practice().with_request(frame)[0]) == wanted
    frame = lines([MINE | {"claim": f"N{i}"} for i in range(2)])
    assert sorted(outcomes(frame, TWICE, practice().beside(frame))) == ["broken", "met"]


def test_of_two_claims_of_a_file_the_later_is_the_duplicate() -> None:
    sent = ("2026-01-20", "2026-01-10", "2026-01-15")
    rows = [MINE | {"claim": f"N{i}", "units": i + 1, "sent": day} for i, day in enumerate(sent)]
    frame = lines([*rows, rows[0] | {"claim": "N3", "code": "64484"}])
    assert outcomes(frame, TWICE, practice().beside(frame)) == ["broken", "met", "broken", "met"]


def test_without_a_past_or_a_patient_a_duplicate_is_not_known() -> None:
    assert said(TWICE, MINE, old=False) == said(TWICE, MINE | {"patient": ""}) == "unknown"
    assert said(TWICE, MINE | {"mods": None, "units": 1}, MINE | {"units": 2}) == "unknown"


def test_the_lines_of_these_tests_say_what_they_seem_to() -> None:
    frame = lines([DAY | {"patient": ""}, DAY | {"mods": None}, DAY | {"mods": ""}])
    assert frame["patient_id"][0] in (None, "") and frame["hcpcs_modifier_1"].to_list() == ["", None, ""]
    assert isinstance(frame, pl.DataFrame)
