"""Sessions of other codes that come first: days of service before the line's, or what the record says of them."""

from __future__ import annotations

import numpy as np

from rules.parameters import Sequence
from rules.record import Element
from rules.sessions import Sessions
from rules.sheet import YES
from rules.verdict import Asked, Verdict, three
from rules.words import code

NOT_TOLD = "Enough sessions came before, but not all tell their side, or by their modifiers what they were for."
SIDES = (frozenset({"RT", "50"}), frozenset({"LT", "50"}))


def sequence(asked: Asked) -> Verdict:
    """Met by enough earlier sessions, or by the record; broken where the record says fewer, or the past holds too few.

    Unknown where too few are found and the practice's past does not reach back, and where those of which side or
    modifiers are not told decide; with `first_only` none of the rule's business where the patient had the rule's own
    codes before.
    """
    said: Sequence = asked.said
    sheet, rows = asked.sheet, asked.rows
    earlier = Sessions.before(sheet, rows, said.within_days)
    surely, perhaps = _counts(asked, earlier.coded(frozenset(said.after)), frozenset(said.only_with))
    noted = Element.of(asked, said.element)
    enough = noted.reaches(asked.value)
    few = (perhaps < asked.value) & ~enough
    open_ = (surely < asked.value) & ~enough & ~few
    reaches = sheet.reaches_back(rows, said.within_days)
    proven = reaches if said.first_only else reaches | ~noted.missing
    own = _counts(asked, earlier.coded(frozenset(asked.period.rule.codes)))[1] if said.first_only else None
    return Verdict(
        three(few, open_ | (few & ~proven), None if own is None else own == 0),
        told={
            "count": lambda i: int(np.fmax(perhaps[i], noted.values[i])),
            "needed": lambda i: asked.value,
            "code": code(asked),
        },
        why=lambda i: NOT_TOLD if open_[i] else sheet.why_not_back(int(rows[i])),
    )


def _counts(asked: Asked, earlier: Sessions, modifiers: frozenset[str] = frozenset()) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) sessions that surely count, and that may count: of the modifiers, and of the line's sides."""
    said: Sequence = asked.said
    if not said.by_side:
        sure = earlier.with_one_of(modifiers) if modifiers else earlier
        return sure.count(len(asked)), earlier.count(len(asked))
    surely, perhaps, mine = [], [], []
    for side, other in (SIDES, SIDES[::-1]):
        possible = _not_of(earlier, other - side, side)
        sure = possible.with_one_of(side)
        surely.append((sure.with_one_of(modifiers) if modifiers else sure).count(len(asked)))
        perhaps.append(possible.count(len(asked)))
        mine.append(asked.sheet.modified(side)[asked.rows] == YES)
    told = mine[0] | mine[1]
    right, left = ~told | mine[0], ~told | mine[1]  # both sides of what tells none
    most = np.iinfo(np.int64).max

    def least(counts: list[np.ndarray]) -> np.ndarray:
        fewest: np.ndarray = np.minimum(np.where(right, counts[0], most), np.where(left, counts[1], most))
        return fewest

    return least(surely), np.where(told, least(perhaps), np.maximum(*perhaps))


def _not_of(earlier: Sessions, other: frozenset[str], side: frozenset[str]) -> Sessions:
    """Those that are not of the other side alone."""
    sheet = earlier.sheet
    past = sheet.past_modified(side, earlier.past) | ~sheet.past_modified(other, earlier.past)
    own = (sheet.modified(side)[earlier.own] == YES) | (sheet.modified(other)[earlier.own] != YES)
    return earlier.of(past, own)
