"""Why a line would be denied: the probability of each category given that it is, and the CARCs it is likely told by.

Times the line's risk, the categories add up to the risk. A small booster over the model's own matrix, mixed with
smoothed frequencies: weight lines / (LEAN + lines) on the booster, then one exponent (`sharpness`, 1 / temperature)
that later denied lines chose. Where denied lines were too few for a booster the frequencies alone answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import lightgbm as lgb
import numpy as np

from claims.errors import NoModelError
from claims.label import CATEGORIES
from features.table import FeatureTable
from training.contributions import threads
from training.frequencies import Frequencies, Keys, LikelyCarcs

LEAN = 100.0  # denied lines after which the booster weighs as much as the frequencies
TREES, TABLES = "reasons.txt", "reasons.json"  # the first only where there is a booster
REASON_FILES = (TABLES, TREES)
ALL = slice(None)


@dataclass(frozen=True)
class Reasons:
    """Learned from `lines` denied lines. booster_text: "" = none; classes: what it tells apart, in its order."""

    booster_text: str
    classes: tuple[str, ...]
    sharpness: float
    lines: int
    frequencies: Frequencies
    carcs: LikelyCarcs
    _booster: lgb.Booster | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the booster once."""
        object.__setattr__(self, "_booster", lgb.Booster(model_str=self.booster_text) if self.booster_text else None)

    def shares(self, X: np.ndarray, keys: Keys) -> np.ndarray:
        """(lines, categories) P(category | denied), above 0, of a matrix and its lines; a row adds up to 1."""
        return sharpened(self.mixed(X, keys), self.sharpness)

    def mixed(self, X: np.ndarray, keys: Keys) -> np.ndarray:
        """(lines, categories) the shares before they are sharpened."""
        common = self.frequencies.shares(keys)
        if self._booster is None or not len(X):
            return common
        own = np.zeros_like(common)
        own[:, [CATEGORIES.index(name) for name in self.classes]] = self._booster.predict(
            X, num_threads=threads(len(X))
        )
        weight = self.lines / (self.lines + LEAN)
        return weight * own + (1 - weight) * common

    def likely_carcs(self, payer: str | None, code: str | None) -> Callable[[str], list[str]]:
        """What each category is likely told as on a line of this payer and code: at most three CARCs."""
        return self.carcs.of_line(payer, code)

    def contents(self) -> dict[str, str]:
        """Its files in a model folder, by name."""
        told = {
            "classes": list(self.classes),
            "sharpness": self.sharpness,
            "lines": self.lines,
            "frequencies": self.frequencies.as_dict(),
            "carcs": vars(self.carcs),
        }
        trees = {TREES: self.booster_text} if self.booster_text else {}
        return trees | {TABLES: json.dumps(told, indent=None, sort_keys=True) + "\n"}

    @classmethod
    def read(cls, texts: dict[str, str]) -> Reasons:
        """From what `contents` made. NoModelError when it is not that."""
        try:
            found: dict[str, Any] = json.loads(texts[TABLES])
            return cls(
                texts.get(TREES, ""), tuple(found["classes"]), found["sharpness"], found["lines"],
                Frequencies.from_dict(found["frequencies"]), LikelyCarcs(**found["carcs"]),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, lgb.basic.LightGBMError) as error:
            raise NoModelError(f"{TABLES} and {TREES} do not tell reasons: {error}") from error


def shares(reasons: Reasons | None, X: np.ndarray, table: FeatureTable, rows: slice = ALL) -> np.ndarray:
    """(lines, categories) P(category | denied) of these rows of a table; (lines, 0) where there are no reasons to tell.

    X: the matrix of the rows.
    """
    return reasons.shares(X, Keys.of(table)[rows]) if reasons else np.zeros((len(X), 0))


def sharpened(shares: np.ndarray, sharpness: float) -> np.ndarray:
    """(lines, categories) shares to a power, adding up to 1 again; 1 leaves them as they are."""
    z = sharpness * np.log(shares)
    raised = np.exp(z - z.max(axis=1, keepdims=True))
    total: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
    return total
