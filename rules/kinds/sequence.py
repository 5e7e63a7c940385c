"""Sessions of other codes that come first: days of service before the line's, or what the record says of them."""

from __future__ import annotations

import numpy as np

from rules.parameters import Sequence
from rules.record import Element
from rules.sessions import Sessions
from rules.verdict import Asked, Verdict, three
from rules.words import code


def sequence(asked: Asked) -> Verdict:
    """Met by enough earlier sessions, or by the record; broken where the record says fewer, or the past holds too few.

    Unknown where too few are found and the practice's past does not reach back; with `first_only` none of the rule's
    business where the patient had the rule's own codes before.
    """
    said: Sequence = asked.said
    sheet, rows = asked.sheet, asked.rows
    earlier = Sessions.before(sheet, rows, said.within_days)
    count = earlier.coded(frozenset(said.after)).count(len(rows))
    noted = Element.of(asked, said.element)
    few = (count < asked.value) & ~noted.reaches(asked.value)
    reaches = sheet.reaches_back(rows, said.within_days)
    proven = reaches if said.first_only else reaches | ~noted.missing
    own = earlier.coded(frozenset(asked.period.rule.codes)).count(len(rows)) if said.first_only else None
    return Verdict(
        three(few, few & ~proven, None if own is None else own == 0),
        told={
            "count": lambda i: int(np.fmax(count[i], noted.values[i])),
            "needed": lambda i: asked.value,
            "code": code(asked),
        },
        why=lambda i: sheet.why_not_back(int(rows[i])),
    )
