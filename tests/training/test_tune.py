"""Tuning: within its budget, the same twice, never on what the replay judges, and never worse than where it began."""

from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from made_up import made_table
from small_practice import Practice

from claims.settings import Settings, TrainingSettings
from training import tune as tuning
from training.evaluate import gather, replay_start
from training.examples import Examples
from training.fit import Recipe
from training.judgement import judge
from training.model import DenialModel
from training.run import finish
from training.tune import REAL, WHOLE, tune

POOR = Recipe(seed=3, max_rounds=15, num_leaves=15, max_depth=4, min_data_in_leaf=290, learning_rate=0.02)


def lines(count: int = 1500) -> Examples:
    table, y = made_table(count)
    first = date(2025, 1, 1)
    frame = pl.DataFrame(
        {
            "submission_id": [f"S{i // 2:06}" for i in range(count)],
            "submitted_date": [first + timedelta(days=i // 10) for i in range(count)],
        }
    )
    return Examples(frame, table, y, y)


def silent(message: str, share: float) -> None: ...


@pytest.mark.usefixtures("small_catalog")
def test_the_budget_is_kept_told_and_found_again() -> None:
    told: list[tuple[str, float]] = []
    one = tune(lines(), POOR, 7, lambda message, share: told.append((message, share)))
    assert [message for message, _ in told] == [f"tuning: recipe {i} of 7" for i in range(1, 8)]
    assert told[-1][1] == 1.0
    assert one.record["trials"] == 7 and one.record["through"] == "2025-05-30"
    assert one.record["log_loss"] < one.record["log_loss_before"]
    changed = {name for name, value in asdict(one.recipe).items() if value != getattr(POOR, name)}
    assert changed and changed <= {*WHOLE, *REAL}
    assert tune(lines(), POOR, 7, silent) == one
    assert tune(lines(), replace(POOR, seed=4), 7, silent).recipe != replace(one.recipe, seed=4)


@pytest.mark.usefixtures("small_catalog")
def test_a_single_trial_is_the_recipe_it_began_with() -> None:
    found = tune(lines(), POOR, 1, silent)
    assert found.recipe == POOR and found.record["log_loss"] == found.record["log_loss_before"]


@pytest.mark.usefixtures("small_catalog")
def test_what_is_bad_after_a_fold_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[Recipe] = []
    loss = tuning._Fold.loss
    monkeypatch.setattr(tuning._Fold, "loss", lambda fold, recipe: fitted.append(recipe) or loss(fold, recipe))
    given_up = tune(lines(800), POOR, 12, silent).record["given_up"]
    assert given_up > 0 and len(fitted) < 12 * 3


@pytest.mark.usefixtures("small_catalog")
def test_each_fold_is_judged_on_what_came_after_it() -> None:
    found = lines()
    for share in tuning.FOLDS:
        earlier, later = tuning._parts(found, share)
        assert earlier.days.max() < later.days.min() and len(later) == pytest.approx(0.15 * len(found), abs=15)


@pytest.mark.usefixtures("small_catalog")
@pytest.mark.parametrize("found", [lines(40), replace(lines(600), y=np.zeros(600))], ids=["few", "one class"])
def test_where_nothing_can_be_learned_the_recipe_stays(found: Examples) -> None:
    kept = tune(found, POOR, 5, silent)
    assert (kept.recipe, kept.record) == (POOR, {}) and kept.note and "too little" in kept.note


def test_the_recipe_that_was_found_stands_in_the_folder(practice: Practice, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, training=TrainingSettings(tune=2, min_lines=100))
    today = gather(practice.cut, practice.today, settings)
    tuned = tuning.tuned_before(practice.cut, today, settings, POOR, None, silent)
    assert tuned.record["through"] < str(replay_start(today.found))
    judged = judge(practice.cut, today, settings, tuned.recipe, None, silent)
    assert judged.replayed is not None
    model, _ = finish(today, judged.replayed.learned.plan, tuned, judged, None, settings)
    model.save(tmp_path / "model")
    found = DenialModel.load(tmp_path / "model").versions
    assert Recipe.of(found["recipe"]) == tuned.recipe and found["tuning"] == tuned.record


def test_tuning_sees_nothing_from_the_start_of_the_replay_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[date] = []

    class EnoughError(Exception):
        pass

    def gathered(cut: Any, as_of: date, settings: Settings, *others: Any) -> None:
        asked.append(as_of)
        raise EnoughError

    today: Any = type("Today", (), {"found": lines(), "history": type("History", (), {"rules": None})})
    monkeypatch.setattr(tuning, "gather", gathered)
    settings = Settings(training=TrainingSettings(tune=3))
    for start in (None, date(2025, 3, 1)):
        with pytest.raises(EnoughError):
            tuning.tuned_before(lambda day: None, today, settings, POOR, start, silent)
    assert asked == [tuning.replay_start(today.found), date(2025, 3, 1)]
    settings.training.tune = 0
    assert tuning.tuned_before(lambda day: None, today, settings, POOR, None, silent).recipe == POOR
