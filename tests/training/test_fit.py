"""Fitting: the same bytes whatever the threads, monotone where the catalog says so, a split between days."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from made_up import SMALL, made_table

from claims.errors import UsageError
from training import fit as fitting
from training.examples import Examples, learn, plan
from training.fit import Recipe, fit, split
from training.matrix import Encoder, choose_levels


def matrix(lines: int) -> tuple[np.ndarray, np.ndarray]:
    table, y = made_table(lines)
    return Encoder([f.name for f in SMALL], choose_levels(table, SMALL, 20)).matrix(table), y


def test_two_fits_on_any_number_of_threads_give_equal_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = matrix(3000)
    texts = set()
    for threads in (1, 2, 2):
        monkeypatch.setattr(fitting, "_threads", lambda lines, threads=threads: threads)
        texts.add(fit(X[:2500], y[:2500], SMALL, Recipe(max_rounds=3), validation=(X[2500:], y[2500:])).text)
    assert len(texts) == 1
    assert "num_threads" not in texts.pop()


def test_another_seed_gives_another_model() -> None:
    X, y = matrix(3000)
    assert fit(X, y, SMALL, Recipe(seed=1), rounds=5).text != fit(X, y, SMALL, Recipe(seed=2), rounds=5).text


def test_early_stopping_stops_and_keeps_the_best_rounds() -> None:
    X, y = matrix(3000)
    fitted = fit(X[:2400], y[:2400], SMALL, Recipe(learning_rate=0.3), validation=(X[2400:], y[2400:]))
    assert 1 <= fitted.rounds < 200
    assert fitted.text.count("\nTree=") == fitted.rounds


def test_monotone_features_are_monotone(made_model) -> None:
    table, _ = made_table(200, seed=9)
    X = made_model.matrix(table)
    rate = made_model.features.index("rate")
    scores = []
    for value in np.linspace(0, 1, 21):
        X[:, rate] = value
        scores.append(made_model.raw_score(X))
    assert (np.diff(np.array(scores), axis=0) >= 0).all()
    assert scores[-1].mean() > scores[0].mean()


def test_a_split_never_parts_the_lines_of_a_day() -> None:
    days = np.array([1, 1, 2, 2, 3, 3, 3, 3, 4, 4])
    cut = split(days, 0.2)
    assert cut == 8
    assert split(np.array([1, 1, 1, 1, 2, 2, 2, 2, 2, 2]), 0.2) == 4
    assert split(np.zeros(10), 0.2) == 8


def test_one_class_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="longer history"):
        fit(np.zeros((30, 5)), np.zeros(30), SMALL, Recipe(), rounds=3)


@pytest.mark.usefixtures("small_catalog")
def test_a_plan_calibrates_on_the_later_fifth_and_the_model_keeps_it() -> None:
    table, y = made_table(2000)
    days = [date(2026, 1, 1) + timedelta(days=i // 20) for i in range(2000)]
    lines = pl.DataFrame({"submission_id": [f"S{i // 2:04}" for i in range(2000)], "submitted_date": days})
    found, recipe = Examples(lines, table, y, np.zeros(2000)), Recipe(max_rounds=30)
    chosen = plan(found, recipe)
    assert (chosen.calibration.method, chosen.calibration.lines, chosen.calibration.claims) == ("beta", 400, 200)
    assert (chosen.calibration.a, chosen.calibration.b) != (1.0, 1.0)
    assert learn(found, chosen, recipe, {}).calibration == chosen.calibration
