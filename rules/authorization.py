"""How a line's authorization fits: its state, the days and the units that were left.

An authorization counts only from the day after it became known; without a known date it counts as known with the
claim, which a feature tells. Of several states of one authorization the latest known before submission holds. Units
left are those authorized less what earlier-submitted original lines billed under the number, one's own chain left out.
A status that says neither yes nor no makes a number of what else is exact.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

import numpy as np
import polars as pl

from claims.pairs import expand
from claims.texts import distinct
from rules.approval import REFUSED, UNCLEAR
from rules.encode import Lines
from rules.grants import ANY, Grants

AUTHORIZATION_STATES = (
    "not_known", "none", "number_only", "not_approved", "other_patient", "expired", "other_code", "same_family",
    "units_exceeded", "other_place", "other_provider", "exact",
)  # fmt: skip
Units = tuple[np.ndarray, np.ndarray]  # (rows,) units, and whether those of a line are not known
STATE = {name: code for code, name in enumerate(AUTHORIZATION_STATES)}
NUMBER = "prior_authorization_number"
# Bits: what an authorization names and the claim does not say; status: what the authorization does not say.
NOT_COMPARED = {"patient": 1, "units": 2, "place": 4, "provider": 8, "status": 16}


@dataclass(frozen=True)
class Uses:
    """(uses,) original lines that were billed under an authorization, by its number and in the order they came.

    number, code: as in Grants; submitted: days; units: as billed, unsaid: whether none were told; chain: of the line.
    """

    number: np.ndarray
    submitted: np.ndarray
    chain: np.ndarray
    code: np.ndarray
    units: np.ndarray
    unsaid: np.ndarray

    def plus(self, more: Uses) -> Uses:
        """With further uses, which come later."""
        joined = [np.append(mine, theirs) for mine, theirs in zip(astuple(self), astuple(more), strict=True)]
        order = np.argsort(joined[0], kind="stable")
        return Uses(*(column[order] for column in joined))


@dataclass(frozen=True)
class Billed:
    """(asked,) lines and the numbers that they bill under (-1: not granted). Texts as in Grants; ANY: none told."""

    number: np.ndarray
    payer: np.ndarray
    member: np.ndarray
    provider: np.ndarray
    place: np.ndarray
    code: np.ndarray
    family: np.ndarray
    service: np.ndarray
    last_service: np.ndarray
    submitted: np.ndarray
    chain: np.ndarray
    claim: np.ndarray
    units: np.ndarray
    unsaid: np.ndarray

    @classmethod
    def of(cls, lines: Lines, chain: np.ndarray, rows: np.ndarray, number: np.ndarray, grants: Grants) -> Billed:
        """The lines in `rows`, with their numbers."""
        texts = {
            "payer": lines.text("payer_id"), "member": lines.text("member_key"),
            "provider": lines.text("rendering_npi"), "place": lines.text("place_of_service_code"),
            "code": lines.code, "family": lines.family,
        }  # fmt: skip
        units = lines.units[rows]
        return cls(
            number=number[rows], **{name: grants.words(name, column.take(rows)) for name, column in texts.items()},
            service=lines.service[rows], last_service=lines.last_service[rows], submitted=lines.submitted[rows],
            chain=chain[rows], claim=lines.claim[rows],
            units=np.where(np.isnan(units), 1.0, units), unsaid=np.isnan(units),  # it bills at least one
        )  # fmt: skip


@dataclass(frozen=True)
class Authorizations:
    """What was granted, and what was billed under it."""

    grants: Grants
    uses: Uses

    @classmethod
    def of(cls, table: pl.DataFrame, lines: Lines, chain: np.ndarray, original: np.ndarray) -> Authorizations:
        """From the authorizations table and the submitted lines with their (lines,) chain and whether original."""
        nothing, none = np.zeros(0, np.int64), np.zeros(0)
        empty = Uses(nothing, nothing, nothing, nothing, none, none.astype(bool))
        return cls(Grants.of(table), empty).plus(lines, chain, original)

    def plus(self, lines: Lines, chain: np.ndarray, original: np.ndarray) -> Authorizations:
        """With what further submitted lines billed under the numbers."""
        number = self.grants.number_of(lines.text(NUMBER))
        rows = np.flatnonzero((number >= 0) & original)
        asked = Billed.of(lines, chain, rows, number, self.grants)
        more = Uses(asked.number, asked.submitted, asked.chain, asked.code, asked.units, asked.unsaid)
        return replace(self, uses=self.uses.plus(more))

    def match(self, lines: Lines, chain: np.ndarray) -> np.ndarray:
        """(lines, 5) float64: state, days left, units left, whether its date is assumed; nan where it says nothing.

        And the bits of NOT_COMPARED: an exact authorization with any of them may as well be another's.
        """
        number = lines.text(NUMBER)
        fits = np.full((len(lines), 5), np.nan)
        fits[:, 4] = 0
        fits[:, 0] = number.numbers(_without_authorization)
        held_number = self.grants.number_of(number)
        rows = np.flatnonzero(held_number >= 0)
        if len(rows):
            asked = Billed.of(lines, chain, rows, held_number, self.grants)
            held = self.grants.held(asked.number, asked.payer, asked.submitted)
            found = np.flatnonzero(held >= 0)
            fits[rows[found]] = self._fits(asked, found, held[found])
        return fits

    def _fits(self, asked: Billed, rows: np.ndarray, held: np.ndarray) -> np.ndarray:
        """(rows, 5) of the asked lines in `rows` and the state of the authorization that each holds."""
        grants = self.grants
        used, unsaid_used = self._used(asked, rows, held)
        wanted, unsaid = self._wanted(asked, rows, held)
        left = grants.units[held] - used
        state = self._state(asked, rows, held, left - wanted)
        assumed = grants.known[held] == grants.with_the_claim
        silent = self._silent(asked, rows, held, unsaid_used | unsaid)
        return np.column_stack([state, grants.valid_to[held] - asked.service[rows], left, assumed, silent])

    def _used(self, asked: Billed, rows: np.ndarray, held: np.ndarray) -> Units:
        """Units that others billed before under the number, of codes that the authorization covers."""
        number = asked.number[rows]
        begin, end = (self.uses.number.searchsorted(number, side=side) for side in ("left", "right"))
        at, use = expand(np.arange(len(rows)), begin, end)
        counts = self.uses.submitted[use] < asked.submitted[rows[at]]
        counts &= self.uses.chain[use] != asked.chain[rows[at]]
        at, use = at[counts], use[counts]
        covered = self.grants.covers(held[at], self.uses.code[use])
        return _sums(at[covered], self.uses.units[use[covered]], self.uses.unsaid[use[covered]], len(rows))

    def _wanted(self, asked: Billed, rows: np.ndarray, held: np.ndarray) -> Units:
        """Units that the claim itself bills under the number, of codes that the authorization covers."""
        _, together = distinct(asked.claim * len(self.grants.numbers) + asked.number)
        order = np.argsort(together, kind="stable")
        begin, end = (together[order].searchsorted(together[rows], side=side) for side in ("left", "right"))
        at, place = expand(np.arange(len(rows)), begin, end)
        line = order[place]
        covered = self.grants.covers(held[at], asked.code[line])
        return _sums(at[covered], asked.units[line[covered]], asked.unsaid[line[covered]], len(rows))

    def _state(self, asked: Billed, rows: np.ndarray, held: np.ndarray, spare: np.ndarray) -> np.ndarray:
        """(rows,) the first thing that is wrong with the authorization, gravest first, or exact."""
        grants, first, last = self.grants, asked.service[rows], asked.last_service[rows]

        def differs(granted: np.ndarray, told: np.ndarray) -> np.ndarray:
            other: np.ndarray = (granted[held] != ANY) & (told[rows] != ANY) & (granted[held] != told[rows])
            return other

        covered = grants.covers(held, asked.code[rows])
        faults = {
            "not_approved": grants.approval[held] == REFUSED,
            "other_patient": differs(grants.member, asked.member),
            "expired": (first < grants.valid_from[held]) | (last > grants.valid_to[held]),
            "same_family": ~covered & grants.covers_family(held, asked.family[rows]),
            "other_code": ~covered,
            "units_exceeded": spare < 0,
            "other_place": differs(grants.place, asked.place),
            "other_provider": differs(grants.provider, asked.provider),
            "number_only": grants.approval[held] == UNCLEAR,
        }
        return np.select(list(faults.values()), [STATE[name] for name in faults], STATE["exact"])

    def _silent(self, asked: Billed, rows: np.ndarray, held: np.ndarray, unsaid: np.ndarray) -> np.ndarray:
        """(rows,) int64 bits of NOT_COMPARED. unsaid: (rows,) whether units under the number are not known."""
        grants = self.grants

        def silent(granted: np.ndarray, told: np.ndarray) -> np.ndarray:
            missing: np.ndarray = (granted[held] != ANY) & (told[rows] == ANY)
            return missing

        found = {
            "patient": silent(grants.member, asked.member), "units": unsaid & ~np.isnan(grants.units[held]),
            "place": silent(grants.place, asked.place), "provider": silent(grants.provider, asked.provider),
            "status": grants.approval[held] == UNCLEAR,
        }  # fmt: skip
        bits: np.ndarray = np.sum([where * NOT_COMPARED[name] for name, where in found.items()], axis=0)
        return bits


def _sums(at: np.ndarray, units: np.ndarray, unsaid: np.ndarray, size: int) -> Units:
    return np.bincount(at, units, minlength=size), np.bincount(at, unsaid, minlength=size) > 0


def _without_authorization(number: str | None) -> float:
    return STATE["not_known" if number is None else "number_only" if number else "none"]
