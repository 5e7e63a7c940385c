"""Fitting: the same bytes whatever the threads, monotone where the catalog says so, rounds that no score has seen."""

from datetime import date, timedelta
from typing import Any

import lightgbm as lgb
import numpy as np
import polars as pl
import pytest
from made_up import SMALL, made_table

from claims.errors import UsageError
from training import examples
from training import fit as fitting
from training.examples import Examples, learn, plan
from training.fit import Fitted, Later, Recipe, Stopped, fit, split, stop_early
from training.matrix import Encoder, choose_levels


def matrix(lines: int) -> tuple[np.ndarray, np.ndarray]:
    table, y = made_table(lines)
    return Encoder([f.name for f in SMALL], choose_levels(table, SMALL, 20)).matrix(table), y


def later_of(X: np.ndarray, y: np.ndarray, start: int) -> Later:
    return Later(X[start:], y[start:], np.arange(len(y) - start) % 2)


def log_loss(raw: np.ndarray, y: np.ndarray) -> float:
    return float((np.logaddexp(0, raw) - y * raw).mean())


def raw_of(fitted: Fitted, X: np.ndarray) -> np.ndarray:
    return np.asarray(lgb.Booster(model_str=fitted.text).predict(X, raw_score=True))


def test_two_fits_on_any_number_of_threads_give_equal_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = matrix(3000)
    texts, scores = set(), set()
    for threads in (1, 2, 2):
        monkeypatch.setattr(fitting, "threads_for", lambda lines, threads=threads: threads)
        texts.add(fit(X[:2500], y[:2500], SMALL, Recipe(), 3).text)
        scores.add(stop_early(X[:2500], y[:2500], SMALL, Recipe(max_rounds=3), later_of(X, y, 2500)).raw.tobytes())
    assert len(texts) == len(scores) == 1
    assert "num_threads" not in texts.pop()


def test_another_seed_gives_another_model() -> None:
    X, y = matrix(3000)
    assert fit(X, y, SMALL, Recipe(seed=1), 5).text != fit(X, y, SMALL, Recipe(seed=2), 5).text


def test_the_rounds_that_serve_all_the_later_lines_best_are_chosen() -> None:
    X, y = matrix(3000)
    recipe, later = Recipe(learning_rate=0.3), later_of(X, y, 2400)
    rounds = stop_early(X[:2400], y[:2400], SMALL, recipe, later).rounds
    assert 1 < rounds < 200
    losses = {
        n: log_loss(raw_of(fit(X[:2400], y[:2400], SMALL, recipe, n), later.X), later.y)
        for n in (rounds - 1, rounds, rounds + 1, rounds + recipe.patience)
    }
    assert min(losses, key=lambda n: losses[n]) == rounds


def test_each_half_is_scored_after_the_rounds_that_the_other_chose() -> None:
    X, y = matrix(3000)
    recipe, later = Recipe(learning_rate=0.3, max_rounds=40), later_of(X, y, 2400)
    found = stop_early(X[:2400], y[:2400], SMALL, recipe, later)
    first, second = later.half == 0, later.half == 1
    raws = [raw_of(fit(X[:2400], y[:2400], SMALL, recipe, n), later.X) for n in range(1, recipe.max_rounds + 1)]
    for mine, other in ((first, second), (second, first)):
        best = min(raws, key=lambda raw: log_loss(raw[other], later.y[other]))
        np.testing.assert_array_equal(found.raw[mine], best[mine])
    flipped = Later(later.X, np.where(first, 1 - later.y, later.y), later.half)
    again = stop_early(X[:2400], y[:2400], SMALL, recipe, flipped)
    np.testing.assert_array_equal(again.raw[first], found.raw[first])  # its own labels do not reach a line's score
    assert again.rounds != found.rounds and (again.raw[second] != found.raw[second]).any()


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
        fit(np.zeros((30, 5)), np.zeros(30), SMALL, Recipe(), 3)


def made_examples(denied_later: float) -> Examples:
    """A hundred days of twenty lines, two a claim; of the last twenty days' paid lines a share is denied instead."""
    table, y = made_table(2000)
    turned = (np.arange(2000) >= 1600) & (np.random.default_rng(5).random(2000) < denied_later)
    days = [date(2026, 1, 1) + timedelta(days=i // 20) for i in range(2000)]
    lines = pl.DataFrame({"submission_id": [f"S{i // 2:04}" for i in range(2000)], "submitted_date": days})
    return Examples(lines, table, np.where(turned, 1.0, y), np.zeros(2000))


@pytest.mark.usefixtures("small_catalog")
def test_a_plan_calibrates_on_the_later_fifth_and_the_model_keeps_it() -> None:
    found, recipe = made_examples(0.0), Recipe(max_rounds=30)
    chosen = plan(found, recipe)
    assert (chosen.calibration.method, chosen.calibration.lines, chosen.calibration.claims) == ("beta", 400, 200)
    assert (chosen.calibration.a, chosen.calibration.b) != (1.0, 1.0)
    assert learn(found, chosen, recipe, {}).calibration == chosen.calibration


@pytest.mark.usefixtures("small_catalog")
def test_a_rise_of_denials_in_the_later_fifth_is_not_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Later, Stopped]] = []

    def watched(*given: Any) -> Stopped:
        seen.append((given[-1], stop_early(*given)))
        return seen[-1][1]

    monkeypatch.setattr(examples, "stop_early", watched)
    found, recipe = made_examples(0.3), Recipe(max_rounds=30)
    chosen = plan(found, recipe)
    (later, stopped), = seen  # fmt: skip
    trees = 1 / (1 + np.exp(-stopped.raw))
    assert later.y.mean() > trees.mean() + 0.1
    assert chosen.calibration.risk(stopped.raw).mean() == pytest.approx(trees.mean(), abs=1e-9)
    model = learn(found, chosen, recipe, {})
    X = model.matrix(found.table)
    risk = model.risk(model.raw_score(X), X)
    assert risk.mean() == pytest.approx(found.y.mean(), abs=0.03)  # the refitted trees have taken the rise in
    assert (later.half.reshape(-1, 2) == later.half[::2, None]).all() and later.half.mean() == 0.5  # whole claims


def test_two_rows_at_least_validate() -> None:
    assert len(np.array([0] * 120 + [1])) - split(np.array([0] * 120 + [1]), 0.2) > 1
