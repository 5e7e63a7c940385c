"""Kinds of rule that are read off the claim itself: each broken, met, unknown and none of its business."""

from __future__ import annotations

import operator
import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from rule_lines import findings, judged, lines, outcomes, past, rule, rules, site_table

from rules.past import Past
from rules.ruleset import RuleSet

SUMMER = {"day": "2024-08-01", "sent": "2024-08-10"}  # of the quarter whose pairs and limits are packaged
PAIRS = rule(
    "ptp", True, table="ncci_ptp", bypass=["25", "57", "59", "XS", "RT", "LT"], on_either=["59", "XS"],
    message="{code} {other}",
)  # fmt: skip
LIMITS = rule("mue", True, table="ncci_mue", message="{code}: {units} of {limit}")
ADD_ONS = rule("add_on_without_primary", True, table="add_on", message="{code} after {others}")


def messages(frame: pl.DataFrame, ruled: Any, before: Past | None = None) -> list[str]:
    """What is said of the lines on which a rule is broken."""
    return [one["message"] for one in findings(frame, ruled, before) if one["outcome"] == "broken"]


def lapsed(frame: pl.DataFrame, ruled: Any, before: Past | None = None) -> list[bool]:
    """(lines,) whether the answer lacks nothing but a table of the day."""
    found = [False] * frame.height
    for one in judged(frame, ruled, before).judged:
        for row, late in zip(one.rows.tolist(), one.verdict.lapsed.tolist(), strict=True):
            found[row] |= late
    return found


# Pairs ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        ("64483 |", "none"),
        ("64483 |\n64483 | 59", "none none"),  # one code twice is no pair
        ("64483 |\n64493 |", "met met"),  # no edit exists
        ("62323 |\n77003 |", "met broken"),
        ("62323 |\n77003 | 59", "met met"),  # passes here, and is still an orphan add-on
        ("62323 | 59\n77003 |", "met met"),  # either line will do for 59
        ("64483 | RT\n77003 |", "met broken"),  # a side says nothing of the other line
        ("20552 |\n64483 | RT", "met met"),
        ("20552 |\n64483 |", "met broken"),  # the code that pays more is column 2
        ("64451 |\n64493 | 59", "met broken"),  # never, whatever the modifier
        ("64483 |\n99213 |", "met broken"),
        ("64483 |\n99213 | 25", "met met"),
        ("64483 | 59\n99213 |", "met broken"),  # a visit carries its own 25
        ("64483 |\n99203 |", "met met"),
        ("64483 |\nJ0585 |", "unknown unknown"),  # not in the table that is loaded
        ("64451 |\n64493 |\nJ0585 |", "unknown broken unknown"),  # whatever else is not known
    ],
)
def test_pairs_of_the_table(drawn: str, said: str) -> None:
    drawn = "\n".join(line if line.split("|")[1] else f'{line} ""' for line in drawn.splitlines())
    assert outcomes(lines(f"code | mods\n{drawn}", **SUMMER), PAIRS) == said.split()


def test_a_pair_is_told_with_the_code_that_it_stands_beside() -> None:
    frame = lines("claim | code\nA | 77003\nA | 62323\nA | 64483\nB | 20552\nB | 64483", **SUMMER)
    assert messages(frame, PAIRS) == ["77003 62323", "64483 62323", "64483 20552"]


def test_a_pair_needs_one_claim_and_one_day() -> None:
    frame = lines("claim | code | day\nA | 62323 | 2024-08-01\nA | 77003 | 2024-08-02\nB | 77003 | 2024-08-01", sent="")
    assert outcomes(frame.with_columns(submitted_date=pl.date(2024, 8, 10)), PAIRS) == ["none"] * 3


def test_modifiers_that_are_not_known_leave_a_pair_unknown() -> None:
    frame = lines('code | mods\n62323 | ""\n77003 |', **SUMMER)
    assert outcomes(frame, PAIRS) == ["met", "unknown"]
    assert findings(frame, PAIRS)[1]["message"].endswith("The claim does not tell the modifiers.")
    assert outcomes(lines("code | mods\n64451 | \n64493 |", **SUMMER), PAIRS) == ["met", "broken"]  # never
    assert outcomes(lines("code | mods\n62323 | 59\n77003 |", **SUMMER), PAIRS) == ["met", "met"]


