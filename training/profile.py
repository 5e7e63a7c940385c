"""What the lines say of one column of the site: whom its values name, when it is filled, what it tells of the outcome.

Values are codes of texts, or numbers; nan where the column is empty or absent. Lines come in the cohort's ORDER.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from features.catalog import WEIGHT
from features.extra import Judge, text
from training.metrics import Meter, Scored

BINS = 32  # of equal numbers of lines, for the denial rate of a number
MOST_TEXTS = 20_000  # distinct texts of a column that are remembered
MONTH = 30  # days
SURE = 4.0  # standard errors
HALF = 10  # denied and paid lines that either half of a column's lines must have


class Levels:
    """Codes of a column's texts in order of first sight; the rest share one code once MOST_TEXTS are known."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}

    @property
    def judge(self) -> Judge:
        """The code of a value."""

        def code(value: Any) -> float:
            told = text(value)
            if told not in self.codes and len(self.codes) >= MOST_TEXTS:
                return float(MOST_TEXTS)
            return float(self.codes.setdefault(told, len(self.codes)))

        return code


@dataclass(frozen=True)
class Lines:
    """(lines,) each: day of submission, person (codes; a claim without one counts as a person), patient (-1: not told).

    known: an outcome is known; rows: the mature lines among them, y (rows,) whether they were denied.
    """

    day: np.ndarray
    person: np.ndarray
    patient: np.ndarray
    known: np.ndarray
    rows: np.ndarray
    y: np.ndarray


def of_one_person(values: np.ndarray, person: np.ndarray) -> float:
    """Share of the filled lines whose value no second person has."""
    there = ~np.isnan(values)
    distinct, at = np.unique(values[there], return_inverse=True)
    pairs = np.unique(at * (int(person.max(initial=0)) + 1) + person[there])
    persons = np.bincount(pairs // (int(person.max(initial=0)) + 1), minlength=len(distinct))
    return float((persons[at] == 1).mean()) if len(at) else 0.0


def patients_of(values: np.ndarray, patient: np.ndarray, levels: int) -> np.ndarray:
    """(levels,) how many patients have each code; lines that tell no patient do not count."""
    there = ~np.isnan(values) & (patient >= 0)
    many = int(patient.max(initial=0)) + 1
    pairs = np.unique(values[there].astype(np.int64) * many + patient[there])
    return np.bincount(pairs // many, minlength=levels)[:levels]


@dataclass(frozen=True)
class Filled:
    """Shares of lines that are filled, with and without a known outcome, among lines of the same months."""

    known: float
    waiting: float
    lines: int  # that wait
    sure: bool  # the gap is more than chance


def fill(there: np.ndarray, lines: Lines) -> Filled:
    """How much oftener a column is filled once the outcome is known. there: (lines,) bool.

    A month counts by the smaller of its two groups, so that a column that begins or ends one day is not blamed.
    """
    month = (lines.day - lines.day.min(initial=0)) // MONTH
    months = int(month.max(initial=0)) + 1
    counts, filled = np.zeros((2, months)), np.zeros((2, months))
    for group, rows in enumerate((lines.known, ~lines.known)):
        counts[group] = np.bincount(month[rows], minlength=months)
        filled[group] = np.bincount(month[rows], there[rows], minlength=months)
    both = counts.min(axis=0) > 0
    counts, filled = counts[:, both], filled[:, both]
    if not both.any():
        return Filled(0.0, 0.0, 0, False)
    weight = counts.prod(axis=0) / counts.sum(axis=0)
    known, waiting = (filled / counts * weight).sum(axis=1) / weight.sum()
    common = filled.sum(axis=0) / counts.sum(axis=0)
    error = np.sqrt((weight * common * (1 - common)).sum()) / weight.sum()
    return Filled(float(known), float(waiting), int(counts[1].sum()), bool(known - waiting > SURE * error))


@dataclass(frozen=True)
class Alone:
    """What a column tells of the outcome by itself, out of time. auroc: None where too few lines can judge it."""

    lines: int
    denied: int
    auroc: float | None


def alone(values: np.ndarray, y: np.ndarray, *, numbers: bool) -> Alone:
    """The AUROC of past denial rates by value, learned on the earlier half, judged on the later half of the lines.

    Measured among the lines that are filled, and among all of them with "empty" as a value; the larger counts.
    """
    there = ~np.isnan(values)
    own = y[there]
    halves = np.array_split(own, 2)
    if min(min(part.sum(), len(part) - part.sum()) for part in halves) < HALF:
        return Alone(len(own), int(own.sum()), None)
    found = [_later_auroc(values[there], own, numbers), _later_auroc(values, y, numbers)]
    return Alone(len(own), int(own.sum()), max(found))


def _later_auroc(values: np.ndarray, y: np.ndarray, numbers: bool) -> float:
    half = (len(y) + 1) // 2
    groups = _groups(values, half, numbers)
    many = int(groups.max()) + 1
    seen = np.bincount(groups[:half], minlength=many)
    denied = np.bincount(groups[:half], y[:half], minlength=many)
    rates = (denied + WEIGHT * y[:half].mean()) / (seen + WEIGHT)
    later = y[half:]
    scored = Scored(later, rates[groups[half:]], np.arange(len(later)), np.ones(len(later)))
    return Meter(scored, 1.0).auroc(np.ones(len(later))) or 0.5


def _groups(values: np.ndarray, half: int, numbers: bool) -> np.ndarray:
    """(lines,) 0 for an empty cell; a number by the earlier half's quantiles, a category by its code."""
    there = ~np.isnan(values)
    groups = np.zeros(len(values), np.int64)
    if not numbers:
        groups[there] = values[there].astype(np.int64) + 1
        return groups
    earlier = values[:half][there[:half]]
    edges = np.unique(np.quantile(earlier, np.linspace(0, 1, BINS + 1)[1:-1])) if len(earlier) else np.zeros(0)
    groups[there] = edges.searchsorted(values[there], side="right") + 1
    return groups
