"""The patient's earlier services, by patient and day of service, as arrays.

Codes are those of a Vocabulary (rules/encode.py); days are days since 1970-01-01. A service counts for a line when it
was submitted before the line was and does not belong to the line's own chain.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from claims.pairs import expand
from rules.encode import DAY_BITS, MISS

COLUMNS = ("code", "family", "payer", "modifiers", "provider", "billing")


@dataclass(frozen=True)
class Services:
    """(rows,) arrays sorted by stamp = patient << 16 | day of service.

    code .. billing: codes of the vocabulary; submitted: days, before all others where a service counts for any line;
    sent: the days of submission themselves; chain: of the line; claim: hash of its claim and payer (claims/keys.py);
    units: float32, nan = not told; original: whether of a first submission to the primary payer.
    """

    stamp: np.ndarray
    submitted: np.ndarray
    sent: np.ndarray
    chain: np.ndarray
    claim: np.ndarray
    units: np.ndarray
    original: np.ndarray
    code: np.ndarray
    family: np.ndarray
    payer: np.ndarray
    modifiers: np.ndarray
    provider: np.ndarray
    billing: np.ndarray

    @classmethod
    def of(
        cls, codes: dict[str, np.ndarray], service: np.ndarray, submitted: np.ndarray, sent: np.ndarray,
        chain: np.ndarray, claim: np.ndarray, units: np.ndarray, original: np.ndarray,
    ) -> Services:  # fmt: skip
        """From (lines,) arrays in any order; lines without a patient have no place here."""
        known = np.flatnonzero(codes["patient"] != MISS["patient"])
        stamp = codes["patient"][known] << DAY_BITS | service[known]
        order = np.argsort(stamp, kind="stable")
        rows = known[order]
        return cls(
            stamp[order], submitted[rows].astype(np.int32), sent[rows].astype(np.int32), chain[rows].astype(np.int32),
            claim[rows], units[rows].astype(np.float32), original[rows].astype(bool),
            **{name: codes[name][rows].astype(np.int32) for name in COLUMNS},
        )  # fmt: skip

    def __len__(self) -> int:
        """Services."""
        return len(self.stamp)

    def plus(self, more: Services) -> Services:
        """With further ones; of one patient and day they come after those that are here."""
        order = np.argsort(np.append(self.stamp, more.stamp), kind="stable")
        told = {f.name: np.append(getattr(self, f.name), getattr(more, f.name))[order] for f in fields(self)}
        return Services(**told)

    def between(self, asked: Asked, begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (asked, row) of services on days begin <= day < end that count, in order of asked and day."""
        at, rows = self._within(asked.patient, begin, end)
        counts = self.submitted[rows] < asked.submitted[at]
        counts &= self.chain[rows] != asked.chain[at]
        return at[counts], rows[counts]

    def again(self, asked: Asked, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (asked, row) of services of the day in submissions of the line's own chain that were sent before it."""
        at, rows = self._within(asked.patient, day, day + 1)
        before = (self.chain[rows] == asked.chain[at]) & (self.sent[rows] < asked.submitted[at])
        return at[before], rows[before]

    def _within(self, patient: np.ndarray, begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        base = patient << DAY_BITS
        first = self.stamp.searchsorted(base | np.maximum(begin, 0))
        last = np.maximum(self.stamp.searchsorted(base | end), first)
        return expand(np.arange(len(base)), first, last)


@dataclass(frozen=True)
class Asked:
    """(lines,) arrays of the lines that ask: the vocabulary's code of the patient, days submitted, chains."""

    patient: np.ndarray
    submitted: np.ndarray
    chain: np.ndarray
