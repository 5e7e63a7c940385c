"""Everything that was known before: what `build` may look at besides the lines themselves.

A History is built once from a snapshot and answers for any day: each look-up sees only what became known strictly
before the line was submitted, and never the line's own chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from claims.earlier import ChainIndex, Chains
from claims.keys import hashes_of, mixed
from claims.label import CATEGORIES
from claims.snapshot import Snapshot, snapshot_of
from claims.table import Authorization, Line, Outcome
from claims.texts import Texts
from features.catalog import COUNTED_FAMILIES
from features.outcomes import Outcomes
from features.sessions import Sessions
from features.usual import Usual
from rules.authorization import Authorizations
from rules.encode import Lines, Vocabulary


@dataclass(frozen=True)
class History:
    """through: the latest day on which one of its outcomes became known, None without outcomes."""

    snapshot: Snapshot
    vocabulary: Vocabulary
    chains: Chains
    outcomes: Outcomes
    charges: Usual
    units: Usual
    sessions: Sessions
    authorizations: Authorizations
    through: date | None

    @property
    def chain_count(self) -> int:
        """Chains of the stored lines: their numbers are 0 .. chain_count - 1."""
        return len(self.outcomes.own.first_day)

    @classmethod
    def of(cls, snapshot: Snapshot) -> History:
        """From a snapshot; lines without submitted_date have no place in time and stay out."""
        frame = snapshot.lines
        if frame.get_column("submitted_date").null_count():  # a filter would copy them all
            frame = frame.filter(pl.col("submitted_date").is_not_null())
        lines, vocabulary = Lines(frame), Vocabulary()
        vocabulary.extend("family", COUNTED_FAMILIES)
        codes = {column: vocabulary.learn(column, values) for column, values in lines.texts()}
        chains = ChainIndex(frame, snapshot.controls)
        count = int(chains.codes.max()) + 1 if len(lines) else 0
        original = frame.get_column("is_original").to_numpy()
        authorizations = Authorizations.of(snapshot.authorizations, lines, chains.codes, original)
        codes["authorization_state"] = authorizations.match(lines, chains.codes)[:, 0].astype(np.int64)
        rows = np.flatnonzero(original)
        first = {"code": codes["code"][rows], "day": lines.submitted[rows]}
        chain = chains.codes[rows]
        return cls(
            snapshot=snapshot,
            vocabulary=vocabulary,
            chains=chains,
            outcomes=_outcomes(frame, snapshot.outcomes, codes, chains.codes, count),
            charges=Usual.of(**first, amount=lines.cents[rows], chain=chain, chains=count),
            units=Usual.of(**first, amount=np.rint(lines.units[rows] * 1000), chain=chain, chains=count),
            sessions=Sessions.of(codes, lines.service, lines.submitted, chains.codes, _counted(vocabulary)),
            authorizations=authorizations,
            through=_latest(snapshot.outcomes),
        )

    @classmethod
    def empty(cls) -> History:
        """Of a practice that knows nothing yet."""
        nothing = (schema.create_empty() for schema in (Line, Outcome, Authorization))
        return cls.of(snapshot_of(*nothing))


def _latest(outcomes: pl.DataFrame) -> date | None:
    latest = outcomes.get_column("known_date").max()
    assert latest is None or isinstance(latest, date)
    return latest


def _counted(vocabulary: Vocabulary) -> dict[str, int]:
    return {family: vocabulary.codes["family"][family] for family in COUNTED_FAMILIES}


def _rows_of(outcomes: pl.DataFrame, lines: pl.DataFrame) -> np.ndarray:
    """(outcomes,) the row of each outcome's line, -1 for none; by hashes, since a join of texts costs their memory."""
    asked, held = (
        mixed([*hashes_of([frame["submission_id"]]), frame["claim_line_number"].to_numpy().astype(np.uint64)])
        for frame in (outcomes, lines)
    )
    order = np.argsort(held)
    place = np.minimum(held.searchsorted(asked, sorter=order), max(len(held) - 1, 0))
    rows = order[place] if len(held) else np.full(len(asked), -1, np.int64)
    return np.where(held[rows] == asked, rows, -1) if len(held) else rows


def _outcomes(
    lines: pl.DataFrame, outcomes: pl.DataFrame, codes: dict[str, np.ndarray], chain: np.ndarray, chains: int
) -> Outcomes:
    """The first outcomes of original lines that are in the target."""
    known = outcomes.filter(pl.col("y").is_not_null())
    rows = _rows_of(known, lines)
    first = np.flatnonzero(rows >= 0)
    first = first[lines.get_column("is_original").to_numpy()[rows[first]]]
    first = first[np.argsort(rows[first])]
    known, rows = known.select("y", "category", "known_date")[first], rows[first]
    number = {category: i for i, category in enumerate(CATEGORIES)}
    return Outcomes.of(
        {name: values[rows] for name, values in codes.items()},
        known.get_column("known_date").to_physical().to_numpy().astype(np.int64),
        known.get_column("y").to_numpy().astype(np.int64),
        Texts.of_column(known.get_column("category")).codes(lambda level: number.get(level, -1)),
        chain[rows], chains,
    )  # fmt: skip
