"""Lines as arrays: every text column as int codes of the history's vocabularies, days and cents as integers.

Days are days since 1970-01-01; nan marks a missing number. A text that no history has seen gets the code MISS, which
no ledger holds. Nulls and empty cells share one level, except for patient and provider, where they have no history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import polars as pl

from claims.table import DIAGNOSES, MODIFIERS
from claims.texts import SMALL, Level, Texts, first_sights, together
from rules.reference import family

# Bits of a code in a ledger's key. Any combination that a history uses must stay within KEY_BITS.
BITS = {
    "payer": 14, "code": 15, "family": 10, "dx": 17, "modifiers": 13, "provider": 18, "patient": 24,
    "authorization_state": 4, "billing": 14,
}  # fmt: skip
MISS = {name: (1 << bits) - 1 for name, bits in BITS.items()}
WITHOUT_HISTORY = ("provider", "patient", "billing")
DAY_BITS = 16  # of a day since 1970-01-01, until 2149
NEVER = (1 << DAY_BITS) - 1


@dataclass(frozen=True)
class Vocabulary:
    """Text -> code, per column; append-only, so that a code never changes its meaning."""

    codes: dict[str, dict[str | None, int]] = field(default_factory=lambda: {name: {} for name in BITS})

    def extend(self, column: str, values: Iterable[str | None]) -> None:
        """Give new texts of a column codes, as long as the column's bits last; what comes later has no history."""
        known = self.codes[column]
        for value in values:
            if len(known) >= MISS[column]:
                return
            if value is not None and value not in known and not (value == "" and column in WITHOUT_HISTORY):
                known[value] = len(known)

    def encode(self, column: str, texts: Texts) -> np.ndarray:
        """(lines,) int64 codes; MISS for what the vocabulary does not hold."""
        known, miss = self.codes[column], MISS[column]
        return texts.codes(lambda level: known.get(level, miss))

    def learn(self, column: str, texts: Texts) -> np.ndarray:
        """Extend, then encode."""
        self.extend(column, texts.levels)
        return self.encode(column, texts)

    def copy(self) -> Vocabulary:
        """A vocabulary that can grow without changing this one."""
        return Vocabulary({name: dict(known) for name, known in self.codes.items()})


def _pattern(modifiers: tuple[Level, ...]) -> Level:
    if modifiers[0] is None:
        return None
    return "-".join(sorted(m for m in modifiers if m))


def _first_pointer(pointers: Level) -> int:
    first = (pointers or "1").replace(";", ",").split(",")[0].strip()
    return min(max(int(first), 1), 12) - 1 if first.isdigit() else 0


_family = lru_cache(maxsize=65_536)(family)


@dataclass(frozen=True)
class Lines:
    """Lazily decoded columns of n lines, in their order. Texts hold None (not known) and "" (not present)."""

    frame: pl.DataFrame
    _texts: dict[str, Texts] = field(default_factory=dict)

    def __len__(self) -> int:
        """Lines."""
        return self.frame.height

    def text(self, column: str) -> Texts:
        """(lines,) texts of one column."""
        known = self._texts.get(column)
        if known is None:
            few = len(self) <= SMALL
            found = Texts.of(self._cells[column]) if few else Texts.of_column(self.frame.get_column(column))
            known = self._texts[column] = found
        return known

    @cached_property
    def _cells(self) -> dict[str, tuple[Any, ...]]:
        """All columns at once: of a few lines, column by column costs more."""
        names, rows = self.frame.columns, self.frame.rows()
        return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())

    def day(self, column: str) -> np.ndarray:
        """(lines,) float64 days since 1970-01-01; nan where the date is null."""
        told = self.frame.get_column(column).to_numpy()  # to_physical() costs 40 us a column on three lines
        days = told.astype("datetime64[D]").astype(np.float64)
        days[np.isnat(told)] = np.nan
        return days

    def number(self, column: str) -> np.ndarray:
        """(lines,) float64; nan where null."""
        return self.frame.get_column(column).cast(pl.Float64).to_numpy()

    @cached_property
    def submitted(self) -> np.ndarray:
        """(lines,) int64 days. Raises ValueError when a line has no submitted_date."""
        days = self.day("submitted_date")
        if np.isnan(days).any():
            raise ValueError("a line without submitted_date has no point in time; set it before building features")
        return days.astype(np.int64)

    @cached_property
    def service(self) -> np.ndarray:
        """(lines,) int64 days: the first day of service."""
        return self.day("claim_line_start_date").astype(np.int64)

    @cached_property
    def last_service(self) -> np.ndarray:
        """(lines,) int64 days: the last day of service, the first where the line tells none."""
        end = self.day("claim_line_end_date")
        return np.where(np.isnan(end), self.service, end).astype(np.int64)

    @cached_property
    def cents(self) -> np.ndarray:
        """(lines,) float64 whole cents charged; nan where not known."""
        cents: np.ndarray = np.rint(self.number("charge_amount") * 100)  # exact: two decimals of at most 12 digits
        return cents

    @cached_property
    def units(self) -> np.ndarray:
        """(lines,) float64 units; nan where not known."""
        return self.number("service_unit_quantity")

    @property
    def code(self) -> Texts:
        """(lines,) procedure codes."""
        return self.text("hcpcs_code")

    @cached_property
    def family(self) -> Texts:
        """(lines,) procedure families."""
        return self.code.each(_family)

    @cached_property
    def modifiers(self) -> Texts:
        """(lines,) the modifiers sorted and joined by `-`; "" = none, None = not known."""
        return together([self.text(name) for name in MODIFIERS], _pattern)

    @cached_property
    def diagnosis(self) -> Texts:
        """(lines,) the diagnosis that the line points to first; the claim's first where the pointer leads nowhere."""
        told = self.text(DIAGNOSES[0])
        pointer = self.text("diagnosis_pointers").codes(_first_pointer)
        for place in np.unique(pointer[pointer > 0]).tolist():
            other = self.text(DIAGNOSES[place])
            told = told.overlaid(other, (pointer == place) & other.flags(bool))
        return told

    @cached_property
    def provider(self) -> Texts:
        """(lines,) the rendering provider, else the billing one."""
        rendering = self.text("rendering_npi")
        return rendering.overlaid(self.text("billing_npi"), ~rendering.flags(bool))

    @cached_property
    def claim(self) -> np.ndarray:
        """(lines,) int64: 0, 1, ... one number a claim, in order of first sight.

        A request may hold the same submission twice; there claim_index tells the two apart.
        """
        if "claim_index" not in self.frame.columns:
            return first_sights(self.frame.get_column("submission_id"))
        seen: dict[int, int] = {}
        ids = self.frame.get_column("claim_index").to_list()
        return np.array([seen.setdefault(one, len(seen)) for one in ids], np.int64)

    @cached_property
    def claims(self) -> int:
        """Number of claims."""
        return int(self.claim.max()) + 1 if len(self) else 0

    def texts(self) -> Iterator[tuple[str, Texts]]:
        """Coded columns with the texts behind them, one at a time (the authorization's state is judged later)."""
        yield "payer", self.text("payer_id")
        yield "code", self.code
        yield "family", self.family
        yield "dx", self.diagnosis.each(_blank)
        yield "modifiers", self.modifiers.each(_blank)
        yield "provider", self.provider
        yield "patient", self.text("patient_id")
        yield "billing", self.text("billing_npi")


def _blank(value: Level) -> str:
    return value or ""
