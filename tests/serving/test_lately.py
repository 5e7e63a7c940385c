"""A payer that lately answers a code otherwise: the risk is moved, the score is not, and the answer says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from claims.read import read_frame
from data.synthetic.generate import Generated
from serving.score import Scorer
from training.model import DenialModel


@pytest.fixture(scope="module")
def lines(world: Generated, scorer: Scorer) -> pl.DataFrame:
    """Two hundred late lines, whose cells have a history."""
    return read_frame(world.lines.tail(200), scorer.settings).lines


@pytest.fixture(scope="module")
def surprised(scorer: Scorer) -> Scorer:
    """The scorer as if, until training, every payer had paid every code."""
    model = scorer.model
    assert isinstance(model, DenialModel) and model.recent is not None
    cells = tuple(replace(cell, lines=300, denied=0, expected=0.01) for cell in model.recent.cells)
    return replace(scorer, model=replace(model, recent=replace(model.recent, cells=cells)))


def test_risks_move_and_scores_stay(scorer: Scorer, surprised: Scorer, lines: pl.DataFrame) -> None:
    usual, moved = scorer.assess(lines), surprised.assess(lines)
    assert (usual.raw == moved.raw).all()
    assert (moved.risk > usual.risk).sum() > 20 and (moved.risk >= usual.risk).all()
    assert (moved.claim_risk >= usual.claim_risk).all() and (moved.loss >= usual.loss).all()
    np.testing.assert_allclose(moved.reasons.sum(axis=1), moved.risk)


def test_a_claim_alone_is_moved_as_in_the_batch(surprised: Scorer, lines: pl.DataFrame) -> None:
    together = surprised.assess(lines)
    for submission in lines["submission_id"].unique(maintain_order=True).head(15).to_list():
        rows = np.flatnonzero((lines["submission_id"] == submission).to_numpy())
        assert (surprised.assess(lines[rows]).risk == together.risk[rows]).all()


@pytest.mark.parametrize("explain", ["top", "full"])
def test_every_moved_line_says_so_and_its_drivers_still_add_up(
    scorer: Scorer, surprised: Scorer, lines: pl.DataFrame, explain: str
) -> None:
    assessed = surprised.assess(lines)
    base, drivers = surprised.explain(assessed, slice(0, len(assessed)), "top" if explain == "top" else "full")
    moved = assessed.risk - scorer.assess(lines).risk
    for line, told in enumerate(drivers):
        said = [driver for driver in told if "lately answers" in (driver["sentence"] or "")]
        assert len(said) == (moved[line] > 0), line
        assert base[line] + sum(driver["shap"] for driver in told) == pytest.approx(assessed.raw[line], abs=1e-9)
        if said:
            assert said[0] is told[-1] and said[0]["feature"] == "other"
            assert "% was usual. This raises the risk" in said[0]["sentence"]
            assert f"lately answers {lines['hcpcs_code'][line]} otherwise" in said[0]["sentence"]


def test_the_counts_told_are_those_of_the_history(surprised: Scorer, lines: pl.DataFrame) -> None:
    assessed = surprised.assess(lines)
    model = surprised.model
    assert isinstance(model, DenialModel)
    seen = model.seen(model.matrix(assessed.table))
    assert seen is not None
    line = int(np.flatnonzero(seen.changed)[0])
    payer, code, day = lines.select("payer_id", "hcpcs_code", "submitted_date").row(line)
    snapshot = surprised.history.snapshot
    known = snapshot.lines.filter("is_original", payer_id=payer, hcpcs_code=code).join(
        snapshot.outcomes.filter(pl.col("y").is_not_null()), on=["submission_id", "claim_line_number"]
    )
    for at, days in enumerate((30, 180)):
        age = (pl.lit(day) - pl.col("known_date")).dt.total_days()
        inside = known.filter(age.is_between(1, days))
        assert (seen.known[at, line], seen.denied[at, line]) == (len(inside), inside["y"].sum())


def test_nothing_is_said_where_nothing_is_moved(scorer: Scorer, lines: pl.DataFrame) -> None:
    model = scorer.model
    assert isinstance(model, DenialModel)
    plain = replace(scorer, model=replace(model, recent=None))
    drivers = plain.explain(plain.assess(lines), slice(0, len(lines)))[1]
    assert not any("lately" in (driver["sentence"] or "") for told in drivers for driver in told)
