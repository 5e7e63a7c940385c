"""One practice as tables, as X12 and as FHIR: the same lines, outcomes, labels and chains, in every column that the
format can carry (claims/formats.py, shown in docs/formats.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from claims.fields import CANONICAL, MADE
from claims.formats import FHIR, X12, carried, page
from claims.ingest import ingest
from claims.settings import load_settings
from claims.snapshot import Snapshot, take_snapshot
from claims.store import Store
from claims.table import DIAGNOSES, MODIFIERS
from data.synthetic import Generated, generate, load_world

CLAIMS = 400
FORMS = {"x12": X12, "fhir": FHIR}
KEYS = ["member_key", "patient_id", "patient_age", "submission_id"]  # made from what every format carries
REVERSAL = pl.col("claim_status_code") == "22"


@dataclass(frozen=True)
class Read:
    """What a store holds of the practice, and what it makes of it."""

    snapshot: Snapshot
    lines: pl.DataFrame
    outcomes: pl.DataFrame
    rejects: int
    columns: set[str]  # those that its files of lines and outcomes carried


@pytest.fixture(scope="module")
def written() -> Generated:
    """A practice whose claims use more of a claim than its billers do: notes, twelve diagnoses, stays of two days."""
    made = generate(load_world("base"), CLAIMS)
    third = pl.col("claim_id").str.slice(-1).is_in(["1", "4", "7"])
    many = [pl.when(third).then(pl.lit(f"M54{at:02}")).otherwise(name).alias(name) for at, name in enumerate(DIAGNOSES)]
    lines = made.lines.with_columns(
        *many,
        *(pl.when(third & (pl.col("claim_line_number") == 1)).then(pl.lit(told)).otherwise(name).alias(name)
          for name, told in zip(MODIFIERS, ("LT", "59", "76", "XS"), strict=True)),
        diagnosis_pointers=pl.when(third).then(pl.lit("2,12,1")).otherwise("diagnosis_pointers"),
        line_note=pl.when(third & (pl.col("claim_line_number") == 2)).then(pl.lit("two vials, one opened")),
        claim_line_end_date=pl.col("claim_line_end_date") + pl.duration(days=third.cast(pl.Int8)),
    )  # fmt: skip
    return replace(made, lines=lines)


def read(folder: Path, home: Path) -> Read:
    home.mkdir()
    (home / "secret.key").write_text("ab" * 32)
    settings = load_settings(home)
    report = ingest([folder], settings)
    assert [file for file in report.files if file.kind is None] == []
    store = Store.open(settings)
    carried = store.files().filter(pl.col("kind") != "authorizations")["columns"]
    told = {column for columns in carried for column in columns.split(";")}
    return Read(take_snapshot(store), store.lines(), store.outcomes(), store.rejects().height, told)


@pytest.fixture(scope="module")
def tables(written: Generated, tmp_path_factory: pytest.TempPathFactory) -> Read:
    """As CSV, with the columns of outcomes that the other formats have besides."""
    folder = tmp_path_factory.mktemp("csv")
    written.write(folder)
    told = written.told()
    charge = pl.when(REVERSAL).then("-" + pl.col("charge_amount")).otherwise("charge_amount")
    columns = [name for name in carried(X12, "outcomes", "yes", "part") if name not in written.outcomes.columns]
    told.with_columns(charge_amount=charge).select(*written.outcomes.columns, *columns).write_csv(
        folder / "outcomes.csv"
    )
    return read(folder, tmp_path_factory.mktemp("homes") / "csv")


@pytest.fixture(scope="module", params=FORMS)
def other(
    request: pytest.FixtureRequest, written: Generated, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Read]:
    folder = tmp_path_factory.mktemp(request.param)
    written.write(folder, request.param)
    return FORMS[request.param], read(folder, tmp_path_factory.mktemp("homes") / request.param)


def same(one: pl.DataFrame, two: pl.DataFrame, columns: list[str]) -> None:
    """Equal as sets of rows."""
    assert_frame_equal(one.select(columns).sort(columns), two.select(columns).sort(columns))


def test_nothing_is_rejected(tables: Read, other: tuple[str, Read]) -> None:
    assert tables.rejects == other[1].rejects == 0


def test_lines_are_the_same_in_every_column_that_the_format_carries(tables: Read, other: tuple[str, Read]) -> None:
    form, found = other
    columns = [name for name in carried(form, "lines") if name in tables.lines.columns]
    assert len(columns) > 40
    same(tables.lines, found.lines, [*columns, *KEYS])


def test_columns_that_the_format_cannot_carry_are_not_known(other: tuple[str, Read]) -> None:
    form, found = other
    absent = set(carried(form, "lines", "no")) - {"patient_age"}
    assert all(found.lines[name].is_null().all() for name in absent)
    assert all(found.outcomes[name].is_null().all() for name in carried(form, "outcomes", "no"))


def test_files_say_that_they_carry_what_the_lists_say(other: tuple[str, Read]) -> None:
    form, found = other
    listed = {name for table in ("lines", "outcomes") for name in carried(form, table, "yes", "part")}
    assert found.columns & CANONICAL == listed


def test_no_column_that_the_format_carries_is_not_known(other: tuple[str, Read]) -> None:
    """Where a claim leaves one out, it is not present: no text is null."""
    form, found = other
    for frame, table in ((found.lines, "lines"), (found.outcomes, "outcomes")):
        texts = [name for name in carried(form, table) if frame.schema.get(name) == pl.String]
        assert {name: frame[name].null_count() for name in texts if frame[name].null_count()} == {}


def test_outcomes_are_the_same_in_every_column_that_the_format_carries(tables: Read, other: tuple[str, Read]) -> None:
    form, found = other
    same(tables.outcomes, found.outcomes, carried(form, "outcomes"))


def test_columns_carried_in_part_are_the_same_where_they_are_there(tables: Read, other: tuple[str, Read]) -> None:
    form, found = other
    whole = carried(form, "outcomes")
    for column in carried(form, "outcomes", "part"):
        filled = pl.col(column).is_not_null() & (pl.col(column).cast(pl.String) != "")
        told = found.outcomes.filter(filled).select(*whole, column)
        assert 0 < told.height < found.outcomes.height
        known = tables.outcomes.select(*whole, column)
        assert told.join(known, on=[*whole, column], how="anti", nulls_equal=True).is_empty()


def test_labels_and_chains_are_the_same(tables: Read, other: tuple[str, Read]) -> None:
    _, found = other
    assert found.snapshot.unmatched == tables.snapshot.unmatched
    same(tables.snapshot.outcomes, found.snapshot.outcomes, tables.snapshot.outcomes.columns)
    assert tables.snapshot.outcomes["y"].sum() > 50
    chains = ["submission_id", "claim_line_number", "chain_id", "is_resubmission", "is_original"]
    same(tables.snapshot.lines, found.snapshot.lines, chains)


def test_the_page_is_made_from_the_lists() -> None:
    assert (Path(__file__).parents[2] / "docs" / "formats.md").read_text() == page()
    assert not MADE & set(carried(X12, "lines"))
