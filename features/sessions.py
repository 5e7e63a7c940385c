"""The patient's own procedures: earlier sessions by date of service, as far as they had been submitted.

A session is a day of service. A session counts when it lies 1 to 365 days before the line's own day of service, was
submitted before the line was, and does not belong to the line's own chain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from claims.pairs import expand
from features.catalog import COUNTED_FAMILIES
from features.ledger import DAY_BITS, NEVER
from rules.encode import MISS

YEAR, HALF_YEAR = 365, 180


@dataclass(frozen=True)
class Sessions:
    """(rows,) arrays sorted by patient and day of service; stamp = patient << 16 | service."""

    stamp: np.ndarray
    submitted: np.ndarray
    code: np.ndarray
    family: np.ndarray
    chain: np.ndarray
    counted: dict[str, int]

    @classmethod
    def of(
        cls, codes: dict[str, np.ndarray], service: np.ndarray, submitted: np.ndarray, chain: np.ndarray,
        counted: dict[str, int],
    ) -> Sessions:  # fmt: skip
        """From (lines,) arrays; counted: family -> its code, for the families that get a count of their own."""
        known = np.flatnonzero(codes["patient"] != MISS["patient"])
        stamp = codes["patient"][known] << DAY_BITS | service[known]
        order = known[np.argsort(stamp, kind="stable")]
        stamp = codes["patient"][order] << DAY_BITS | service[order]
        told = {"submitted": submitted, "code": codes["code"], "family": codes["family"], "chain": chain}
        return cls(stamp, **{name: values[order].astype(np.int32) for name, values in told.items()}, counted=counted)

    def plus(
        self, codes: dict[str, np.ndarray], service: np.ndarray, submitted: np.ndarray, chain: np.ndarray
    ) -> Sessions:
        """With further (lines,), described as in `of`."""
        mine = {"patient": self.stamp >> DAY_BITS, "code": self.code, "family": self.family}
        codes = {name: np.append(values, codes[name]) for name, values in mine.items()}
        return Sessions.of(
            codes, np.append(self.stamp & NEVER, service), np.append(self.submitted, submitted),
            np.append(self.chain, chain), self.counted,
        )  # fmt: skip

    def features(
        self, codes: dict[str, np.ndarray], service: np.ndarray, submitted: np.ndarray, chain: np.ndarray
    ) -> dict[str, np.ndarray]:
        """All features of the patient's own procedures for (lines,) queries."""
        return self._features(_Queries(codes["patient"], codes["code"], codes["family"], service, submitted, chain))

    def _earlier(self, q: _Queries) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (line, row) in order of line and day of service."""
        base = q.patient << DAY_BITS
        begin = self.stamp.searchsorted(base | np.maximum(q.service - YEAR, 0))
        end = self.stamp.searchsorted(base | q.service)
        lines, rows = expand(np.arange(len(q.service)), begin, end)
        counts = self.submitted[rows] < q.submitted[lines]
        counts &= self.chain[rows] != q.chain[lines]
        return lines[counts], rows[counts]

    def _features(self, q: _Queries) -> dict[str, np.ndarray]:
        lines, rows = self._earlier(q)
        back = q.service[lines] - (self.stamp[rows] & NEVER)
        family, size = self.family[rows], len(q.service)
        same_code, same_family = self.code[rows] == q.code[lines], family == q.family[lines]
        starts = _starts(lines, back)

        def sessions(chosen: np.ndarray) -> np.ndarray:
            """(size,) sessions of each line that hold a chosen pair."""
            held = np.logical_or.reduceat(chosen, starts) if len(starts) else chosen
            return np.bincount(lines[starts[held]], minlength=size)

        return {
            "same_code_sessions__365d": sessions(same_code),
            "same_family_sessions__180d": sessions(same_family & (back <= HALF_YEAR)),
            "same_family_sessions__365d": sessions(same_family),
            "days_since_same_family": _nearest(lines[same_family], back[same_family], size),
            "days_since_any_service": _nearest(lines, back, size),
            **{f"{name}_sessions__365d": sessions(family == self.counted[name]) for name in COUNTED_FAMILIES},
        }


@dataclass(frozen=True)
class _Queries:
    """(lines,) arrays of the lines to look up."""

    patient: np.ndarray
    code: np.ndarray
    family: np.ndarray
    service: np.ndarray
    submitted: np.ndarray
    chain: np.ndarray


def _starts(lines: np.ndarray, back: np.ndarray) -> np.ndarray:
    """(sessions,) the first pair of each day of each line; pairs come in order of line and day."""
    new = np.ones(len(lines), bool)
    new[1:] = (lines[1:] != lines[:-1]) | (back[1:] != back[:-1])
    return np.flatnonzero(new)


def _nearest(lines: np.ndarray, back: np.ndarray, size: int) -> np.ndarray:
    """(size,) days since the latest session of each line's pairs; nan = none within the year."""
    nearest = np.full(size, np.nan)
    nearest[lines] = back  # pairs come in order of day: the last write is the latest session
    return nearest
