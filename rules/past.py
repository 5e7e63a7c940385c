"""What a practice did before: its vocabulary, chains, services and authorizations, for rules and features alike.

Made once from a snapshot, it answers for any day: what was submitted or known before, never a line's own chain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from claims.earlier import CONTROLS, ChainIndex, Chains, chains
from claims.keys import NEVER as NO_DAY
from claims.keys import claims_of
from claims.snapshot import Snapshot, is_original, snapshot_of
from claims.table import Authorization, Line, Outcome
from rules.authorization import Authorizations
from rules.encode import Lines, Vocabulary
from rules.services import Services

Codes = dict[str, np.ndarray]
PARTS = ("vocabulary", "chains", "chain_count", "services", "authorizations", "since")
BEFORE_ALL = -1  # the day of submission of lines that count whatever day they are sent on


@dataclass(frozen=True)
class Encoded:
    """Submitted lines as arrays. codes: column -> (lines,); chain, original: (lines,); chains: their number in all."""

    lines: Lines
    codes: Codes
    chain: np.ndarray
    original: np.ndarray
    chains: int

    def services(self, submitted: np.ndarray | None = None) -> Services:
        """The services of the lines; submitted: (lines,) other days of submission."""
        days = self.lines.submitted if submitted is None else submitted
        lines = self.lines
        return Services.of(
            self.codes, lines.service, days, lines.submitted, self.chain, claims_of(lines.frame), lines.units,
            self.original,
        )  # fmt: skip


@dataclass(frozen=True)
class Since:
    """submitted: (days,) days on which lines were sent; service: the first day of service of all sent up to each."""

    submitted: np.ndarray
    service: np.ndarray

    @classmethod
    def of(cls, lines: Lines) -> Since:
        """Of stored lines."""
        order = np.argsort(lines.submitted, kind="stable")
        submitted, first = lines.submitted[order], np.minimum.accumulate(lines.service[order])
        last = np.ones(len(order), bool)
        last[:-1] = submitted[1:] != submitted[:-1]
        return cls(submitted[last], first[last])

    def on(self, day: np.ndarray) -> np.ndarray:
        """(days,) the first day of service that was known before each day; NO_DAY: nothing was."""
        known: np.ndarray = np.append(NO_DAY, self.service)[self.submitted.searchsorted(day)]
        return known


@dataclass(frozen=True)
class Past:
    """All that rules and features ask of a practice's earlier lines, as of any day.

    recall: gives the snapshot that it was made from; where the rest was kept, the store is read then.
    """

    recall: Callable[[], Snapshot]
    vocabulary: Vocabulary
    chains: Chains
    chain_count: int
    services: Services
    authorizations: Authorizations
    since: Since

    @classmethod
    def of(cls, snapshot: Snapshot, families: Iterable[str] = ()) -> tuple[Past, Encoded]:
        """The past of a snapshot, and its lines encoded; families: words that the vocabulary holds from the start.

        Lines without submitted_date have no place in time and stay out.
        """
        frame = snapshot.lines
        if frame.get_column("submitted_date").null_count():  # a filter would copy them all
            frame = frame.filter(pl.col("submitted_date").is_not_null())
        lines, vocabulary = Lines(frame), Vocabulary()
        vocabulary.extend("family", families)
        codes = {column: vocabulary.learn(column, values) for column, values in lines.texts()}
        index = ChainIndex.of(frame, snapshot.controls)
        count = int(index.codes.max()) + 1 if len(lines) else 0
        original = frame.get_column("is_original").to_numpy()
        encoded = Encoded(lines, codes, index.codes, original, count)
        return cls(
            recall=lambda: snapshot,
            vocabulary=vocabulary,
            chains=index,
            chain_count=count,
            services=encoded.services(),
            authorizations=Authorizations.of(snapshot.authorizations, lines, index.codes, original),
            since=Since.of(lines),
        ), encoded

    @property
    def snapshot(self) -> Snapshot:
        """What it was made from."""
        return self.recall()

    @property
    def parts(self) -> dict[str, Any]:
        """Everything but the snapshot, to be kept; `Past(recall, **parts)` is the same past again."""
        return {name: getattr(self, name) for name in PARTS}

    @classmethod
    def empty(cls) -> Past:
        """Of a practice that knows nothing yet."""
        return cls.of(nothing())[0]

    def with_request(self, lines: pl.DataFrame) -> tuple[Past, Encoded | None]:
        """With the lines of a call that it does not hold, where some were submitted before others; else as it is.

        They count as submissions; what is stored stays as it is. Claims of one day never see each other.
        """
        submitted = lines.get_column("submitted_date")
        if lines.is_empty() or submitted.min() == submitted.max():
            return self, None
        return self._with(lines, together=False)

    def beside(self, lines: pl.DataFrame) -> Past:
        """With all lines of a file, whatever day they are sent on: each earlier service counts for the later ones."""
        return self if lines.is_empty() else self._with(lines, together=True)[0]

    def _with(self, lines: pl.DataFrame, together: bool) -> tuple[Past, Encoded | None]:
        frame = lines.filter(pl.Series(~self.chains.holds(lines)))
        if frame.is_empty():
            return self, None
        joined, count = self._chained(frame)
        chain, original = (joined.get_column(name).to_numpy() for name in ("chain", "is_original"))
        mine, vocabulary = Lines(frame), self.vocabulary.copy()
        codes = {column: vocabulary.learn(column, values) for column, values in mine.texts()}
        encoded = Encoded(mine, codes, chain, original, count)
        days = np.full(len(mine), BEFORE_ALL) if together else None
        own = dict(zip(joined["submission_id"], chain.tolist(), strict=True))
        fresh = np.flatnonzero(chain >= self.chain_count)
        began = np.full(count - self.chain_count, NO_DAY, np.int64)
        np.minimum.at(began, chain[fresh] - self.chain_count, mine.submitted[fresh])
        past = replace(
            self,
            vocabulary=vocabulary,
            chains=_RequestChains(self.chains, own, self.chain_count, began),
            services=self.services.plus(encoded.services(days)),
            authorizations=self.authorizations.plus(mine, chain, original),
        )
        return past, encoded

    def _chained(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        """(lines,) submission_id, chain and is_original, and the number of chains there are then.

        A chain that begins within the request joins the stored one that its first submission would join.
        """
        within = chains(frame, pl.DataFrame(schema=CONTROLS))
        stored = pl.Series("stored", self.chains.chain_of(frame)).replace(-1, None)
        joined = frame.with_columns(stored).join(within, on="submission_id", how="left", maintain_order="left")
        first = joined.filter(pl.col("submission_id") == pl.col("chain_id")).unique("chain_id", keep="first")
        fresh = within.select("chain_id").unique(maintain_order=True).with_row_index("fresh", self.chain_count)
        joined = joined.join(first.select("chain_id", joins="stored"), on="chain_id", how="left", maintain_order="left")
        joined = joined.join(fresh, on="chain_id", how="left", maintain_order="left").with_columns(
            chain=pl.coalesce("joins", pl.col("fresh").cast(pl.Int64)),
            is_resubmission=pl.col("is_resubmission") | pl.col("stored").is_not_null(),
        )
        return joined.select("submission_id", "chain", is_original=is_original()), self.chain_count + fresh.height


def nothing() -> Snapshot:
    """The snapshot of an empty store."""
    return snapshot_of(*(schema.create_empty() for schema in (Line, Outcome, Authorization)))


@dataclass(frozen=True)
class _RequestChains:
    """The stored chains, `count` of them, and those of a request's submissions; fresh: days on which new ones began."""

    stored: Chains
    own: dict[str, int]
    count: int
    fresh: np.ndarray

    def chain_of(self, lines: pl.DataFrame) -> np.ndarray:
        """(lines,) as `Chains` says it."""
        told = self.stored.chain_of(lines).tolist()
        ids = lines.get_column("submission_id").to_list()
        return np.array([self.own.get(one, chain) for one, chain in zip(ids, told, strict=True)], np.int64)

    def holds(self, lines: pl.DataFrame) -> np.ndarray:
        """(lines,) whether the submission is stored or of the request."""
        mine = np.array([one in self.own for one in lines.get_column("submission_id")], np.bool_)
        known: np.ndarray = self.stored.holds(lines) | mine
        return known

    def began(self, chain: np.ndarray) -> np.ndarray:
        """(chains,) as `Chains` says it."""
        new = chain >= self.count
        days = self.stored.began(np.where(new, -1, chain))
        days[new] = self.fresh[chain[new] - self.count]
        return days
