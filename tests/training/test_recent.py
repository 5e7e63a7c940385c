"""What payers lately do: a changed payer and code are moved to what came, all others are left as they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from small_practice import Practice

from claims.errors import NoModelError
from claims.settings import Settings
from features.catalog import WEIGHT
from training.evaluate import Learned, Replay, gather, lately, learn_as_of, replay
from training.examples import Examples
from training.fit import Recipe
from training.model import DenialModel
from training.recent import BELIEVED, COLUMNS, FILE, LATEST, LEAST, SETTLED, Cell, Recent, Watch

QUICK = Recipe(max_rounds=30, learning_rate=0.15, num_leaves=15, min_data_in_leaf=20)
LEVELS = {"payer_id": ("A", "B"), "hcpcs_code": ("99213", "99214", "99215")}
RECENT = Recent((Cell("A", "99214", 400, 40, 0.1), Cell("B", "99214", 400, 200, 0.5)), 0.15)
OTHER, NONE = 2.0, np.nan


def smoothed(denied: float, n: float, lean: float) -> float:
    """As features.outcomes makes it, in the table's precision."""
    return float(np.float32((denied + WEIGHT * lean) / (n + WEIGHT)))


def row(payer: float, code: float, short: tuple[int, int], long: tuple[int, int], ever: float = 0.1) -> list[float]:
    """A row of COLUMNS; short, long: denied and known."""
    long_rate = smoothed(*long, ever)
    return [payer, code, smoothed(*short, long_rate), long_rate, ever, short[1], long[1]]


def watch(recent: Recent = RECENT) -> Watch:
    return Watch(recent, COLUMNS, LEVELS)


def test_the_mean_of_a_changed_cell_goes_to_what_came() -> None:
    seen = watch().seen(np.array([row(0, 1, (24, 40), (60, 200))] * 4))
    risk = np.array([0.02, 0.06, 0.12, 0.2])  # 0.1 on average, as is expected there
    assert (seen.belief > 0.999).all() and (seen.known[0, 0], seen.denied[0, 0]) == (40, 24)
    assert seen.moved(risk).mean() == pytest.approx(seen.level[0], abs=1e-3)
    assert 0.55 < seen.level[0] < 0.61


def test_what_the_model_has_learned_by_itself_is_not_counted_twice() -> None:
    half = Recent((Cell("A", "99214", 400, 40, 0.35),), 0.15)  # a tenth was usual, 0.35 it says by now
    seen = watch(half).seen(np.array([row(0, 1, (24, 40), (60, 200))] * 3))
    risk = np.array([0.25, 0.35, 0.45])
    assert seen.moved(risk).mean() == pytest.approx(seen.level[0], abs=1e-3)
    assert seen.usual[0] == pytest.approx(0.1, abs=0.01)


def test_a_fall_takes_a_share_of_every_risk() -> None:
    seen = watch().seen(np.array([row(1, 1, (2, 60), (40, 300), 0.5)] * 2))
    risk = np.array([0.4, 0.6])
    moved = seen.moved(risk)
    assert (moved < 0.2).all() and moved[1] / moved[0] == pytest.approx(1.5)


@pytest.mark.parametrize("payer", [0.0, 1.0])
def test_within_a_cell_the_moved_risk_strictly_rises_with_the_risk(payer: float) -> None:
    came = (24, 40) if payer == 0 else (1, 60)
    risk = np.linspace(1e-6, 1 - 1e-6, 999)
    moved = watch().seen(np.array([row(payer, 1, came, came, 0.3)] * len(risk))).moved(risk)
    assert (np.diff(moved) > 0).all() and moved[0] > 0 and moved[-1] < 1
    assert (moved != risk).all()


def test_what_is_as_usual_and_what_is_not_watched_stays_to_the_last_bit() -> None:
    X = np.array(
        [
            row(0, 1, (4, 40), (20, 200)),  # a tenth, as always
            row(0, 1, (3, 10), (20, 200)),  # too few to be sure
            row(0, 0, (30, 40), (60, 200)),  # a code without a usual rate
            row(OTHER, 1, (30, 40), (60, 200)),  # a payer that the model has not learned
            row(NONE, NONE, (30, 40), (60, 200)),
            row(0, 1, (0, 0), (0, 0)),  # nothing known lately
        ]
    )
    risk = np.array([0.03, 0.1, 0.2, 0.3, 0.5, 0.7])
    seen = watch().seen(X)
    assert not seen.changed.any()
    assert (seen.moved(risk) == risk).all()


def test_a_line_is_moved_alone_as_among_many() -> None:
    random = np.random.default_rng(3)
    known = random.integers(0, 60, 500)
    rows = [
        row(float(random.integers(0, 3)), 1.0, (int(random.integers(0, n + 1)), int(n)), (int(n), int(3 * n)))
        for n in known
    ]
    X, risk = np.array(rows), random.random(500)
    together = watch().seen(X).moved(risk)
    alone = [watch().seen(X[i : i + 1]).moved(risk[i : i + 1])[0] for i in range(500)]
    assert (together == alone).all() and 50 < (together != risk).sum() < 450


