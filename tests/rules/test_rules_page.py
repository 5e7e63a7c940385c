"""docs/rules.md and docs/rules-coverage.md: as the books are now, every field told, the example a book without fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules import coverage, page
from rules.book import AppliesTo, Book, Rule
from rules.card import rule_json, rule_words
from rules.lint import lint
from rules.parameters import KINDS
from rules.ruleset import packaged

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("name", "made"), [("rules.md", page.page), ("rules-coverage.md", coverage.page)])
def test_the_page_is_up_to_date(name: str, made: object) -> None:
    assert callable(made)
    assert (DOCS / name).read_text(encoding="utf-8") == made(), "make docs"


def test_every_field_is_told() -> None:
    assert page.BOOK.keys() == Book.model_fields.keys()
    assert page.APPLIES_TO.keys() == AppliesTo.model_fields.keys()
    assert page.RULE.keys() == Rule.model_fields.keys() - {"parameters"}
    text = page.page()
    for kind, parameters in KINDS.items():
        section = text.partition(f"### {kind}\n")[2].partition("\n### ")[0]
        assert all(f"- `{name}`: " in section for name in parameters.model_fields), kind
        assert "A message may name" in section


def test_the_example_is_a_book_without_fault(tmp_path: Path) -> None:
    (tmp_path / "example_health_plan.yaml").write_text(page.EXAMPLE, encoding="utf-8")
    assert lint(tmp_path) == []


def test_every_rule_stands_on_the_page_and_can_be_told() -> None:
    text = page.page()
    for book, rule in packaged().rules():
        assert f"| `{rule.id}` |" in text
        words = "\n".join(rule_words(book, rule))
        assert rule.title in words and f"{rule.checked_on}" in words and rule.standing in words
        told = rule_json(book, rule)
        assert len(told["values"]) == len(rule.values) and told["book"]["id"] == book.id


def test_what_is_not_modelled_says_why() -> None:
    known = {rule.id for _, rule in packaged().rules()}
    for rows in coverage.coverage().values():
        assert rows
        assert all(row.rules or row.reason for row in rows)
        assert {rule for row in rows for rule in row.rules} <= known
