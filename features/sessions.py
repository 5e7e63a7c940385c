"""The patient's own procedures: earlier sessions by date of service, as far as they had been submitted.

A session is a day of service. A session counts when it lies 1 to 365 days before the line's own day of service, was
submitted before the line was, and does not belong to the line's own chain.
"""

from __future__ import annotations

import numpy as np

from features.catalog import COUNTED_FAMILIES
from rules.encode import NEVER
from rules.past import Past
from rules.services import Asked

YEAR, HALF_YEAR = 365, 180


def session_features(
    past: Past, codes: dict[str, np.ndarray], service: np.ndarray, submitted: np.ndarray, chain: np.ndarray
) -> dict[str, np.ndarray]:
    """All features of the patient's own procedures, (lines,) each, of lines with their codes, days and chains."""
    services, size = past.services, len(service)
    lines, rows = services.between(Asked(codes["patient"], submitted, chain), service - YEAR, service)
    back = service[lines] - (services.stamp[rows] & NEVER)
    family = services.family[rows]
    same_code, same_family = services.code[rows] == codes["code"][lines], family == codes["family"][lines]
    starts = _starts(lines, back)

    def sessions(chosen: np.ndarray) -> np.ndarray:
        """(size,) sessions of each line that hold a chosen pair."""
        held = np.logical_or.reduceat(chosen, starts) if len(starts) else chosen
        return np.bincount(lines[starts[held]], minlength=size)

    counted = {name: past.vocabulary.codes["family"][name] for name in COUNTED_FAMILIES}
    return {
        "same_code_sessions__365d": sessions(same_code),
        "same_family_sessions__180d": sessions(same_family & (back <= HALF_YEAR)),
        "same_family_sessions__365d": sessions(same_family),
        "days_since_same_family": _nearest(lines[same_family], back[same_family], size),
        "days_since_any_service": _nearest(lines, back, size),
        **{f"{name}_sessions__365d": sessions(family == code) for name, code in counted.items()},
    }


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
