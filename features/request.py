"""The lines of a call that were submitted before others of it: history of those, and of nothing else.

They count as submissions (sessions, usual amounts, units of authorizations, chains); they have no outcomes, and what
the store says of its own lines stays as it is. Claims of one day never see each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from claims.earlier import Chains, chains
from claims.snapshot import is_original
from features.history import History
from rules.encode import Lines


def with_request(history: History, lines: pl.DataFrame) -> History:
    """The history with the lines that it does not hold, where some were submitted before others; else as it is."""
    submitted = lines.get_column("submitted_date")
    if lines.is_empty() or submitted.min() == submitted.max():
        return history
    new = lines.filter(pl.Series(~history.chains.holds(lines)))
    return history if new.is_empty() else _joined(history, new)


def _joined(history: History, frame: pl.DataFrame) -> History:
    joined, count = _chained(history, frame)
    chain = joined.get_column("chain").to_numpy()
    original = joined.get_column("is_original").to_numpy()
    lines, vocabulary = Lines(frame), history.vocabulary.copy()
    codes = {column: vocabulary.learn(column, values) for column, values in lines.texts()}
    rows = np.flatnonzero(original)
    first, day, mine = codes["code"][rows], lines.submitted[rows], chain[rows]
    return replace(
        history,
        vocabulary=vocabulary,
        chains=_RequestChains(history.chains, dict(zip(joined["submission_id"], chain.tolist(), strict=True))),
        charges=history.charges.plus(first, day, lines.cents[rows], mine, count),
        units=history.units.plus(first, day, np.rint(lines.units[rows] * 1000), mine, count),
        sessions=history.sessions.plus(codes, lines.service, lines.submitted, chain),
        authorizations=history.authorizations.plus(lines, chain, original),
    )


def _chained(history: History, frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """(lines,) submission_id, chain and is_original, and the number of chains there are then.

    A chain that begins within the request joins the stored one that its first submission would join.
    """
    known = history.chain_count
    within = chains(frame, history.snapshot.controls.clear())
    stored = pl.Series("stored", history.chains.chain_of(frame)).replace(-1, None)
    joined = frame.with_columns(stored).join(within, on="submission_id", how="left", maintain_order="left")
    first = joined.filter(pl.col("submission_id") == pl.col("chain_id")).unique("chain_id", keep="first")
    fresh = within.select("chain_id").unique(maintain_order=True).with_row_index("fresh", known)
    joined = joined.join(first.select("chain_id", joins="stored"), on="chain_id", how="left", maintain_order="left")
    joined = joined.join(fresh, on="chain_id", how="left", maintain_order="left").with_columns(
        chain=pl.coalesce("joins", pl.col("fresh").cast(pl.Int64)),
        is_resubmission=pl.col("is_resubmission") | pl.col("stored").is_not_null(),
    )
    return joined.select("submission_id", "chain", is_original=is_original()), known + fresh.height


@dataclass(frozen=True)
class _RequestChains:
    """The stored chains, and those of a request's own submissions."""

    stored: Chains
    own: dict[str, int]

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
