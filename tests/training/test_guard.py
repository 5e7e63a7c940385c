"""Columns of the site: what is offered, what is refused and why, and what a model makes of those that are offered."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from site_columns import carrying, denied, denying
from small_practice import Practice

from claims.errors import ModelMismatchError
from claims.settings import FeatureSettings, Settings, TrainingSettings
from features import site
from features.build import build
from features.catalog import CATALOG
from features.extra import Extra
from features.history import History
from training.cohort import KEY
from training.evaluate import gather, replay, replay_start
from training.exactness import differences
from training.examples import plan
from training.fit import Recipe
from training.golden import check_golden
from training.guard import NOTHING, Offered, offered_of
from training.judgement import judge
from training.metrics import difference
from training.model import DenialModel
from training.profile import MOST_TEXTS, Levels
from training.run import TrainResult, finish, train
from training.tune import Tuned

QUICK = Recipe(max_rounds=60, learning_rate=0.1, num_leaves=15)
ODD = 'x_überweisung 1,"{}[:]'


def silent(message: str, share: float) -> None: ...


def guard(practice: Practice, **settings: Any) -> Offered:
    """What the guard says of all that the practice knows."""
    today = gather(practice.cut, practice.today, Settings(home=Path("unused"), features=FeatureSettings(**settings)))
    return today.found.offered


@pytest.fixture(scope="session")
def queue(practice: Practice) -> np.ndarray:
    """(lines,) an honest column, 0 to 3, known before the claim is sent."""
    return np.random.default_rng(3).integers(0, 4, len(practice.lines))


@pytest.fixture(scope="session")
def honest(practice: Practice, queue: np.ndarray) -> Practice:
    """A practice whose payers deny half of what came by the third queue, and that tells the queue."""
    lost = np.random.default_rng(4).random(len(queue)) < 0.5
    return carrying(denying(practice, (queue == 2) & lost), {"x_queue": [f"queue {i}" for i in queue]})


def columns(practice: Practice) -> dict[str, Sequence[Any]]:
    """A column of each kind that is refused, and some that are not, by name."""
    random, count, y = np.random.default_rng(5), len(practice.lines), denied(practice)
    known = ~np.isnan(y)
    persons = practice.lines["patient_id"].rank("dense").to_list()
    return {
        "x_claim_key": [f"E{i}" for i in range(count)],
        "x_account": [f"P{person}" for person in persons],
        "x_number": [10**10 + i for i in range(count)],
        "x_person": [1000.0 + person for person in persons],
        "x_result": ["D" if one else "P" for one in np.nan_to_num(y, nan=0)],
        "x_result_number": [random.random() + one for one in np.nan_to_num(y, nan=0)],
        "x_worked": ["yes" if one == 1 else "" for one in y],
        "x_after": [int(i % 3) if one else None for i, one in enumerate(known)],
        "x_day": [f"2026-03-{i % 28 + 1:02}" for i in range(count)],
        "x_same": ["k"] * count,
        "x_names": [f"QXWARD {i % 700}" for i in range(count)],
        "x_seldom": [int(i % 2) if i % 300 == 0 else None for i in range(count)],
        "x_rendering_npi": ["1000000491"] * count,
        "x_" + "l" * 70: [i % 2 for i in range(count)],
        "x_mixed": ["abc" if i % 100 == 0 else str(i % 7) if i % 2 else i % 7 for i in range(count)],
        "x_both": ["abc" if i % 2 else i % 7 for i in range(count)],
        "x_flag": [bool(i % 3) for i in range(count)],
        "x_measure": random.normal(0, 1, count).tolist(),
        "x_payer_id": practice.lines["payer_id"].to_list(),
        ODD: [("web", "Telefon \N{SNOWMAN}")[i % 2] for i in range(count)],
    }


WHY = {
    "x_claim_key": "different texts", "x_account": "100% of its lines hold a value that no second patient has",
    "x_number": "an identifier", "x_person": "an identifier", "x_result": "gives the label away",
    "x_result_number": "gives the label away", "x_worked": "filled on denied lines alone",
    "x_after": "filled where an outcome exists: on 9[0-9]%", "x_day": "it holds dates",
    "x_same": "the same on every line", "x_names": "no text of it is shared by enough patients",
    "x_seldom": "too few lines to judge it", "x_rendering_npi": "its name says",
    "x_" + "l" * 70: "longer than 60 characters",
}  # fmt: skip
KINDS = {
    "x_mixed": "number", "x_both": "category", "x_flag": "category", "x_measure": "number", "x_payer_id": "category",
    ODD: "category",
}  # fmt: skip


@pytest.fixture(scope="session")
def all_kinds(practice: Practice) -> Practice:
    return carrying(practice, columns(practice))


@pytest.fixture(scope="session")
def offered(all_kinds: Practice) -> Offered:
    return guard(all_kinds)


@pytest.mark.parametrize("name", WHY, ids=lambda name: name[:20])
def test_a_column_is_refused_with_the_reason(offered: Offered, name: str) -> None:
    assert re.search(WHY[name], offered.refused[name]), offered.refused[name]


def test_the_others_are_offered_as_what_they_hold(offered: Offered) -> None:
    assert {f.name: f.dtype for f in offered.features} == KINDS
    assert set(offered.refused) == set(WHY)
    assert offered.levels["x_flag"] == ("false", "true") and "6" in offered.levels["x_both"]
    wrong, told = offered.odd["x_mixed"]
    assert 0 < wrong < 0.02 * told
    assert any(f"x_mixed is offered as a number; {wrong} of {told:,}" in line for line in offered.told())


def test_denials_toml_has_the_last_word(all_kinds: Practice, offered: Offered) -> None:
    found = guard(all_kinds, allow=["x_result", "x_number", "x_claim_key", "x_same"], deny=["x_flag"])
    names = {f.name for f in found.features}
    assert names == {f.name for f in offered.features} - {"x_flag"} | {"x_result", "x_number"}
    assert found.refused["x_flag"] == "denials.toml denies it"
    assert "no text" in found.refused["x_claim_key"] and "the same" in found.refused["x_same"]
    with pytest.raises(ValueError, match="allow and deny both name x_a"):
        FeatureSettings(allow=["x_a"], deny=["x_a"])


def test_a_column_that_begins_or_ends_one_day_is_not_blamed(practice: Practice) -> None:
    days = practice.lines["submitted_date"].rank("ordinal").to_numpy() / len(practice.lines)
    found = guard(
        carrying(
            practice,
            {
                "x_begins": [i % 3 if at > 0.5 else None for i, at in enumerate(days)],
                "x_ends": [i % 3 if at < 0.9 else None for i, at in enumerate(days)],
            },
        )
    )
    assert [f.name for f in found.features] == ["x_begins", "x_ends"], found.refused


def test_a_value_that_came_later_only(practice: Practice, queue: np.ndarray) -> None:
    known = np.arange(len(queue)) % 2 == 0
    first = carrying(
        practice,
        {"x_late": [int(q) if k else None for q, k in zip(queue, known, strict=True)], "x_first": queue.tolist()},
    )
    again = carrying(practice, {"x_late": queue.tolist(), "x_first": queue.tolist()}).lines.select(*KEY, "extra")

    def cut(day: Any) -> Any:
        return replace(first.cut(day), again=again[:200])

    found = gather(cut, practice.today, Settings(home=Path("unused"))).found.offered
    assert [f.name for f in found.features] == ["x_first"]
    assert "filled afterwards: of 200 lines that came again with it, 100" in found.refused["x_late"]


def test_five_hundred_columns(practice: Practice) -> None:
    count = len(practice.lines)
    many = {f"x_{i:03}": [(i + row) % 5 if row % (i + 1) < 300 else None for row in range(count)] for i in range(500)}
    found = guard(carrying(practice, many), allow=["x_499"], max_columns=20)
    assert len(found.features) == 20 and "x_499" in {f.name for f in found.features}
    beyond = [name for name, why in found.refused.items() if "beyond the 20 columns" in why]
    assert len(beyond) == 1 and beyond[0].endswith("and 475 more")


def test_a_million_levels_take_no_memory() -> None:
    texts = pl.Series(["{" + f'"x_id": "E{i}"' + "}" for i in range(1_000_000)])
    levels = Levels()
    found = Extra.of(texts)
    assert found is not None
    values = found.read({"x_id": levels.judge})[:, 0]
    assert len(levels.codes) == MOST_TEXTS and (values[MOST_TEXTS:] == MOST_TEXTS).all()


def test_no_columns_of_the_site_cost_nothing(practice: Practice) -> None:
    today = gather(practice.cut, practice.today, Settings(home=Path("unused")))
    assert today.found.offered is NOTHING and today.found.table.extra is None
    cohort = today.cohort
    assert offered_of(today.snapshot, cohort, FeatureSettings()) is NOTHING


def test_no_feature_of_the_catalog_looks_like_a_column_of_the_site() -> None:
    assert not any(site.is_extra(feature.name) for feature in CATALOG)


def out_of_time(practice: Practice, **settings: Any) -> tuple[Any, Any]:
    """The replay of the last fourth: what was scored, and the model's features."""
    chosen = Settings(home=Path("unused"), features=FeatureSettings(**settings))
    today = gather(practice.cut, practice.today, chosen)
    done = replay(practice.cut, today, replay_start(today.found), chosen, QUICK)
    return done.scored, done.learned.model.features


