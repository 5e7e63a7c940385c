"""What POST /v1/check answers: what the rules say of claims, by the past of the scorer, else of the store itself.

Claims of one request do not see each other, save that one submitted earlier counts for a later one, as in scoring.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from claims.batch import Batch, check_lines
from claims.dated import dated
from claims.errors import DenialsError
from claims.settings import Settings
from rules.check import Checker
from rules.encode import Lines
from rules.findings import Findings
from rules.gaps import WORDS
from rules.judge import judge
from rules.readiness import readiness
from rules.verdict import BROKEN, MET, UNKNOWN
from serving.answer import Json, add_rejects
from serving.current import Current, Stamp, known_stamp


@dataclass(frozen=True)
class Known:
    """A checker, and the latest day on which one of the store's outcomes became known."""

    checker: Checker
    through: date | None


class Checkers:
    """Hands out the checker of a site: with the champion's own past, or without one, one made from the store.

    The latter is made anew when the store or the rules have changed; requests wait for it. Safe to use from threads.
    """

    def __init__(self, current: Current) -> None:
        self._current = current
        self._known: Known | None = None
        self._stamp: Stamp | None = None
        self._lock = threading.Lock()

    @property
    def settings(self) -> Settings:
        """The site's settings."""
        return self._current.settings

    def get(self) -> Known:
        """The checker as of now. Raises RuleBookError, OutOfReachError."""
        try:
            scorer = self._current.get()
        except DenialsError:  # no model: the rules need none
            return self._alone()
        if scorer.notice:  # who only checks must not wait for a starting model to notice what was ingested
            return self._alone()
        return Known(Checker(scorer.history.rules, scorer.history.past), scorer.history.through)

    def _alone(self) -> Known:
        with self._lock:
            stamp = known_stamp(self.settings)
            if self._known is None or stamp != self._stamp:
                checker = Checker.load(self.settings)
                through = checker.past.snapshot.outcomes.get_column("known_date").max()
                assert through is None or isinstance(through, date)
                self._known, self._stamp = Known(checker, through), stamp
            return self._known


def checked(known: Known, batch: Batch, today: date, every: bool = False, alone: Collection[int] = ()) -> Json:
    """The response of POST /v1/check for a Batch with claim_index; every: also what is met and what is not known.

    alone: as add_rejects has it. Raises UnreadableFileError for a batch without claim lines.
    """
    check_lines(batch)
    lines = Lines(dated(batch.lines, today))
    checker = known.checker
    found = judge(lines, checker.past.with_request(lines.frame)[0], checker.rules)
    claims = _claims(lines, found, every)
    rejected = add_rejects(claims, batch, alone)
    return {
        "rules_version": checker.rules.version,
        "history_through": known.through and known.through.isoformat(),
        "claims": [claims[index] for index in sorted(claims)],
        "rejected": rejected,
    }


def _claims(lines: Lines, found: Findings, every: bool) -> dict[int, Json]:
    """Checked claims by claim_index."""
    told = found.told((BROKEN, UNKNOWN, MET) if every else (BROKEN,))
    coverage = found.coverage_of(lines.claim).tolist()
    audits = readiness(found, lines)
    columns = lines.frame.select("claim_index", "claim_id", "claim_line_number").iter_rows()
    claims: dict[int, Json] = {}
    for (index, claim_id, number), claim, findings in zip(columns, lines.claim.tolist(), told, strict=True):
        if index not in claims:
            audit = audits[claim]
            claims[index] = {
                "claim_id": claim_id,
                "coverage": WORDS[coverage[claim]],
                "audit": {"audit": audit.audit, "broken": list(audit.broken), "unknown": list(audit.unknown)},
                "findings": [],
                "errors": [],
            }
        claims[index]["findings"] += [{"claim_line_number": number} | finding for finding in findings]
    return claims
