"""Whether one of the diagnoses that a line points to supports its code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np

from claims.table import DIAGNOSES
from claims.texts import Level
from rules.sheet import NO, NOT_KNOWN, YES, Sheet
from rules.verdict import Asked, Told, Verdict, three
from rules.words import code, listed

ABSENT = -2  # of a diagnosis: its place on the claim is empty
POINTERS, CODE_TYPE = "diagnosis_pointers", "diagnosis_code_type"
Covers = Callable[[Level], int]


def covered_diagnosis(asked: Asked) -> Verdict:
    """Broken when no diagnosis that the line points to is covered; [] = always.

    A line without pointers may mean any diagnosis of its claim: met or broken only where all of them say the same.
    One that points to an empty place means the first. Books speak of ICD-10: codes of ICD-9 are not known.
    """
    told: dict[str, Told] = {"code": code(asked), "diagnosis": lambda i: _spelt(asked.sheet, int(asked.rows[i]))}
    if not asked.value:
        return Verdict(three(np.ones(len(asked), bool)), told=told)
    found = _found(asked.sheet, asked.rows, _covers(asked.value))
    found[asked.sheet.lines.text(CODE_TYPE).take(asked.rows).flags(_of_icd_9)] = NOT_KNOWN
    return Verdict(
        three(found == NO, found == NOT_KNOWN),
        told=told,
        why="The claim does not tell which ICD-10 diagnosis the line is for.",
    )


def _of_icd_9(code_type: Level) -> bool:
    return (code_type or "").startswith("icd-9")


@lru_cache(maxsize=4096)
def _covers(patterns: tuple[str, ...]) -> Covers:
    """What a diagnosis is to a value: covered (YES), not (NO), ABSENT or NOT_KNOWN."""
    told = [pattern.upper().replace(".", "").replace(" ", "") for pattern in patterns]
    exact = frozenset(told)
    prefixes = tuple(one[:-1] for one in told if one.endswith("*"))
    ranges = [(low, high) for low, dash, high in (one.partition("-") for one in told) if dash]

    def covers(diagnosis: Level) -> int:
        if not diagnosis:
            return NOT_KNOWN if diagnosis is None else ABSENT
        within = any(len(low) == len(diagnosis) and low <= diagnosis <= high for low, high in ranges)
        return YES if within or diagnosis in exact or diagnosis.startswith(prefixes) else NO

    return covers


def _found(sheet: Sheet, rows: np.ndarray, covers: Covers) -> np.ndarray:
    """(rows,) int64 YES, NO or NOT_KNOWN: whether a diagnosis of each line is covered."""
    pointers = sheet.lines.text(POINTERS).take(rows)
    found = np.full(len(rows), NOT_KNOWN)
    for level in np.flatnonzero(np.bincount(pointers.at)).tolist():
        here = np.flatnonzero(pointers.at == level)
        places = _places(pointers.levels[level])
        mine = rows[here]
        found[here] = _pointed(sheet, mine, places, covers) if places else _of_the_claim(sheet, mine, covers)
    return found


def _places(pointers: Level) -> tuple[int, ...]:
    """Places of diagnoses on the claim, from 0."""
    told = (pointers or "").replace(";", ",").split(",")
    return tuple(int(one) - 1 for one in told if one.strip().isdigit() and 1 <= int(one) <= len(DIAGNOSES))


def _pointed(sheet: Sheet, rows: np.ndarray, places: tuple[int, ...], covers: Covers) -> np.ndarray:
    """(rows,) of lines that point to the same places: one that is covered suffices."""
    states = _states(sheet, rows, places, covers)
    nowhere = (states == ABSENT).all(axis=0)
    if nowhere.any():
        states[:, nowhere] = _states(sheet, rows[nowhere], (0,), covers)
    known = (states == NO).any(axis=0) & (states != NOT_KNOWN).all(axis=0)
    return np.where((states == YES).any(axis=0), YES, np.where(known, NO, NOT_KNOWN))


def _of_the_claim(sheet: Sheet, rows: np.ndarray, covers: Covers) -> np.ndarray:
    """(rows,) of lines without pointers; places that the source does not carry hold nothing."""
    states = _states(sheet, rows, tuple(range(len(DIAGNOSES))), covers)
    covered, other = (states == YES).any(axis=0), (states == NO).any(axis=0)
    return np.where(covered == other, NOT_KNOWN, np.where(covered, YES, NO))


def _states(sheet: Sheet, rows: np.ndarray, places: tuple[int, ...], covers: Covers) -> np.ndarray:
    """(places, rows) what each diagnosis is to the value."""
    return np.stack([sheet.lines.text(DIAGNOSES[place]).take(rows).codes(covers) for place in places])


def _spelt(sheet: Sheet, row: int) -> str:
    """The diagnoses of a line as people write them."""
    every = [sheet.lines.text(column)[row] for column in DIAGNOSES]
    pointed = [every[place] for place in _places(sheet.lines.text(POINTERS)[row])]
    return listed(_dotted(filter(None, pointed if any(pointed) else every)), none="no diagnosis")


def _dotted(diagnoses: Iterator[str]) -> Iterator[str]:
    return (f"{one[:3]}.{one[3:]}" if len(one) > 3 else one for one in diagnoses)
