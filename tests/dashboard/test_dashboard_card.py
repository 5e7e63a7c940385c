"""The model's quality as its folder keeps it; what the folder does not hold is not measured."""

from dataclasses import replace
from datetime import date

import pytest

from claims.settings import Settings
from dashboard import captions, charts
from dashboard.card import NOT_MEASURED, Quality, quality_of
from dashboard.words import DASH
from training.evaluation import Evaluation
from training.model import DenialModel


@pytest.fixture
def model(site: Settings) -> DenialModel:
    return DenialModel.load(site.models / "champion")


@pytest.fixture
def found(model: DenialModel) -> Quality:
    return quality_of(model)


def test_figures_and_gate_of_a_folder(found: Quality) -> None:
    assert (found.version, found.replay_from) == ("3", date(2026, 1, 1))
    assert found.compared == ("this model", "rates by payer and code", "logistic regression", "a_new_one")
    rows = {name: figures for name, _, figures in found.rows}
    assert rows["AUROC"] == (f"0.800 (0.750{DASH}0.850)", "0.700", "0.750", NOT_MEASURED)
    assert rows["ECE"] == (NOT_MEASURED, NOT_MEASURED, NOT_MEASURED, "0.500")
    assert rows["AUPRC"] == (NOT_MEASURED,) * 4
    assert [(c.code, c.words, c.outcome, c.detail) for c in found.checks] == [
        ("DEN001", "Ranks better than a table of denial rates by payer and code", "passed", "x: y"),
        ("DEN002", "Not worse than the model before it", "not applicable", "there is no champion"),
    ]


def test_the_words_of_the_card_do_not_matter(model: DenialModel, found: Quality) -> None:
    other = quality_of(replace(model, card="| AUROC | this model |\n- DEN001 failed: no"))
    assert (other.rows, other.checks) == (found.rows, found.checks)


@pytest.mark.parametrize("folder", ["of before", "too little history"])
def test_a_folder_without_a_replay_is_not_measured(model: DenialModel, folder: str) -> None:
    without = model.with_evaluation(None)
    if folder == "of before":
        del without.versions["evaluation"]
    quality = quality_of(without)
    assert quality.version == "3" and quality.replay_from is None and quality.compared == ("this model",)
    assert quality.checks == () and quality.reliability.is_empty()
    assert [figures for _, _, figures in quality.rows] == [(NOT_MEASURED,)] * 6


def test_a_replay_without_a_line_has_no_curve(model: DenialModel, evaluation: Evaluation) -> None:
    assert quality_of(model.with_evaluation(evaluation | {"reliability": []})).reliability.is_empty()


def test_the_curve_is_told_in_words(found: Quality) -> None:
    assert captions.reliability(found.reliability) == (
        "Later lines in 4 equal groups by the risk told. The riskiest: told 40.0%, denied 60.0%; the least risky: told "
        "2.0%, denied 3.0%. The widest gap, 20.0 points: told 40.0%, denied 60.0%. The risk told lies within the 95% "
        "range of the rate in 3 of 4. Dashed: told and denied alike; dots above it: denied more often than told."
    )
    one = captions.reliability(found.reliability.head(1))
    assert one == "Later lines, all in one group: told 40.0%, denied 60.0%. Dashed: told and denied alike."


def test_the_curve_has_told_risks_across_and_denials_up(found: Quality) -> None:
    figure = charts.reliability(found.reliability)
    dots = figure.data[0]
    assert (list(dots.x), list(dots.y)) == ([40.0, 20.0, 10.0, 2.0], [60.0, 21.0, 9.0, 3.0])
    top = figure.layout.xaxis.range[1]
    assert (figure.layout.shapes[0].x1, figure.layout.shapes[0].y1, figure.layout.yaxis.range[1]) == (top, top, top)
    assert all(y + up <= top for y, up in zip(dots.y, dots.error_y.array, strict=True)) and min(dots.error_y.array) > 0