def test_a_quarter_without_pairs_is_unknown_and_names_the_last_that_had_the_pair() -> None:
    frame = lines(
        "claim | code\nA | 62323\nA | 77003\nB | 62323\nB | 64493\nC | 62323", day="2026-08-01", sent="2026-08-02"
    )
    assert outcomes(frame, PAIRS) == ["unknown"] * 4 + ["none"]
    assert lapsed(frame, PAIRS) == [False, True, False, False, False]
    assert findings(frame, PAIRS)[1]["message"].endswith(
        "The pairs of this quarter are not loaded (denials rules refresh); "
        "in NCCI practitioner pairs 2024Q3, 77003 with 62323 was one."
    )
    assert lapsed(lines("code | mods\n62323 | 59\n77003 | 59"), PAIRS) == [False, False]


@pytest.mark.parametrize(
    ("earlier", "said"),
    [
        ({}, "broken"),
        ({"mods": "59"}, "met"),
        ({"patient": "M2"}, "none"),
        ({"day": "2024-08-02"}, "none"),
        ({"payer": "P2"}, "none"),
        ({"rendering_npi": "1000000002"}, "none"),
        ({"rendering_npi": None}, "broken"),  # a practice that names nobody
        ({"sent": "2024-08-10"}, "none"),  # not known before
        ({"claim": "A"}, "none"),  # the line's own claim, sent before
    ],
)
def test_a_pair_with_another_claim_of_the_day(earlier: dict[str, Any], said: str) -> None:
    every = {**SUMMER, "rendering_npi": "1000000001"}
    of_others = {"claim": "X", "patient": "M9", "code": "62323", "sent": "2024-08-05"}
    before = past(lines([of_others, {"claim": "Z", "code": "62323", "sent": "2024-08-05"} | earlier], **every))
    frame = lines([{"code": "77003"}], claim_frequency_code="7" if earlier.get("claim") else "1", **every)
    assert outcomes(frame, PAIRS, before) == [said]
    if said == "broken":
        assert messages(frame, PAIRS, before) == ["77003 62323"]


def test_pairs_of_a_list() -> None:
    never = rule("ptp", True, "J3301", "64493", not_with=["20610", "64493"], message="{code} {other}")
    frame = lines(
        "claim | code | mods\nA | J3301 | 59\nA | 20610 |\nB | J3301 |\nB | 99213 |\nC | 64493 |\nC | 64493 |"
    )
    assert outcomes(frame, never) == ["broken", "none", "met", "none", "met", "met"]
    assert messages(frame, never) == ["J3301 20610"]
    assert outcomes(lines("code\nJ3301\n99213"), never) == ["met", "none"]
    before = past(lines("claim | code | sent\nZ | 20610 | 2026-01-10"))
    assert outcomes(lines("code\nJ3301\n99213"), never, before) == ["broken", "none"]
    frame = lines('code | mods\nJ3301 | 59\nJ3301 | ""\nJ3301 |\n20610 | ""')
    assert outcomes(frame, never | {"bypass": ["59"]}) == ["met", "broken", "unknown", "none"]


# Units ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        ("64483 | | 1", "met"),
        ("64483 | | 2", "broken"),
        ("64483 | 50 | 1", "met"),
        ("64483 | RT | 1\n64483 | LT | 1", "broken broken"),
        ("64484 | | 4\n64483 | | 1", "met met"),
        ("64483 | |", "unknown"),
        ("64483 | | 2\n64483 | |", "broken broken"),  # more than the limit whatever the other line says
        ("64483 | | 1\n64483 | |", "unknown unknown"),
        ("99999 | | 9", "unknown"),  # not in the table that is loaded
    ],
)
def test_units_of_a_day_by_the_table(drawn: str, said: str) -> None:
    assert outcomes(lines(f"code | mods | units\n{drawn}", **SUMMER), LIMITS) == said.split()


