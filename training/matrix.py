"""From a feature table to the matrix that booster.txt takes: numbers as they are, categories as codes of the model.

A level seen on too few lines of training, or never, has the code of "other" (one above the last level); None is nan.
The site's own columns (x_*) are read here, as numbers or by the levels that the model froze: training/guard.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from claims.errors import ModelMismatchError
from features.catalog import ALL_TIME, KINDS, Feature, count_name, rate_name, since_name
from features.extra import Judge, level_judge, number
from features.site import is_extra
from features.table import FeatureTable

Levels = Mapping[str, tuple[str, ...]]
IDENTIFIERS = ("_npi", "patient_id", "member_key", "claim_id", "submission_id")  # never levels of a model


def usable(catalog: Sequence[Feature]) -> tuple[Feature, ...]:
    """The features a model may take: no clocks, no categories whose levels name a patient, a provider or a claim."""
    barred = clocks()
    return tuple(
        f for f in catalog if f.name not in barred and (f.dtype == "number" or not f.name.endswith(IDENTIFIERS))
    )


@cache
def clocks() -> frozenset[str]:
    """Features that tell the time more than the line: those of all lines together, and counts that only ever grow.

    A tree that asks them learns what was usual when, and says it of days on which it no longer holds.
    """
    alike = [kind for kind in KINDS if not kind.columns]
    whole = {name(kind.name, days) for kind in alike for days in kind.windows for name in (rate_name, count_name)}
    growing = {count_name(kind.name, ALL_TIME) for kind in KINDS}
    return frozenset(whole | growing | {since_name(kind.name) for kind in alike})


def choose_levels(table: FeatureTable, features: Sequence[Feature], minimum: int) -> dict[str, tuple[str, ...]]:
    """Per category its levels that occur on at least `minimum` rows of the table, sorted by name."""
    told = {f.name: table.categories[f.name] for f in features if f.dtype == "category" and not is_extra(f.name)}
    return {
        name: tuple(sorted(level for level, lines in texts.counts() if level is not None and lines >= minimum))
        for name, texts in told.items()
    }  # fmt: skip


class Encoder:
    """Turns feature tables into matrices (lines, features) float64 of one model's columns."""

    def __init__(self, names: Sequence[str], levels: Levels) -> None:
        self._names = tuple(names)
        own = {name: known for name, known in levels.items() if not is_extra(name)}
        self._codes = {
            name: {None: np.nan} | {level: float(code) for code, level in enumerate(known)}
            for name, known in own.items()
        }
        self._others = {name: float(len(known)) for name, known in own.items()}
        self._judges: dict[str, Judge] = {
            name: level_judge(levels[name]) if name in levels else number for name in names if is_extra(name)
        }
        self._extra = np.array([i for i, name in enumerate(names) if is_extra(name)], dtype=np.intp)
        self._number_names: tuple[str, ...] = ()
        self._sources = self._targets = np.zeros(0, dtype=np.intp)

    def matrix(self, table: FeatureTable) -> np.ndarray:
        """(lines, features) float64. ModelMismatchError names features that the table does not have."""
        if table.number_names != self._number_names:
            self._learn(table)
        X = np.empty((len(table), len(self._names)))
        X[:, self._targets] = table.numbers[:, self._sources]
        for column, name in enumerate(self._names):
            if name in self._codes:
                texts, codes, other = table.categories[name], self._codes[name], self._others[name]
                X[:, column] = np.array([codes.get(level, other) for level in texts.levels])[texts.at]
        if self._judges:
            X[:, self._extra] = np.nan if table.extra is None else table.extra.read(self._judges)
        return X

    def _learn(self, table: FeatureTable) -> None:
        """Remember where this kind of table keeps the model's numbers."""
        have = {*table.number_names, *table.categories}
        missing = [name for name in self._names if name not in have and name not in self._judges]
        if missing:
            raise ModelMismatchError(f"features that the model needs are not built: {', '.join(missing)}")
        read = {*self._codes, *self._judges}
        numbers = [(i, name) for i, name in enumerate(self._names) if name not in read]
        self._targets = np.array([i for i, _ in numbers], dtype=np.intp)
        self._sources = np.array([table.number_names.index(name) for _, name in numbers], dtype=np.intp)
        self._number_names = table.number_names
