"""Generates a world's files: lines, outcomes, authorizations and the truth; and judges lines anew by the same rules.

generate(world, claims, seed) is a function of its three arguments. claims counts original primary claims;
resubmissions, duplicates and secondary claims come on top.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from data.synthetic import adjudicate, rework
from data.synthetic.authorizations import authorize
from data.synthetic.billing import bills_of
from data.synthetic.encounters import encounters_of
from data.synthetic.facts import facts_of
from data.synthetic.fhir_write import write_fhir
from data.synthetic.frames import AUTHORIZATION_COLUMNS, LINE_COLUMNS, book_frame, days, lines_frame
from data.synthetic.patients import patients_and_sessions
from data.synthetic.practice import Practice, practice_of
from data.synthetic.remit import control_number, outcomes, reversals
from data.synthetic.rulings import original_rulings
from data.synthetic.world import World
from data.synthetic.x12_write import claim_file, write_x12

Form = Literal["csv", "x12", "fhir"]
TRUTH_COLUMNS = (
    "claim_id", "claim_line_number", "submitted_date", "payer_id", "kind", "p_oracle", "p_reachable", "cause",
    "mechanism",
    "carc", "denied", "target", "answered", "known_date", "lapse", "note", "reviewer", "payer_claim_control_number",
)  # fmt: skip


@dataclass(frozen=True)
class Generated:
    """A generated world: the three tables of a practice, and the truth behind them (one row a line of `lines`)."""

    world: World
    practice: Practice
    lines: pl.DataFrame
    outcomes: pl.DataFrame
    authorizations: pl.DataFrame
    truth: pl.DataFrame

    def write(self, folder: Path, form: Form = "csv") -> None:
        """What a practice has, in that folder (made if need be): lines.csv and outcomes.csv, or the files of
        x12_write or fhir_write in their place; always authorizations.csv.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.authorizations.write_csv(folder / "authorizations.csv")
        if form == "x12":
            write_x12(folder, self.lines.with_columns(refused=self._refused()), self.told())
        elif form == "fhir":
            write_fhir(folder, self.lines, self.told())
        else:
            self.lines.write_csv(folder / "lines.csv")
            self.outcomes.write_csv(folder / "outcomes.csv")

    def write_claims(self, path: Path, since: date) -> None:
        """The claims submitted on that day or later as one 837P file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        claim_file(path, self.lines.filter(pl.col("submitted_date") >= since), self.told())

    def until(self, day: date) -> Generated:
        """What was sent or known before that day."""
        sent, known = self.lines["submitted_date"] < day, pl.col("known_date") < day
        return replace(
            self, lines=self.lines.filter(sent), truth=self.truth.filter(sent), outcomes=self.outcomes.filter(known),
            authorizations=self.authorizations.filter(known),
        )  # fmt: skip

    def told(self) -> pl.DataFrame:
        """The outcomes, each with the columns of the line that it is about; in their order."""
        of = ["payer_claim_control_number", "claim_line_number"]
        lines = self.lines.drop("claim_id", "payer_id").hstack(self.truth.select("payer_claim_control_number"))
        return self.outcomes.join(lines, on=of, how="left", maintain_order="left")

    def _refused(self) -> pl.Series:
        """Of each line whether its claim never got through: a part of those that are never answered."""
        number = self.truth["payer_claim_control_number"].str.tail(8).cast(pl.Int64)
        silent = (self.truth["answered"] == 0) & (self.truth["kind"] == "original")
        kind = pl.when(silent & (number % 2 == 0)).then(pl.lit("277CA")).when(silent & (number % 8 == 1))
        return pl.select(kind.then(pl.lit("999"))).to_series()

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
        payer_claim_control_number=control_number(rulings),
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
