"""What broken rules say of a line, as numbers: only rules whose value was known when the line was submitted count."""

from __future__ import annotations

import numpy as np

from rules.findings import Findings
from rules.parameters import KINDS


def broken_name(kind: str) -> str:
    """Name of the number of broken rules of a kind."""
    return f"broken__{kind}"


def finding_numbers(found: Findings, claim: np.ndarray, claims: int) -> dict[str, np.ndarray]:
    """(lines,) each: broken rules by kind, in all and on the claim's other lines, and edits that only lapsed.

    claim: (lines,) the claim of each line, 0 .. claims - 1.
    """
    told = found.counted()
    broken = sum(told.values(), np.zeros(found.size, np.int64))
    on_claim = np.bincount(claim, broken, minlength=claims)[claim]
    return {
        **{broken_name(kind): told.get(kind, np.zeros(found.size, np.int64)) for kind in KINDS},
        "rules_broken": broken,
        "rules_broken_on_other_lines": on_claim - broken,
        "rules_lapsed": found.lapsed(),
    }
