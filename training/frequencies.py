"""How often each category stood among the denied lines of a payer and a service, and with which CARCs: counts alone.

A category's share is smoothed up a hierarchy: overall; the payer's; the family's, and the code's toward it; payer and
code together toward the product of theirs. What was never seen falls back to what is known of the rest. No share is
zero: one denial more, spread evenly over the categories, is always counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from claims.label import CATEGORIES
from claims.texts import Texts, distinct, placed
from features.table import FeatureTable

WEIGHT = 20.0  # denied lines after which a key's own shares weigh as much as what they lean on
LEAST = 5  # a payer, family, code or pair of them with fewer denied lines is not kept
MOST_CARCS, CARC_SHARE = 3, 0.1
MOST_KNOWN = 50_000  # payers and services that are kept in mind: what requests name has no end
KEYS = ("payer_id", "procedure_family", "hcpcs_code")
BY = {
    "payer": ("payer_id",), "family": ("procedure_family",), "code": ("hcpcs_code",),
    "payer_code": ("payer_id", "hcpcs_code"),
}  # fmt: skip
Counts = dict[str, list[int]]
Carcs = dict[str, list[str]]


@dataclass(frozen=True)
class Keys:
    """(lines,) what shares are looked up by."""

    payer: Texts
    family: Texts
    code: Texts

    @classmethod
    def of(cls, table: FeatureTable) -> Keys:
        """Of the lines of a table."""
        payer, family, code = (table.categories[name] for name in KEYS)
        return cls(payer, family, code)

    def __len__(self) -> int:
        """Lines."""
        return len(self.payer)

    def __getitem__(self, rows: slice) -> Keys:
        return Keys(self.payer[rows], self.family[rows], self.code[rows])

    def frame(self) -> pl.DataFrame:
        """Columns KEYS."""
        columns = (list(self.payer), list(self.family), list(self.code))
        return pl.DataFrame(dict(zip(KEYS, columns, strict=True)), schema=dict.fromkeys(KEYS, pl.String))


def pair(payer: str, code: str) -> str:
    """Payer and code as one key."""
    return f"{payer}\t{code}"


@dataclass(frozen=True)
class Frequencies:
    """Denied lines of each of CATEGORIES, in their order: all of them, and by key of each of BY."""

    overall: list[int]
    payer: Counts
    family: Counts
    code: Counts
    payer_code: Counts
    _shares: dict[tuple[str | None, ...], np.ndarray] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, keys: Keys, category: np.ndarray) -> Frequencies:
        """Of denied lines with the number of their category (lines,)."""
        denied = keys.frame().with_columns(category=pl.Series(category, dtype=pl.Int64))
        overall = np.bincount(category, minlength=len(CATEGORIES)).tolist()
        return cls(overall, **{name: _counts(denied, columns) for name, columns in BY.items()})

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Frequencies:
        """As `as_dict` gave it. TypeError for anything else."""
        return cls(**found)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {name: getattr(self, name) for name in ("overall", *BY)}

    def shares(self, keys: Keys) -> np.ndarray:
        """(lines, categories) smoothed shares; a row adds up to 1."""
        combined = (keys.payer.at * len(keys.family.levels) + keys.family.at) * len(keys.code.levels) + keys.code.at
        first, at = distinct(combined)
        told = [self._known(keys.payer[row], keys.family[row], keys.code[row]) for row in first.tolist()]
        return placed(np.array(told).reshape(len(told), len(CATEGORIES)), at)

    def _known(self, *key: str | None) -> np.ndarray:
        """As `_share`, worked out once: a service asks for the same few payers and services all day."""
        if key not in self._shares:
            if len(self._shares) >= MOST_KNOWN:
                self._shares.clear()
            self._shares[key] = self._share(*key)
        return self._shares[key]

    def _share(self, payer: str | None, family: str | None, code: str | None) -> np.ndarray:
        base = (np.array(self.overall) + 1 / len(CATEGORIES)) / (sum(self.overall) + 1)
        by_payer = _smoothed(self.payer.get(payer or ""), base)
        by_code = _smoothed(self.code.get(code or ""), _smoothed(self.family.get(family or ""), base))
        both = by_payer * by_code / base
        return _smoothed(self.payer_code.get(pair(payer or "", code or "")), both / both.sum())


def _smoothed(counts: list[int] | None, parent: np.ndarray) -> np.ndarray:
    if counts is None:
        return parent
    shares: np.ndarray = (np.array(counts) + WEIGHT * parent) / (sum(counts) + WEIGHT)
    return shares


def _counts(denied: pl.DataFrame, columns: tuple[str, ...]) -> Counts:
    kept = _kept(denied, columns).group_by("key", "category").len().sort("key", "category")
    found: Counts = {}
    for key, category, lines in kept.iter_rows():
        found.setdefault(key, [0] * len(CATEGORIES))[category] = lines
    return found


def _kept(lines: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """With `key`; lines whose key is known and stands on LEAST of them at least."""
    keyed = lines.drop_nulls(columns).with_columns(key=pl.concat_str(columns, separator="\t"))
    return keyed.filter(pl.len().over("key") >= LEAST)


@dataclass(frozen=True)
class LikelyCarcs:
    """CARCs of each category's denials, the most frequent first: by payer and code, by payer, overall."""

    payer_code: dict[str, Carcs]
    payer: dict[str, Carcs]
    overall: Carcs

    @classmethod
    def of(cls, keys: Keys, category: np.ndarray, carc: pl.Series) -> LikelyCarcs:
        """Of denied lines with the number of their category and the CARC of their first denial, null = not known."""
        names = [CATEGORIES[number] for number in category.tolist()]
        denied = keys.frame().with_columns(category=pl.Series(names, dtype=pl.String), carc=carc)
        by_key = {
            name: _carcs(_kept(denied, (*BY[name], "category")), (*BY[name],)) for name in ("payer_code", "payer")
        }
        return cls(**by_key, overall=_carcs(denied, ()).get("", {}))

    def of_line(self, payer: str | None, code: str | None) -> Callable[[str], list[str]]:
        """What a category is likely to be told as, for a line of this payer and code; [] where nothing is known."""
        tables = (
            self.payer_code.get(pair(payer or "", code or ""), {}), self.payer.get(payer or "", {}), self.overall,
        )  # fmt: skip
        return lambda category: next((table[category] for table in tables if category in table), [])


def _carcs(denied: pl.DataFrame, columns: tuple[str, ...]) -> dict[str, Carcs]:
    """Key -> category -> at most MOST_CARCS codes, each on CARC_SHARE of the lines at least."""
    key = pl.concat_str(columns, separator="\t") if columns else pl.lit("")
    counted = denied.group_by(key.alias("key"), "category", "carc").len()
    share = pl.col("len") / pl.col("len").sum().over("key", "category")
    told = counted.filter(share >= CARC_SHARE, pl.col("carc").is_not_null())
    ranked = told.sort("key", "category", "len", "carc", descending=[False, False, True, False])
    found: dict[str, dict[str, list[str]]] = {}
    for key_, category, carc, _ in ranked.iter_rows():
        codes = found.setdefault(key_, {}).setdefault(category, [])
        if len(codes) < MOST_CARCS:
            codes.append(carc)
    return found