def test_counts_come_back_whole_from_rates_in_single_precision() -> None:
    counts = [(d, n, e, m) for n, m in ((7, 9), (40, 900), (3_000, 70_000)) for d, e in ((0, 1), (n // 3, m // 2))]
    seen = watch().seen(np.array([row(0, 1, (d, n), (e, m), 0.137) for d, n, e, m in counts]))
    assert seen.denied.T.tolist() == [[d, e] for d, _, e, _ in counts]


@pytest.fixture(scope="module")
def learned(practice: Practice) -> Learned:
    return learn_as_of(practice.cut, practice.today, Settings(home=Path("unused")), QUICK)


def settled(learned: Learned) -> Examples:
    """The lines that tell what is usual: some, not all."""
    found = learned.material.found
    older = found.take(np.flatnonzero(found.days <= found.days.max() - SETTLED))
    assert 0 < len(older) < len(found)
    return older


def test_without_a_settled_line_nothing_is_watched(learned: Learned) -> None:
    few, model = learned.material.found.take(np.arange(0)), learned.model
    recent = Recent.of(
        few.table, few.y, learned.material.latest, np.full(len(learned.material.latest), 0.2), model.levels
    )
    assert recent.cells == ()
    X = model.matrix(learned.material.found.table)[:50]
    bare = replace(model, recent=recent)
    assert (bare.risk(bare.raw_score(X), X) == bare.calibration.risk(bare.raw_score(X))).all()


def test_a_trained_model_watches_what_it_has_learned_enough_of(learned: Learned) -> None:
    recent, found = learned.model.recent, settled(learned)
    assert recent is not None and recent.rate == found.y.mean()
    lines = found.lines.select("payer_id", "hcpcs_code").with_columns(y=pl.Series(found.y))
    counts = {
        (payer, code): (n, denied)
        for payer, code, n, denied in lines.group_by("payer_id", "hcpcs_code").agg(pl.len(), pl.col("y").sum()).rows()
    }
    levels = learned.model.levels
    wanted = {
        key: count for key, count in counts.items()
        if count[0] >= LEAST and key[0] in levels["payer_id"] and key[1] in levels["hcpcs_code"]
    }  # fmt: skip
    assert {(cell.payer, cell.code): (cell.lines, cell.denied) for cell in recent.cells} == wanted and len(wanted) > 5
    assert all(0 < cell.expected < 1 for cell in recent.cells)


def test_what_is_expected_comes_from_the_latest_lines_mature_or_not(practice: Practice, learned: Learned) -> None:
    today, material = practice.today, learned.material
    lines = material.snapshot.lines
    sent = (pl.col("submitted_date") >= today - timedelta(days=LATEST)) & (pl.col("submitted_date") < today)
    latest = lines.filter(sent & pl.col("is_original"))
    assert len(material.latest) == len(latest) > 20
    assert len(latest.join(material.found.lines, on=["submission_id", "claim_line_number"], how="anti")) > 20
    model = learned.model
    X = model.matrix(material.latest)
    bare = replace(model, recent=None)
    risk = bare.risk(bare.raw_score(X), X)
    usual = settled(learned)
    assert Recent.of(usual.table, usual.y, material.latest, risk, model.levels) == model.recent
    assert Recent.of(usual.table, usual.y, material.latest, risk / 2, model.levels) != model.recent


def test_the_folder_keeps_it_and_one_of_before_does_without(learned: Learned, tmp_path: Path) -> None:
    learned.model.save(tmp_path / "model")
    loaded = DenialModel.load(tmp_path / "model")
    assert loaded.recent == learned.model.recent
    replace(learned.model, recent=None).save(tmp_path / "before")
    before = DenialModel.load(tmp_path / "before")
    X = before.matrix(learned.material.found.table)[:50]
    raw = before.raw_score(X)
    assert before.seen(X) is None and (before.risk(raw, X) == before.calibration.risk(raw)).all()


@pytest.mark.parametrize("text", ["", "[]", '{"rate": 0.1}', '{"rate": 0.1, "cells": [["A", "99214"]]}'])
def test_what_is_not_a_table_of_cells_is_refused(text: str) -> None:
    with pytest.raises(NoModelError, match=FILE):
        Recent.read(text)


def test_the_replay_judges_moved_risks_and_tells_them(practice: Practice, learned: Learned) -> None:
    settings = Settings(home=Path("unused"))
    today = gather(practice.cut, practice.today, settings)
    first, last = today.found.lines["submitted_date"].min(), today.found.lines["submitted_date"].max()
    assert isinstance(first, date) and isinstance(last, date)
    done = replay(practice.cut, today, first + (last - first) * 3 // 4, settings, QUICK)
    assert lately(done)["lately_lines"] == (done.risk != done.learned.model.calibration.risk(done.raw)).sum()
    moved = _as_if_all_was_paid(done)
    told = lately(moved)
    assert (told["lately_lines"] or 0) > 10 and (told["lately_moved"] or 0) > (told["lately_unmoved"] or 1)


def _as_if_all_was_paid(done: Replay) -> Replay:
    """The same lines by a model that takes every payer to have paid every code until then."""
    model = done.learned.model
    assert model.recent is not None
    cells = tuple(replace(cell, lines=300, denied=0, expected=0.01) for cell in model.recent.cells)
    model = replace(model, recent=replace(model.recent, cells=cells))
    seen = model.seen(done.X)
    assert seen is not None and (seen.belief[seen.changed] >= BELIEVED).all()
    return replace(done, learned=replace(done.learned, model=model), risk=model.risk(done.raw, done.X))
