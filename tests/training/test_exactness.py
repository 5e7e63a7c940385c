"""The exact checks of the gate: each fails on what it is there to catch, and does not apply without lines."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from made_up import outcome

from claims.texts import Texts
from features.history import History
from features.table import FeatureTable
from training import exactness
from training.examples import Examples
from training.model import DenialModel


def frame(submissions: list[str], numbers: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"submission_id": submissions, "claim_line_number": numbers})


def examples(values: np.ndarray) -> Examples:
    lines = frame([f"S{i // 2}" for i in range(len(values))], [i % 2 + 1 for i in range(len(values))])
    table = FeatureTable(("charge",), values[:, None], {"code": Texts.of([f"C{i}" for i in range(len(values))])})
    return Examples(lines, table, np.zeros(len(values)), np.zeros(len(values)))


@pytest.mark.parametrize("wrong", [None, "batch mean", "codes of the batch"])
def test_den004_fails_features_that_depend_on_the_rest_of_the_batch(
    monkeypatch: pytest.MonkeyPatch, wrong: str | None
) -> None:
    values = np.where(np.arange(40) % 5 == 0, np.nan, np.arange(40.0))

    def build(lines: pl.DataFrame, history: Any) -> FeatureTable:
        place = [2 * int(s[1:]) + n - 1 for s, n in lines.select("submission_id", "claim_line_number").iter_rows()]
        numbers, codes = values[place], [f"C{i}" for i in place]
        if wrong == "batch mean":
            numbers = numbers - np.nanmean(numbers)
        if wrong == "codes of the batch":
            codes = [f"C{i}" for i in range(len(place))]
        return FeatureTable(("charge",), numbers[:, None], {"code": Texts.of(codes)})

    monkeypatch.setattr(exactness, "build", build)
    whole = examples(values)
    batch = replace(whole, table=build(whole.lines, None))
    answer = exactness.parity(batch, whole.lines, History.empty(), seed=1)
    assert outcome(answer) == ("failed" if wrong else "passed")
    if wrong:
        assert ("charge" if wrong == "batch mean" else "code") in answer["detail"]


@dataclass(frozen=True)
class OffByALittle:
    """A model whose contributions miss the raw score."""

    model: DenialModel

    def raw_score(self, X: np.ndarray) -> np.ndarray:
        return self.model.raw_score(X)

    def contributions(self, X: np.ndarray) -> np.ndarray:
        return self.model.contributions(X) + 1e-8


def test_den005_fails_contributions_that_do_not_add_up(made_model: DenialModel) -> None:
    X = np.random.default_rng(0).random((700, 5))
    assert outcome(exactness.additive(made_model, X)) == "passed"
    assert outcome(exactness.additive(OffByALittle(made_model), X)) == "failed"
    assert outcome(exactness.additive(made_model, X[:0])) == "not_applicable"


def test_den006_fails_features_into_which_the_future_reached() -> None:
    values = np.where(np.arange(20) % 5 == 0, np.nan, np.arange(20.0))
    now, later = examples(values), values.copy()
    later[7] += 1e-12
    assert outcome(exactness.past_unchanged(now.take(np.arange(10)), now)) == "passed"
    answer = exactness.past_unchanged(now.take(np.arange(10)), examples(later))
    assert outcome(answer) == "failed" and "charge" in answer["detail"]
    assert outcome(exactness.past_unchanged(now.take(np.arange(0)), now)) == "not_applicable"
