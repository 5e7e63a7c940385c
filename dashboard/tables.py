"""From the manager's frames to tables of a page: headed columns, cells with what is shown and what is sorted by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from dashboard import words
from dashboard.drivers import Drivers
from dashboard.facts import RECENT_DAYS
from dashboard.views import FEW, NO_REASON

Row = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """show: row -> text; by: row -> number to sort by (None: sorts as text); minor: left out on narrow screens."""

    title: str
    show: Callable[[Row], str]
    by: Callable[[Row], float | None] | None = None
    minor: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Cell:
    """text as shown; sort as data-sort, None for text."""

    text: str
    sort: float | None = None


@dataclass(frozen=True)
class Table:
    """A table of a page. marks: of each row, "few" (too few lines), "total" or ""."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    marks: tuple[str, ...]
    sortable: bool = True


def table_of(caption: str, frame: pl.DataFrame, columns: list[Column], *, sortable: bool = True) -> Table:
    """A table of all rows of a frame."""
    rows = list(frame.iter_rows(named=True))
    cells = tuple(tuple(Cell(c.show(row), c.by(row) if c.by else None) for c in columns) for row in rows)
    return Table(caption, tuple(columns), cells, tuple("few" if row.get("few") else "" for row in rows), sortable)


def _number(title: str, column: str, show: Callable[[Any], str], *, minor: bool = False, hint: str = "") -> Column:
    return Column(title, lambda row: show(row[column]), lambda row: row[column], minor, hint)


RANGE = Column(
    "95% range", lambda row: words.between(row["low"], row["high"]), lambda row: row["low"], True,
    "where the true rate plausibly lies",
)  # fmt: skip
RATE = Column("Rate", lambda row: words.percent(row["rate"]) + (" *" if row["few"] else ""), lambda row: row["rate"])
LINES = _number("Lines", "lines", words.count)
DENIED = _number("Denied", "denied", words.count, minor=True)
MONEY = _number("Denied $", "denied_cents", words.dollars)
CHANGE = Column(
    f"{RECENT_DAYS}-day change",
    lambda row: words.points(row["change"], row["clear"]), lambda row: row["change"], True,
    f"points by which the last {RECENT_DAYS} days differ from the months before; an arrow: more than chance explains",
)  # fmt: skip
REASON_COLUMNS = [
    DENIED,
    _number("Of denials", "share", words.percent, minor=True, hint="share of the denied lines"),
    _number("Of all", "rate", words.percent, hint="share of all mature lines"),
    RANGE, MONEY,
]  # fmt: skip
FEW_NOTE = f"* fewer than {FEW} lines: too few to read as a rate."


def payers(frame: pl.DataFrame) -> Table:
    """By payer."""
    label = Column("Payer", lambda row: row["label"])
    answer = Column(
        "Answers in", lambda row: words.MISSING if row["days"] is None else f"{row['days']:.0f} days",
        lambda row: row["days"], True, "95% of its answers have come by then",
    )  # fmt: skip
    return table_of(f"Payers by denied dollars. {FEW_NOTE}", frame, [label, LINES, RATE, RANGE, MONEY, CHANGE, answer])


def families(frame: pl.DataFrame) -> Table:
    """By family of procedures."""
    label = Column("Family", lambda row: words.family_words(row["family"]))
    return table_of(
        f"Families of services by denied dollars. {FEW_NOTE}", frame, [label, LINES, DENIED, RATE, RANGE, MONEY, CHANGE]
    )


def codes(frame: pl.DataFrame, limit: int) -> Table:
    """By code, the first `limit`."""
    code = Column("Code", lambda row: row["code"])
    label = Column("Family", lambda row: words.family_words(row["family"]), None, True)
    whole = len(frame) <= limit
    shown = "all codes" if whole else f"the first {limit} of {len(frame)} codes"
    columns = [code, *([label] if whole else []), LINES, DENIED, RATE, RANGE, MONEY, CHANGE]
    return table_of(f"Codes by denied dollars, {shown}. {FEW_NOTE}", frame.head(limit), columns)


