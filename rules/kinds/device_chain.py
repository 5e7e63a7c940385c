"""A step of the stimulator's chain: an earlier service, a note of it in the record, or codes beside it on the claim."""

from __future__ import annotations

import numpy as np

from rules.beside import stands_beside
from rules.parameters import DeviceChain
from rules.record import Element
from rules.sessions import Sessions
from rules.verdict import Asked, Verdict, three
from rules.words import code, listed


def device_chain(asked: Asked) -> Verdict:
    """Met by any evidence that the rule names; broken where none is found and the past or the record would hold it.

    The past holds no proof of what others may have done: then only the record's own no is broken.
    """
    said: DeviceChain = asked.said
    sheet, rows = asked.sheet, asked.rows
    noted = Element.of(asked, said.element)
    found = noted.reaches(True if said.at_least is None else said.at_least)
    proven = ~noted.missing
    if said.after:
        found |= Sessions.before(sheet, rows, said.within_days).coded(frozenset(said.after)).count(len(rows)) > 0
        if not said.elsewhere:
            proven |= sheet.reaches_back(rows, said.within_days)
    if said.beside:
        found |= stands_beside(sheet, rows, frozenset(said.beside))
    if not said.after and not said.element:
        proven = np.ones(len(rows), bool)
    return Verdict(
        three(~found, ~found & ~proven),
        told={"needed": lambda i: _needed(said), "code": code(asked)},
        why=lambda i: _why(asked, noted, int(rows[i])),
    )


def _why(asked: Asked, noted: Element, row: int) -> str:
    """What is not known of a line."""
    said: DeviceChain = asked.said
    if not said.after:
        return noted.why()
    if said.elsewhere and asked.sheet.patient_known[row]:
        return "The practice's own claims do not show it; it may have been done elsewhere."
    return asked.sheet.why_not_back(row)


def _needed(said: DeviceChain) -> str:
    """The evidence that would do, in words."""
    ways = []
    if said.after:
        ways.append(f"{listed(said.after, 'or')} in the {said.within_days:,} days before")
    if said.element:
        least = "" if said.at_least is None else f" of at least {said.at_least:.10g}"
        ways.append(f"a note in the record ({said.element}{least})")
    if said.beside:
        ways.append(f"{listed(said.beside, 'or')} on the claim")
    return "; ".join(ways)
