"""Sessions of a group of codes within a window: days of service of the patient, the line's own included."""

from __future__ import annotations

import numpy as np

from rules.parameters import Frequency
from rules.sessions import Sessions
from rules.sheet import NO, NOT_KNOWN, YES
from rules.verdict import Asked, Verdict, three
from rules.words import NO_MODIFIERS, code, day

SIDES = (frozenset({"RT", "50"}), frozenset({"LT", "50"}))
ANY_SIDE = SIDES[0] | SIDES[1]


def frequency(asked: Asked) -> Verdict:
    """Broken when the sessions within the window are more than the value.

    Unknown where the claim names no patient, or where too few are found and the practice's past does not reach back;
    and where the modifiers decide whether the line counts, and are not known.
    """
    said: Frequency = asked.said
    sheet, rows = asked.sheet, asked.rows
    days = _window(asked, said)
    group = _groups(asked, said)
    counts = np.where(group < 0, NO, _counts(asked, said))
    found = _alike(Sessions.before(sheet, rows, days), group, asked, said)
    count = _most_of_a_side(found, asked) if said.by_side else found.count(len(rows)) + 1
    broken = count > asked.value
    unknown = (counts == NOT_KNOWN) | ~(broken | sheet.reaches_back(rows, days))
    names = list(said.groups) or [""]
    return Verdict(
        three(broken, unknown, counts != NO),
        told={
            "count": count,
            "limit": lambda i: asked.value,
            "since": lambda i: day(int(sheet.service[rows[i]] - days[i])),
            "group": lambda i: names[group[i]],
            "code": code(asked),
        },
        why=lambda i: NO_MODIFIERS if counts[i] == NOT_KNOWN else sheet.why_not_back(int(rows[i])),
    )


def _window(asked: Asked, said: Frequency) -> np.ndarray:
    """(rows,) days before the line's own that lie within the window."""
    service = asked.sheet.service[asked.rows]
    if not said.calendar_year:
        return np.full(len(service), (said.window_days or 1) - 1)
    on = service.astype("datetime64[D]")
    days: np.ndarray = (on - on.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
    return days


def _codes(asked: Asked, said: Frequency) -> list[frozenset[str]]:
    return [frozenset(codes) for codes in said.groups.values()] or [frozenset(asked.period.rule.codes)]


def _groups(asked: Asked, said: Frequency) -> np.ndarray:
    """(rows,) which group the line's code is of; -1: none."""
    group = np.full(len(asked), -1, np.int64)
    for number, codes in enumerate(_codes(asked, said)):
        group[asked.sheet.coded(codes)[asked.rows]] = number
    return group


def _counts(asked: Asked, said: Frequency) -> np.ndarray:
    """(rows,) int8: whether the line itself is one of the sessions that count, by its modifiers."""
    sheet, rows = asked.sheet, asked.rows
    counts = np.full(len(rows), YES, np.int8)
    if said.only_with:
        counts = sheet.modified(frozenset(said.only_with))[rows]
    if said.only_without:
        held = sheet.modified(frozenset(said.only_without))[rows]
        counts = np.where(held == YES, NO, np.where(held == NOT_KNOWN, np.minimum(counts, held), counts))
    return counts


def _alike(found: Sessions, group: np.ndarray, asked: Asked, said: Frequency) -> Sessions:
    """The sessions that count: of the group of the row's code, and of the modifiers that are asked for."""
    past, own = np.zeros(len(found.at), bool), np.zeros(len(found.own), bool)
    for number, codes in enumerate(_codes(asked, said)):
        past |= (group[found.at] == number) & asked.sheet.past_coded(codes, found.past)
        own |= (group[found.own_at] == number) & asked.sheet.coded(codes)[found.own]
    found = found.of(past, own)
    if said.only_with:
        found = found.with_one_of(frozenset(said.only_with))
    return found.with_none_of(frozenset(said.only_without)) if said.only_without else found


def _most_of_a_side(found: Sessions, asked: Asked) -> np.ndarray:
    """(rows,) sessions of that side of the line that has more, its own included; what tells no side is of both."""
    most = np.zeros(len(asked), np.int64)
    for side in SIDES:
        other = ANY_SIDE - side
        counts = asked.sheet.modified(side)[asked.rows] == YES
        counts |= asked.sheet.modified(other)[asked.rows] != YES
        most = np.where(counts, np.maximum(most, _of_side(found, side, other).count(len(asked)) + 1), most)
    return most


def _of_side(found: Sessions, side: frozenset[str], other: frozenset[str]) -> Sessions:
    sheet = found.sheet
    past = sheet.past_modified(side, found.past) | ~sheet.past_modified(other, found.past)
    own = (sheet.modified(side)[found.own] == YES) | (sheet.modified(other)[found.own] != YES)
    return found.of(past, own)
