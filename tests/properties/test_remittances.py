"""Whatever way remittances come in, they find the same lines: no order, no repetition and no later day matters.

The rows are those of a small practice as an 835 tells them: without line numbers, some without modifiers, some payers
by another name.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import permutations

import polars as pl
import pytest

from claims.earlier import chains
from claims.final import final_lines
from claims.label import label_lines, load_classes
from claims.match import match_outcomes
from claims.read import read_frame
from claims.settings import load_settings
from claims.snapshot import Snapshot, take_snapshot
from claims.store import Store
from claims.table import Line, ProviderAdjustment, Rejection
from data.synthetic import generate, load_world

CLAIMS = 600
AS_OF = date(2030, 1, 1)
SERVICE = {
    "code": "hcpcs_code",
    "day": "claim_line_start_date",
    "charge": "charge_amount",
    "modifier": "hcpcs_modifier_1",
}


@pytest.fixture(scope="module")
def frames() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines, and outcomes as an 835 tells them with the true line beside (`truth`)."""
    made = generate(load_world("small"), CLAIMS)
    service = made.lines.select("claim_id", "claim_line_number", "payer_id", **SERVICE)
    keys = ["claim_id", "claim_line_number", "payer_id"]
    told = made.outcomes.join(
        service.unique(keys, keep="first", maintain_order=True), on=keys, how="left", maintain_order="left"
    )
    back = pl.col("claim_status_code") == "22"
    every = pl.int_range(pl.len())
    charge = pl.col("charge").cast(pl.String)
    told = told.with_columns(
        truth="claim_line_number", claim_line_number=pl.lit(""), hcpcs_code="code", claim_line_start_date="day",
        charge_amount=pl.when(back).then(pl.lit("-") + charge).otherwise(charge),
        hcpcs_modifier_1=pl.when(every % 5 == 0).then(pl.lit("")).otherwise("modifier"),
        payer_id=pl.when(pl.col("claim_id").str.tail(1).is_in(["1", "4"])).then(pl.lit("other name"))
        .otherwise("payer_id"),
    )  # fmt: skip
    return made.lines, told.drop(SERVICE)


@pytest.fixture(scope="module")
def tables(
    frames: tuple[pl.DataFrame, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both as they are stored."""
    settings = load_settings(tmp_path_factory.mktemp("home"))
    lines = read_frame(frames[0], settings).lines.with_columns(version=pl.lit(1, pl.Int32))
    return lines.select(Line.column_names()), read_frame(frames[1].drop("truth"), settings).outcomes


def found(matched: pl.DataFrame) -> pl.DataFrame:
    """What each row found, in an order of its own."""
    names = ["outcome_id", "submission_id", "line", "match_method", "match_certainty"]
    return matched.select(names).sort(names, nulls_last=True)


def test_every_row_finds_its_line(
    frames: tuple[pl.DataFrame, pl.DataFrame], tables: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    matched = match_outcomes(*tables)
    truth = frames[1]["truth"].cast(pl.Int32)
    assert matched.height == len(truth) > 1_000
    assert set(matched["match_certainty"]) == {"exact", "probable"}
    assert matched["line"].equals(truth.rename("line"))


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_decides_nothing(tables: tuple[pl.DataFrame, pl.DataFrame], seed: int) -> None:
    lines, outcomes = tables
    mixed = [table.sample(fraction=1, shuffle=True, seed=seed) for table in tables]
    matched, other = match_outcomes(lines, outcomes), match_outcomes(*mixed)
    assert found(matched).equals(found(other))
    key = ["submission_id", "claim_line_number"]
    none = ProviderAdjustment.create_empty(), Rejection.create_empty()
    ends = [
        final_lines(sent, told, chains(sent, told), *none, AS_OF).sort(key)
        for sent, told in ((lines, matched), (mixed[0], other))
    ]
    assert ends[0].equals(ends[1])
    assert ends[0]["overturned"].sum() > 10
    labels = [label_lines(sent, told, load_classes()).sort(key) for sent, told in ((lines, matched), (mixed[0], other))]
    assert labels[0].equals(labels[1])


@pytest.fixture(scope="module")
def stored(
    frames: tuple[pl.DataFrame, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[list[pl.DataFrame]], Snapshot]:
    """Takes remittance files into a store of their own, in the order given."""

    def take(files: list[pl.DataFrame]) -> Snapshot:
        home = tmp_path_factory.mktemp("home")
        (home / "secret.key").write_text("ab" * 32)
        settings = load_settings(home)
        store = Store.open(settings)
        for frame in (frames[0], *files):
            store.add(read_frame(frame, settings))
        return take_snapshot(store)

    return take


def test_the_order_of_files_and_the_same_remittance_twice_change_nothing(
    frames: tuple[pl.DataFrame, pl.DataFrame], stored: Callable[[list[pl.DataFrame]], Snapshot]
) -> None:
    days = frames[1]["known_date"].unique().sort()
    first, last = days[len(days) // 3], days[2 * len(days) // 3]
    told, known = frames[1].drop("truth"), pl.col("known_date")
    files = [told.filter(known < first), told.filter(known >= first, known < last), told.filter(known >= last)]
    key = ["submission_id", "claim_line_number"]
    orders = [*[list(order) for order in permutations(files)][::3], [*files, files[1], files[0]]]
    answers = [stored(order) for order in orders]
    for answer in answers[1:]:
        assert answer.unmatched == answers[0].unmatched
        assert answer.outcomes.sort(key).equals(answers[0].outcomes.sort(key))


def test_a_remittance_never_belongs_to_what_was_sent_after_it(tables: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    lines, outcomes = tables
    for days in (0, 20, 60):
        early = outcomes.with_columns(pl.col("known_date") - pl.duration(days=days))
        sent = lines.select("submission_id", "submitted_date").unique()
        pairs = match_outcomes(lines, early).join(sent, on="submission_id")
        assert pairs.height > 0
        assert pairs.filter(pl.col("submitted_date") > pl.col("known_date")).is_empty()


def test_what_becomes_known_later_changes_no_earlier_match(tables: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    lines, outcomes = tables
    days = outcomes["known_date"].unique().sort()
    whole = match_outcomes(lines, outcomes)
    for share in (3, 5):
        day = days[len(days) * share // 6]
        early = pl.col("known_date") < day
        then = match_outcomes(lines.filter(pl.col("submitted_date") < day), outcomes.filter(early))
        assert found(then).equals(found(whole.filter(early)))
