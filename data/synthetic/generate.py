"""Generates a world's files: lines, outcomes, authorizations and the truth; and judges lines anew by the same rules.

generate(world, claims, seed) is a function of its three arguments. claims counts original primary claims;
resubmissions, duplicates and secondary claims come on top.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from data.synthetic import adjudicate, rework
from data.synthetic.authorizations import authorize
from data.synthetic.billing import bills_of
from data.synthetic.encounters import encounters_of
from data.synthetic.facts import facts_of
from data.synthetic.frames import AUTHORIZATION_COLUMNS, LINE_COLUMNS, book_frame, days, lines_frame
from data.synthetic.patients import patients_and_sessions
from data.synthetic.practice import Practice, practice_of
from data.synthetic.remit import outcomes, reversals
from data.synthetic.rulings import original_rulings
from data.synthetic.world import World

TRUTH_COLUMNS = (
    "claim_id", "claim_line_number", "submitted_date", "payer_id", "kind", "p_oracle", "p_reachable", "cause",
    "mechanism",
    "carc", "denied", "target", "answered", "known_date", "lapse", "note", "reviewer",
)  # fmt: skip


@dataclass(frozen=True)
class Generated:
    """A generated world: the three files of a practice, and the truth behind them (one row a line of `lines`)."""

    world: World
    practice: Practice
    lines: pl.DataFrame
    outcomes: pl.DataFrame
    authorizations: pl.DataFrame
    truth: pl.DataFrame

    def write(self, folder: Path) -> None:
        """lines.csv, outcomes.csv and authorizations.csv in that folder (made if need be): what a practice has."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("lines", "outcomes", "authorizations"):
            getattr(self, name).write_csv(folder / f"{name}.csv")

    def write_truth(self, path: Path) -> None:
        """The truth as one CSV file; its folder is made if need be."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.truth.write_csv(path)


def generate(world: World, claims: int, seed: int | None = None) -> Generated:
    """The files of a practice with that many original claims; seed: the world's own where none is given."""
    seed = world.seed if seed is None else seed
    practice = practice_of(world, claims, seed)
    patients, sessions = patients_and_sessions(world, practice, claims + claims // 12 + 40, seed)
    encounters = encounters_of(world, practice, patients, sessions, seed)
    encounters = encounters.take(np.flatnonzero(encounters.submitted <= world.end)[:claims])
    used, book = authorize(world, practice, encounters, seed)
    bills = bills_of(world, practice, encounters, seed)
    lines = lines_frame(world, practice, patients, encounters, bills, used, seed)
    authorizations = book_frame(world, practice, book)
    facts = facts_of(world, practice, lines, lines, authorizations)
    rulings = original_rulings(world, lines, facts, adjudicate.hazards(world, practice, facts), seed)
    return _assembled(world, practice, lines, rulings, authorizations, seed)


def _assembled(
    world: World,
    practice: Practice,
    lines: pl.DataFrame,
    rulings: pl.DataFrame,
    authorizations: pl.DataFrame,
    seed: int,
) -> Generated:
    """With everything that came later, cut at the world's end."""
    again = rework.resubmissions(world, lines, rulings, seed)
    later = [again, rework.duplicates(world, lines, rulings, seed), rework.secondaries(world, lines, rulings, seed)]
    lines = pl.concat([lines, *(x.lines for x in later)])
    rulings = pl.concat([rulings, *(x.rulings.select(rulings.columns) for x in later)], how="vertical_relaxed")
    book = pl.concat(
        [authorizations, rework.retro_authorizations(again).select(AUTHORIZATION_COLUMNS)], how="vertical_relaxed"
    )
    end = days(np.array([world.end])).item()
    sent = lines["submitted_date"] <= end
    lines, rulings = lines.filter(sent), rulings.filter(sent)
    events = outcomes(world, lines, rulings, seed)
    events = pl.concat([events, reversals(world, events, seed)]).filter(pl.col("known_date") <= end)
    order = lines.select("submitted_date", "claim_id", "payer_id", "claim_line_number").with_row_index("row").sort(
        "submitted_date", "claim_id", "payer_id", "claim_line_number")["row"]  # fmt: skip
    return Generated(
        world,
        practice,
        lines[order].select(LINE_COLUMNS),
        events.sort("known_date", "claim_id", "claim_line_number", "payer_claim_control_number", maintain_order=True),
        book.filter(pl.col("known_date") <= end).sort("known_date", "prior_authorization_number"),
        _truth(lines, rulings)[order],
    )


def _truth(lines: pl.DataFrame, rulings: pl.DataFrame) -> pl.DataFrame:
    keys = lines.select("claim_id", "claim_line_number", "submitted_date", "payer_id")
    return pl.concat([keys, rulings], how="horizontal").with_columns(
        cause=pl.col("category"),
        known_date=days(rulings["known_day"].to_numpy()),
        answered=pl.col("answered").cast(pl.Int8),
    ).select(TRUTH_COLUMNS)  # fmt: skip


def reachable(generated: Generated, lines: pl.DataFrame) -> pl.DataFrame:
    """p_reachable of lines as they are given (perhaps corrected), in the same order, one column.

    lines: rows with the columns of `lines`, whole claims at a time. Their patients' and authorizations' history is
    that of the generated world; the claim itself (by claim_id) does not count as its own past.
    """
    world, practice = generated.world, generated.practice
    past = generated.lines.filter(generated.truth["kind"] == "original")
    facts = facts_of(world, practice, lines, past, generated.authorizations)
    h = adjudicate.hazards(world, practice, facts)
    p = adjudicate.averaged(world, h, adjudicate.lapse_chance(world, facts))
    return lines.select("claim_id", "claim_line_number").with_columns(p_reachable=pl.Series(p))


def readjudicate(generated: Generated, lines: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """As `reachable`, with a decision drawn for each line (column denied, 0 or 1)."""
    rng = generated.world.stream(seed, "readjudicate")
    judged = reachable(generated, lines)
    return judged.with_columns(
        denied=pl.Series(rng.random(judged.height) < judged["p_reachable"].to_numpy()).cast(pl.Int8)
    )