def test_units_are_told_with_their_limit() -> None:
    frame = lines("code | mods | units\n64483 | RT | 1\n64483 | LT | 1\n20610 | | 2.5", **SUMMER)
    assert messages(frame, LIMITS) == ["64483: 2 of 1", "64483: 2 of 1", "20610: 2.5 of 2"]
    unsaid = findings(lines("code | units\n64483 |", **SUMMER), LIMITS)
    assert unsaid[0]["message"].endswith("The claim does not tell the units.")


@pytest.mark.parametrize(
    ("earlier", "said"),
    [({}, "broken"), ({"payer": "P2"}, "met"), ({"code": "64484"}, "met"), ({"units": None}, "unknown")],
)
def test_units_of_other_claims_of_the_day_count(earlier: dict[str, Any], said: str) -> None:
    told = SUMMER | {"claim": "Z", "sent": "2024-08-05", "code": "64483", "mods": "RT", "units": 1} | earlier
    frame = lines("code | mods | units\n64483 | LT | 1", **SUMMER)
    assert outcomes(frame, LIMITS, past(lines([told]))) == [said]
    again = lines([told | {"claim": "Y", "sent": "2024-08-06", "claim_frequency_code": "7"}])
    assert outcomes(frame, LIMITS, past(again)) == ["met"]  # a claim sent again bills nothing more


def test_a_limit_of_the_line(tmp_path: Path) -> None:
    tables = site_table(tmp_path, "ncci_mue", "code,limit,adjudication\nJ3301,4,1\n64483,1,2\n20610,2,")
    frame = lines(
        "code | units\nJ3301 | 4\nJ3301 | 4\nJ3301 | 5\n20610 | 2\n20610 | 2\n99213 | 9\n64483 |\nJ3301 |",
        day="2024-02-01",
    )
    told = judged(frame, rules(LIMITS, tables=tables)).judged[0].verdict.outcome.tolist()
    assert told == [1, 1, 3, 3, 3, 0, 2, 2]  # a whole table without the code: no limit
    by_line = judged(frame, rules(LIMITS | {"per": "line"}, tables=tables)).judged[0].verdict.outcome.tolist()
    assert by_line == [1, 1, 3, 1, 1, 0, 2, 2]  # `per` decides where the table does not


def test_a_limit_of_a_book() -> None:
    frame = lines("claim | code | units\nA | J3301 | 4\nA | J3301 | 4\nB | J3301 | 5\nC | J3301 |")
    assert outcomes(frame, rule("mue", 4, "J3301", per="line")) == ["met", "met", "broken", "unknown"]
    assert outcomes(frame, rule("mue", 7, "J3301")) == ["broken", "broken", "met", "unknown"]


def test_a_quarter_without_limits_is_unknown() -> None:
    frame = lines("claim | code | units\nA | 64483 | 2\nB | 64483 | 1\nC | 64483 |")
    assert outcomes(frame, LIMITS) == ["unknown"] * 3
    assert lapsed(frame, LIMITS) == [True, False, False]
    assert findings(frame, LIMITS)[0]["message"].endswith("2024Q3 the limit was 1, and 2 are billed.")


# Add-ons -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        ("64483 |", "none"),
        ("64483 |\n64484 |", "none met"),
        ("64484 |", "broken"),
        ("64493 |\n64484 |", "none broken"),
        ("62323 |\n77003 | 59", "none broken"),  # a modifier does not make an orphan's primary
        ("64510 |\n77003 |", "none met"),
    ],
)
def test_an_add_on_follows_its_primary(drawn: str, said: str) -> None:
    assert outcomes(lines(f"code | mods\n{drawn}", **SUMMER), ADD_ONS) == said.split()


def test_a_primary_of_another_claim_to_the_same_payer_will_do() -> None:
    before = past(lines("claim | code\nZ | 64483", day="2024-08-01", sent="2024-08-05"))
    assert outcomes(lines("code\n64484", **SUMMER), ADD_ONS, before) == ["met"]
    assert outcomes(
        lines("code\n64484", payer="P2", **SUMMER), rules(ADD_ONS, applies_to={"payer_id": ["P2"]}), before
    ) == ["broken"]
    assert outcomes(lines("code\n64484", day="2024-08-02", sent="2024-08-10"), ADD_ONS, before) == ["broken"]


