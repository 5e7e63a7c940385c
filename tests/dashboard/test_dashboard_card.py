"""The model's quality as its own card tells it; what the card does not tell is not measured."""

from dataclasses import replace
from datetime import date

import polars as pl

from claims.settings import Settings
from dashboard.card import NOT_MEASURED, quality_of
from dashboard.words import DASH
from training.card import make_card
from training.cohort import Cohort
from training.evaluate import Report
from training.gate import answer, not_applicable
from training.model import DenialModel

METRICS = {"auroc": 0.8, "auroc_low": 0.75, "auroc_high": 0.85, "brier": 0.1, "ece": None, "lines": 10, "claims": 5}
TABLE = {"auroc": 0.7, "auroc_low": None, "auroc_high": None, "brier": 0.12}


def cohort() -> Cohort:
    lags = pl.DataFrame({"payer_id": ["P1"], "events": [3], "days": [30.0]})
    return Cohort(date(2026, 1, 1), pl.DataFrame({"state": ["mature"]}), lags, {})


def test_figures_and_gate_of_a_card(site: Settings) -> None:
    model = DenialModel.load(site.models / "champion")
    report = Report(METRICS | {"denial_rate": 0.2}, {"payer_cpt": TABLE}, {})
    gate = [answer("DEN001", False, "x: y"), not_applicable("DEN002", "there is no champion")]
    found = quality_of(replace(model, card=make_card(model, cohort(), ("2026-01-01", report), gate, {})))
    assert found.compared == ("this model", "rates by payer and code")
    rows = {name: figures for name, _, figures in found.rows}
    assert rows["AUROC"] == (f"0.800 (0.750{DASH}0.850)", "0.700")
    assert rows["ECE"] == (NOT_MEASURED, NOT_MEASURED) and rows["AUPRC"] == (NOT_MEASURED, NOT_MEASURED)
    assert [(c.code, c.outcome, c.detail) for c in found.checks] == [
        ("DEN001", "failed", "x: y"),
        ("DEN002", "not applicable", "there is no champion"),
    ]


def test_a_card_without_a_replay_is_not_measured(site: Settings) -> None:
    found = quality_of(DenialModel.load(site.models / "champion"))
    assert found.version == "3" and len(found.checks) == 2
    assert all(figures == (NOT_MEASURED,) for _, _, figures in found.rows)


def test_no_card_at_all(site: Settings) -> None:
    found = quality_of(replace(DenialModel.load(site.models / "champion"), card=""))
    assert found.checks == () and len(found.rows) == 4
