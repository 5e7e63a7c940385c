"""The small catalog and a model of it, for tests that need no claims; a small practice for those that do."""

import pytest
from made_up import SMALL, VERSIONS, made_table
from small_practice import Practice, read_practice

from features import catalog
from features.catalog import Feature
from training.calibrate import Calibration
from training.fit import Recipe, fit
from training.matrix import Encoder, choose_levels
from training.model import Column, DenialModel


@pytest.fixture
def small_catalog(monkeypatch: pytest.MonkeyPatch) -> tuple[Feature, ...]:
    """The small catalog in place of the real one."""
    monkeypatch.setattr(catalog, "CATALOG", SMALL)
    monkeypatch.setattr(catalog, "BY_NAME", {f.name: f for f in SMALL})
    return SMALL


@pytest.fixture(scope="session")
def made_model() -> DenialModel:
    """A model of the small catalog."""
    table, y = made_table(3000)
    levels = choose_levels(table, SMALL, 20)
    X = Encoder([f.name for f in SMALL], levels).matrix(table)
    fitted = fit(X, y, SMALL, Recipe(), 30)
    calibration = Calibration("beta", 1.1, 0.9, 0.05, 0.6, 600, 300)
    return DenialModel(fitted.text, calibration, tuple(map(Column.of, SMALL)), levels, VERSIONS, card="# Card\n")


@pytest.fixture(scope="session")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Practice:
    """1,500 claims and their remittances."""
    return read_practice(tmp_path_factory.mktemp("practice"), 1500)