def test_an_orphan_is_told_with_the_primaries_that_it_lacks() -> None:
    assert messages(lines("code\n64484", **SUMMER), ADD_ONS) == ["64484 after 64483"]
    assert messages(lines("code\n64484", **SUMMER), ADD_ONS | {"primaries": ["64999"]}) == [
        "64484 after 64999 or 64483"
    ]
    beside = lines("code\n64484\n64999", **SUMMER)
    assert outcomes(beside, ADD_ONS) == ["broken", "none"]
    assert outcomes(beside, ADD_ONS | {"primaries": ["64999"]}) == ["met", "none"]
    own = rule("add_on_without_primary", True, "96999", primaries=["64483", "64493"], message="{others}")
    frame = lines("claim | code\nA | 96999\nB | 96999\nB | 64493")
    assert outcomes(frame, own) == ["broken", "met", "none"]
    assert messages(frame, own) == ["64483 or 64493"]


def test_add_ons_whose_primaries_are_open_or_not_loaded_are_unknown(tmp_path: Path) -> None:
    tables = site_table(tmp_path, "add_on", "add_on,primary,type\n96999,64483,2", effective_from="2024-01-01")
    frame = lines("claim | code\nA | 96999\nA | 64483\nB | 96999", day="2024-02-01")
    found = findings(frame, rules(ADD_ONS, tables=tables))
    assert [one["outcome"] for one in found] == ["met", "unknown"]
    early = lines("claim | code\nA | 64484\nB | 64484\nB | 64483", day="2023-06-01")
    assert outcomes(early, ADD_ONS) == ["unknown", "unknown", "none"]
    assert lapsed(early, ADD_ONS) == [True, False, False]


# Both sides ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "drawn", "said"),
    [
        (["50x1"], "64483 | RT | 1", "none"),
        (["50x1"], '64483 | "" | 1', "none"),
        (["50x1"], "64483 | 50 | 1", "met"),
        (["50x1"], "64483 | 50 | 2", "broken"),
        (["50x1"], "64483 | 50 |", "unknown"),
        (["50x1"], "64483 | | 1", "unknown"),
        (["50x1"], "64483 | RT | 1\n64483 | LT | 1", "broken broken"),
        (["50x1"], "64483 | RT | 1\n64493 | LT | 1", "none none"),
        (["50x1"], "64483 | RT LT | 1", "broken"),
        (["50x2", "RTLT"], "64483 | 50 | 2", "met"),
        (["50x2", "RTLT"], "64483 | 50 | 1", "broken"),
        (["50x2", "RTLT"], "64483 | RT | 1\n64483 | LT | 1", "met met"),
        (["RTLT"], "64483 | 50 |", "broken"),
        (["50x1"], "62323 | 50 | 1", "none"),  # both sides do not exist for it
        (["50x1"], "64484 | 50 | 2", "unknown"),  # two further levels, or one in the other format
        (["50x1"], "64484 | RT | 1\n64484 | LT | 1", "unknown unknown"),
        (["RTLT"], "64484 | 50 | 2", "broken"),
        (["50x1"], "99999 | 50 | 1", "unknown"),  # not in the fee schedule that is loaded
    ],
)
def test_how_both_sides_are_written(accepted: list[str], drawn: str, said: str) -> None:
    frame = lines(f"code | mods | units\n{drawn}")
    assert outcomes(frame, rule("bilateral_format", accepted, indicators=["1"])) == said.split()


