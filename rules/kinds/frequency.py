"""Sessions of a group of codes within a window: days of service of the patient, the line's own included."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from rules.parameters import Frequency
from rules.verdict import Asked, Verdict, three

EPOCH = date(1970, 1, 1)


def frequency(asked: Asked) -> Verdict:
    """Broken when the sessions within the window are more than the value.

    Unknown where the claim names no patient, or where too few are found and the practice's past does not reach back.
    """
    said: Frequency = asked.said
    sheet, rows = asked.sheet, asked.rows
    days = _window(asked, said)
    group = _groups(asked, said)
    counted = _counted(asked, said)
    at, past = sheet.before(rows, days)
    alike = np.zeros(len(at), bool)
    for number, codes in enumerate(_codes(asked, said)):
        alike |= (group[at] == number) & sheet.past_coded(frozenset(codes), past)
    if said.only_with:
        alike &= sheet.past_modified(frozenset(said.only_with), past)
    if said.only_without:
        alike &= ~sheet.past_modified(frozenset(said.only_without), past)
    at, past = at[alike], past[alike]
    count = _sessions(at, sheet.past_days(past), len(rows)) + 1
    broken = count > asked.value
    unknown = ~broken & ~sheet.reaches_back(rows, days)
    names = list(said.groups) or [""]
    since = sheet.service[rows] - days
    return Verdict(
        three(broken, unknown, counted),
        told={
            "count": count,
            "limit": np.full(len(rows), asked.value),
            "since": lambda i: (EPOCH + timedelta(days=int(since[i]))).isoformat(),
            "group": lambda i: names[group[i]],
            "code": lambda i: sheet.lines.code[int(rows[i])],
        },
        why="The practice's own claims do not reach back over the whole window, or the claim names no patient.",
    )


def _window(asked: Asked, said: Frequency) -> np.ndarray:
    """(rows,) days before the line's own that lie within the window."""
    service = asked.sheet.service[asked.rows]
    if not said.calendar_year:
        return np.full(len(service), (said.window_days or 1) - 1)
    day = service.astype("datetime64[D]")
    return (day - day.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)


def _codes(asked: Asked, said: Frequency) -> list[tuple[str, ...]]:
    return list(said.groups.values()) or [asked.period.rule.codes]


def _groups(asked: Asked, said: Frequency) -> np.ndarray:
    """(rows,) which group the line's code is of; -1: none."""
    group = np.full(len(asked), -1, np.int64)
    for number, codes in enumerate(_codes(asked, said)):
        group[asked.sheet.coded(frozenset(codes))[asked.rows]] = number
    return group


def _counted(asked: Asked, said: Frequency) -> np.ndarray:
    """(rows,) whether the line itself is one of the sessions that count."""
    counted = np.ones(len(asked), bool)
    if said.only_with:
        counted &= asked.sheet.modified(frozenset(said.only_with))[asked.rows] == 1
    if said.only_without:
        counted &= asked.sheet.modified(frozenset(said.only_without))[asked.rows] != 1
    return counted


def _sessions(at: np.ndarray, day: np.ndarray, size: int) -> np.ndarray:
    """(size,) distinct days of each; pairs come in order of at and day."""
    new = np.ones(len(at), bool)
    new[1:] = (at[1:] != at[:-1]) | (day[1:] != day[:-1])
    return np.bincount(at[new], minlength=size)
