"""What the file of authorizations holds for one line: what is wrong with the one on it, and another that would fit.

Both are asked only where a finding is read. Days are days since 1970-01-01; all is as of the line's submission.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from rules.approval import GRANTED
from rules.authorization import AUTHORIZATION_STATES, NUMBER, STATE, Authorizations, Billed
from rules.encode import Lines
from rules.grants import ANY, WIDTH
from rules.words import day, listed


@dataclass(frozen=True)
class OnFile:
    """The authorizations, and the (lines,) lines that ask with their (lines,) chains."""

    authorizations: Authorizations
    lines: Lines
    chain: np.ndarray

    def fault(self, row: int, fit: np.ndarray) -> str:
        """What is wrong with the authorization of a line; fit: (5,) what `Authorizations.match` says of it."""
        state = AUTHORIZATION_STATES[int(fit[0])]
        if state == "none":
            return "no authorization"
        return f"authorization {self.lines.text(NUMBER)[row]} {self._fault(state, row, fit)}"

    def _fault(self, state: str, row: int, fit: np.ndarray) -> str:
        grants, held, service = self.authorizations.grants, self._held(row), int(self.lines.service[row])
        if state == "expired":
            first, last = grants.valid_from[held], grants.valid_to[held]
            return f"begins on {day(int(first))}" if service < first else f"ended on {day(int(last))}"
        if state == "units_exceeded":
            left = max(float(fit[2]), 0.0)
            return f"has {left:.10g} unit{'' if left == 1 else 's'} left, fewer than are billed"
        if state == "other_place":
            granted = grants.word("place", int(grants.place[held]))
            return f"is for place of service {granted}, not {self.lines.text('place_of_service_code')[row]}"
        if state in ("other_code", "same_family"):
            return f"covers {listed(self._codes(held))}, not {self.lines.code[row]}"
        return {
            "not_approved": "is not approved", "other_patient": "is of another patient",
            "other_provider": "names another provider",
        }.get(state, "is on the claim")  # fmt: skip

    def fitting(self, row: int) -> str | None:
        """The number of another authorization on file that would cover the line, the latest of several; or None.

        It names the line's patient, and is of its payer or of none.
        """
        together = np.flatnonzero(self.lines.claim == self.lines.claim[row])
        place = int(np.flatnonzero(together == row)[0])
        claim, told = self.lines.frame[together], self.lines.text(NUMBER).take(together)
        for number in self._numbers(row):
            numbers = [*told[:place], number, *told[place + 1 :]]
            tried = claim.with_columns(pl.Series(NUMBER, numbers, dtype=pl.String))
            state, *_, silent = self.authorizations.match(Lines(tried), self.chain[together])[place]
            if state == STATE["exact"] and not silent:
                return number
        return None

    def _numbers(self, row: int) -> Iterator[str]:
        """The numbers of authorizations that may cover the line, the one that it carries left out."""
        grants, line = self.authorizations.grants, self._billed(row)
        if line.member[0] <= ANY:
            return
        theirs = (grants.member == line.member[0]) & (grants.number != line.number[0])
        theirs &= grants.approval == GRANTED
        found = np.flatnonzero(theirs)
        found = found[grants.covers(found, np.repeat(line.code, len(found)))]
        words = list(grants.numbers)
        latest = found[np.argsort(-grants.known[found], kind="stable")]
        yield from dict.fromkeys(str(words[number]) for number in grants.number[latest].tolist())

    def _billed(self, row: int) -> Billed:
        rows, grants = np.array([row]), self.authorizations.grants
        return Billed.of(self.lines, self.chain, rows, grants.number_of(self.lines.text(NUMBER)), grants)

    def _held(self, row: int) -> int:
        line = self._billed(row)
        return int(self.authorizations.grants.held(line.number, line.payer, line.submitted)[0])

    def _codes(self, held: int) -> list[str]:
        grants = self.authorizations.grants
        begin, end = grants.codes.searchsorted([held * WIDTH, (held + 1) * WIDTH])
        return [grants.word("code", int(code)) for code in grants.codes[begin:end] - held * WIDTH]