def test_a_code_without_sides_never_carries_50() -> None:
    never = rule("bilateral_format", [], indicators=["0", "9"], message="{found}", correction="format")
    frame = lines('code | mods | units\n20552 | 50 | 1\n62323 | 50 | 2\n64483 | 50 | 1\n20552 | "" | 1\n20552 | 50 |')
    assert outcomes(frame, never) == ["broken", "broken", "none", "none", "broken"]
    assert messages(frame, never) == ["one line with 50 and 1 unit", "one line with 50 and 2 units", "a line with 50"]
    assert [one["suggested"] for one in findings(frame, never)] == [None] * 3
    assert outcomes(lines("code | mods\n20552 | RT\n20552 | LT"), never) == ["none", "none"]
    assert outcomes(lines("code | mods\n62323 | RT\n62323 | LT"), never) == ["broken", "broken"]
    assert outcomes(lines("code | mods\n62323 | RT LT\n62321 | RT"), never) == ["broken", "none"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "broken"), ({"mods": "RT"}, "none"), ({"code": "64493"}, "none"), ({"payer": "P2"}, "none"),
        ({"rendering_npi": "1111111112"}, "none"), ({"claim_frequency_code": "7"}, "none"),
    ],
)  # fmt: skip
def test_the_other_side_may_stand_on_another_claim(change: dict[str, Any], said: str) -> None:
    every = {"code": "64483", "units": 1, "rendering_npi": "1234567893"}
    before = past(lines([every | {"claim": "OLD", "mods": "LT", "sent": "2026-01-20"} | change]))
    one_line = rule("bilateral_format", ["50x1"], indicators=["1"])
    assert outcomes(lines([every | {"mods": "RT"}]), one_line, before) == [said]


def test_the_payer_s_format_is_suggested_in_words_where_it_says_the_same() -> None:
    told = rule("bilateral_format", ["50x1"], "64483", "20610", message="{found}; {accepted}", correction="format")
    frame = lines("code | mods | units\n64483 | RT | 1\n64483 | LT | 1\n20610 | 50 | 2\n64483 | 50 | 3")
    found = findings(frame, told)
    assert [one["message"] for one in found][1:3] == [
        "two lines, one with RT and one with LT; one line with 50 and 1 unit",
        "one line with 50 and 2 units; one line with 50 and 1 unit",
    ]
    assert [one["suggested"] for one in found] == ["one line with 50 and 1 unit"] * 3 + [None]


def test_a_day_without_a_fee_schedule_is_unknown() -> None:
    told = rule("bilateral_format", ["50x1"], indicators=["1"])
    frame = lines(
        "code | mods | units\n64483 | 50 | 2\n64483 | 50 | 1\n62323 | 50 | 2\n64483 | RT | 1", day="2024-08-01"
    )
    assert outcomes(frame, told) == ["unknown", "unknown", "unknown", "none"]
    assert lapsed(frame, told) == [True, False, False, False]
    assert findings(frame, told)[0]["message"].endswith(
        "; by Medicare physician fee schedule RVU26C this would not be taken."
    )


# Modifiers -----------------------------------------------------------------------------------------------------------


def test_a_modifier_that_must_stand() -> None:
    told = rule("modifier_required", ["KX", "GY"], "64490", message="{code} lacks {required}, has {found}")
    frame = lines('code | mods\n64490 | KX 50\n64490 | RT 59\n64490 | ""\n64490 |\n64483 | ""')
    assert outcomes(frame, told) == ["met", "broken", "broken", "unknown", "none"]
    assert messages(frame, told) == ["64490 lacks KX or GY, has 59 and RT", "64490 lacks KX or GY, has none"]


def test_a_modifier_that_hangs_on_what_no_claim_tells() -> None:
    told = rule("modifier_required", ["KX"], "64490", if_so="The claim does not tell a diagnostic block.")
    frame = lines('code | mods\n64490 | KX\n64490 | ""\n64490 |')
    assert outcomes(frame, told) == ["met", "unknown", "unknown"]
    assert [one["message"].partition("not known. ")[2] for one in findings(frame, told)[1:]] == [
        "The claim does not tell a diagnostic block.", "The claim does not tell the modifiers."
    ]  # fmt: skip


def test_a_modifier_that_must_stand_beside_a_code() -> None:
    told = rule("modifier_required", ["25"], "99213", "99214", beside=["64483", "99214"])
    frame = lines("""
    claim | code  | day        | mods
    A     | 99213 | 2026-01-05 | ""
    A     | 64483 | 2026-01-05 | ""
    B     | 99213 | 2026-01-05 | ""
    B     | 64483 | 2026-01-06 | ""
    C     | 99214 | 2026-01-05 | ""
    D     | 99214 | 2026-01-05 | 25
    D     | 99214 | 2026-01-05 | ""
    """)
    assert outcomes(frame, told) == ["broken", "none", "none", "none", "none", "met", "broken"]


