"""The payer x CPT table by hand; the logistic regression learns and survives missing and unseen values."""

import numpy as np
import polars as pl
import pytest
from made_up import SMALL, made_table

from training.baselines import PRIOR_LINES, RateTable, logistic_scores
from training.matrix import Encoder, choose_levels
from training.metrics import Meter, Scored


def test_rates_by_hand() -> None:
    lines = pl.DataFrame({"payer_id": ["P", "P", "P", "Q"], "hcpcs_code": ["A", "A", "B", "A"]})
    table = RateTable.fit(lines, np.array([1.0, 1.0, 0.0, 0.0]))
    payer = (2 + PRIOR_LINES * 0.5) / (3 + PRIOR_LINES)
    cell = (2 + PRIOR_LINES * payer) / (2 + PRIOR_LINES)
    later = pl.DataFrame({"payer_id": ["new", "P", "P"], "hcpcs_code": ["A", "C", "A"]})
    assert table.rate(later) == pytest.approx([0.5, payer, cell])


def test_the_logistic_regression_ranks_later_lines() -> None:
    earlier, y = made_table(3000)
    later, seen = made_table(1000, seed=1)
    encoder = Encoder([f.name for f in SMALL], choose_levels(earlier, SMALL, 20))
    p = logistic_scores(encoder.matrix(earlier), y, SMALL, encoder.matrix(later), seed=1)
    assert ((p > 0) & (p < 1)).all()
    assert Meter(Scored(seen, p, np.arange(1000), np.ones(1000)), 0.1).measure()["auroc"] > 0.65


def test_a_feature_without_any_value_is_left_out() -> None:
    X = np.column_stack([np.full((200, 4), np.nan), np.linspace(20, 80, 200)])
    p = logistic_scores(X, (X[:, 4] > 50).astype(float), SMALL, X, seed=1)
    assert p[-1] > p[0]
