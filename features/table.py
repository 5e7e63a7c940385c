"""What `build` returns: one row a line, in the order of the lines; numbers as float32, categories as texts.

Single precision: half the memory of a million lines. A value is rounded alike for one claim and for many.

A model turns it into its own matrix (`training.DenialModel.matrix`): categories become the codes of its folder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from claims.texts import Texts
from features.catalog import CATALOG, Feature
from features.extra import Extra
from rules.findings import Findings


@dataclass(frozen=True)
class FeatureTable:
    """numbers: (lines, numerical features) float32, nan = missing; categories: name -> (lines,) texts.

    found: what the rules say of the lines, of a table that `build` made of a few. extra: the site's own columns, as
    they came; a model reads those that it takes. None where no line has any.
    """

    number_names: tuple[str, ...]
    numbers: np.ndarray
    categories: dict[str, Texts]
    found: Findings | None = None
    extra: Extra | None = None

    def __len__(self) -> int:
        """Lines."""
        return len(self.numbers)

    def column(self, name: str) -> np.ndarray | Texts:
        """(lines,) one feature, numbers as float64. Raises KeyError for a name that is not in the table."""
        if name in self.categories:
            return self.categories[name]
        if name not in self.number_names:
            raise KeyError(name)
        return self.numbers[:, self.number_names.index(name)].astype(np.float64)

    def take(self, rows: np.ndarray) -> FeatureTable:
        """The table of these rows, in this order."""
        picked = {name: texts.take(rows) for name, texts in self.categories.items()}
        extra = None if self.extra is None else self.extra.take(rows)
        return FeatureTable(self.number_names, self.numbers[rows], picked, extra=extra)

    def frame(self) -> pl.DataFrame:
        """As a polars frame, columns in catalog order (for people; 0.3 ms and more, so not on the hot path)."""
        columns = {f.name: self._series(f) for f in CATALOG if f.name in self.categories or f.name in self.number_names}
        return pl.DataFrame(columns)

    def _series(self, feature: Feature) -> pl.Series:
        values = self.column(feature.name)
        return pl.Series(feature.name, list(values) if isinstance(values, Texts) else values)
