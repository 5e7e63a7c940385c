"""What one rule says of the lines it was asked about, and what it is asked with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rules.book import Book, Rule
from rules.bulk import BulkTables
from rules.sheet import Sheet

NONE, MET, UNKNOWN, BROKEN = range(4)  # NONE: none of the rule's business
OUTCOMES = ("none", "met", "unknown", "broken")
Told = np.ndarray | Callable[[int], object]  # (rows,) values, or what to say of the i-th row


@dataclass(frozen=True)
class Period:
    """A rule while one value holds: days of service [begin, end), as known on days [known_from, known_to)."""

    rule: Rule
    book: Book
    value: Any
    begin: int
    end: int
    known_from: int
    known_to: int


@dataclass(frozen=True)
class Asked:
    """One period of a rule and the rows of the sheet that it is asked about: of its codes, book, days, conditions."""

    sheet: Sheet
    rows: np.ndarray
    period: Period
    tables: BulkTables

    @property
    def said(self) -> Any:
        """The parameters of the rule's kind."""
        return self.period.rule.parameters

    @property
    def value(self) -> Any:
        """The value that holds."""
        return self.period.value

    def known(self, table: str) -> np.ndarray:
        """(rows,) int64: when what a bulk table says of the day of service was published."""
        return self.tables.known(table, self.sheet.service[self.rows])

    def assumed(self, table: str) -> Callable[[np.ndarray], np.ndarray]:
        """Of places among the rows, whether what a bulk table says of the code that day is our reading."""

        def assumed(places: np.ndarray) -> np.ndarray:
            rows = self.rows[places]
            return self.tables.assumed(table, self.sheet.lines.code.take(rows), self.sheet.service[rows])

        return assumed

    def __len__(self) -> int:
        """Rows."""
        return len(self.rows)


@dataclass(frozen=True)
class Verdict:
    """outcome: (rows,) int8; told: what the message's placeholders stand for, asked only where a message is read.

    why: in words, what is not known where the outcome is unknown; suggested: what could stand in the rule's field.
    lapsed: (rows,) whether the rule is unknown only because no table speaks for the day, and the last one that spoke
    would have been broken. known: (rows,) int64 day on which the table was published that decided: before it, the
    verdict is no feature. assumed: of places among the rows (bool, places) whether the table's word is our reading;
    asked only where findings are told.
    """

    outcome: np.ndarray
    told: dict[str, Told] = field(default_factory=dict)
    why: str | Callable[[int], str] | None = None
    suggested: Told | None = None
    lapsed: np.ndarray | None = None
    known: np.ndarray | None = None
    assumed: Callable[[np.ndarray], np.ndarray] | None = None


def three(broken: np.ndarray, unknown: np.ndarray | None = None, asked: np.ndarray | None = None) -> np.ndarray:
    """(rows,) int8 outcomes: broken, else unknown, else met; none where not `asked`. unknown wins over broken."""
    outcome = np.where(broken, BROKEN, MET).astype(np.int8)
    if unknown is not None:
        outcome[unknown] = UNKNOWN
    if asked is not None:
        outcome[~asked] = NONE
    return outcome
