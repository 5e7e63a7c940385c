"""The packaged books against the facts they were made from: nothing verified is lost, nothing named is missing."""

from __future__ import annotations

import csv
import os
import string
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from rules.book import Rule
from rules.parameters import PLACEHOLDERS
from rules.ruleset import packaged

ROOT = Path(__file__).parents[2]
REFERENCE = os.environ.get("DENIALS_REFERENCE")
FACTS = ("lcd_rules.csv", "payer_rules.csv")
RULES = {rule.id: rule for _, rule in packaged().rules()}
ESI = {"62321", "62323", "64479", "64480", "64483", "64484"}
STATES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR"
    " PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI"
)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


COVERAGE = [row for path in sorted((ROOT / "rules").glob("coverage_*.csv")) for row in read(path)]


def on(rule: Rule, day: str) -> object:
    """The value that holds on a day of service."""
    return max((d, v) for d, v in rule.values.items() if d <= date.fromisoformat(day))[1]


@pytest.mark.parametrize("source", FACTS)
@pytest.mark.skipif(not REFERENCE, reason="DENIALS_REFERENCE is not set: the facts lie there")
def test_every_verified_fact_stands_once_in_the_coverage(source: str) -> None:
    facts = read(Path(str(REFERENCE)) / "domain" / source)
    rows = Counter(int(row["row"]) for row in COVERAGE if row["source"] == source)
    verified = {line for line, fact in enumerate(facts, start=2) if fact["verified"] == "yes"}
    assert not verified - set(rows)
    assert all(count == 1 for count in rows.values())
    assert max(rows) <= len(facts) + 1


@pytest.mark.skipif(not REFERENCE, reason="DENIALS_REFERENCE is not set: the facts lie there")
def test_a_row_of_the_coverage_is_about_the_fact_in_its_line() -> None:
    facts = dict(enumerate(read(Path(str(REFERENCE)) / "domain" / "lcd_rules.csv"), start=2))
    for row in COVERAGE:
        if row["source"] == "lcd_rules.csv":
            fact = facts[int(row["row"])]
            assert row["subject"].startswith(f"{fact['topic']}/") and row["subject"].endswith(f"/{fact['rule_key']}")


def test_rules_named_in_the_coverage_exist() -> None:
    assert {name for row in COVERAGE for name in row["rules"].split()} <= set(RULES)


def test_a_fact_without_a_rule_has_a_reason() -> None:
    assert COVERAGE
    assert all(row["rules"].strip() or row["reason"].strip() for row in COVERAGE)


def test_a_message_names_only_what_its_kind_tells() -> None:
    for name, rule in RULES.items():
        named = {field for _, field, _, _ in string.Formatter().parse(rule.message) if field is not None}
        assert named <= PLACEHOLDERS[rule.kind], name


def test_each_state_has_one_contractor() -> None:
    told = [
        state
        for book in packaged().books.values()
        if book.within == "medicare"
        for state in book.applies_to.service_state
    ]
    assert sorted(told) == sorted(STATES.split())


def test_no_contractor_asks_for_a_pain_score_before_an_epidural() -> None:
    within = [book for book in packaged().books.values() if book.id == "medicare" or book.within == "medicare"]
    asked = {r.id for book in within for r in book.rules if getattr(r.parameters, "element", None) == "doc_pain_score"}
    assert {code for name in asked for code in RULES[name].codes} == {"0275T", "62330"}


def test_wiser_is_about_epidurals_in_the_office_too_and_not_about_facets() -> None:
    wiser = [RULES["MCR-WISER-ESI"], RULES["MCR-WISER-OTHER"]]
    assert set(wiser[0].codes) == ESI
    assert not any(code.startswith(("6449", "6463")) for rule in wiser for code in rule.codes)
    assert all("11" in rule.when.place_of_service_code and len(rule.when.service_state) == 6 for rule in wiser)
    assert [on(wiser[0], day) for day in ("2026-01-15", "2031-12-31", "2032-01-01")] == [True, True, None]


def test_only_the_percutaneous_lead_needs_authorization_of_the_hospital_list() -> None:
    assert RULES["MCR-OPD-SCS"].codes == ("63650",)
    assert all(set(RULES[f"MCR-OPD-{name}"].when.place_of_service_code) == {"19", "22"} for name in ("SCS", "FACET"))


def test_anesthetic_of_a_block_takes_neither_jw_nor_jz() -> None:
    wastage = [rule for rule in RULES.values() if rule.kind == "drug_wastage" and rule.id.startswith("MCR-")]
    container = {code: rule.parameters.model_dump()["container"] for rule in wastage for code in rule.codes}
    assert {code for code, told in container.items() if told == "bundled"} == {"J2001", "J2003", "J2004", "J0665"}
    assert "single" not in container.values()  # no fact tells that one of our drugs comes in single doses only


def test_what_is_not_verified_is_not_stated() -> None:
    assumed = {name for name, rule in RULES.items() if rule.standing == "assumed"}
    assert {"ALL-CODE-0275T", "ALL-CODE-J1010-2024", "MCR-GLOBAL-VISIT", "NJE-ESI-FREQ", "PAL-ESI-FREQ"} <= assumed
    assert not {"CGS-ESI-FREQ", "NGS-ESI-KX", "NJF-FACET-THIRD", "WPS-TPI-DX", "MCR-WISER-ESI"} & assumed
    assert all(name in assumed for name in RULES if name.startswith("MA-"))
