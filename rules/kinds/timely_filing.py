"""Claims sent in time: days from the last day of service to the first submission.

A claim that was sent before has other limits (appeals, corrections); one for a service that lies ahead has none.
"""

from __future__ import annotations

from rules.parameters import TimelyFiling
from rules.sheet import NO
from rules.verdict import Asked, Verdict, three
from rules.words import code

FIRST_PAYER = frozenset(("", "P"))


def timely_filing(asked: Asked) -> Verdict:
    """Broken past the limit; unknown between two limits of the payer, and for a claim that another payer had first."""
    said: TimelyFiling = asked.said
    sheet, rows = asked.sheet, asked.rows
    days = sheet.submitted[rows] - sheet.last_service[rows]
    low, high = sorted((asked.value, said.disputed or asked.value))
    after_another = sheet.has("payer_responsibility_code", FIRST_PAYER)[rows] == NO
    unknown = (days > low) & ((days <= high) | after_another)

    def why(i: int) -> str:
        if after_another[i]:
            return "Another payer had the claim first; the limit may run from its answer."
        return f"The claim is sent {days[i]} days after the service; the payer's pages give {low} and {high} days."

    return Verdict(
        three(days > high, unknown, (days >= 0) & ~sheet.resubmitted[rows]),
        told={"days": days, "limit": lambda i: high, "code": code(asked)},
        why=why,
    )
