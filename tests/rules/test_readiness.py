"""Audit readiness of claims: broken before not known before ready, over the rules that a review looks at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from rule_lines import lines, rule, rules

from rules.bulk import BulkTables
from rules.check import Checker
from rules.past import Past
from rules.readiness import NOT_KNOWN, NOT_READY, READY, Readiness, Reviews, readiness
from rules.ruleset import RuleSet
from rules.tally import Tally

PLACE = rule("place_of_service", ["11"], "64483", id="PLACE", audit=True)
SIDE = rule("modifier_required", ["LT", "RT"], "64483", id="SIDE", audit=True)
QUIET = rule("place_of_service", ["22"], "64483", id="QUIET")


def reviewed(frame: pl.DataFrame, ruled: RuleSet) -> list[Readiness]:
    (part,) = Checker(ruled, Past.empty()).parts(frame)
    return readiness(part.found, part.lines)


@pytest.mark.parametrize(
    ("told", "answer"),
    [
        ("code | pos | mods\n64483 | 11 | LT", Readiness(READY, (), ())),
        ("code | pos | mods\n64483 | 22 | LT", Readiness(NOT_READY, ("PLACE",), ())),
        ("code | pos | mods\n64483 |    | LT", Readiness(NOT_KNOWN, (), ("PLACE",))),
        ("code | pos | mods\n64483 | 22 |", Readiness(NOT_READY, ("PLACE",), ("SIDE",))),
        ("code | pos | mods\n64483 | 11 | LT\n64483 | 22 | LT", Readiness(NOT_READY, ("PLACE",), ())),
        ("code | pos | mods\n64483 | 11 | LT\n64483 |    | LT", Readiness(NOT_KNOWN, (), ("PLACE",))),
        ("code | pos | mods\n99213 | 11 | LT", Readiness(NOT_KNOWN, (), ())),  # no rule asks about it
        ("code | pos | mods\n64483 | 11 | LT\n99213 | 11 | LT", Readiness(NOT_KNOWN, (), ())),  # nor about its visit
        ("code | pos | mods\n64483 | 11 | LT\nG0483 | 11 | LT", Readiness(NOT_KNOWN, (), ())),  # nor its drug test
        ("code | pos | mods\n64483 | 11 | LT\nJ1010 | 11 | LT", Readiness(READY, (), ())),  # a drug goes with it
        ("code | pos | mods\nJ1010 | 11 | LT", Readiness(NOT_KNOWN, (), ())),
        ("code | pos | mods\n64483 | 22 | LT\n99213 | 11 | LT", Readiness(NOT_READY, ("PLACE",), ())),
    ],
)
def test_one_broken_rule_is_enough_and_what_nobody_asks_is_not_known(told: str, answer: Readiness) -> None:
    assert reviewed(lines(told), rules(PLACE, SIDE, QUIET)) == [answer]


def test_a_rule_that_a_review_does_not_look_at_changes_nothing() -> None:
    assert reviewed(lines("code | pos | mods\n64483 | 11 | LT"), rules(PLACE, QUIET)) == [Readiness(READY, (), ())]
    assert reviewed(lines("code | pos | mods\n64483 | 11 | LT"), rules(QUIET)) == [Readiness(NOT_KNOWN, (), ())]


def test_a_claim_without_a_book_is_never_ready() -> None:
    common = RuleSet.of({"common": rules(PLACE, id="common").books["common"]}, BulkTables.load())
    frame = lines("code | pos | payer\n64483 | 11 | ELSEWHERE")
    assert reviewed(frame, common) == [Readiness(NOT_KNOWN, (), ("NO-BOOK",))]
    broken = lines("code | pos | payer\n64483 | 22 | ELSEWHERE")
    assert reviewed(broken, common) == [Readiness(NOT_READY, ("PLACE",), ("NO-BOOK",))]


THREE = """claim | code  | pos | mods | charge | payer
           A     | 64483 | 22  | LT   | 100    | P1
           A     | 64483 | 11  | LT   | 900    | P1
           B     | 64483 | 11  | LT   | 100    | P1
           C     | 64483 | 22  | RT   | 300    | P1
           D     | 64483 | 11  | LT   | 100    | ELSEWHERE"""


def test_many_claims_are_counted_and_the_most_broken_kept() -> None:
    reviews = Reviews(most=1)
    for part in Checker(rules(PLACE, SIDE), Past.empty()).parts(lines(THREE)):
        reviews.add(part)
    assert reviews.answers == {NOT_READY: 2, READY: 1, NOT_KNOWN: 1}
    assert (reviews.broken, reviews.unknown) == ({"PLACE": 2}, {"NO-BOOK": 1})
    assert reviews.worst == [("A", Readiness(NOT_READY, ("PLACE",), ()))]


def test_claims_are_counted_once_and_the_worst_kept_by_what_is_at_stake() -> None:
    tally = Tally(most=2)
    for part in Checker(rules(PLACE, SIDE), Past.empty()).parts(lines(THREE)):
        tally.add(part)
    assert (tally.claims, tally.lines) == (4, 5)
    assert tally.states == {"broken": 2, "met": 1, "unknown": 1}
    assert dict(tally.payers) == {("ELSEWHERE", None): 1}
    assert +tally.kinds["place_of_service"] == {"claims": 2, "assumed": 2, "met": 2}
    assert [(worst.rows.tolist(), worst.stake) for worst in tally.worst] == [([3], 30_000), ([0, 1], 10_000)]
    assert tally.told == 3


def test_what_is_stated_comes_before_what_costs_more() -> None:
    dear, stated = PLACE, SIDE | {"standing": "stated", "reference": [{"title": "a manual"}]}
    tally = Tally(most=9)
    frame = lines("claim | code | pos | mods | charge\nA | 64483 | 22 | LT | 900\nB | 64483 | 11 | 59 | 1")
    for part in Checker(rules(dear, stated), Past.empty()).parts(frame):
        tally.add(part)
    assert [worst.rows.tolist() for worst in tally.worst] == [[1], [0]]


def test_parts_hold_every_row_once_whatever_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rules.blocks.BLOCK", 2)
    checker, frame = Checker(rules(PLACE, SIDE), Past.empty()), lines(THREE)
    mixed = frame[[0, 2, 3, 1, 4]]  # claim A's lines stand apart
    for told in (frame, mixed):
        parts = list(checker.parts(told))
        assert len(parts) > 1
        assert sorted(np.concatenate([part.rows for part in parts]).tolist()) == list(range(5))
        assert all(part.lines.frame.equals(told[part.rows]) for part in parts)
        held = [name for part in parts for name in part.claim_ids()]
        assert sorted(held) == ["A", "B", "C", "D"]


def test_the_lines_of_a_file_count_for_each_other() -> None:
    often = rule("frequency", 1, "64483", id="OFTEN", window_days=365)
    frame = lines("claim | code | day\nA | 64483 | 2026-01-05\nB | 64483 | 2026-02-05")
    checker = Checker(rules(often), Past.empty())
    alone, beside = checker.judge(frame).told(), checker.beside(frame).judge(frame).told()
    assert [len(found) for found in alone] == [0, 0]
    assert [len(found) for found in beside] == [0, 1]
    assert replace(checker, past=Past.empty()).judge(frame).told() == alone
