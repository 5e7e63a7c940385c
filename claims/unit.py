"""What a reader of X12 or FHIR hands on: one claim, remittance claim, rejection or resource as rows of text cells.

Cells are the canonical columns of claims/fields.py before parsing, so that one code path checks and stores the rows of
every format. A column the format carries and the file leaves out is "" (not present); one it cannot carry is absent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Row = dict[str, str]  # column -> cell
Fault = tuple[str, str]  # field and words, as in a reject: ("hcpcs_code", "is missing")
MOST_LINES = 5_000  # of one claim; the guides of X12 end at 999. One claim must not fill the memory
Flag = Callable[[str], None]  # counts a data-quality flag of a file: control_count, unbalanced_claim, ...


@dataclass
class Unit:
    """One claim of a file. A unit is accepted when one of its rows is; a unit without rows still counts, by `faults`.

    table: lines, outcomes, authorizations, rejections or provider_adjustments. at: for each row where it stood, from 1
    and unique in the file (the segment's ordinal; for FHIR the ordinal of the item). faults: of rows, by their index;
    -1 = of the unit as a whole (its rows are rejected with it; without rows it is one reject at `place`). beside: part
    of a resource that another unit stands for, which counts as the claim.
    """

    table: str
    place: int
    rows: list[Row] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    faults: dict[int, list[Fault]] = field(default_factory=dict)
    beside: bool = False

    def add(self, row: Row, at: int) -> None:
        """One more row."""
        self.rows.append(row)
        self.at.append(at)

    def blame(self, index: int, name: str, words: str) -> None:
        """Note that a row (or the whole unit: -1) cannot be accepted, and why; never with content of the claim."""
        self.faults.setdefault(index, []).append((name, words))
