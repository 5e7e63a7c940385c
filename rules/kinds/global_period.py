"""A service within the global days of an earlier one of the same practice needs a modifier that says why it counts.

Visits: 25 on the day of a procedure with no or 10 global days, 57 on the day of one with 90, 24 in the days after.
Procedures: 58, 78 or 79 in the days after. Global days are those of the fee schedule of the earlier service's day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from claims.texts import Texts
from rules.beside import any_of
from rules.encode import MISS
from rules.global_days import LONGEST, NOT_LISTED, NOTHING, GlobalDays
from rules.reference import VISIT
from rules.sessions import Sessions
from rules.sheet import NOT_KNOWN, YES
from rules.timeline import NEVER
from rules.verdict import Asked, Told, Verdict, three
from rules.words import NO_MODIFIERS, code, day, listed

TABLE = "mpfs"
MINOR, MAJOR, AFTER, PROCEDURE = range(4)  # what asks for a modifier, and for which
MODIFIERS = (("25",), ("57",), ("24",), ("58", "78", "79"))


@dataclass(frozen=True)
class _Near:
    """(services,) what lies in reach of a row and asks for a modifier that is not on it.

    at: place in the rows; ago, days: days before, global days; needs: place in MODIFIERS; silent: no fee schedule
    speaks for its day; ours: whether it is known to be of the row's billing provider.
    """

    at: np.ndarray
    ago: np.ndarray
    code: Texts
    days: np.ndarray
    needs: np.ndarray
    silent: np.ndarray
    ours: np.ndarray

    def of(self, kept: np.ndarray) -> _Near:
        """Those that are kept (bool, services)."""
        told = (getattr(self, f.name) for f in fields(self))
        return _Near(*(one.take(np.flatnonzero(kept)) for one in told))

    @cached_property
    def told(self) -> np.ndarray:
        """(services,) whether it is ours, and the day's fee schedule or the latest lists it."""
        told: np.ndarray = self.ours & (self.days != NOT_LISTED)
        return told

    @cached_property
    def sure(self) -> np.ndarray:
        """(services,) whether it is ours, and the day's fee schedule lists it."""
        sure: np.ndarray = self.told & ~self.silent
        return sure

    def on(self, asked: Asked) -> np.ndarray:
        """(services,) their days."""
        on: np.ndarray = asked.sheet.service[asked.rows[self.at]] - self.ago
        return on

    def worst(self, i: int) -> int:
        """The place of the surest and latest of the i-th row."""
        mine = np.flatnonzero(self.at == i).tolist()
        return min(mine, key=lambda one: (not self.sure[one], not self.told[one], self.ago[one]))


def global_period(asked: Asked) -> Verdict:
    """Broken where an earlier service asks for a modifier that is not there.

    Unknown where the past does not reach back, no fee schedule tells the global days (lapsed where the latest would
    make it broken), or the modifiers or the billing provider are not known.
    """
    visits, size = asked.said.of == "visits", len(asked)
    held = [asked.sheet.modified(frozenset(one))[asked.rows] for one in MODIFIERS]
    business, own = _business(asked, visits)
    near = _near(asked, visits, held)
    lacking, told, sure = (any_of(near.at, kept, size) for kept in (near.at >= 0, near.told, near.sure))
    named = (held[AFTER] != NOT_KNOWN) & (own.days >= 0)
    broken = sure & named & ~own.silent
    settled = held[AFTER if visits else PROCEDURE] == YES
    back = asked.sheet.reaches_back(asked.rows, np.where(settled, 0, LONGEST))
    unknown = ~broken & (lacking | ~back)
    return Verdict(
        three(broken, unknown, business),
        told=_told(asked, near),
        why=lambda i: _why(asked, near, own, i) if lacking[i] else asked.sheet.why_not_back(int(asked.rows[i])),
        lapsed=unknown & business & told & named,
        known=_known(asked, near, visits),
        assumed=_assumed(asked, near, visits),
    )


def _known(asked: Asked, near: _Near, visits: bool) -> np.ndarray:
    """(rows,) when the first of the fee schedules was published that make a row broken, or would."""
    known = np.full(len(asked), NEVER)
    at, on = near.at[near.told], near.on(asked)[near.told]
    np.minimum.at(known, at, asked.tables.known(TABLE, on))
    return known if visits else np.maximum(known, asked.known(TABLE))


