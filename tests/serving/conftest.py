"""One small site for all tests of serving: a synthetic practice in a store, and a quick model learned from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from claims.read import read_frame
from claims.settings import Settings
from claims.snapshot import take_snapshot
from claims.store import Store
from data.synthetic.generate import Generated, generate
from data.synthetic.world import load_world
from serving.score import Scorer
from training.evaluate import learn_as_of
from training.fit import Recipe
from training.golden import make_golden

CLAIMS = 1_200
QUICK = Recipe(max_rounds=60, learning_rate=0.15, num_leaves=15, min_data_in_leaf=20)


@pytest.fixture(scope="session")
def world() -> Generated:
    """The practice's files."""
    return generate(load_world("small"), CLAIMS, seed=7)


@pytest.fixture(scope="session")
def site(world: Generated, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with a store and a champion, version 3."""
    settings = Settings(home=tmp_path_factory.mktemp("site"))
    store = Store.open(settings)
    for table in (world.lines, world.outcomes, world.authorizations):
        store.add(read_frame(table, settings))
    last = store.outcomes()["known_date"].max()
    assert isinstance(last, date)
    learned = learn_as_of(lambda day: take_snapshot(store, day), last + timedelta(days=1), settings, QUICK)
    model = learned.model.with_version("3")
    golden = make_golden(model, [a_claim()])
    replace(model, golden=golden).save(settings.models / "champion")
    return settings


@pytest.fixture(scope="session")
def scorer(site: Settings) -> Scorer:
    """The site's scorer."""
    return Scorer.load(settings=site)


def a_claim() -> dict[str, Any]:
    """A claim of two lines as billing software sends it."""
    return {
        "claim_id": "T-100",
        "submitted_date": None,
        "payer_id": "SYN01",
        "payer_name": "Alder Health",
        "claim_filing_indicator_code": "CI",
        "payer_responsibility_code": "P",
        "member_id": "MEM555001",
        "patient_birth_date": "1961-02-03",
        "patient_sex": "M",
        "billing_npi": "1000000491",
        "service_state": "KY",
        "place_of_service_code": "11",
        "claim_frequency_code": "1",
        "diagnosis_codes": ["M47.816", "M54.50"],
        "documentation": {"doc_pain_score": 6},
        "extra": {"x_clinic": "north"},
        "lines": [
            {
                "claim_line_number": 1,
                "claim_line_start_date": "2026-10-20",
                "hcpcs_code": "64493",
                "modifiers": ["LT"],
                "service_unit_quantity": 1,
                "charge_amount": "900.00",
                "diagnosis_pointers": [1],
            },
            {
                "claim_line_number": 2,
                "claim_line_start_date": "2026-10-20",
                "hcpcs_code": "99213",
                "modifiers": [],
                "service_unit_quantity": 1,
                "charge_amount": "180.00",
            },
        ],
    }


@pytest.fixture
def claim() -> dict[str, Any]:
    """A claim of two lines, to be changed at will."""
    return a_claim()


@pytest.fixture
def flat(world: Generated) -> Any:
    """Forty lines of the practice's file as they were sent, as a frame."""
    return world.lines.tail(40)
