"""One small site for all tests of serving: a synthetic practice in a store, and a quick model learned from it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from claims.read import read_frame
from claims.settings import Settings
from claims.snapshot import take_snapshot
from claims.store import Store
from data.synthetic.generate import generate
from data.synthetic.world import load_world
from serving.score import Scorer
from training.evaluate import learn_as_of
from training.fit import Recipe

CLAIMS = 1_500


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with a store of the world `small` and a champion."""
    settings = Settings(home=tmp_path_factory.mktemp("site"))
    world = generate(load_world("small"), CLAIMS, seed=7)
    store = Store.open(settings)
    for table in (world.lines, world.outcomes, world.authorizations):
        store.add(read_frame(table, settings))
    as_of = store.outcomes()["known_date"].max()
    assert isinstance(as_of, date)
    quick = Recipe(max_rounds=60, learning_rate=0.15, num_leaves=15, min_data_in_leaf=20)
    learned = learn_as_of(lambda day: take_snapshot(store, day), as_of + timedelta(days=1), settings, quick)
    learned.model.with_version("3").save(settings.models / "champion")
    return settings


@pytest.fixture(scope="session")
def scorer(site: Settings) -> Scorer:
    """The site's scorer."""
    return Scorer.load(settings=site)
