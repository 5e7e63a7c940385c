"""The features that the site's own columns (x_*) make, and how they are shown beside those of the catalog."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from claims.texts import Texts
from features import catalog
from features.catalog import Feature
from features.extra import level_judge, number
from features.table import FeatureTable

PREFIX = "x_"
UNIT = "as the site has it"
CONCEPT = "columns of the site"
OTHER = "another value"  # what is said of a level that the model does not know by name


def is_extra(name: str) -> bool:
    """Whether a feature is a column of the site; none of the catalog begins like one."""
    return name.startswith(PREFIX)


def feature(name: str, dtype: str) -> Feature:
    """The feature that a column of the site makes."""
    shown = re.sub(r"[{}]", "", name.removeprefix(PREFIX)).replace("_", " ").strip() or "unnamed"
    kind: Literal["number", "category"] = "number" if dtype == "number" else "category"
    return Feature(name, kind, UNIT, CONCEPT, f"The site's column '{shown}' is {{value}}.")


def definition(name: str, dtype: str) -> Feature | None:
    """What the code makes of a column of a model; None for a feature that it does not build."""
    if is_extra(name):
        return feature(name, dtype)
    return catalog.BY_NAME.get(name)


def with_columns(table: FeatureTable, features: Sequence[Feature], levels: Mapping[str, Sequence[str]]) -> FeatureTable:
    """The table with a model's columns of the site among the others, for people: what is no level is OTHER."""
    mine = [f for f in features if is_extra(f.name)]
    if not mine:
        return table
    judges = {f.name: level_judge(levels[f.name]) if f.dtype == "category" else number for f in mine}
    told = table.extra.read(judges) if table.extra else np.full((len(table), len(mine)), np.nan)
    numbers = [column for column, f in enumerate(mine) if f.dtype == "number"]
    categories = dict(table.categories)
    for column, f in enumerate(mine):
        if f.dtype == "category":
            known = [*levels[f.name], OTHER, None]
            codes = np.nan_to_num(told[:, column], nan=len(known) - 1).astype(np.int64)
            categories[f.name] = Texts(known, codes)
    names = (*table.number_names, *(mine[column].name for column in numbers))
    values = np.column_stack([table.numbers, told[:, numbers].astype(table.numbers.dtype)])
    return FeatureTable(names, values, categories, table.found, table.extra)
