"""The stored tables of a small synthetic practice, cut at any day."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from claims.read import read_frame
from claims.settings import Settings
from claims.snapshot import Snapshot, snapshot_of
from data.synthetic.generate import generate
from data.synthetic.world import load_world


@dataclass(frozen=True)
class Practice:
    """Stored tables of a small practice and the day after its last remittance."""

    lines: pl.DataFrame
    outcomes: pl.DataFrame
    authorizations: pl.DataFrame
    today: date

    def cut(self, day: date) -> Snapshot:
        return snapshot_of(self.lines, self.outcomes, self.authorizations, data_version="lines@1", as_of=day)


def read_practice(home: Path, claims: int) -> Practice:
    """The practice of world `small` as a store of its files would hold it; home: for the key of the patients."""
    settings = Settings(home=home)
    made = generate(load_world("small"), claims)
    lines = read_frame(made.lines, settings).lines.with_columns(version=pl.lit(1, pl.Int32))
    outcomes = read_frame(made.outcomes, settings).outcomes
    authorizations = read_frame(made.authorizations, settings).authorizations
    last = outcomes["known_date"].max()
    assert isinstance(last, date)
    return Practice(lines.drop("row"), outcomes, authorizations.drop("row"), last)