def _assumed(asked: Asked, near: _Near, visits: bool) -> Callable[[np.ndarray], np.ndarray]:
    """Whether the fee schedule that tells the global days of a row's earlier service, or its own, is our reading."""

    def assumed(places: np.ndarray) -> np.ndarray:
        found = np.zeros(len(places), bool) if visits else asked.assumed(TABLE)(places)
        near_ones = np.isin(places, near.at)
        worst = np.array([near.worst(i) for i in places[near_ones].tolist()], np.int64)
        found[near_ones] |= asked.tables.assumed(TABLE, near.code.take(worst), near.on(asked)[worst])
        return found

    return assumed


def _business(asked: Asked, visits: bool) -> tuple[np.ndarray, GlobalDays]:
    """(rows,) whether the rule asks the row: a visit, a procedure with global days of its own; and those days."""
    if not visits:
        own = GlobalDays.of(asked.tables, asked.sheet.lines.code.take(asked.rows), asked.sheet.service[asked.rows])
        return own.days != NOTHING, own
    own = GlobalDays(np.zeros(len(asked), np.int64), np.zeros(len(asked), bool))
    if asked.period.rule.codes:
        return np.ones(len(asked), bool), own
    return asked.sheet.lines.family.flags(VISIT.__eq__)[asked.rows], own


def _near(asked: Asked, visits: bool, held: list[np.ndarray]) -> _Near:
    sheet, rows = asked.sheet, asked.rows
    found = _of_the_practice((Sessions.upto if visits else Sessions.before)(sheet, rows, LONGEST), rows)
    at, on = found.places(), found.on()
    ago, codes = sheet.service[rows[at]] - on, found.codes()
    spans = GlobalDays.of(asked.tables, codes, on)
    open_ = spans.days == NOT_LISTED
    same_day = np.where(spans.days == LONGEST, MAJOR, MINOR)
    needs = np.where(ago == 0, same_day, AFTER) if visits else np.full(len(at), PROCEDURE)
    asks = open_ | (spans.days >= ago)
    asks &= np.stack(held)[needs, at] != YES
    npi = sheet.encoded("billing", sheet.lines.text("billing_npi"))[rows]
    ours = np.ones(len(at), bool)
    ours[: len(found.past)] = sheet.past.services.billing[found.past] == npi[found.at]
    ours[: len(found.past)] &= npi[found.at] != MISS["billing"]
    return _Near(at, ago, codes, spans.days, needs, spans.silent, ours).of(asks)


def _of_the_practice(found: Sessions, rows: np.ndarray) -> Sessions:
    """First submissions of the row's billing provider, or of one that is not known."""
    sheet, past = found.sheet, found.sheet.past.services
    billing = sheet.lines.text("billing_npi")
    npi, named = sheet.encoded("billing", billing)[rows][found.at], billing.flags(bool)[rows][found.at]
    theirs = past.billing[found.past]
    kept = past.original[found.past] & (~named | (theirs == MISS["billing"]) | (theirs == npi))
    return found.of(kept, np.ones(len(found.own), bool))


def _told(asked: Asked, near: _Near) -> dict[str, Told]:
    service = asked.sheet.service[asked.rows]
    return {
        "earlier": lambda i: near.code[near.worst(i)],
        "since": lambda i: day(int(service[i] - near.ago[near.worst(i)])),
        "days": lambda i: near.days[near.worst(i)],
        "needed": lambda i: listed(MODIFIERS[near.needs[near.worst(i)]], "or"),
        "code": code(asked),
    }


def _why(asked: Asked, near: _Near, own: GlobalDays, i: int) -> str:
    worst = near.worst(i)
    if asked.sheet.modified(frozenset(MODIFIERS[AFTER]))[asked.rows[i]] == NOT_KNOWN:
        return NO_MODIFIERS
    if not near.ours[worst]:
        return "Who billed this service, or the earlier one, is not known."
    if near.silent[worst] or own.silent[i]:
        return "No fee schedule on file speaks for the day, so that the global days are not known."
    unlisted = near.code[worst] if near.days[worst] == NOT_LISTED else asked.sheet.lines.code[int(asked.rows[i])]
    return f"The fee schedule on file does not list {unlisted}."
