"""Training on what a store should not hold: it says what is wrong, or makes a model that is not misled."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from small_practice import Practice

from claims.errors import UsageError
from claims.settings import Settings, TrainingSettings
from training.baselines import logistic_scores
from training.card import UNKNOWN
from training.evaluate import gather, replay, replay_start, report
from training.examples import plan
from training.fit import Recipe
from training.judgement import judge
from training.run import finish
from training.tune import Tuned

QUICK = Recipe(max_rounds=10, learning_rate=0.2, num_leaves=7)
EARLY = TrainingSettings(min_lines=100)


def silent(message: str, share: float) -> None: ...


def paid(practice: Practice, which: pl.Expr) -> Practice:
    """The practice with these outcomes (columns: those of outcomes, and submitted_date, payer_id of the line) paid."""
    days = practice.lines.group_by("claim_id").agg(pl.col("submitted_date", "payer_id").first().name.suffix("_line"))
    told = practice.outcomes.join(days, on="claim_id", how="left", maintain_order="left")
    changed = told.with_columns(
        paid_amount=pl.when(which).then(pl.lit(100)).otherwise("paid_amount").cast(pl.Decimal(12, 2)),
        adjustments=pl.when(which).then(pl.lit("CO-45:1.00")).otherwise("adjustments"),
        remark_codes=pl.when(which).then(pl.lit("")).otherwise("remark_codes"),
    )
    return replace(practice, outcomes=changed.select(practice.outcomes.columns))


def learned(practice: Practice, home: Path) -> tuple[list[tuple[str, str]], str]:
    """What the gate says of a model of this practice, by code, and the text of its card; without MLflow."""
    settings = Settings(home=home, training=EARLY)
    today = gather(practice.cut, practice.today, settings)
    judged = judge(practice.cut, today, settings, QUICK, None, silent)
    chosen = judged.replayed.learned.plan if judged.replayed else plan(today.found, QUICK)
    model, judged = finish(today, chosen, Tuned(QUICK, QUICK), judged, None, settings)
    assert np.isfinite(model.raw_score(model.matrix(today.found.table))).all()
    return [(a["code"], a["outcome"]) for a in judged.answers], model.card


def everything(practice: Practice) -> pl.Expr:
    return pl.lit(True)


def until_the_last_month(practice: Practice) -> pl.Expr:
    return pl.col("submitted_date_line") < practice.today - timedelta(days=60)


@pytest.mark.parametrize(
    ("which", "why"),
    [
        (everything, "0 denied and [0-9]+ paid lines are mature.*at least 10 of each are needed"),
        (until_the_last_month, "0 denied|all paid"),
    ],
    ids=["all of it", "but for the last month"],
)
def test_one_class_says_so(practice: Practice, tmp_path: Path, which: Callable[[Practice], pl.Expr], why: str) -> None:
    with pytest.raises(UsageError, match=f"(?s){why}"):
        learned(paid(practice, which(practice)), tmp_path)


def test_denials_that_ended_before_the_replay_leave_a_model_that_was_not_judged(
    practice: Practice, tmp_path: Path
) -> None:
    lately = pl.col("submitted_date_line") >= date(2026, 1, 1)
    answers, _ = learned(paid(practice, lately), tmp_path)
    outcomes = dict(answers)
    assert {outcomes[code] for code in ("DEN001", "DEN003", "DEN009", "DEN010")} == {"not_applicable"}
    assert "failed" not in outcomes.values()


def test_all_outcomes_pending(practice: Practice, tmp_path: Path) -> None:
    waiting = replace(practice, outcomes=practice.outcomes.clear())
    with pytest.raises(UsageError, match=r"0 denied and 0 paid .* (pending|no response).*load their remittances"):
        learned(waiting, tmp_path)


def test_a_payer_that_never_denies_is_learned_from_and_not_judged_alone(practice: Practice, tmp_path: Path) -> None:
    largest = practice.lines["payer_id"].value_counts(sort=True)["payer_id"][0]
    mild = paid(practice, pl.col("payer_id_line") == largest)
    settings = Settings(home=tmp_path)
    today = gather(mild.cut, mild.today, settings)
    done = replay(mild.cut, today, replay_start(today.found), settings, QUICK)
    theirs = (done.later.lines["payer_id"] == largest).to_numpy()
    assert theirs.sum() > 50 and done.later.y[theirs].sum() == 0
    assert done.risk[theirs].mean() < done.risk[~theirs].mean() / 2
    assert largest not in report(done, settings).by_payer


def test_constant_columns_are_no_trouble(practice: Practice, tmp_path: Path) -> None:
    alike = practice.lines.with_columns(
        charge_amount=pl.lit(100).cast(pl.Decimal(12, 2)), service_unit_quantity=pl.lit(1.0),
        hcpcs_code=pl.lit("99213"), place_of_service_code=pl.lit("11"), diagnosis_code_1=pl.lit(None, pl.String),
    ).cast({name: practice.lines.schema[name] for name in ("service_unit_quantity",)})  # fmt: skip
    answers, _ = learned(replace(practice, lines=alike), tmp_path)
    assert dict(answers)["DEN004"] == dict(answers)["DEN005"] == dict(answers)["DEN006"] == "passed"


def test_clocks_that_run_backwards_do_not_reach_into_a_line(practice: Practice, tmp_path: Path) -> None:
    """Remittances known before the claim was sent, services after it: learned from, and no line sees its own answer."""
    early = practice.outcomes.with_columns(
        known_date=pl.when(pl.int_range(pl.len()) % 3 == 0)
        .then(pl.col("known_date") - pl.duration(days=120))
        .otherwise("known_date")
        .cast(pl.Date)
    )
    lines = practice.lines.with_columns(
        claim_line_start_date=pl.when(pl.int_range(pl.len()) % 5 == 0)
        .then(pl.col("submitted_date") + pl.duration(days=400))
        .otherwise("claim_line_start_date")
        .cast(pl.Date)
    )
    turned = replace(practice, lines=lines, outcomes=early)
    answers, card = learned(turned, tmp_path)
    assert dict(answers)["DEN004"] == dict(answers)["DEN006"] == "passed" and UNKNOWN not in card.split("## Gate")[1]
    settings = Settings(home=tmp_path)
    today = gather(turned.cut, turned.today, settings)
    known = early.group_by("claim_id").agg(pl.col("known_date").min())
    answered = today.found.lines.join(known, on="claim_id").filter(pl.col("known_date") < pl.col("submitted_date"))
    denied = answered.filter(
        answered["claim_id"].is_in(today.found.lines.filter(today.found.y == 1)["claim_id"].implode())
    )
    claim = denied["claim_id"][0]
    again = gather(paid(turned, pl.col("claim_id") == claim).cut, turned.today, settings)
    before, after = (
        m.found.take(np.flatnonzero((m.found.lines["claim_id"] == claim).to_numpy())) for m in (today, again)
    )
    assert before.y.sum() > after.y.sum() == 0 and len(before) == len(after)
    np.testing.assert_array_equal(before.table.numbers, after.table.numbers)


def test_a_logistic_regression_of_one_class_tells_its_rate() -> None:
    X = np.random.default_rng(0).random((50, 2))
    assert (logistic_scores(X, np.zeros(50), (), X[:5], 1) == 0.0).all()


def test_training_as_of_a_day_before_anything_says_so(practice: Practice, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with pytest.raises(UsageError, match="no lines at all"):
        gather(practice.cut, date(1990, 1, 1), settings)
