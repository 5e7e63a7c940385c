"""Which book a claim has, which value of a rule holds on a day, and what was known of it when."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from rule_lines import findings, judged, lines, rule

from claims.errors import RuleBookError
from rules.book import Book
from rules.bulk import BulkTables
from rules.check import Part
from rules.encode import Lines
from rules.gaps import COVERED, NO_BOOK, NO_CONTRACTOR, NO_PLAN, NO_STATE, TWO_BOOKS
from rules.ruleset import Payer, RuleSet, packaged, periods_of
from rules.tally import Counts, Tally

FREQUENCY = rule("frequency", 1, "64483", window_days=365)


def book(name: str, within: str | None = None, **applies: Any) -> Book:
    named = FREQUENCY | {"id": name.upper().replace("_", "-")}
    return Book(**{"id": name, "payer": name, "within": within, "applies_to": applies, "rules": [named]})


def ruleset(*books: Book, payers: dict[str, str] | None = None) -> RuleSet:
    return RuleSet.of({one.id: one for one in books}, BulkTables.load(), payers)


BOOKS = ruleset(
    book("common"),
    book("medicare", claim_filing_indicator_code=["MB"]),
    book("cgs", "medicare", claim_filing_indicator_code=["MB"], service_state=["OH", "KY"]),
    book("jf", "medicare", claim_filing_indicator_code=["MB"], service_state=["AZ"]),
    book("united", payer_name=["UnitedHealthcare", "UHC"]),
    book("united_ma", payer_name=["UnitedHealthcare"], claim_filing_indicator_code=["16"]),
    book("aetna", payer_name=["Aetna"], claim_filing_indicator_code=["CI"]),
    book("small_1", payer_name=["Small"]),
    book("small_2", payer_name=["Plan"]),
    book("nine", payer_id=["99999"]),
    payers={"local": "united", "LOCAL2": "cgs"},
)


@pytest.mark.parametrize(
    ("payer", "wanted", "coverage"),
    [
        (("1", "Medicare", "MB", "OH"), "CGS COMMON MEDICARE", COVERED),
        (("1", "Medicare", "MB", "AZ"), "COMMON JF MEDICARE", COVERED),
        (("1", "Medicare", "MB", None), "COMMON MEDICARE", NO_STATE),
        (("1", "Medicare", "MB", ""), "COMMON MEDICARE", NO_STATE),
        (("1", "Medicare", "MB", "FL"), "COMMON MEDICARE", NO_CONTRACTOR),
        (("1", "Another", "CI", "OH"), "COMMON", NO_BOOK),
        (("1", "A Small Plan", "CI", "OH"), "COMMON", TWO_BOOKS),  # two fit equally: neither is guessed
        (("1", None, None, None), "COMMON", NO_BOOK),
        (("1", "unitedhealthcare of Ohio", "CI", "OH"), "COMMON UNITED", COVERED),
        (("1", "AETNA, INC.", "CI", "OH"), "AETNA COMMON", COVERED),  # by its words
        (("1", "Aetnaville", "CI", "OH"), "COMMON", NO_BOOK),  # and not by a part of one
        (("1", "Aetna", None, "OH"), "COMMON", NO_PLAN),
        (("1", "Aetna", "", "OH"), "COMMON", NO_PLAN),
        (("1", "Aetna", "16", "OH"), "COMMON", NO_BOOK),
        (("99999", "UHC", "MB", "OH"), "COMMON NINE", COVERED),  # an id beats a name, a name the kind of plan
        (("1", "UHC", "MB", "OH"), "COMMON UNITED", COVERED),
        (("1", "UnitedHealthcare", "16", "OH"), "COMMON UNITED-MA", COVERED),  # name and kind beat the name
        (("LOCAL", "Anything", "MB", "OH"), "COMMON UNITED", COVERED),  # the site's word beats all
        (("LOCAL2", "Anything", "CI", "OH"), "CGS COMMON MEDICARE", COVERED),  # a contractor's: with what it is within
        (("LOCAL2", "Anything", "CI", "AZ"), "CGS COMMON MEDICARE", COVERED),  # and in whatever state
        (("LOCAL2", "Anything", "CI", None), "CGS COMMON MEDICARE", COVERED),
    ],
)  # fmt: skip
def test_the_books_of_a_payer(payer: tuple[str | None, ...], wanted: str, coverage: int) -> None:
    chosen = BOOKS.chosen(Payer(*payer), "64483")
    assert sorted(BOOKS.periods[place].rule.id for place in chosen.periods) == wanted.split()
    assert chosen.coverage == coverage


def test_a_book_may_spell_what_it_is_for_in_any_case() -> None:
    small = ruleset(book("one", claim_filing_indicator_code=["ci"]), book("two", payer_id=["t1"]))
    kinds = [small.chosen(payer, "64483") for payer in (Payer("1", "", "CI", ""), Payer("T1", "", "MB", ""))]
    assert [one.coverage for one in kinds] == [COVERED, COVERED]
    assert [small.periods[one.periods[0]].book.id for one in kinds] == ["one", "two"]


def test_two_books_that_fit_equally_are_told_as_such() -> None:
    frame = lines([{"payer": "1", "payer_name": "A Small Plan", "filing": "CI", "code": "99213"}])
    (told,) = findings(frame, BOOKS)
    assert (told["rule_id"], told["outcome"]) == ("TWO-BOOKS", "unknown")
    assert "Two rule books fit this payer equally" in told["message"]


def test_a_site_that_names_a_book_that_is_not_there_is_told() -> None:
    with pytest.raises(RuleBookError, match="nowhere"):
        ruleset(payers={"1": "nowhere"})


def test_a_claim_without_a_book_or_a_state_says_so_on_every_line() -> None:
    frame = lines("claim | payer | filing | state | code\nA | 1 | MB | | 99213\nB | 2 | CI | OH | 99213")
    told = findings(frame, BOOKS)
    assert [(one["rule_id"], one["outcome"], one["field"]) for one in told] == [
        ("NO-STATE", "unknown", "service_state"), ("NO-BOOK", "unknown", "payer_id"),
    ]  # fmt: skip
    assert judged(frame, BOOKS).coverage.tolist() == [NO_STATE, NO_BOOK]


def dated(values: dict[date, Any], published: dict[date, Any]) -> list[tuple[Any, ...]]:
    made = book("dated").rules[0].model_copy(update={"values": values, "published": published})
    epoch = date(1970, 1, 1).toordinal()

    def day(number: int) -> str:
        return date.fromordinal(number + epoch).isoformat() if number < 100_000 else "-"

    return [
        (p.value, *(day(n) for n in (p.begin, p.end, p.known_from, p.known_to)))
        for p in periods_of(made, BOOKS.books["cgs"])
    ]


D1, D2, D3 = date(2024, 1, 1), date(2025, 1, 1), date(2026, 1, 1)


def test_a_value_holds_until_the_next_and_null_repeals_it() -> None:
    assert dated({D1: 4, D2: 3, D3: None}, {}) == [
        (4, "2024-01-01", "2025-01-01", "2024-01-01", "-"), (3, "2025-01-01", "2026-01-01", "2025-01-01", "-"),
    ]  # fmt: skip


def test_a_value_published_early_is_known_early() -> None:
    assert dated({D2: 3}, {D2: D1}) == [(3, "2025-01-01", "-", "2024-01-01", "-")]


def test_until_a_value_is_published_the_one_before_is_all_that_is_known() -> None:
    assert dated({D1: 4, D2: 3}, {D2: D3}) == [
        (4, "2024-01-01", "2025-01-01", "2024-01-01", "-"),
        (4, "2025-01-01", "-", "2024-01-01", "2026-01-01"),
        (3, "2025-01-01", "-", "2026-01-01", "-"),
    ]


@pytest.mark.parametrize(
    ("sent", "counted"),
    [("2025-05-30", 0), ("2025-06-01", 1)],  # the value for services since March was published on 1 June
)
def test_a_finding_counts_as_a_feature_only_once_its_value_was_published(sent: str, counted: int) -> None:
    ruled = rule("missing_field", {"2025-03-01": ["rendering_npi"]}, published={"2025-03-01": "2025-06-01"})
    frame = lines([{"day": "2025-05-01", "sent": sent, "rendering_npi": ""}])
    found = judged(frame, ruled)
    assert [one["outcome"] for one in found.told()[0]] == ["broken"]  # check may use all that is known today
    assert found.counted().get("missing_field", [0])[0] == counted


@pytest.mark.parametrize(
    ("sent", "counted"),
    [("2025-05-31", [1, 0]), ("2025-06-01", [0, 1]), ("2025-06-02", [0, 1])],  # the value since March came on 1 June
)
def test_a_superseded_value_counts_until_the_next_is_published_and_no_longer(sent: str, counted: list[int]) -> None:
    values = {"2024-01-01": ["rendering_npi"], "2025-03-01": ["referring_npi"]}
    ruled = rule("missing_field", values, published={"2025-03-01": "2025-06-01"})
    rows = [{"rendering_npi": "", "referring_npi": "1"}, {"rendering_npi": "1", "referring_npi": ""}]
    found = judged(lines([row | {"day": "2025-05-01", "sent": sent} for row in rows]), ruled)
    assert [len(told) for told in found.told()] == [0, 1]  # check knows today's value alone
    assert found.counted()["missing_field"].tolist() == counted


def test_what_a_table_says_is_no_feature_before_the_table_was_published() -> None:
    limits = rule("bilateral_format", {"2020-01-01": ["50x1"]}, indicators=["1"])
    row = {"code": "64483", "mods": "50", "units": 2}
    days = [("2026-01-10", "2026-01-20"), ("2026-01-10", "2026-07-01"), ("2026-07-02", "2026-07-03")]
    found = judged(lines([row | {"day": day, "sent": sent, "claim": sent} for day, sent in days]), limits)
    assert [len(told) for told in found.told()] == [1, 1, 1]
    assert found.counted()["bilateral_format"].tolist() == [0, 1, 1]  # the schedule of July 2026 speaks for January


def test_an_edit_lapses_only_by_a_table_that_had_spoken_and_was_known() -> None:
    pairs = rule("ptp", True, table="ncci_ptp", bypass=["59"])
    days = [("2023-05-01", "2023-05-10"), ("2024-06-29", "2024-07-10"), ("2024-10-01", "2024-10-02")]
    rows = [{"code": code, "day": day, "sent": sent, "claim": day} for day, sent in days for code in ("62323", "77003")]
    found = judged(lines(rows), pairs)
    assert found.judged[0].verdict.lapsed is not None and found.judged[0].verdict.lapsed[1::2].all()
    assert found.lapsed().tolist() == [0, 0, 0, 0, 0, 1]


def test_the_version_follows_every_word_of_a_rule() -> None:
    one, other = (ruleset(book("a").model_copy(update={"rules": (made,)})) for made in _two_rules())
    assert one.version != other.version


def _two_rules() -> tuple[Any, Any]:
    return tuple(
        Book(**{"id": "a", "payer": "a", "rules": [FREQUENCY | {"window_days": days}]}).rules[0] for days in (30, 31)
    )


def test_the_packaged_rules_hold_together() -> None:
    rules = packaged()
    assert {"common", "medicare", "medicare_cgs"} <= set(rules.books)
    assert len(rules.periods) > 100


TABLES = [
    ("bilateral_format", ["50x1"], {"indicators": ["1"]}, "64483", "2025-11-01", "2025-05-01"),
    ("add_on_without_primary", True, {"table": "add_on"}, "64484", "2026-07-02", None),
    ("add_on_without_primary", True, {"table": "add_on"}, "62331", None, "2026-07-02"),  # its primary is inferred
]


@pytest.mark.parametrize(("kind", "value", "said", "code", "stated", "assumed"), TABLES)
@pytest.mark.parametrize("when", [None, {"place_of_service_code": ["11"]}])
def test_a_tables_assumed_word_makes_a_stated_rules_finding_assumed(
    kind: str, value: Any, said: dict[str, Any], code: str, stated: str | None, assumed: str | None, when: Any
) -> None:
    ruled = rule(kind, value, **said, standing="stated") | ({"when": when} if when else {})
    days = [("stated", stated), ("assumed", assumed)]
    row = {"code": code, "mods": "50", "units": 2, "pos": "11"}
    rows = [{"pos": "12", "day": "2026-07-02"}, *(row | {"day": day, "claim": day} for _, day in days if day)]
    told = [one for one in findings(lines(rows, sent="2026-11-01"), ruled) if one["outcome"] == "broken"]
    assert [one["standing"] for one in told] == [standing for standing, day in days if day]


def test_global_days_of_a_quarter_that_was_not_read_are_assumed_and_counted_so() -> None:
    ruled = rule("global_period", True, of="visits", standing="stated")
    days = ["2025-11-01", "2025-05-01"]
    rows = [{"code": code, "day": day, "claim": day, "billing_npi": "1"} for day in days for code in ("64483", "99213")]
    frame = lines(rows, sent="2026-11-01")
    found = judged(frame, ruled)
    assert [one["standing"] for line in found.told() for one in line] == ["stated", "assumed"]
    counts = Counts.of(Part(np.arange(4), Lines(frame), found))
    assert (counts.stated.tolist(), counts.assumed.tolist()) == ([1, 0], [0, 1])
    tally = Tally(most=5)
    tally.add(Part(np.arange(4), Lines(frame), found))
    assert (tally.kinds["global_period"]["stated"], tally.kinds["global_period"]["assumed"]) == (1, 1)