def test_modifiers_that_do_not_go_together() -> None:
    told = rule("modifier_conflict", [["RT", "LT"], ["51"]], message="{found}")
    frame = lines([{"mods": mods} for mods in ("RT", "LT 59 RT", "51", "", None)])
    assert outcomes(frame, told) == ["met", "broken", "broken", "met", "unknown"]
    assert messages(frame, told) == ["RT and LT", "51"]


@pytest.mark.parametrize(
    ("mods", "said"),
    [("RT", "met"), ("59 LT", "met"), ("50", "met"), ("F3", "met"), ("TA", "met"), ("E4", "met"),
     ("59", "broken"), ("E5", "broken"), ("", "broken"), ("EA", "broken"), (None, "unknown")],
)  # fmt: skip
def test_the_side_of_a_code(mods: str | None, said: str) -> None:
    assert outcomes(lines([{"mods": mods}]), rule("laterality_missing", True, "64483")) == [said]
    assert outcomes(lines([{"mods": mods}]), rule("laterality_missing", True, "20610")) == ["none"]


@pytest.mark.parametrize(
    ("mods", "single", "unknown", "bundled"),
    [
        ("JZ", "met", "met", "broken"),
        ("JW", "met", "met", "broken"),
        ("JW JZ", "broken", "broken", "broken"),
        ("", "broken", "unknown", "none"),
        (None, "unknown", "unknown", "unknown"),
    ],
)
def test_what_was_discarded(mods: str | None, single: str, unknown: str, bundled: str) -> None:
    for container, said in (("single", single), ("unknown", unknown), ("bundled", bundled)):
        assert outcomes(lines([{"mods": mods}]), rule("drug_wastage", True, container=container)) == [said]


def test_the_line_of_what_was_given_needs_no_word_beside_the_line_of_what_was_discarded() -> None:
    told = rule("drug_wastage", True, "J3301", "J1010", container="single", message="{found}")
    frame = lines('claim | code | mods\nA | J3301 | ""\nA | J3301 | JW\nA | J1010 | ""\nB | J3301 | RT')
    assert outcomes(frame, told) == ["met", "met", "broken", "broken"]
    assert messages(frame, told) == ["none", "RT"]


# Codes, places, fields -----------------------------------------------------------------------------------------------


def test_codes_that_are_gone_or_not_there_yet() -> None:
    told = rule(
        "deleted_code", {"2000-01-01": "not_yet", "2010-01-01": "valid", "2025-10-01": "deleted"}, "J1030",
        replaced_by=["J1010", "J1020"], message="{code} {replacement}",
    )  # fmt: skip
    frame = lines("code | day\nJ1030 | 2009-12-31\nJ1030 | 2010-01-01\nJ1030 | 2025-10-01\nJ1010 | 2025-10-01")
    assert outcomes(frame, told) == ["broken", "met", "broken", "none"]
    assert messages(frame, told) == ["J1030 J1010 or J1020"] * 2


def test_places_where_a_service_may_be_given() -> None:
    frame = lines('pos\n11\n22\n""\n', code="63650")
    only, never = (rule("place_of_service", ["22", "24"], message="{code} {place}", refused=no) for no in (False, True))
    assert outcomes(frame, only) == ["broken", "met", "unknown"]
    assert outcomes(frame, never) == ["met", "broken", "unknown"]
    assert messages(frame, only) == ["63650 11"]
    assert findings(frame, only)[2]["message"].endswith("The place of service is missing.")
    assert outcomes(lines("code\n63650"), only) == ["unknown"]
    assert findings(lines("code\n63650"), only)[0]["message"].endswith("The claim does not tell the place of service.")


def test_fields_that_must_be_filled() -> None:
    told = rule("missing_field", ["referral_number", "ndc_code", "charge_amount"], message="{fields}")
    frame = lines("""
    referral_number | ndc_code | charge
    R1              | N1       | 5.00
    ""              | N1       | 5.00
    ""              | ""       |
                    | N1       | 5.00
                    | ""       | 5.00
    R1              | N1       |
    """)
    assert outcomes(frame, told) == ["met", "broken", "broken", "unknown", "broken", "unknown"]
    assert messages(frame, told) == ["referral number", "referral number and ndc code", "ndc code"]
    assert findings(frame, told)[3]["message"].endswith("The source does not carry referral number.")
    assert outcomes(frame, rule("missing_field", ["claim_line_end_date"])) == ["unknown"] * 6
    place = rule("missing_field", ["place_of_service_code"])
    bills = lines('claim | pos | claim_type\nA | "" | institutional\nB | "" | professional\nC | 11 |')
    assert outcomes(bills, place) == ["met", "broken", "met"]  # an institutional bill tells its place elsewhere


