"""How good reasons are on later lines: how often the likeliest is right on denied ones, and whether shares hold.

Beside it stand what a table would say: the most frequent category of the payer and code among the lines learned from
(of the payer, of all, where that was never denied), and the most frequent of all.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from claims.label import CATEGORIES
from training.evaluation import CategoryShare
from training.examples import Examples
from training.metrics import DRAWS, Meter, Metrics, Scored, draws, interval

NAME = "reason_top1"


def measure_reasons(later: Examples, shares: np.ndarray, seen: Examples, seed: int) -> tuple[Metrics, Metrics]:
    """Metrics of (lines, categories) shares on the denied lines of `later`, and of what `seen` lines would say alone.

    reason_top1 (share of lines whose likeliest category is right) with its interval over claims, and the log loss; of
    the model besides reason_top1_gain over payer and code, paired, and reason_top1_majority. Empty without any.
    """
    numbers = later.category
    denied = np.flatnonzero(numbers >= 0)
    if not len(denied) or not shares.shape[1]:
        return {}, {}
    numbers, told = numbers[denied], shares[denied]
    unit = np.unique(later.claims[denied], return_inverse=True)[1]
    table, majority = most_frequent(seen, later.lines[denied])
    right, by_table = told.argmax(axis=1) == numbers, table == numbers
    loss = float(-np.log(np.maximum(told[np.arange(len(numbers)), numbers], 1e-12)).mean())
    gain = right.astype(np.float64) - by_table
    own = _averaged(NAME, right, unit, seed) | _averaged(f"{NAME}_gain", gain, unit, seed)
    own |= {"reason_log_loss": loss, f"{NAME}_majority": float((numbers == majority).mean())}
    return own, _averaged(NAME, by_table, unit, seed)


def _averaged(name: str, values: np.ndarray, unit: np.ndarray, seed: int) -> Metrics:
    low, high = interval([float(np.average(values, weights=w)) for w in draws(unit, DRAWS, seed)])
    return {name: float(values.mean()), f"{name}_low": low, f"{name}_high": high}


def most_frequent(seen: Examples, lines: pl.DataFrame) -> tuple[np.ndarray, int]:
    """(lines,) the most frequent category of each line's payer and code among the denied lines seen, and that of all.

    Of equals the first in CATEGORIES.
    """
    denied = seen.lines.select("payer_id", "hcpcs_code", category=pl.Series(seen.category)).filter(
        pl.col("category") >= 0
    )
    majority = int(np.bincount(denied["category"].to_numpy(), minlength=len(CATEGORIES)).argmax())
    found = lines.select("payer_id", "hcpcs_code")
    for name, keys in (("own", ["payer_id", "hcpcs_code"]), ("payer", ["payer_id"])):
        counted = denied.group_by(*keys, "category").len().sort("len", "category", descending=[True, False])
        top = counted.unique(keys, keep="first", maintain_order=True).select(*keys, pl.col("category").alias(name))
        found = found.join(top, on=keys, how="left", maintain_order="left")
    return found.select(pl.coalesce("own", "payer", pl.lit(majority))).to_series().to_numpy(), majority


def category_shares(later: Examples, probabilities: np.ndarray) -> dict[str, CategoryShare]:
    """By category, from (lines, categories) probabilities of all later lines; empty without any."""
    numbers, scored = later.category, later.scored(np.zeros(len(later)))
    if not len(later):
        return {}
    told = zip(CATEGORIES, probabilities.T, strict=False)
    return {name: _share(numbers == i, p, scored) for i, (name, p) in enumerate(told)}


def _share(denied: np.ndarray, p: np.ndarray, lines: Scored) -> CategoryShare:
    y = denied.astype(np.float64)
    meter = Meter(Scored(y, p, lines.unit, lines.charge), 1.0)
    return {
        "denied": int(y.sum()),
        "mean_probability": float(p.mean()),
        "share": float(y.mean()),
        "ece": meter.ece(np.ones(len(y))),
    }
