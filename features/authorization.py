"""How a line's authorization fits: its state, the days and the units that were left.

An authorization counts only from the day after it became known; without a known date it counts as known with the
claim, which a feature tells. Of several states of one authorization the latest known before submission holds. Units
left are those authorized less what earlier-submitted original lines billed under the number, one's own chain left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from features.catalog import AUTHORIZATION_STATES
from features.encode import Lines
from rules.reference import family

STATE = {name: code for code, name in enumerate(AUTHORIZATION_STATES)}
NUMBER = "prior_authorization_number"
WITH_THE_CLAIM = -1  # stands for an unknown known_date: earlier than every day
NOT_APPROVED = {"denied", "pending", "cancelled", "withdrawn", "expired"}


class Authorization(NamedTuple):
    """One state of one authorization; days since 1970-01-01; None = says nothing about it."""

    known: int
    approved: bool
    payer: str | None
    member: str | None
    provider: str | None
    place: str | None
    valid_from: int | None
    valid_to: int | None
    units: float | None
    codes: frozenset[str]

    def covers(self, code: str) -> bool:
        """Whether it names the code, or no codes at all."""
        return not self.codes or code in self.codes


class Use(NamedTuple):
    """An original line that was billed under an authorization."""

    submitted: int
    chain: int
    code: str
    units: float


class Asked(NamedTuple):
    """What of a line decides how its authorization fits."""

    number: str
    payer: str
    member: str | None
    provider: str | None
    place: str | None
    code: str
    service: int
    submitted: int
    chain: int
    claim: int
    units: float


class Fit(NamedTuple):
    """The answer for one line; nan where it says nothing."""

    state: int
    days_left: float = float("nan")
    units_left: float = float("nan")
    date_assumed: float = float("nan")


NOT_KNOWN, NONE = STATE["not_known"], STATE["none"]


@dataclass(frozen=True)
class Authorizations:
    """number -> its states in order of day known; number -> the lines billed under it."""

    states: dict[str, list[Authorization]] = field(default_factory=dict)
    uses: dict[str, tuple[Use, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, table: pl.DataFrame, lines: Lines, chain: np.ndarray, original: np.ndarray) -> Authorizations:
        """From the authorizations table and the submitted lines with their (lines,) chain and whether original."""
        states: dict[str, list[Authorization]] = defaultdict(list)
        ordered = table.sort("known_date", "loaded_at", "authorization_id")  # of one day the later loaded holds
        for row in ordered.with_columns(pl.selectors.date().to_physical()).iter_rows(named=True):
            states[row["prior_authorization_number"]].append(_authorization(row))
        return cls(dict(states), {}).plus(lines, chain, original)

    def plus(self, lines: Lines, chain: np.ndarray, original: np.ndarray) -> Authorizations:
        """With what further submitted lines billed under the numbers."""
        uses = dict(self.uses)
        for line in _asked(lines, chain, [i for i in _numbered(lines) if original[i]]):
            if line.number in self.states:
                use = Use(line.submitted, line.chain, line.code, line.units)
                uses[line.number] = (*uses.get(line.number, ()), use)
        return replace(self, uses=uses)

    def match(self, lines: Lines, chain: np.ndarray) -> np.ndarray:
        """(lines, 4) float64: the fields of Fit for every line."""
        rows = _numbered(lines)
        fits = np.full((len(lines), len(Fit._fields)), np.nan)
        fits[:, 0] = [NOT_KNOWN if number is None else NONE for number in lines.text(NUMBER)]
        on_claim: dict[tuple[int, str], list[tuple[int, Asked]]] = defaultdict(list)
        for row, line in zip(rows, _asked(lines, chain, rows), strict=True):
            on_claim[line.claim, line.number].append((row, line))
        for numbered in on_claim.values():
            for (row, _), fit in zip(numbered, self._fits([line for _, line in numbered]), strict=True):
                fits[row] = fit
        return fits

    def _fits(self, lines: list[Asked]) -> list[Fit]:
        """Of the lines of one claim under one number."""
        held = self._held(lines[0])
        if held is None:
            return [Fit(STATE["number_only"])] * len(lines)
        left = self._units_left(lines[0], held)
        spare = left - sum(line.units for line in lines if held.covers(line.code))
        assumed = float(held.known == WITH_THE_CLAIM)
        ends = float("nan") if held.valid_to is None else held.valid_to
        return [Fit(STATE[_state(line, held, spare)], ends - line.service, left, assumed) for line in lines]

    def _held(self, line: Asked) -> Authorization | None:
        """The latest state known before submission, of the line's payer or of none."""
        visible = None
        for state in self.states.get(line.number, ()):
            if state.known < line.submitted and state.payer in (None, "", line.payer):
                visible = state
        return visible

    def _units_left(self, line: Asked, held: Authorization) -> float:
        if held.units is None:
            return float("nan")
        used = (
            use.units
            for use in self.uses.get(line.number, ())
            if use.submitted < line.submitted and use.chain != line.chain and held.covers(use.code)
        )
        return held.units - sum(used)


def _state(line: Asked, held: Authorization, units_spare: float) -> str:
    """The first thing that is wrong with the authorization, gravest first, or "exact"."""
    if not held.approved:
        return "not_approved"
    if held.member and line.member and held.member != line.member:
        return "other_patient"
    if not (held.valid_from or 0) <= line.service <= (held.valid_to or line.service):
        return "expired"
    if not held.covers(line.code):
        return "same_family" if family(line.code) in map(family, held.codes) else "other_code"
    if units_spare < 0:
        return "units_exceeded"
    if held.place and line.place and held.place != line.place:
        return "other_place"
    if held.provider and line.provider and held.provider != line.provider:
        return "other_provider"
    return "exact"


def _authorization(row: dict[str, Any]) -> Authorization:
    known = row["known_date"]
    return Authorization(
        known=WITH_THE_CLAIM if known is None else known,
        approved=(row["status"] or "").lower() not in NOT_APPROVED,
        payer=row["payer_id"],
        member=row["member_key"],
        provider=row["rendering_npi"],
        place=row["place_of_service_code"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        units=row["units_authorized"],
        codes=frozenset(filter(None, (row["hcpcs_codes"] or "").replace(",", ";").split(";"))),
    )


def _numbered(lines: Lines) -> list[int]:
    """The rows that carry an authorization number."""
    return [row for row, number in enumerate(lines.text(NUMBER)) if number]


def _asked(lines: Lines, chain: np.ndarray, rows: list[int]) -> Iterator[Asked]:
    units = np.where(np.isnan(lines.units), 1.0, lines.units)  # a line that says no units bills at least one
    told = (NUMBER, "payer_id", "member_key", "rendering_npi", "place_of_service_code", "hcpcs_code")
    numbers = (lines.service, lines.submitted, chain, lines.claim, units)
    return map(
        Asked,
        *([column[row] for row in rows] for column in map(lines.text, told)),
        *(values[rows].tolist() for values in numbers),
    )