def test_an_honest_column_raises_the_auroc_out_of_time(honest: Practice) -> None:
    (withit, has), (without, lacks) = out_of_time(honest), out_of_time(honest, deny=["x_queue"])
    assert "x_queue" in has and "x_queue" not in lacks
    gap = difference(withit, without.p, seed=1)
    assert gap["low"] is not None and gap["low"] > 0.05


def test_a_column_that_gives_the_label_away_scores_high_where_it_is_allowed(practice: Practice) -> None:
    y = np.nan_to_num(denied(practice), nan=0)
    wrong = np.random.default_rng(6).random(len(y)) < 0.02
    leaky = carrying(practice, {"x_state": ["D" if one else "P" for one in np.where(wrong, 1 - y, y)]})
    (refused, lacks), (allowed, has) = out_of_time(leaky), out_of_time(leaky, allow=["x_state"])
    assert "x_state" not in lacks and "x_state" in has
    gap = difference(allowed, refused.p, seed=1)
    assert gap["low"] is not None and gap["low"] > 0.2


def test_what_is_refused_today_is_not_measured_by_the_replay(practice: Practice) -> None:
    """As of the replay's day the column was filled on every line; today lines that wait show what it is."""
    known = ~np.isnan(denied(practice))
    after = carrying(practice, {"x_after": [int(i % 3) if one else None for i, one in enumerate(known)]})
    start = replay_start(gather(after.cut, after.today, Settings(home=Path("unused"))).found)
    assert [f.name for f in gather(after.cut, start, Settings(home=Path("unused"))).found.offered.features]
    assert "x_after" not in out_of_time(after)[1]


