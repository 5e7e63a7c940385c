"""The starting model: published rates and rules alone where nothing is known, and what a few outcomes change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from claims.read import read_claims, read_frame
from claims.settings import MaturitySettings, Settings
from claims.snapshot import snapshot_of
from data.synthetic import Generated, generate, load_world
from features.build import build
from features.history import History
from features.table import FeatureTable
from rules.reference import base_rate, base_rates_by_filing
from rules.ruleset import packaged
from training.starting import MISFIT, NAMES, PRIOR, RULE, StartingModel

MATURITY = MaturitySettings()


@pytest.fixture(scope="module")
def made() -> Generated:
    return generate(load_world("small"), 300, seed=5)


@pytest.fixture(scope="module")
def last(made: Generated) -> date:
    day = made.outcomes["known_date"].max()
    assert isinstance(day, date)
    return day + timedelta(days=1)


@pytest.fixture(scope="module")
def history(made: Generated, tmp_path_factory: pytest.TempPathFactory) -> History:
    settings = Settings(home=tmp_path_factory.mktemp("site"))
    lines, outcomes, grants = (read_frame(f, settings) for f in (made.lines, made.outcomes, made.authorizations))
    stored = lines.lines.with_columns(version=pl.lit(1, pl.Int32))
    return History.of(snapshot_of(stored, outcomes.outcomes, grants.authorizations), packaged())


def claim(**fields: Any) -> dict[str, Any]:
    line = {"claim_line_number": 1, "claim_line_start_date": "2026-10-20", "hcpcs_code": "64493", "modifiers": ["LT", "KX"],
            "service_unit_quantity": 1, "charge_amount": "900.00"}  # fmt: skip
    return {"claim_id": "A", "submitted_date": "2026-10-23", "payer_id": "P1", "diagnosis_codes": ["M47816"],
            "service_state": "OH", "place_of_service_code": "11", "lines": [line]} | fields  # fmt: skip


def table(history: History, tmp_path: Any, *claims: dict[str, Any]) -> FeatureTable:
    return build(read_claims(list(claims), Settings(home=tmp_path)).lines, history)


def risks(model: StartingModel, features: FeatureTable) -> list[float]:
    X = model.matrix(features)
    return [float(p) for p in model.risk(model.raw_score(X), X)]


def test_without_history_a_clean_claim_gets_the_published_rate_of_its_plan(tmp_path: Any) -> None:
    nothing = History.empty(packaged())
    model = StartingModel.of(nothing, date(2026, 11, 1), MATURITY)
    plans = [None, "ZZ", "CI", "16"]
    told = risks(model, table(nothing, tmp_path, *(claim(claim_filing_indicator_code=plan) for plan in plans)))
    published = base_rates_by_filing()
    assert told == pytest.approx([base_rate("initial_denial_rate")] * 2 + [published["CI"], published["16"]])
    assert (model.version, model.trained_through, model.evaluation) == ("starting", None, None)


def test_a_broken_rule_and_an_authorization_that_does_not_fit_raise_the_risk(tmp_path: Any) -> None:
    nothing = History.empty(packaged())
    model = StartingModel.of(nothing, date(2026, 11, 1), MATURITY)
    features = table(nothing, tmp_path, claim())
    X = model.matrix(features)
    more = np.repeat(X, 3, axis=0)
    more[1, NAMES.index("rules_broken")] += 1
    more[2, NAMES.index("authorization_match")] = 5  # expired
    raw = model.raw_score(more)
    assert raw[1:] - raw[0] == pytest.approx([RULE, MISFIT])


def test_contributions_add_up_and_one_line_is_scored_as_many(history: History, last: date) -> None:
    model = StartingModel.of(history, last, MATURITY)
    X = model.matrix(build(history.snapshot.lines.tail(200), history))
    parts, raw = model.contributions(X), model.raw_score(X)
    assert parts.shape == (len(X), len(model.features) + 1)
    assert np.abs(parts.sum(axis=1) - raw).max() < 1e-9
    assert [float(model.raw_score(X[i : i + 1])[0]) for i in range(50)] == raw[:50].tolist()
    assert np.unique(parts[:, -1]).tolist() == [model.base]


def test_what_the_practice_saw_moves_the_weights_and_no_weight_turns_its_sign(history: History, last: date) -> None:
    model = StartingModel.of(history, last, MATURITY)
    assert model.calibration.lines > 100 and model.trained_through is not None and model.trained_through < last
    assert (model.weights >= 0).all() and not np.allclose(model.weights, PRIOR, atol=0.01)
    again = StartingModel.of(history, last, MATURITY)
    assert model.weights.tolist() == again.weights.tolist() and model.base == again.base
    before = StartingModel.of(history, date(2024, 11, 2), MATURITY)  # nothing was mature by then
    assert before.weights.tolist() == PRIOR.tolist()


def test_a_practice_that_is_denied_more_is_told_a_higher_risk(history: History, last: date) -> None:
    snapshot = history.snapshot
    worse = snapshot.outcomes.with_columns(
        y=pl.when(pl.col("y").is_not_null()).then(1).otherwise(None).cast(snapshot.outcomes["y"].dtype)
    )
    model = StartingModel.of(history, last, MATURITY)
    lines = snapshot.lines.tail(100)
    grim = History.of(replace(snapshot, outcomes=worse), packaged())
    assert np.mean(risks(model, build(lines, grim))) > 2 * np.mean(risks(model, build(lines, history)))
