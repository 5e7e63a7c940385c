"""What a model must beat: a table of denial rates by payer and code; for the record, also a logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.catalog import Feature

PRIOR_LINES = 20.0  # lines after which a cell's own rate weighs as much as its parent's
LATEST = 30_000  # lines that the logistic regression is fitted on, at most
FEW_LEVELS = 40  # categories with more levels are left out of it


@dataclass(frozen=True)
class RateTable:
    """Denial rates by payer and code, smoothed toward the payer's and that toward the overall rate."""

    overall: float
    payers: pl.DataFrame  # payer_id, payer_rate
    cells: pl.DataFrame  # payer_id, hcpcs_code, rate

    @classmethod
    def fit(cls, lines: pl.DataFrame, y: np.ndarray) -> RateTable:
        """From lines with payer_id and hcpcs_code and their labels (lines,)."""
        seen = lines.select("payer_id", "hcpcs_code").with_columns(y=pl.Series(y).cast(pl.Float64))
        overall = float(y.mean())
        payers = seen.group_by("payer_id").agg(payer_rate=_smoothed(pl.lit(overall))).sort("payer_id")
        cells = seen.join(payers, on="payer_id").group_by("payer_id", "hcpcs_code")
        return cls(
            overall, payers, cells.agg(rate=_smoothed(pl.col("payer_rate").first())).sort("payer_id", "hcpcs_code")
        )

    def rate(self, lines: pl.DataFrame) -> np.ndarray:
        """(lines,) rate of each line's payer and code; of its payer, or overall, where the cell was never seen."""
        found = (
            lines.select("payer_id", "hcpcs_code")
            .join(self.cells, on=["payer_id", "hcpcs_code"], how="left", maintain_order="left")
            .join(self.payers, on="payer_id", how="left", maintain_order="left")
        )
        rates = found.select(pl.coalesce("rate", "payer_rate", pl.lit(self.overall))).to_series()
        return np.asarray(rates.to_numpy())


def _smoothed(parent: pl.Expr) -> pl.Expr:
    return (pl.col("y").sum() + PRIOR_LINES * parent) / (pl.len() + PRIOR_LINES)


def logistic_scores(
    X: np.ndarray, y: np.ndarray, features: Sequence[Feature], later: np.ndarray, seed: int
) -> np.ndarray:
    """(rows of `later`,) probabilities of a logistic regression fitted on the latest rows of X (the model's matrix).

    Numbers are clipped to their 1st to 99th percentile and scaled, the middle for missing; few levels: one-hot.
    """
    from sklearn.linear_model import LogisticRegression  # 2 s of import that serving must not pay

    X, y = X[-LATEST:], y[-LATEST:]
    if y.min() == y.max():
        return np.full(len(later), y[0])
    design, later_design = _designs(X, later, features)
    model = LogisticRegression(C=0.1, solver="newton-cholesky", max_iter=200, random_state=seed)
    return np.asarray(model.fit(design, y).predict_proba(later_design)[:, 1])


def _designs(X: np.ndarray, later: np.ndarray, features: Sequence[Feature]) -> tuple[np.ndarray, np.ndarray]:
    pairs = [_column_pair(X[:, i], later[:, i], f) for i, f in enumerate(features)]
    return np.column_stack([one for one, _ in pairs]), np.column_stack([other for _, other in pairs])


def _column_pair(fitted: np.ndarray, later: np.ndarray, feature: Feature) -> tuple[np.ndarray, np.ndarray]:
    """Design columns of one feature for both sets, scaled by what is seen in the first."""
    seen = fitted[~np.isnan(fitted)]
    if feature.dtype == "category":
        levels = np.unique(seen)
        if len(levels) > FEW_LEVELS:
            return np.zeros((len(fitted), 0)), np.zeros((len(later), 0))
        return (fitted[:, None] == levels).astype(float), (later[:, None] == levels).astype(float)
    if not len(seen):
        return np.zeros((len(fitted), 0)), np.zeros((len(later), 0))
    low, middle, high = np.percentile(seen, [1, 50, 99])
    spread = float(np.clip(seen, low, high).std()) or 1.0

    def scale(column: np.ndarray) -> np.ndarray:
        filled = np.where(np.isnan(column), middle, column)
        return np.asarray((np.clip(filled, low, high) - middle) / spread)[:, None]

    return scale(fitted), scale(later)
