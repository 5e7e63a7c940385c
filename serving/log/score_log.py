"""ScoreLog: every score is safe on this disk before it is answered, and in the database soon after.

With the database out of reach scoring goes on, and the journal grows up to `score_log.max_journal_bytes`. What is kept
of a claim, serving/log/record.py says: its id as a keyed hash, to be joined with outcomes by whoever has the store.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import polars as pl
import sqlalchemy as sa
from pydantic_core import from_json

from claims.errors import OutOfReachError, UnknownScoreError
from claims.identity import Keys
from claims.settings import Settings
from serving.log.database import Database, within
from serving.log.decision import Decision, decision_of
from serving.log.frames import DECISION_COLUMNS, LINE_COLUMNS, SCORE_COLUMNS, framed
from serving.log.record import Row, answer_record, decided, decision_record, decision_row, rows_of, scored
from serving.log.tables import DECISIONS, LINES, SCORES
from serving.spool import Spool

log = logging.getLogger(__name__)
EVERY = 1.0  # seconds between deliveries to the database
TIDY = 3600.0  # seconds between looks for what is too old to be kept
Moment = datetime | None


class ScoreLog:
    """Keeps scores and decisions; safe to use from several threads, and by several processes at once."""

    def __init__(
        self, settings: Settings, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.settings, self.database = settings, database
        self._keys, self._now = Keys(settings.home), now
        self._tidied = -TIDY
        told = settings.score_log
        folder = settings.home / told.journal / "scores"
        self._spool = Spool(folder, self._deliver, EVERY, told.max_journal_bytes) if told.enabled else None

    @classmethod
    def open(cls, settings: Settings) -> ScoreLog:
        """The log of a site; its database is made, or migrated, as soon as it can be reached.

        Raises UsageError for a URL that is none, JournalError for a journal that cannot be written.
        """
        return cls(settings, Database.of(settings))

    def append(self, answer: Mapping[str, Any]) -> None:
        """Keep what an answer of POST /v1/score says; when this returns it survives a crash and a loss of power.

        Raises JournalError when it cannot be kept: the answer must then not be given.
        """
        if self._spool and answer["claims"]:
            self._spool.append(answer_record(answer, self._keys, self._now()), len(answer["claims"]))

    def decide(self, score_id: str, decision: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep what a biller did: {action, reason, decided_at}, words as in serving/log/decision.py.

        What was said last, said again, changes nothing (`repeated`). Raises DecisionError, UnknownScoreError, and
        OutOfReachError where the score waits nowhere here and the database cannot be asked.
        """
        said = decision_of(decision, self._now())
        told = self._decisions(score_id := _normal(score_id))
        last = max(told, key=lambda row: (row["decided_at"], row["decision_id"]), default=None)
        if last and _same(last, said):
            return _answer(last, repeated=True)
        ident = said.ident(score_id, last["decision_id"] if last else None)
        record = decision_record(score_id, ident, said)
        row = decision_row(from_json(record))
        repeated = any(row["decision_id"] == known["decision_id"] for known in told)
        if self._spool and not repeated:
            self._spool.append(record)
        return _answer(row, repeated)

    def scores(self, since: Moment = None, until: Moment = None) -> pl.DataFrame:
        """(scores,) those of since <= scored_at < until that are in the database, by time; columns of SCORE_COLUMNS."""
        query = sa.select(SCORES).where(*within(SCORES.c.scored_at, since, until)).order_by("scored_at", "score_id")
        return framed(self.database.select(query), SCORE_COLUMNS)

    def lines(self, since: Moment = None, until: Moment = None) -> pl.DataFrame:
        """(lines,) of the same scores, in order of score_id and line; columns of LINE_COLUMNS."""
        query = sa.select(LINES).join(SCORES, SCORES.c.score_id == LINES.c.score_id)
        query = query.where(*within(SCORES.c.scored_at, since, until)).order_by(LINES.c.score_id, LINES.c.place)
        return framed(self.database.select(query), LINE_COLUMNS)

    def decisions(self, since: Moment = None, until: Moment = None) -> pl.DataFrame:
        """(decisions,) of since <= decided_at < until, by time; the last one of a score is what holds."""
        query = sa.select(DECISIONS).where(*within(DECISIONS.c.decided_at, since, until))
        return framed(self.database.select(query.order_by("decided_at", "decision_id")), DECISION_COLUMNS)

    def drain(self) -> None:
        """Bring all that waits into the database now. Raises OutOfReachError."""
        if self._spool:
            self._spool.drain()

    def status(self) -> Mapping[str, Any]:
        """For /ready: enabled, reachable (as the last delivery found it), waiting records, since when, why, damaged."""
        if self._spool is None:
            return {"enabled": False}
        told = self._spool.waiting()
        since = told.since and datetime.fromtimestamp(told.since, UTC).isoformat(timespec="seconds")
        return {"enabled": True, "reachable": told.reached, "waiting": told.records, "bytes": told.bytes,
                "since": since, "trouble": told.trouble, "damaged": told.damaged}  # fmt: skip

    def close(self) -> None:
        """Deliver what waits, or leave it in the journal for the next start."""
        if self._spool:
            self._spool.close()
        self.database.close()

    def _deliver(self, payloads: Sequence[bytes]) -> None:
        self.database.add(rows_of(payloads))
        kept = self.settings.score_log.retention_days
        if kept and time.monotonic() - self._tidied >= TIDY:
            self._tidied = time.monotonic()
            gone = self.database.forget(self._now() - timedelta(days=kept))
            if gone:
                log.info("score log: %d scores were older than %d days and are deleted", gone, kept)

    def _decisions(self, score_id: str) -> list[Row]:
        """What was decided about a score. Raises UnknownScoreError where there is none of this id.

        The journals first: what is no longer there is in the database.
        """
        if self._spool is None:
            raise UnknownScoreError("no score is kept here: score_log.enabled is false in denials.toml")
        waiting = [decision_row(from_json(payload)) for payload in self._spool.find(decided(score_id))]
        known = any(True for _ in self._spool.find(scored(score_id)))
        try:
            if not known and not self.database.select(
                sa.select(SCORES.c.score_id).where(SCORES.c.score_id == score_id)
            ):
                raise UnknownScoreError("no score of this id is kept here")
            return waiting + self.database.select(sa.select(DECISIONS).where(DECISIONS.c.score_id == score_id))
        except OutOfReachError:
            if known:
                return waiting
            raise


def _normal(score_id: str) -> str:
    try:
        return str(UUID(score_id))
    except (ValueError, TypeError, AttributeError) as error:
        raise UnknownScoreError("this is no score_id") from error


def _same(last: Row, said: Decision) -> bool:
    """Whether a decision says what was said last."""
    equal = (last["action"], last["reason"]) == (said.action, said.reason)
    return equal and (not said.stated or bool(last["decided_at"] == said.decided_at))


def _answer(row: Row, repeated: bool) -> Row:
    named = {name: row[name] for name in ("score_id", "decision_id", "action", "reason")}
    return named | {"decided_at": row["decided_at"].isoformat(), "repeated": repeated}
