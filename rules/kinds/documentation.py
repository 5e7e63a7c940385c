"""What the record must hold before a service: an element of documentation that is there, or reaches a number."""

from __future__ import annotations

import numpy as np

from rules.parameters import Documentation
from rules.record import Element, plain
from rules.sessions import Sessions
from rules.verdict import Asked, Verdict, three
from rules.words import code


def documentation(asked: Asked) -> Verdict:
    """Broken where the element is below the value, or a plain no; unknown where it is not known.

    With repeat_within_days or first_within_days unknown as well where the past cannot tell which it is, unless what
    would be needed is there.
    """
    said: Documentation = asked.said
    sheet, rows = asked.sheet, asked.rows
    element = Element.of(asked, said.element)
    short = ~element.reaches(asked.value)
    asks, doubtful = _business(asked, said)
    return Verdict(
        three(short, element.missing | (doubtful & short), asks | doubtful),
        told={
            "found": element.told,
            "needed": lambda i: "yes" if asked.value is True else plain(asked.value),
            "code": code(asked),
        },
        why=lambda i: element.why() if element.missing[i] else sheet.why_not_back(int(rows[i])),
    )


def _business(asked: Asked, said: Documentation) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) whether the rule asks this session, and whether that is in doubt because the past does not reach back."""
    asks, doubtful = np.ones(len(asked), bool), np.zeros(len(asked), bool)
    codes = frozenset(asked.period.rule.codes)
    for days, repeat in ((said.repeat_within_days, True), (said.first_within_days, False)):
        if days is not None:
            had = Sessions.before(asked.sheet, asked.rows, days).coded(codes).count(len(asked)) > 0
            asks &= had if repeat else ~had
            doubtful |= ~had & ~asked.sheet.reaches_back(asked.rows, days)
    return asks, doubtful
