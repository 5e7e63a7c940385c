"""Authorizations as the practice asks for them: per course of care, renewed with care or without.

Units are counted per code on the number. A number may be stale, name another code, place or provider, be still
pending, or be left off the claim: those are slips of the practice. Days are day numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from data.synthetic.encounters import Encounters, Texts
from data.synthetic.practice import Practice, slip
from data.synthetic.world import Bools, Ints, World

COMPANIONS = {
    "64483": ["64484"], "64479": ["64480"], "64493": ["64494", "64495"], "64490": ["64491", "64492"],
    "64635": ["64636"], "64633": ["64634"], "63650": ["63685"], "63685": ["63650"],
}  # fmt: skip
OTHER = {
    "62323": "64483", "64483": "62323", "62321": "64479", "64479": "62321", "64493": "64490", "64490": "64493",
    "64635": "64633", "64633": "64635", "27096": "64451", "64451": "27096", "64454": "64624", "64624": "64454",
    "20552": "20553", "20553": "20552", "64405": "64450", "64450": "64405", "64510": "64520", "64520": "64510",
}  # fmt: skip


@dataclass
class Book:
    """Columns of the authorizations asked for so far; a number is its position plus one."""

    columns: dict[str, list[np.ndarray]] = field(default_factory=dict)
    size: int = 0

    def add(self, **columns: np.ndarray) -> Ints:
        """Append rows (arrays of one length); returns their positions."""
        for name, values in columns.items():
            self.columns.setdefault(name, []).append(values)
        rows = len(next(iter(columns.values())))
        self.size += rows
        return np.arange(self.size - rows, self.size)

    def column(self, name: str) -> np.ndarray:
        """A whole column."""
        return np.concatenate(self.columns[name]) if name in self.columns else np.empty(0)


def codes_text(code: str) -> str:
    """The codes an authorization for this main code names."""
    return ";".join([code, *COMPANIONS.get(code, [])])


def needs(world: World, payer: Ints, code: Texts, day: Ints, state: Texts) -> Bools:
    """Whether the payer asks for an authorization of that code on that day of service in that state."""
    out = np.zeros(len(payer), dtype=bool)
    family = families_of(world, code)
    for i, p in enumerate(world.payers):
        for name, rule in p.auth.items():
            rows = (payer == i) & (family == name) & (day >= rule.first)
            out |= rows & np.isin(state, list(rule.states)) if rule.states else rows
    return out


def families_of(world: World, code: Texts) -> Texts:
    """Family of each code ("" for one the world does not know)."""
    known, where = np.unique(code, return_inverse=True)
    return np.array([world.codes[c].family if c in world.codes else "" for c in known])[where]


def authorize(world: World, practice: Practice, e: Encounters, seed: int) -> tuple[Ints, Book]:
    """Position in the book of the authorization each claim relies on (-1: none), and the book."""
    rng = world.stream(seed, "authorizations")
    book, used = Book(), np.full(len(e.day), -1, dtype=np.int64)
    rows = np.flatnonzero(needs(world, e.payer, e.code, e.day, e.state))
    rows = rows[np.lexsort((e.day[rows], e.episode[rows]))]
    groups, group = np.unique(e.episode[rows] * 64 + e.payer[rows], return_inverse=True)
    state = {"at": np.full(len(groups), -1), "to": np.zeros(len(groups), dtype=np.int64), "left": np.zeros(len(groups))}
    ordinal = _ordinals(group)
    for j in range(int(ordinal.max(initial=-1)) + 1):
        turn = ordinal == j
        _turn(world, practice, e, rows[turn], group[turn], state, book, rng)
        used[rows[turn]] = state["at"][group[turn]]
    return used, book


def _ordinals(group: Ints) -> Ints:
    """0, 1, 2 ... within each group, in the order given."""
    order = np.argsort(group, kind="stable")
    ranked = group[order]
    starts = np.r_[True, ranked[1:] != ranked[:-1]] if len(ranked) else np.empty(0, dtype=bool)
    out = np.empty(len(group), dtype=np.int64)
    out[order] = np.arange(len(group)) - np.maximum.accumulate(np.where(starts, np.arange(len(group)), 0))
    return out


def _turn(
    world: World, practice: Practice, e: Encounters, rows: Ints, group: Ints,
    state: dict[str, np.ndarray], book: Book, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Each course's next session: keep the authorization at hand, or ask for a new one."""
    stale = (state["at"][group] < 0) | (state["to"][group] < e.day[rows]) | (state["left"][group] < 1)
    first = state["at"][group] < 0
    lazy = rng.random(len(rows)) < slip(world, practice, e.provider[rows], "auth_not_renewed")
    never = rng.random(len(rows)) < slip(world, practice, e.provider[rows], "auth_never_asked")
    ask = stale & np.where(first, ~never, ~lazy)
    asking, who = rows[ask], group[ask]
    sessions = rng.choice([1, 2, 3], len(asking), p=[0.35, 0.4, 0.25])
    until = e.day[asking] + rng.choice([30, 60, 90, 180], len(asking), p=[0.2, 0.25, 0.35, 0.2])
    state["at"][who] = _ask(world, practice, e, asking, sessions, until, book, rng)
    state["to"][who], state["left"][who] = until, sessions
    state["left"][group] -= 1


def _ask(
    world: World, practice: Practice, e: Encounters, rows: Ints, sessions: Ints, until: Ints,
    book: Book, rng: np.random.Generator,
) -> Ints:  # fmt: skip
    provider = e.provider[rows]
    other = rng.random(len(rows)) < slip(world, practice, provider, "auth_other_code")
    asked = np.array([OTHER.get(c, c) if o else c for c, o in zip(e.code[rows].tolist(), other.tolist(), strict=True)])
    pending = rng.random(len(rows)) < slip(world, practice, provider, "auth_still_pending")
    granted = e.day[rows] - rng.integers(2, 21, len(rows))
    two = np.array([p.bilateral != "50" for p in world.payers])[e.payer[rows]]
    npi, place = np.array(practice.npi)[provider], e.place[rows]
    return book.add(
        payer=e.payer[rows],
        patient=e.patient[rows],
        codes=np.array([codes_text(c) for c in asked.tolist()], dtype="<U24"),
        units=(sessions * np.where(two, 2, 1)).astype(np.int64),
        first=granted,
        last=until,
        pending=pending,
        asked=granted - rng.integers(1, 10, len(rows)),
        known=np.where(pending, e.submitted[rows] + rng.integers(2, 20, len(rows)), granted),
        place=np.where(rng.random(len(rows)) < 0.6, place, ""),
        npi=np.where(rng.random(len(rows)) < 0.5, npi, ""),
    )
