"""Everything that was known before: what `build` may look at besides the lines themselves.

A History is built once from a snapshot and answers for any day: each look-up sees only what became known strictly
before the line was submitted, and never the line's own chain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from claims.earlier import ChainIndex, Earlier, Postings
from claims.keys import hashes_of, mixed
from claims.label import CATEGORIES
from claims.snapshot import Snapshot
from claims.texts import Texts
from features.catalog import COUNTED_FAMILIES
from features.chain import ChainEvents
from features.ledger import Ledger
from features.outcomes import Outcomes
from features.usual import Usual
from rules.authorization import Authorizations, Uses
from rules.encode import Vocabulary
from rules.grants import Grants
from rules.past import Past, Since, nothing
from rules.ruleset import RuleSet, packaged
from rules.services import Services

CLASSES = (
    Authorizations, ChainEvents, ChainIndex, Earlier, Grants, Ledger, Outcomes, Postings, Services, Since, Uses, Usual,
    Vocabulary,
)  # fmt: skip


@dataclass(frozen=True)
class History:
    """through: the latest day on which one of its outcomes became known, None without outcomes."""

    past: Past
    outcomes: Outcomes
    charges: Usual
    units: Usual
    through: date | None
    rules: RuleSet

    @property
    def snapshot(self) -> Snapshot:
        """What it was made from."""
        return self.past.snapshot

    @classmethod
    def of(cls, snapshot: Snapshot, rules: RuleSet | None = None) -> History:
        """From a snapshot and a site's rules (default: those that come with the program).

        Lines without submitted_date have no place in time and stay out.
        """
        past, encoded = Past.of(snapshot, COUNTED_FAMILIES)
        lines, codes, chain = encoded.lines, encoded.codes, encoded.chain
        codes["authorization_state"] = past.authorizations.match(lines, chain)[:, 0].astype(np.int64)
        rows = np.flatnonzero(encoded.original)
        first = {"code": codes["code"][rows], "day": lines.submitted[rows], "chain": chain[rows]}
        return cls(
            past=past,
            outcomes=_outcomes(lines.frame, snapshot.outcomes, codes, chain, encoded.chains),
            charges=Usual.of(**first, amount=lines.cents[rows], chains=encoded.chains),
            units=Usual.of(**first, amount=np.rint(lines.units[rows] * 1000), chains=encoded.chains),
            through=_latest(snapshot.outcomes),
            rules=packaged() if rules is None else rules,
        )

    @property
    def parts(self) -> dict[str, Any]:
        """What took time to make, as claims/packed.py keeps it (CLASSES); the snapshot and the rules are not in it."""
        through = None if self.through is None else self.through.isoformat()
        books = {"outcomes": self.outcomes, "charges": self.charges, "units": self.units}
        return {"past": self.past.parts, **books, "through": through}

    @classmethod
    def kept(cls, parts: Mapping[str, Any], recall: Callable[[], Snapshot], rules: RuleSet) -> History:
        """The history whose `parts` these are; recall: gives its snapshot, to whoever asks for it."""
        through = None if parts["through"] is None else date.fromisoformat(parts["through"])
        books = {name: parts[name] for name in ("outcomes", "charges", "units")}
        return cls(Past(recall, **parts["past"]), **books, through=through, rules=rules)

    @classmethod
    def empty(cls, rules: RuleSet | None = None) -> History:
        """Of a practice that knows nothing yet, by default not even rules."""
        return cls.of(nothing(), RuleSet.empty() if rules is None else rules)


def _latest(outcomes: pl.DataFrame) -> date | None:
    latest = outcomes.get_column("known_date").max()
    assert latest is None or isinstance(latest, date)
    return latest


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
