"""Claims sent in time: from the day of service to the first submission, in days or calendar years.

A claim that was sent before has other limits (appeals, corrections); one for a service that lies ahead has none.
"""

from __future__ import annotations

import numpy as np

from rules.parameters import TimelyFiling
from rules.sheet import NO, NOT_KNOWN, YES
from rules.verdict import Asked, Verdict, three
from rules.words import code, day

FIRST_PAYER = frozenset(("", "P"))
INSTITUTIONAL = frozenset(("institutional",))


def timely_filing(asked: Asked) -> Verdict:
    """Broken past the limit; unknown between two limits of the payer, and for a claim that another payer had first.

    Unknown as well where the limit runs from another day for institutional claims, and the kind of claim decides.
    """
    said: TimelyFiling = asked.said
    sheet, rows = asked.sheet, asked.rows
    sent, last = sheet.submitted[rows], sheet.last_service[rows]
    low, high = sorted((asked.value, said.disputed or asked.value))
    begin, surely = _begin(asked, said)
    until = _until(begin, high, said)
    broken, perhaps = sent > _until(surely, high, said), sent > until
    after_another = sheet.has("payer_responsibility_code", FIRST_PAYER)[rows] == NO
    between = ~perhaps & (sent > _until(begin, low, said))
    unknown = between | (perhaps & (~broken | after_another))

    def why(i: int) -> str:
        if after_another[i]:
            return "Another payer had the claim first; the limit may run from its answer."
        if perhaps[i]:
            return (
                "Whether the limit runs from the first or the last day hangs on the kind of claim, which is not told."
            )
        days = sent[i] - begin[i]
        return f"The claim is sent {days} days after the service; the payer's pages give {low} and {high} days."

    return Verdict(
        three(broken, unknown, (sent >= last) & ~sheet.resubmitted[rows]),
        told={
            "days": lambda i: sent[i] - begin[i],
            "limit": lambda i: f"{day(int(until[i]))}" if said.calendar_years else high,
            "code": code(asked),
        },
        why=why,
    )  # fmt: skip


def _begin(asked: Asked, said: TimelyFiling) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) the day from which the limit may run, and the latest one from which it may."""
    first, last = asked.sheet.service[asked.rows], asked.sheet.last_service[asked.rows]
    if said.counts_from == "last":
        return last, last
    of_institution = asked.sheet.has("claim_type", INSTITUTIONAL)[asked.rows]
    begin: np.ndarray = np.where(of_institution == YES, last, first)
    return begin, np.where(of_institution == NOT_KNOWN, last, begin)


def _until(begin: np.ndarray, limit: int, said: TimelyFiling) -> np.ndarray:
    """(rows,) the last day on which the claim is in time."""
    until = begin + limit
    if said.calendar_years:
        days = begin.astype("datetime64[D]")
        month = days.astype("datetime64[M]")
        months = month + 12 * limit
        same = months.astype("datetime64[D]") + (days - month.astype("datetime64[D]"))
        last_of_month = (months + 1).astype("datetime64[D]") - 1
        until = np.minimum(same, last_of_month).astype(np.int64)
    if said.to_workday:
        until = np.busday_offset(until.astype("datetime64[D]"), 0, roll="forward").astype(np.int64)
    return until