def test_a_facilitys_claim_is_not_known_by_the_place_it_has_not_nor_by_practitioners_tables() -> None:
    office = rule("missing_field", ["rendering_npi"], when={"place_of_service_code": ["11"]})
    bills = lines(
        'claim | pos | claim_type\nA | "" | institutional\nB | "" | professional\nC | 11 | institutional\nD | |',
        rendering_npi="",
    )
    assert outcomes(bills, office) == ["unknown", "none", "broken", "unknown"]
    assert "type of bill" in findings(bills, office)[0]["message"]
    assert "does not say the place" in findings(bills, office)[2]["message"]
    both = lines([SUMMER | {"code": one, "units": 9} for one in ("62323", "77003")], claim_type="institutional")
    assert outcomes(both, PAIRS) == outcomes(both, LIMITS) == ["unknown"] * 2
    assert all("practitioners" in one["message"] for told in (PAIRS, LIMITS) for one in findings(both, told))
    assert not judged(both, PAIRS).judged[0].verdict.lapsed.any()
    assert outcomes(both.with_columns(claim_type=pl.lit("professional")), PAIRS) == ["met", "broken"]


# Diagnoses -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dx", "points", "said"),
    [
        ("M79.18", "1", "met"),
        ("G44.209", "1", "met"),
        ("G44.21", "1", "broken"),  # shorter than the codes of the range
        ("G44.230", "1", "broken"),
        ("M54.16", "1", "met"),
        ("M54.50", "1", "broken"),
        ("M54.50 M79.18", "1", "broken"),
        ("M54.50 M79.18", "2", "met"),
        ("M54.50 M79.18", "1,2", "met"),  # one that is covered suffices
        ("M54.50 M79.18", "5", "broken"),  # points to nothing: the first
        ("M54.50 M79.18", '""', "unknown"),
        ("M54.50 M79.18", "", "unknown"),
        ("M54.16 M79.18", "", "met"),
        ("M54.50 M51.26", "", "broken"),
        ("", "1", "unknown"),
        ('""', "1", "unknown"),
        ("", "", "unknown"),
    ],
)
def test_the_diagnosis_that_a_line_points_to(dx: str, points: str, said: str) -> None:
    told = rule("covered_diagnosis", ["G44.201-G44.229", "m79.18", "M54.1*"])
    assert outcomes(lines(f"dx | points | pos\n{dx} | {points} | 11"), told) == [said]


def test_diagnoses_are_told_as_people_write_them() -> None:
    told = rule("covered_diagnosis", ["M79.18"], message="{diagnosis}")
    frame = lines("claim | dx | points\nA | M54.50 I10 M51.26 | 1,2\nB | M54.50 I10 | 7\nC | M54.50 |")
    assert messages(frame, told) == ["M54.50 and I10", "M54.50 and I10", "M54.50"]


def test_a_diagnosis_of_icd_9_is_not_known_and_one_that_nothing_covers_is_broken() -> None:
    frame = lines("dx | points | diagnosis_code_type\nM54.50 | 1 | icd-9-cm\nM54.50 | 1 | icd-10-cm")
    assert outcomes(frame, rule("covered_diagnosis", ["M79.18"])) == ["unknown", "broken"]
    never = rule("covered_diagnosis", [], message="{diagnosis}")
    assert outcomes(lines('dx\n""'), never) == ["broken"]
    assert messages(lines('dx\n""'), never) == ["no diagnosis"]


# One claim and many --------------------------------------------------------------------------------------------------