@pytest.fixture(scope="session")
def trained(honest: Practice, queue: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A registered model of a practice with columns of every kind; rare words among those of an honest one."""
    settings = Settings(home=tmp_path_factory.mktemp("site"), training=TrainingSettings(min_lines=100))
    told = [f"queue {i}" if row % 400 else f"QXRARE{row}" for row, i in enumerate(queue)]
    whole = carrying(honest, columns(honest) | {"x_queue": told})
    return settings, whole, train(whole.cut, settings, as_of=whole.today, recipe=QUICK)


def test_the_run_says_what_became_of_each_column(trained: tuple[Settings, Practice, TrainResult]) -> None:
    settings, _, result = trained
    model = DenialModel.load(result.folder)
    for name in (*WHY, *KINDS):
        told = [note for note in result.notes if note.startswith(f"{name} is ")]
        assert len(told) == 1 and f"- {told[0]}\n" in model.card + "\n"
    logged = [path.read_text(encoding="utf-8") for path in settings.mlruns.rglob("site_columns.txt")]
    assert len(logged) == 1 and "x_result is refused: it gives the label away" in logged[0]
    assert not any(name in model.features for name in WHY)


def test_no_rare_word_leaves_the_store(trained: tuple[Settings, Practice, TrainResult]) -> None:
    settings, _, result = trained
    model = DenialModel.load(result.folder)
    assert model.levels["x_queue"] == tuple(f"queue {i}" for i in range(4))
    files = [path for path in settings.home.rglob("*") if path.is_file()]
    assert any(b"queue 2" in path.read_bytes() for path in files)
    for word in (b"QXRARE", b"E1234", b"QXWARD"):
        assert not [path for path in files if word in path.read_bytes()]


def test_fewer_patients_than_asked_for_are_no_level(honest: Practice, queue: np.ndarray) -> None:
    few = honest.lines["patient_id"].value_counts(sort=True)["patient_id"][:10]
    mine = honest.lines["patient_id"].is_in(few.implode()).to_numpy()
    told = ["rare word" if one else f"queue {i}" for one, i in zip(mine, queue, strict=True)]
    practice = carrying(honest, {"x_queue": told})
    assert "rare word" not in guard(practice).levels["x_queue"]
    assert "rare word" in guard(practice, min_patients=10).levels["x_queue"]


def test_golden_claims_hold_and_the_folder_loads(trained: tuple[Settings, Practice, TrainResult]) -> None:
    result = trained[2]
    model = DenialModel.load(result.folder)
    assert set(KINDS) | {"x_queue"} <= set(model.features)
    assert check_golden(model) > 0
    assert {f.name: f.dtype for f in model.definitions} == {c.name: c.dtype for c in model.columns}


def test_a_model_refuses_when_its_column_means_something_else(
    trained: tuple[Settings, Practice, TrainResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = site.feature
    monkeypatch.setattr(site, "feature", lambda name, dtype: replace(made(name, dtype), revision=2))
    with pytest.raises(ModelMismatchError, match="x_queue"):
        DenialModel.load(trained[2].folder)


def test_what_a_column_may_hold_when_a_claim_is_scored(trained: tuple[Settings, Practice, TrainResult]) -> None:
    _, practice, result = trained
    model = DenialModel.load(result.folder)
    claim = practice.lines.filter(submission_id=practice.lines["submission_id"][0])

    def cell(name: str, value: Any) -> float:
        told = claim.with_columns(extra=pl.lit(json.dumps({name: value}), pl.String))
        X = model.matrix(build(told, History.empty()))
        return float(X[0, model.features.index(name)])

    levels = model.levels["x_queue"]
    assert cell("x_queue", "queue 1") == levels.index("queue 1")
    assert cell("x_queue", "never seen") == cell("x_queue", 7) == cell("x_queue", True) == len(levels)
    assert cell("x_flag", True) == cell("x_flag", "TRUE") == cell("x_flag", "true") == 1.0
    assert cell("x_both", 3) == cell("x_both", 3.0) == cell("x_both", "3")
    assert cell("x_mixed", "12.5") == cell("x_mixed", 12.5) == 12.5
    for nothing in ("", None, "much", "007", True, 10**400):
        assert np.isnan(cell("x_mixed", nothing))
    assert np.isnan(cell("x_queue", "")) and np.isnan(cell("x_queue", None))
    nowhere = claim.with_columns(extra=pl.lit(None, pl.String))
    X = model.matrix(build(nowhere, History.empty()))
    assert np.isnan(X[:, [model.features.index(name) for name in KINDS]]).all()
    assert np.isfinite(model.raw_score(X)).all()


def test_the_gate_holds_with_columns_of_the_site(honest: Practice, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    today = gather(honest.cut, honest.today, settings)
    judged = judge(honest.cut, today, settings, QUICK, None, silent)
    model, judged = finish(today, plan(today.found, QUICK), Tuned(QUICK, QUICK), judged, None, settings)
    outcomes = {a["code"]: a["outcome"] for a in judged.answers}
    assert outcomes["DEN004"] == outcomes["DEN005"] == outcomes["DEN006"] == "passed"
    X = model.matrix(today.found.table)
    moved = model.contributions(X[:50])[:, model.features.index("x_queue")]
    assert np.abs(moved).max() > 0.1


def test_parity_and_the_past_look_at_columns_of_the_site_too(honest: Practice) -> None:
    found = gather(honest.cut, honest.today, Settings(home=Path("unused"))).found
    other = found.lines.with_columns(extra=pl.col("extra").str.replace("queue 1", "queue 3"))
    changed = replace(found.table, extra=Extra.of(other["extra"]))
    assert differences(found.table, found.table) == []
    assert differences(found.table, changed) == ["the site's columns"]
