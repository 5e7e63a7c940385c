"""From contributions to drivers: what moved a line's score, in log-odds, with a sentence each.

base value + sum of a line's drivers = its raw score. `top` shows the few that matter, at most one for each kind of
history or concept's field, and sums all others in a last driver, "other"; `full` shows every feature that moved it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import polars as pl

from features.catalog import BY_NAME, Feature
from features.table import FeatureTable
from serving.words import Known, Value, diagnosis, family, histories, modifiers, moves, sentence

Explain = Literal["top", "full"]
Driver = dict[str, Any]
SHOWN = 6  # drivers besides "other"
LEAST = 0.005  # log-odds; less than this moves no risk by more than an eighth of a percentage point


def concepts(contributions: np.ndarray, features: Sequence[str]) -> list[dict[str, float]]:
    """Per line the sum of its contributions by billing concept, without the base value, from (lines, features + 1)."""
    groups: dict[str, list[int]] = defaultdict(list)
    for column, name in enumerate(features):
        groups[BY_NAME[name].concept].append(column)
    sums = {concept: contributions[:, columns].sum(axis=1).tolist() for concept, columns in groups.items()}
    return [dict(zip(sums, row, strict=True)) for row in zip(*sums.values(), strict=True)]


def _tells(name: str) -> bool:
    """Whether a sentence about it alone helps a reader: how many outcomes are known does not."""
    about = histories().get(name)
    return about is None or about.what != "count"


class Explainer:
    """Makes the drivers of lines for one model's features."""

    def __init__(self, features: Sequence[str]) -> None:
        self.features: list[Feature] = [BY_NAME[name] for name in features]
        self._tells = [_tells(name) for name in features]

    def drivers(
        self, contributions: np.ndarray, table: FeatureTable, lines: pl.DataFrame, explain: Explain = "top"
    ) -> list[list[Driver]]:
        """Per line its drivers, the strongest first.

        contributions: (lines, features + 1); table: the features of the same lines; lines: columns of Line.
        """
        reader = _Reader(table, lines)
        choose = self._top if explain == "top" else self._full
        return [choose(row, reader, i) for i, row in enumerate(contributions[:, :-1])]

    def _full(self, shap: np.ndarray, reader: _Reader, line: int) -> list[Driver]:
        order = np.argsort(-np.abs(shap), kind="stable")
        return [self._driver(int(column), shap, reader, line) for column in order if shap[column] != 0]

    def _top(self, shap: np.ndarray, reader: _Reader, line: int) -> list[Driver]:
        shown = list(self._strongest(shap, reader, line))
        rest = np.delete(shap, shown).sum()
        other = {"feature": "other", "concept": "other", "value": None, "shap": float(rest), "sentence": None}
        return [*(self._driver(column, shap, reader, line) for column in shown), other]

    def _strongest(self, shap: np.ndarray, reader: _Reader, line: int) -> Iterator[int]:
        """Columns of the drivers to show: the strongest of each group."""
        strength = np.abs(shap)
        seen: set[str] = set()
        for column in np.argsort(-strength, kind="stable").tolist():
            if len(seen) == SHOWN or strength[column] < LEAST:
                return
            if self._tells[column] and (group := reader.group(self.features[column], line)) not in seen:
                seen.add(group)
                yield column

    def _driver(self, column: int, shap: np.ndarray, reader: _Reader, line: int) -> Driver:
        feature = self.features[column]
        value = reader.value(feature, line)
        return {
            "feature": feature.name,
            "concept": feature.concept,
            "value": value,
            "shap": float(shap[column]),
            "sentence": f"{reader.sentence(feature, line)} {moves(shap[column])}",
        }


class _Reader:
    """Values of features of some lines as Python's own types; what sentences may say of a line, made once."""

    def __init__(self, table: FeatureTable, lines: pl.DataFrame) -> None:
        self.table = table
        self.place = _places(table.number_names)
        names, ids = lines.get_column("payer_name").to_list(), lines.get_column("payer_id").to_list()
        self.payers = [name or payer for name, payer in zip(names, ids, strict=True)]
        self._facts: dict[int, dict[str, str]] = {}

    def value(self, feature: Feature, line: int) -> Value:
        """None = missing; a bool for a flag; a float for another number; text for a category."""
        if feature.dtype == "category":
            return self.table.categories[feature.name][line]
        number = self._number(feature.name, line)
        if number is None or feature.unit != "0 or 1":
            return number
        return bool(number)

    def _number(self, name: str, line: int) -> float | None:
        number = float(self.table.numbers[line, self.place[name]])
        return number if np.isfinite(number) else None

    def sentence(self, feature: Feature, line: int) -> str:
        """What a reader is told of the feature, without how much it moved the score."""
        speaking, known = self._speaking(feature, line)
        return sentence(speaking, self.value(speaking, line), self.facts(line), known)

    def group(self, feature: Feature, line: int) -> str:
        """Features of which one sentence is enough: those of the same kind of history, or else the feature alone."""
        about = histories().get(self._speaking(feature, line)[0].name)
        return feature.name if about is None else f"history of {about.kind.name}"

    def _speaking(self, feature: Feature, line: int) -> tuple[Feature, Known | None]:
        """A rate without outcomes equals the rate that it leans on: that one is told, with what was known of it."""
        while feature.counts is not None:
            known = self._number(feature.counts, line) or 0.0
            if known or feature.leans_on is None:
                return feature, (known, self._number(feature.leans_on, line) if feature.leans_on else None)
            feature = BY_NAME[feature.leans_on]
        return feature, None

    def facts(self, line: int) -> dict[str, str]:
        """The line in words."""
        if line not in self._facts:
            level = {name: values[line] for name, values in self.table.categories.items()}
            self._facts[line] = {
                "payer": self.payers[line],
                "code": str(level["hcpcs_code"]),
                "family": family(str(level["procedure_family"])),
                "dx": diagnosis(level["diagnosis_code"]),
                "modifiers": modifiers(level["modifier_pattern"]),
            }
        return self._facts[line]


def _places(names: tuple[str, ...]) -> dict[str, int]:
    return {name: i for i, name in enumerate(names)}