def every_kind() -> RuleSet:
    """Rules of all these kinds, of tables and of books."""
    told = [
        PAIRS, LIMITS, ADD_ONS,
        rule("ptp", True, "77003", "64493", not_with=["64483", "62323", "77003"], bypass=["59"], message="{code} {other}"),
        rule("mue", 2, per="line", message="{units} {limit}"),
        rule("add_on_without_primary", True, "J3301", primaries=["20610"], message="{others}"),
        rule("bilateral_format", ["50x1"], indicators=["1"], message="{found} {accepted}"),
        rule("bilateral_format", ["RTLT"], message="{found} {accepted}"),
        rule("modifier_required", ["KX"], message="{required} {found}", beside=["64483"]),
        rule("modifier_required", ["KX"], if_so="It may be."),
        rule("modifier_conflict", [["RT", "LT"], ["50", "59"]], message="{found}"),
        rule("laterality_missing", True),
        rule("drug_wastage", True, container="single", message="{found}"),
        rule("drug_wastage", True, container="unknown", message="{found}"),
        rule("deleted_code", {"2024-08-02": "deleted"}, "J3301", message="{replacement}"),
        rule("place_of_service", ["11"], message="{place}"),
        rule("missing_field", ["place_of_service_code", "service_unit_quantity"], message="{fields}"),
        rule("covered_diagnosis", ["M54.1*", "G44.201-G44.229"], message="{diagnosis}"),
    ]  # fmt: skip
    return rules(*(one | {"id": f"TEST-{number}"} for number, one in enumerate(told)))


def drawn_claims(seed: int, claims: int) -> list[dict[str, Any]]:
    """Random lines of one quarter, most of them with faults; days, patients and payers often meet."""
    chance = random.Random(seed)
    codes = ["62323", "64483", "64484", "77003", "99213", "20552", "20610", "J3301", "64493", "99999"]
    made = []
    for claim in range(claims):
        whole = {
            "claim": f"C{claim}", "patient": chance.choice(["M1", "M2", "M3", None]),
            "payer": chance.choice(["P1", "P1", "P2"]), "sent": f"2024-09-{chance.randint(10, 28)}",
            "dx": chance.choice(["M54.16", "M54.50 M54.16", "", None]), "pos": chance.choice(["11", "22", "", None]),
            "rendering_npi": chance.choice(["1000000001", "1000000002", None]),
        }  # fmt: skip
        made += [
            whole
            | {
                "code": chance.choice(codes),
                "day": f"2024-0{chance.choice([6, 8])}-0{chance.randint(1, 3)}",
                "mods": chance.choice(["", "59", "RT", "LT", "50", "25", "RT LT", "JW", "JW JZ", "KX", None]),
                "units": chance.choice([1, 1, 2, 3, None]),
                "points": chance.choice(["1", "2", "1,2", "", None]),
            }
            for _ in range(chance.randint(1, 5))
        ]
    return made


@pytest.mark.parametrize("known", [False, True])
def test_many_claims_are_judged_as_each_alone(known: bool) -> None:
    ruled = every_kind()
    frame = lines(drawn_claims(1, 70))
    earlier = [one | {"claim": f"Z{one['claim']}", "sent": "2024-09-05"} for one in drawn_claims(2, 40)]
    before = past(lines(earlier)) if known else Past.empty()
    assert frame.height > 190
    together = judged(frame, ruled, before).told(range(4))
    assert {one["outcome"] for line in together for one in line} == {"none", "met", "unknown", "broken"}
    alone: list[Any] = [None] * frame.height
    for rows in frame.with_row_index("place").partition_by("claim_id", maintain_order=True):
        told = judged(rows.drop("place"), ruled, before).told(range(4))
        for place, line in zip(rows["place"].to_list(), told, strict=True):
            alone[place] = line
    assert alone == together


def test_the_order_of_lines_and_claims_changes_no_outcome() -> None:
    ruled = every_kind()
    frame = lines(drawn_claims(3, 60))
    order = np.random.default_rng(1).permutation(frame.height)
    told, mixed = (judged(one, ruled).told(range(4)) for one in (frame, frame[order]))
    in_order = [told[row] for row in order.tolist()]
    outcome = operator.itemgetter("rule_id", "outcome")  # of several that stand beside a line, the first is named
    assert [list(map(outcome, line)) for line in in_order] == [list(map(outcome, line)) for line in mixed]
