"""A claim that is scored again after it was taken in gets the answer that it would get if it had never been."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from claims.read import read_claims
from claims.settings import Settings
from claims.store import Store
from data.synthetic.generate import Generated
from serving.score import Scorer

LATER = date(2026, 12, 1)


@pytest.fixture
def home(site: Settings, tmp_path: Path) -> Settings:
    """A copy of the site, to be added to."""
    shutil.copytree(site.home, tmp_path / "home")
    return Settings(home=tmp_path / "home")


def billed_again(world: Generated) -> dict[str, Any]:
    """A claim of the practice under another number."""
    last = world.lines.filter(world.lines["submitted_date"] == world.lines["submitted_date"].max())
    rows = last.filter(last["claim_id"] == last["claim_id"][0]).to_dicts()
    return {"claim_id": "T-101", "lines": [{n: c for n, c in row.items() if n != "claim_id"} for row in rows]}


def told(scorer: Scorer, claim: dict[str, Any], day: date) -> dict[str, Any]:
    """The answer for a claim that would be sent on a day, but for its score_id."""
    on_day = {"submitted_date": day.isoformat()}
    lines = [line | on_day for line in claim["lines"]]
    answer = scorer.score([claim | on_day | {"lines": lines}])
    assert not answer["rejected"]
    return {name: value for name, value in answer["claims"][0].items() if name != "score_id"}


def rules_of(answer: dict[str, Any]) -> set[str]:
    return {finding["rule_id"] for line in answer["lines"] for finding in line["findings"]}


@pytest.mark.parametrize("which", ["a new claim", "a second bill"])
def test_a_claim_that_was_taken_in_is_scored_as_before(
    which: str, site: Settings, home: Settings, scorer: Scorer, world: Generated, claim: dict[str, Any]
) -> None:
    asked = claim if which == "a new claim" else billed_again(world)
    sent = {"submitted_date": (LATER - timedelta(days=3)).isoformat()}
    taken = asked | sent | {"lines": [line | sent for line in asked["lines"]]}
    assert Store.open(home).add(read_claims([taken], home)).new["lines"] == len(asked["lines"])
    knowing = Scorer.load(settings=home)
    for day in (LATER - timedelta(days=3), LATER):
        before, after = told(scorer, asked, day), told(knowing, asked, day)
        assert ("ALL-DUPLICATE" in rules_of(before)) == (which == "a second bill")
        assert after == before


def test_the_same_claim_under_another_number_is_a_duplicate(
    home: Settings, claim: dict[str, Any], scorer: Scorer
) -> None:
    sent = claim | {"submitted_date": (LATER - timedelta(days=3)).isoformat()}
    Store.open(home).add(read_claims([sent], home))
    knowing = Scorer.load(settings=home)
    assert "ALL-DUPLICATE" not in rules_of(told(knowing, claim, LATER))
    assert "ALL-DUPLICATE" in rules_of(told(knowing, claim | {"claim_id": "T-999"}, LATER))
