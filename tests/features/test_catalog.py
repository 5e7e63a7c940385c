"""The catalog is the one declaration: every column is made, every page and sentence follows it."""

import string
from pathlib import Path

import pytest

from features.build import build
from features.catalog import BY_NAME, CATALOG, NUMBERS, Feature
from features.history import History
from features.page import page
from features.table import FeatureTable

FIELDS = {"value", "n", "denied", "code", "payer", "family", "dx", "modifiers", "authorization"}
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def nothing() -> FeatureTable:
    history = History.empty()
    return build(history.snapshot.lines, history)


def test_build_makes_exactly_the_catalog(nothing: FeatureTable) -> None:
    assert nothing.number_names == NUMBERS
    assert {*nothing.number_names, *nothing.categories} == set(BY_NAME)
    assert len(nothing) == 0 and nothing.frame().columns == [f.name for f in CATALOG]


def test_names_are_given_once() -> None:
    assert len(BY_NAME) == len(CATALOG)


def test_the_page_is_made_from_the_catalog() -> None:
    assert (ROOT / "docs" / "features.md").read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("feature", CATALOG, ids=lambda feature: feature.name)
def test_a_declaration_is_whole(feature: Feature) -> None:
    named = {name for _, name, _, _ in string.Formatter().parse(feature.sentence) if name}
    assert named <= FIELDS
    assert all(other is None or other in BY_NAME for other in (feature.counts, feature.leans_on))
    assert feature.unit and feature.concept and feature.sentence.endswith((".", "}"))


def test_a_digest_follows_the_definition_and_not_the_wording() -> None:
    first = Feature("a", "number", "days", "timing", "One.")
    assert first.digest == Feature("a", "number", "days", "other", "Two.", correctable=True).digest
    assert first.digest != Feature("a", "number", "weeks", "timing", "One.").digest
    assert first.digest != Feature("a", "number", "days", "timing", "One.", revision=2).digest
