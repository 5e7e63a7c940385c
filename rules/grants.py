"""The authorizations that payers granted, as arrays: one entry a state of an authorization, found by its number.

Days are days since 1970-01-01. Texts are codes of the grants' own; ANY = says nothing about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from claims.pairs import expand
from claims.texts import Level, Texts
from rules.approval import approval
from rules.encode import Lines
from rules.reference import family

ANY, UNHEARD = 0, -1
COLUMNS = {
    "payer": "payer_id", "member": "member_key", "provider": "rendering_npi", "place": "place_of_service_code",
}  # fmt: skip
WIDTH = 1 << 24  # codes of procedures and families stay below it


@dataclass(frozen=True)
class Grants:
    """(states,) arrays, each number's states together in order of day known (of one day the later loaded last).

    number, payer, member, provider, place: codes; known: days, -1 = with the claim; approval: as rules/approval.py;
    valid_from, valid_to, units: float64, nan = says nothing; all_codes: it names no codes; codes, families: sorted
    state x WIDTH + code of what it names.
    """

    numbers: dict[Level, int]
    known_words: dict[str, dict[Level, int]]
    number: np.ndarray
    known: np.ndarray
    approval: np.ndarray
    payer: np.ndarray
    member: np.ndarray
    provider: np.ndarray
    place: np.ndarray
    valid_from: np.ndarray
    valid_to: np.ndarray
    units: np.ndarray
    all_codes: np.ndarray
    codes: np.ndarray
    families: np.ndarray

    with_the_claim = -1  # stands for an unknown known_date: earlier than every day

    @classmethod
    def of(cls, table: pl.DataFrame) -> Grants:
        """From the authorizations table."""
        ordered = table.sort("known_date", "loaded_at", "authorization_id")
        number = Texts.of_column(ordered["prior_authorization_number"])
        order = np.argsort(number.at, kind="stable")
        lines = Lines(ordered[order])
        texts = {name: lines.text(column) for name, column in COLUMNS.items()}
        named = lines.text("hcpcs_codes")
        lists = [_codes(level) for level in named.levels]
        code = _numbered([one for listed in lists for one in listed])
        kind = _numbered([family(str(one)) for one in code])
        words = {name: _numbered(column.levels) for name, column in texts.items()} | {"code": code, "family": kind}
        return cls(
            numbers={level: place for place, level in enumerate(number.levels)},
            known_words=words,
            number=number.at[order].astype(np.int64),
            known=np.nan_to_num(lines.day("known_date"), nan=cls.with_the_claim).astype(np.int64),
            approval=lines.text("status").codes(approval),
            **{name: _coded(column, words[name], ANY) for name, column in texts.items()},
            valid_from=lines.day("valid_from"), valid_to=lines.day("valid_to"), units=lines.number("units_authorized"),
            all_codes=named.flags(lambda level: not _codes(level)),
            codes=_pairs(named.at, [[code[one] for one in listed] for listed in lists]),
            families=_pairs(named.at, [[kind[family(one)] for one in listed] for listed in lists]),
        )  # fmt: skip

    def number_of(self, numbers: Texts) -> np.ndarray:
        """(rows,) the code of each number, -1 for one that was not granted."""
        return _coded(numbers, self.numbers, UNHEARD)

    def words(self, name: str, texts: Texts) -> np.ndarray:
        """(rows,) the codes of texts of one column; UNHEARD for what no grant names."""
        known = self.known_words[name]
        return texts.codes(lambda level: known.get(level, UNHEARD) if level else ANY)

    def word(self, name: str, code: int) -> str:
        """The text of a code of one column."""
        return next(str(text) for text, known in self.known_words[name].items() if known == code)

    def held(self, number: np.ndarray, payer: np.ndarray, day: np.ndarray) -> np.ndarray:
        """(rows,) the latest state of the number, of that payer or of none, known before the day; -1: there is none."""
        begin, end = (self.number.searchsorted(number, side=side) for side in ("left", "right"))
        at, state = expand(np.arange(len(number)), begin, end)
        theirs = (self.payer[state] == ANY) | (self.payer[state] == payer[at])
        visible = theirs & (self.known[state] < day[at])
        latest = np.full(len(number), -1, np.int64)
        np.maximum.at(latest, at[visible], state[visible])
        return latest

    def covers(self, state: np.ndarray, code: np.ndarray) -> np.ndarray:
        """(rows,) whether the state of an authorization names the code, or no codes at all."""
        named: np.ndarray = self.all_codes[state] | _held_in(self.codes, state, code)
        return named

    def covers_family(self, state: np.ndarray, kind: np.ndarray) -> np.ndarray:
        """(rows,) whether it names a code of the family."""
        return _held_in(self.families, state, kind)


def _coded(texts: Texts, known: dict[Level, int], other: int) -> np.ndarray:
    return texts.codes(lambda level: known.get(level, other))


def _codes(listed: Level) -> list[str]:
    return [code for code in (listed or "").replace(",", ";").split(";") if code]


def _numbered(levels: Iterable[Level]) -> dict[Level, int]:
    """1, 2, ... for each text that says something."""
    return {level: number for number, level in enumerate(dict.fromkeys(filter(None, levels)), ANY + 1)}


def _pairs(at: np.ndarray, listed: list[list[int]]) -> np.ndarray:
    """Sorted state x WIDTH + code, from each state's list."""
    ends = np.cumsum([0, *map(len, listed)])
    state, place = expand(np.arange(len(at)), ends[at], ends[at + 1])
    return np.unique(state * WIDTH + np.array([code for codes in listed for code in codes], np.int64)[place])


def _held_in(pairs: np.ndarray, state: np.ndarray, code: np.ndarray) -> np.ndarray:
    asked = state * WIDTH + code
    at = np.minimum(pairs.searchsorted(asked), len(pairs) - 1)
    return (code > ANY) & (pairs[at] == asked) if len(pairs) else np.zeros(len(state), bool)