def _so_far(row: Row) -> str:
    return words.percent(row["rate"]) + ("" if row["settled"] else " so far")


def months(frame: pl.DataFrame) -> Table:
    """By month of submission, the latest first."""
    columns = [
        Column("Month sent", lambda row: words.month(row["month"]), lambda row: row["month"].toordinal()),
        _number("Sent", "sent", words.count),
        _number("Waiting", "waiting_share", lambda share: words.percent(share, 0)),
        Column("Rate", _so_far, lambda row: row["rate"]),
        RANGE, MONEY,
        Column("State", lambda row: "settled" if row["settled"] else "still open"),
    ]  # fmt: skip
    table = table_of("By month of submission.", frame.reverse(), columns)
    marks = tuple("" if settled else "open" for settled in frame.reverse()["settled"])
    return Table(table.caption, table.columns, table.rows, marks)


def reasons(frame: pl.DataFrame) -> Table:
    """Totals by category."""
    columns = [Column("Reason", lambda row: words.plain(row["category"])), *REASON_COLUMNS]
    return table_of("Denied lines by reason.", frame.filter(pl.col("carc").is_null()), columns)


def carcs(frame: pl.DataFrame) -> Table:
    """By category, primary adjustment codes beneath; not sortable, because codes belong beneath their category."""

    def label(row: Row) -> str:
        if row["carc"] is None:
            return words.plain(row["category"])
        if row["carc"] == NO_REASON:
            return NO_REASON
        return f"{row['carc']}: {row['meaning']}" if row["meaning"] else _unlisted(row)

    columns = [Column("Reason, and primary code (CARC) beneath", label), *REASON_COLUMNS]
    table = table_of("Denied lines by reason and primary code.", frame, columns, sortable=False)
    marks = tuple("total" if carc is None else "part" for carc in frame["carc"])
    return Table(table.caption, table.columns, table.rows, marks, sortable=False)


def _unlisted(row: Row) -> str:
    """A code that claims/carc_classes.csv has no words for."""
    return f"CARC {row['carc']} ({words.plain(row['category'])})"


def combinations(frame: pl.DataFrame) -> Table:
    """The hot combinations."""
    columns = [
        Column("Payer", lambda row: row["label"]),
        Column("Code", lambda row: row["code"]),
        Column("Diagnosis", lambda row: words.diagnosis(row["diagnosis"])),
        replace(LINES, minor=True), DENIED, RATE,
        _number("Leaning rate", "leaned", words.percent, minor=True, hint="toward the payer's rate for the code"),
        Column("Above the practice's", lambda row: "surely" if row["sure"] else "likely", None, True),
        MONEY, CHANGE,
    ]  # fmt: skip
    return table_of("Payer, code and diagnosis, by denied dollars.", frame, columns)


def coverage(frame: pl.DataFrame) -> Table:
    """What was counted and what was not."""

    def label(row: Row) -> str:
        state = words.STATES.get(row["state"], words.plain(row["state"]))
        return state if row["outcome"] is None else f"{state}: {words.plain(row['outcome'])}"

    return table_of("Every line of the store, by what became of it.", frame, [Column("Lines that are", label), LINES])


def drivers(found: Drivers) -> Table:
    """The heaviest features."""
    columns = [
        Column("What the model looks at", lambda row: row["words"]),
        Column("Concept", lambda row: row["concept"], None, True),
        _number("Weight", "weight", lambda weight: f"{weight:.2f}", hint="mean absolute contribution, log-odds"),
        Column("Direction", lambda row: row["direction"]),
    ]
    return table_of("The features that move the risk most.", found.features, columns)


def concepts(found: Drivers) -> Table:
    """The billing concepts."""
    columns = [
        Column("Concept", lambda row: row["concept"]),
        _number("Share", "share", lambda share: words.percent(share, 0)),
        _number(
            "Weight", "weight", lambda weight: f"{weight:.2f}", minor=True, hint="mean absolute contribution, log-odds"
        ),
        _number("Raises the risk of", "raises", lambda share: words.percent(share, 0) + " of lines"),
    ]
    return table_of("Billing concepts by weight.", found.concepts, columns)
