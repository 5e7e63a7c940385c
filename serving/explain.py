"""From contributions to drivers: what moved a line's score, in log-odds, with a sentence each.

base value + sum of a line's drivers = its raw score. `top` shows the few billing concepts that matter, each as one
driver that carries the sum of its features, and sums all others in a last driver, "other"; `full` shows every feature
that moved the score, with its own contribution.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import polars as pl

from features.catalog import ALL_TIME, BY_NAME, Feature, count_name, rate_name
from features.site import with_columns
from features.table import FeatureTable
from serving.words import Known, Value, diagnosis, family, histories, modifiers, moves, sentence
from training.matrix import Levels

Explain = Literal["top", "full"]
Driver = dict[str, Any]
SHOWN = 6  # drivers besides "other"
LEAST = 0.005  # log-odds; less than this moves no risk by more than an eighth of a percentage point


def _tells(name: str) -> bool:
    """Whether a sentence about it alone helps a reader: how many outcomes are known does not."""
    about = histories().get(name)
    return about is None or about.what != "count"


class Explainer:
    """Makes the drivers of lines for one model's features."""

    def __init__(self, features: Sequence[Feature], levels: Levels) -> None:
        self.features = list(features)
        self._levels = levels
        self._tells = np.array([_tells(feature.name) for feature in features])
        self._concepts = np.unique([feature.concept for feature in self.features], return_inverse=True)[1]
        concepts = range(max(self._concepts) + 1)
        self._members = [np.flatnonzero((self._concepts == one) & self._tells) for one in concepts]

    def drivers(
        self, contributions: np.ndarray, table: FeatureTable, lines: pl.DataFrame, explain: Explain = "top"
    ) -> list[list[Driver]]:
        """Per line its drivers, the strongest first.

        contributions: (lines, features + 1); table: the features of the same lines; lines: columns of Line.
        """
        reader = _Reader(with_columns(table, self.features, self._levels), lines)
        choose = self._top if explain == "top" else self._full
        return [choose(row, reader, i) for i, row in enumerate(contributions[:, :-1])]

    def _full(self, shap: np.ndarray, reader: _Reader, line: int) -> list[Driver]:
        order = np.argsort(-np.abs(shap), kind="stable")
        moved = [int(column) for column in order if shap[column] != 0]
        return [self._driver(column, float(shap[column]), reader, line) for column in moved]

    def _top(self, shap: np.ndarray, reader: _Reader, line: int) -> list[Driver]:
        sums = np.bincount(self._concepts, shap)
        shown = dict(self._strongest(sums, shap))
        left = sums.tolist()
        rest = sum(value for concept, value in enumerate(left) if concept not in shown)
        other = {"feature": "other", "concept": "other", "value": None, "shap": rest, "sentence": None}
        return [*(self._driver(column, float(sums[one]), reader, line) for one, column in shown.items()), other]

    def _strongest(self, sums: np.ndarray, shap: np.ndarray) -> Iterator[tuple[int, int]]:
        """The strongest concepts, each with the column that speaks for it: which pulls most the way of the sum."""
        for concept in np.argsort(-np.abs(sums), kind="stable")[:SHOWN].tolist():
            members = self._members[concept]
            if abs(sums[concept]) >= LEAST and len(members):
                yield concept, int(members[np.argmax(shap[members] * np.sign(sums[concept]))])

    def _driver(self, column: int, shap: float, reader: _Reader, line: int) -> Driver:
        feature = self.features[column]
        value = reader.value(feature, line)
        return {
            "feature": feature.name,
            "concept": feature.concept,
            "value": value,
            "shap": shap,
            "sentence": f"{reader.sentence(feature, line, shap)} {moves(shap)}",
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
        number = float(str(self.table.numbers[line, self.place[name]]))  # 1450.1, not 1450.0999755859375
        return number if np.isfinite(number) else None

    def sentence(self, feature: Feature, line: int, shap: float) -> str:
        """What a reader is told of the feature that moved the score by shap, without how much."""
        speaking, known = self._speaking(feature, line, shap)
        return sentence(speaking, self.value(speaking, line), self.facts(line), known, shap)

    def _speaking(self, feature: Feature, line: int, shap: float) -> tuple[Feature, Known | None]:
        """A rate without outcomes equals the rate that it leans on: that one is told, with what was known of it.

        It stays within the concept, so that no two concepts say the same.
        That no denial is known yet says nothing of a risk that rises, nor of lines that nobody knows: the rate does.
        """
        about = histories().get(feature.name)
        if about is not None and about.what == "since" and self.value(feature, line) is None:
            known = self._number(count_name(about.kind.name, ALL_TIME), line)
            feature = feature if known and shap <= 0 else BY_NAME[rate_name(about.kind.name, ALL_TIME)]
        while feature.counts is not None:
            known = self._number(feature.counts, line) or 0.0
            lean = BY_NAME[feature.leans_on] if feature.leans_on else None
            if known or lean is None or lean.concept != feature.concept:
                return feature, (known, self._number(lean.name, line) if lean else None)
            feature = lean
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
