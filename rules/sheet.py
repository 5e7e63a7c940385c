"""The lines of a call laid out for rules: codes, days, modifiers, what stands beside them, what came before.

Days are days since 1970-01-01. A field that a source does not carry is not known (-1), one left empty not present.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from claims.keys import claims_of
from claims.pairs import expand
from claims.texts import SMALL, Level, Texts, distinct, placed
from rules.encode import NEVER, Lines
from rules.past import Past
from rules.services import Asked

NOT_KNOWN, NO, YES = -1, 0, 1
Pairs = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Sheet:
    """(lines,) lines, with every submitted_date, and the past that they are seen against."""

    lines: Lines
    past: Past
    _codes: dict[frozenset[str], np.ndarray] = field(default_factory=dict)
    _held: dict[tuple[str, frozenset[str]], np.ndarray] = field(default_factory=dict)
    _past_codes: dict[frozenset[str], np.ndarray] = field(default_factory=dict)
    _past_modifiers: dict[frozenset[str], np.ndarray] = field(default_factory=dict)
    _numbers: dict[str, np.ndarray] = field(default_factory=dict)
    _pairs: dict[tuple[bytes, int | bytes, bool], Pairs] = field(default_factory=dict)

    def __len__(self) -> int:
        """Lines."""
        return len(self.lines)

    @property
    def service(self) -> np.ndarray:
        """(lines,) first days of service."""
        return self.lines.service

    @property
    def submitted(self) -> np.ndarray:
        """(lines,) days of submission."""
        return self.lines.submitted

    @property
    def last_service(self) -> np.ndarray:
        """(lines,) last days of service."""
        return self.lines.last_service

    def coded(self, codes: frozenset[str]) -> np.ndarray:
        """(lines,) whether the line's procedure code is one of these."""
        known = self._codes.get(codes)
        if known is None:
            known = self._codes[codes] = self.lines.code.flags(codes.__contains__)
        return known

    def modified(self, modifiers: frozenset[str]) -> np.ndarray:
        """(lines,) int8: whether one of the modifiers stands on the line; NOT_KNOWN where no modifiers are carried."""
        key = ("modifiers", modifiers)
        if key not in self._held:
            patterns = self.lines.modifiers
            judged = [NOT_KNOWN if p is None else int(not modifiers.isdisjoint(p.split("-"))) for p in patterns.levels]
            self._held[key] = placed(np.array(judged, np.int8), patterns.at)
        return self._held[key]

    def has(self, column: str, values: frozenset[str]) -> np.ndarray:
        """(lines,) int8: whether a text column holds one of the values; NOT_KNOWN for null."""
        key = (column, values)
        if key not in self._held:
            texts = self.lines.text(column)
            judged = [NOT_KNOWN if level is None else int(level in values) for level in texts.levels]
            self._held[key] = placed(np.array(judged, np.int8), texts.at)
        return self._held[key]

    @cached_property
    def institutional(self) -> np.ndarray:
        """(lines,) whether the line is a facility's own claim, which has a type of bill and no place of service."""
        institutional: np.ndarray = self.has("claim_type", frozenset(("institutional",))) == YES
        return institutional

    def number(self, column: str) -> np.ndarray:
        """(lines,) float64 of a column of numbers or of yes (1) and no (0); nan for null."""
        known = self._numbers.get(column)
        if known is None:
            known = self._numbers[column] = self.lines.number(column)
        return known

    def is_flag(self, column: str) -> bool:
        """Whether a column holds yes and no."""
        return self.lines.frame.get_column(column).dtype == pl.Boolean

    @cached_property
    def modifier_sets(self) -> Texts:
        """(lines,) modifiers sorted, joined by `-`; "" none, None not known."""
        return self.lines.modifiers

    @cached_property
    def day_of_claim(self) -> np.ndarray:
        """(lines,) int64: one number for the lines of a claim that have the same day of service."""
        days = self.service - (self.service.min() if len(self) else 0)
        return distinct(self.lines.claim * (int(days.max(initial=0)) + 1) + days)[1]

    @cached_property
    def _by_day(self) -> Pairs:
        order = np.argsort(self.day_of_claim, kind="stable")
        return order, self.day_of_claim[order]

    def beside(self, rows: np.ndarray, itself: bool = False) -> Pairs:
        """Pairs (place in rows, line) of the other lines of the same claim and day; with `itself` the line as well."""
        order, days = self._by_day
        mine = self.day_of_claim[rows]
        at, place = expand(np.arange(len(rows)), days.searchsorted(mine), days.searchsorted(mine, side="right"))
        lines = order[place]
        if itself:
            return at, lines
        other = lines != rows[at]
        return at[other], lines[other]

    @cached_property
    def _by_claim(self) -> Pairs | None:
        """Lines in order of claim, with the claim of each; None where every claim has one day of service."""
        if int(self.day_of_claim.max(initial=-1)) + 1 == self.lines.claims:
            return None
        order = np.argsort(self.lines.claim, kind="stable")
        return order, self.lines.claim[order]

    def earlier_beside(self, rows: np.ndarray, days: int | np.ndarray) -> Pairs:
        """Pairs (place in rows, line) of lines of the same claim 1 to `days` days before the line's own."""
        if self._by_claim is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        order, claims = self._by_claim
        mine = self.lines.claim[rows]
        begin, end = (claims.searchsorted(mine, side=side) for side in ("left", "right"))
        at, place = expand(np.arange(len(rows)), begin, end)
        ago = self.service[rows[at]] - self.service[order[place]]
        within = (ago > 0) & (ago <= (days if isinstance(days, int) else days[at]))
        return at[within], order[place[within]]

    # The past ------------------------------------------------------------------------------------------------------

    @cached_property
    def patient(self) -> np.ndarray:
        """(lines,) the vocabulary's code of the patient; MISS where the practice never saw the patient."""
        return self.past.vocabulary.encode("patient", self.lines.text("patient_id"))

    @cached_property
    def patient_known(self) -> np.ndarray:
        """(lines,) whether the claim says who the patient is."""
        return self.lines.text("patient_id").flags(bool)

    @cached_property
    def chain(self) -> np.ndarray:
        """(lines,) the chain that the line belongs to; -1 for one of its own."""
        return self.past.chains.chain_of(self.lines.frame)

    @cached_property
    def resubmitted(self) -> np.ndarray:
        """(lines,) whether the line's claim was sent before: it says so, or its chain began on an earlier day."""
        began: np.ndarray = self.past.chains.began(self.chain)
        again: np.ndarray = self.replaces | (began < self.submitted)
        return again

    @cached_property
    def replaces(self) -> np.ndarray:
        """(lines,) whether the line's claim says that it takes the place of an earlier one, or takes it back."""
        says_so: np.ndarray = self.has("claim_frequency_code", frozenset(("7", "8"))) == YES
        says_so |= self.lines.text("original_reference_number").flags(bool)
        return says_so

    @cached_property
    def authorization(self) -> np.ndarray:
        """(lines, 5) what `Authorizations.match` says of each line."""
        return self.past.authorizations.match(self.lines, self.chain)

    def encoded(self, column: str, texts: Texts) -> np.ndarray:
        """(lines,) the vocabulary's codes of a column's texts, to compare with those of past services."""
        return self.past.vocabulary.encode(column, texts)

    def before(self, rows: np.ndarray, days: int | np.ndarray, same_day: bool = False) -> Pairs:
        """Pairs (place in rows, past service) of the patient's services 1 to `days` days before the line's own.

        same_day: those of other claims on the line's own day as well.
        """
        if len(rows) > SMALL:
            return self._past(rows, days, same_day)
        key = (rows.tobytes(), days if isinstance(days, int) else days.tobytes(), same_day)
        if key not in self._pairs:  # rules of few lines ask the same again and again
            self._pairs[key] = self._past(rows, days, same_day)
        return self._pairs[key]

    def same_day(self, rows: np.ndarray) -> Pairs:
        """Pairs (place in rows, past service) of the patient's services of other claims on the line's own day."""
        return self.before(rows, 0, same_day=True)

    def sent_before(self, rows: np.ndarray) -> Pairs:
        """Pairs (place in rows, past service) of the line's own day in earlier submissions of its own chain."""
        again = np.flatnonzero(self.chain[rows] >= 0)
        if not len(again):
            return again, again
        rows = rows[again]
        asked = Asked(self.patient[rows], self.submitted[rows], self.chain[rows])
        at, past = self.past.services.again(asked, self.service[rows])
        return again[at], past

    def under_its_number(self, rows: np.ndarray, pairs: Pairs) -> np.ndarray:
        """(pairs,) whether a past service stood on the line's own claim: the same claim_id to the same payer."""
        at, past = pairs
        if not len(at):
            return np.zeros(0, bool)
        same: np.ndarray = self.past.services.claim[past] == claims_of(self.lines.frame[rows[at]])
        return same

    def _past(self, rows: np.ndarray, days: int | np.ndarray, same_day: bool) -> Pairs:
        asked, service = Asked(self.patient[rows], self.submitted[rows], self.chain[rows]), self.service[rows]
        return self.past.services.between(asked, service - days, service + same_day)

    @cached_property
    def past_words(self) -> list[Level]:
        """The text of each code that the vocabulary has for procedures."""
        return list(self.past.vocabulary.codes["code"])

    def past_coded(self, codes: frozenset[str], past: np.ndarray) -> np.ndarray:
        """(past,) whether past services are of one of these codes."""
        known = self._past_codes.get(codes)
        if known is None:
            vocabulary = self.past.vocabulary.codes["code"]
            known = np.zeros(len(vocabulary) + 1, bool)
            known[[vocabulary[code] for code in codes if code in vocabulary]] = True
            self._past_codes[codes] = known
        return placed(known, np.minimum(self.past.services.code[past], len(known) - 1))

    def past_modified(self, modifiers: frozenset[str], past: np.ndarray) -> np.ndarray:
        """(past,) whether one of the modifiers stood on past services."""
        known = self._past_modifiers.get(modifiers)
        if known is None:
            patterns = self.past.vocabulary.codes["modifiers"]
            held = [not modifiers.isdisjoint((pattern or "").split("-")) for pattern in patterns]
            known = self._past_modifiers[modifiers] = np.array([*held, False], bool)
        return placed(known, np.minimum(self.past.services.modifiers[past], len(known) - 1))

    def past_days(self, past: np.ndarray) -> np.ndarray:
        """(past,) days of service."""
        days: np.ndarray = self.past.services.stamp[past] & NEVER
        return days

    def reaches_back(self, rows: np.ndarray, days: int | np.ndarray) -> np.ndarray:
        """(rows,) whether the practice's past, as known then, goes back so many days: else no find is no proof."""
        reached: np.ndarray = (self._since[rows] <= self.service[rows] - days) & self.patient_known[rows]
        return reached

    @cached_property
    def _since(self) -> np.ndarray:
        return self.past.since.on(self.submitted)

    def why_not_back(self, row: int) -> str:
        """Why the past of a line tells nothing more."""
        if not self.patient_known[row]:
            return "The claim names no patient."
        return "The practice's own claims do not reach back far enough."
