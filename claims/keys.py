"""What identifies a line and its submission, as 64-bit hashes: the one definition of what repeats what.

Text that is null or "" counts as absent. Hashes hold within one version of polars; they are never stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from claims.table import MODIFIERS

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
NEVER = np.iinfo(np.int32).max  # the day of a submission without a date: neither before nor after any other
_TEXT = (
    "submission_id", "source_system", "claim_id", "payer_id", "original_reference_number", "patient_id", "hcpcs_code",
    "rendering_npi", *MODIFIERS,
)  # fmt: skip
_OF_A_CLAIM = ("source_system", "claim_id", "payer_id")
FEW = 4_096
_WEIGHTS = np.array([
    0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93,
    0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xFF51AFD7ED558CCD,
], dtype=np.uint64)  # fmt: skip


@dataclass(frozen=True)
class Keys:
    """What identifies each line (lines,): hashes, 0 where there is nothing to go by, and its day of submission."""

    submission: Hashes
    day: Ints
    claim: Hashes  # source, claim_id and payer
    named: Hashes  # payer and the number of the claim that it says it replaces
    content: Hashes  # the line itself: two lines with equal content are the same service


def keys_of(lines: pl.DataFrame) -> Keys:
    """The keys of `lines`: the one definition of what repeats what, fast for three lines and for a million."""
    text = dict(zip(_TEXT, hashes_of([lines[name] for name in _TEXT]), strict=True))
    modifiers = sum(text[name] for name in MODIFIERS)  # a sum: the same in any order
    units = lines["service_unit_quantity"].to_numpy().astype(np.float64)
    service = [text["patient_id"], text["payer_id"], text["hcpcs_code"], text["rendering_npi"], modifiers]
    numbers = [units.view(np.uint64), days_of(lines["claim_line_start_date"])]
    number = text["original_reference_number"]
    return Keys(
        submission=text["submission_id"],
        day=days_of(lines["submitted_date"]).astype(np.int64),
        claim=mixed([text[name] for name in _OF_A_CLAIM]),
        named=np.where(number == 0, number, mixed([text["payer_id"], number])),
        content=np.where(text["patient_id"] == 0, text["patient_id"], mixed([*service, *numbers])),
    )


def claims_of(lines: pl.DataFrame) -> Hashes:
    """(lines,) `Keys.claim` alone: the same claim to the same payer, whenever it is sent."""
    return mixed(list(hashes_of([lines[name] for name in _OF_A_CLAIM])))


def hashes_of(columns: list[pl.Series]) -> Hashes:
    """(columns, lines): the hash of each text; 0 for null and ""."""
    few = len(columns[0]) <= FEW  # one call for all costs less, many lines at once cost memory
    told = [pl.concat(columns, rechunk=True)] if few else columns
    # the same hashes as Series.hash, which costs a plan of its own: 100 us even for three lines
    hashes = np.concatenate([column.to_frame().hash_rows().to_numpy() for column in told]).reshape(len(columns), -1)
    absent = _absent()
    return np.where((hashes == absent[0]) | (hashes == absent[1]), np.uint64(0), hashes)


@cache
def _absent() -> list[int]:
    return pl.Series(["", None], dtype=pl.String).hash().to_list()


def mixed(parts: list[Hashes]) -> Hashes:
    """One hash of several, which depends on their order: a sum with a weight (odd, else arbitrary) for each."""
    total = np.zeros(len(parts[0]), np.uint64)
    for weight, part in zip(_WEIGHTS, parts, strict=False):
        total += part * weight
    return total


def days_of(dates: pl.Series) -> Hashes:
    """Days since 1970 (lines,); NEVER for null."""
    days = dates.to_numpy().astype("datetime64[D]").astype(np.int64)
    return np.where(days < -NEVER, NEVER, days).astype(np.uint64)
