"""What was known on a day: lines with their chains, the labels of those adjudicated, and authorizations.

A snapshot as of a day holds what was submitted and known strictly before it, and everything in it (chains, matches,
labels) is worked out again from that alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from claims.earlier import chains, control_numbers
from claims.label import label_lines, load_classes
from claims.match import match_outcomes

if TYPE_CHECKING:
    from claims.store import Store


OF_THE_STORE = ("version", "row_hash", "file_id", "loaded_at")  # nobody asks for them here; 80 MB of a million lines


@dataclass(frozen=True)
class Snapshot:
    """What training, history and reports start from."""

    lines: pl.DataFrame  # Line columns but OF_THE_STORE, chain_id, is_resubmission, is_original; in the order given
    outcomes: pl.DataFrame  # label_lines() of them: one row a line that was adjudicated
    authorizations: pl.DataFrame
    data_version: str
    unmatched: int  # outcome rows that belong to no line: kept in the store, of no effect here
    as_of: date | None
    controls: pl.DataFrame  # control_numbers(): what payers called each submission; ChainIndex asks for it
    again: pl.DataFrame | None = None  # columns of the site that came later for lines of before; None: not asked for


def snapshot_of(
    lines: pl.DataFrame,
    outcomes: pl.DataFrame,
    authorizations: pl.DataFrame,
    *,
    classes: pl.DataFrame | None = None,
    data_version: str = "",
    as_of: date | None = None,
) -> Snapshot:
    """The snapshot of stored tables as of a day (None: everything, lines without submitted_date included).

    `classes`: the table of `load_classes`, by default the contract's.
    """
    if as_of is not None:
        lines = lines.filter(pl.col("submitted_date") < as_of)
        outcomes = outcomes.filter(pl.col("known_date") < as_of)
        with_claim = pl.col("known_date").is_null()
        authorizations = authorizations.filter(with_claim | (pl.col("known_date") < as_of))
    classes = load_classes() if classes is None else classes
    matched = match_outcomes(lines, outcomes, classes)
    links = chains(lines, matched).drop("resubmission_of")
    chained = lines.join(links, on="submission_id", how="left", maintain_order="left")
    return Snapshot(
        lines=chained.with_columns(is_original=is_original()).drop(OF_THE_STORE),
        outcomes=label_lines(lines, matched, classes),
        authorizations=authorizations,
        data_version=data_version,
        unmatched=matched["line"].null_count(),
        as_of=as_of,
        controls=control_numbers(lines, matched),
    )


def take_snapshot(store: Store, as_of: date | None = None, *, classes: pl.DataFrame | None = None) -> Snapshot:
    """The snapshot of a store as of a day; `data_version` says which state of the store it was, whoever adds now."""
    store = store.as_it_is()
    lines = store.lines()
    found = snapshot_of(
        lines,
        store.outcomes(),
        store.authorizations(),
        classes=classes,
        data_version=store.data_version(),
        as_of=as_of,
    )
    if lines["extra"].null_count() == len(lines):
        return found
    return replace(found, again=store.versions().select("submission_id", "claim_line_number", "extra"))


def is_original() -> pl.Expr:
    """Whether a line with its `is_resubmission` is of a first submission to the primary payer."""
    first = pl.col("claim_frequency_code").fill_null("").is_in(["", "1"])
    return first & is_primary() & ~pl.col("is_resubmission")


def is_primary() -> pl.Expr:
    """Whether a line went to the payer that is asked first."""
    return pl.col("payer_responsibility_code").fill_null("").is_in(["", "P"])
