"""What drives the risk of recent lines, by billing concept and by feature: mean absolute contributions in log-odds.

A concept's contribution to a line is the sum of its features'. Nothing of a single line leaves this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from dashboard.facts import RECENT_DAYS
from dashboard.words import FAMILIES, feature_words, plain
from features.build import build
from features.catalog import Feature
from features.history import History
from features.site import definition, with_columns
from features.table import FeatureTable
from training.model import DenialModel

SAMPLE = 1000  # lines whose contributions are taken
TOP = 15
FEW_OF_LEVEL = 20  # lines of the sample that a level must have to be named
STEADY = 0.3  # rank correlation of value and contribution from which a direction is stated


@dataclass(frozen=True)
class Drivers:
    """Of `lines` lines submitted `first` to `last`.

    concepts: concept, weight (mean absolute contribution), share (of all weights), raises (share of lines whose risk it
    raises). features: name, words, concept, weight, direction (a sentence's end). Both by weight, the heaviest first.
    """

    lines: int
    first: date
    last: date
    concepts: pl.DataFrame
    features: pl.DataFrame


def drivers_of(lines: pl.DataFrame, history: History, model: DenialModel, payers: dict[str, str]) -> Drivers | None:
    """Drivers over a sample of the recent claims of `lines` (a snapshot's); payers: payer_id -> label.

    None where no line is an original with a day of submission.
    """
    sample = recent(lines)
    if sample.is_empty():
        return None
    table = build(sample, history)
    values = model.contributions(model.matrix(table))[:, :-1]
    table = with_columns(table, model.definitions, model.levels)
    first, last = sample["submitted_date"].min(), sample["submitted_date"].max()
    assert isinstance(first, date) and isinstance(last, date)
    return Drivers(
        len(sample), first, last, concepts(model.features, values), features(model.features, values, table, payers)
    )


def recent(lines: pl.DataFrame, limit: int = SAMPLE) -> pl.DataFrame:
    """A sample of the original claims of the last RECENT_DAYS: whole claims, at most `limit` lines.

    Which claims is decided by their submission_id, which is a hash: the same store gives the same sample.
    """
    dated = lines.filter(pl.col("is_original") & pl.col("submitted_date").is_not_null())
    young = pl.col("submitted_date") > pl.col("submitted_date").max() - timedelta(days=RECENT_DAYS)
    dated = dated.filter(young)
    chosen = dated.group_by("submission_id").len().sort("submission_id").filter(pl.col("len").cum_sum() <= limit)
    return dated.join(chosen.select("submission_id"), on="submission_id", how="semi")


def concepts(names: tuple[str, ...], values: np.ndarray) -> pl.DataFrame:
    """By concept, from (lines, features) contributions."""
    of = [_feature(name).concept for name in names]
    rows = []
    for concept in dict.fromkeys(of):
        moved = values[:, [i for i, one in enumerate(of) if one == concept]].sum(axis=1)
        rows.append((concept, float(np.abs(moved).mean()), float((moved > 0).mean())))
    table = pl.DataFrame(rows, schema={"concept": pl.String, "weight": pl.Float64, "raises": pl.Float64}, orient="row")
    total = float(table["weight"].sum())
    share = pl.col("weight") / total if total > 0 else pl.lit(0.0)
    return table.with_columns(share=share).sort("weight", "concept", descending=[True, False])


def _feature(name: str) -> Feature:
    """What a feature of a model that runs means; the words for a column of the site do not ask for its type."""
    found = definition(name, "category")
    assert found is not None
    return found


def features(names: tuple[str, ...], values: np.ndarray, table: FeatureTable, payers: dict[str, str]) -> pl.DataFrame:
    """The TOP features by mean absolute contribution, with the direction in which they move the risk."""
    weights = np.abs(values).mean(axis=0)
    heaviest = sorted(range(len(names)), key=lambda i: (-weights[i], names[i]))[:TOP]
    rows = [
        (names[i], feature_words(_feature(names[i])), _feature(names[i]).concept, float(weights[i]),
         _direction(names[i], values[:, i], table, payers))
        for i in heaviest
        if weights[i] > 0
    ]  # fmt: skip
    schema = {"name": pl.String, "words": pl.String, "concept": pl.String, "weight": pl.Float64, "direction": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _direction(name: str, moved: np.ndarray, table: FeatureTable, payers: dict[str, str]) -> str:
    if name in table.categories:
        return _levels(
            table.categories[name], moved, payers if name == "payer_id" else FAMILIES if "family" in name else {}
        )
    both = pl.DataFrame({"value": table.column(name), "moved": moved}).filter(pl.col("value").is_not_nan())
    if both["value"].n_unique() < 2 or both["moved"].n_unique() < 2:
        return "the same on almost every line"
    if _feature(name).unit == "0 or 1":
        holds = both.group_by("value").agg(pl.col("moved").mean()).sort("value")["moved"]
        return f"{'raises' if holds[1] > holds[0] else 'lowers'} the risk where it is so"
    steady = both.select(pl.corr("value", "moved", method="spearman")).item()
    if abs(steady) < STEADY:
        return "up or down, depending on the rest of the claim"
    return f"{'higher' if steady > 0 else 'lower'} values raise the risk"


def _levels(levels: Iterable[str | None], moved: np.ndarray, called: dict[str, str]) -> str:
    """The level that raises the risk most and the one that lowers it most."""
    named = [_level(level, called) for level in levels]
    table = pl.DataFrame({"level": named, "moved": moved}).group_by("level").agg(pl.len(), pl.col("moved").mean())
    table = table.filter(pl.col("len") >= FEW_OF_LEVEL).sort("moved", "level", descending=[True, False])
    raising, lowering = table.filter(pl.col("moved") > 0), table.filter(pl.col("moved") < 0)
    said = [f"raised most by {raising['level'][0]}"] if len(raising) else []
    said += [f"lowered most by {lowering['level'][-1]}"] if len(lowering) else []
    return ", ".join(said) or "no single value stands out"


def _level(level: str | None, called: dict[str, str]) -> str:
    return (
        "what is not known"
        if level is None
        else "what is left empty"
        if level == ""
        else called.get(level, plain(level))
    )
