"""How hard the reference world is, pinned: nobody improves a model by making the world easier.

A(x) = (AUROC(x) - 0.5) / (AUROC(p_reachable) - 0.5) on the last fifth of the original lines in the target.
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.plain import Task, plain, table
from data.synthetic import Generated


@pytest.fixture(scope="module")
def task(reference: Generated) -> Task:
    return Task.of(reference)


def auroc(task: Task, score: np.ndarray) -> float:
    return float(roc_auc_score(task.denied[task.later], score[task.later]))


def achieved(task: Task, score: np.ndarray) -> float:
    return (auroc(task, score) - 0.5) / (auroc(task, task.reachable) - 0.5)


def test_the_line_denial_rate_is_between_ten_and_twenty_percent(task: Task) -> None:
    assert 0.10 <= task.denied.mean() <= 0.20


def test_the_reachable_ceiling_is_between_080_and_089(task: Task) -> None:
    assert 0.80 <= auroc(task, task.reachable) <= 0.89


def test_a_table_of_payer_and_code_reaches_at_most_060(task: Task) -> None:
    assert achieved(task, table(task)) <= 0.60


def test_plain_lightgbm_reaches_075_to_085(task: Task) -> None:
    assert 0.75 <= achieved(task, plain(task)) <= 0.85
