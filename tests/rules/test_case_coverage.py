"""What the worked cases show together: every kind in every outcome, the rules at their borders, claims without fault."""

from collections import defaultdict
from collections.abc import Iterator
from importlib.resources import as_file, files
from typing import NamedTuple

import pytest

from rules.cases import NOT_COVERED, Case, load_cases
from rules.parameters import KINDS
from rules.ruleset import packaged

with as_file(files("rules") / "cases") as folder:
    CASES = load_cases(folder)
KIND_OF = {rule.id: rule.kind for _, rule in packaged().rules()}
BOOK_OF = {rule.id: book.id for book, rule in packaged().rules()}
OUTCOMES = ("broken", "met", "unknown", "none")


class Expected(NamedTuple):
    """One outcome that a case expects of a rule."""

    case: Case
    rule: str
    outcome: str


def expected() -> Iterator[Expected]:
    for case in CASES:
        for line in case.expect.values():
            yield from (Expected(case, rule, outcome) for rule, outcome in line.items())


def test_there_are_at_least_150_cases_and_15_claims_without_fault() -> None:
    assert len(CASES) >= 150
    assert sum(case.clean for case in CASES) >= 15


def test_every_rule_that_a_case_names_exists() -> None:
    assert {one.rule for one in expected()} - KIND_OF.keys() <= NOT_COVERED


def test_every_case_is_of_a_kind_and_shows_it() -> None:
    """A case of clean.yaml shows no kind; one of a kind expects something of a rule of that kind, or of coverage."""
    shown = defaultdict(set)
    for one in expected():
        shown[one.case.file, one.case.case].add(KIND_OF.get(one.rule, "no book"))
    strange = [
        case.case for case in CASES
        if case.file != "clean.yaml" and not shown[case.file, case.case] & {case.kind, "no book"}
    ]  # fmt: skip
    assert strange == []
    assert {case.kind for case in CASES} == {*KINDS, "clean"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_shown_broken_met_unknown_and_not_asked(kind: str) -> None:
    """By the rules that the cases name, not by the file that they stand in."""
    told = {one.outcome for one in expected() if KIND_OF.get(one.rule) == kind}
    assert told == set(OUTCOMES) - ({"none"} if kind == "missing_field" else set())


def test_every_book_is_shown() -> None:
    told = {BOOK_OF[one.rule] for one in expected() if one.outcome != "none" and one.rule in BOOK_OF}
    assert set(packaged().books) - told == set()


def test_a_claim_that_no_book_covers_is_shown_and_never_clean() -> None:
    uncovered = [one for one in expected() if one.rule in NOT_COVERED and one.outcome == "unknown"]
    assert {one.rule for one in uncovered} == NOT_COVERED
    assert not any(one.case.clean for one in uncovered)
