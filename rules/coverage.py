"""docs/rules-coverage.md: which published rules stand in a book, and which do not, with the reason.

Made from rules/coverage_*.csv (`python -m rules.coverage > docs/rules-coverage.md`): a row of the facts, the rules that
hold it (none: it is not modelled), and why it is not, or what was left of it.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from importlib.resources import files
from typing import NamedTuple

SOURCES = {"coverage_lcd.csv": "Medicare's contractors", "coverage_payers.csv": "Payers"}
HEAD = """# Which published rules are modelled

Every row of the facts that the books were written from: the rules that hold it, or why no rule does. A rule that rests
on what was not verified, or on another's word, is `assumed` in its book and says so wherever it is told. This page is
made from `rules/coverage_*.csv` (`make docs`); [rules.md](rules.md) lists the rules themselves.
"""


class Row(NamedTuple):
    """One row of the facts; rules: ids, none where it is not modelled."""

    source: str
    row: str
    subject: str
    rules: tuple[str, ...]
    reason: str


def coverage() -> dict[str, list[Row]]:
    """File -> its rows."""
    found = {}
    for name in SOURCES:
        with (files("rules") / name).open(encoding="utf-8") as table:
            found[name] = [
                Row(told["source"], told["row"], told["subject"], tuple(told["rules"].split()), told["reason"])
                for told in csv.DictReader(table)
            ]
    return found


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(line for name, rows in coverage().items() for line in _section(SOURCES[name], rows))])


def _section(title: str, rows: list[Row]) -> Iterator[str]:
    held = [row for row in rows if row.rules]
    yield f"## {title}\n\n{len(rows)} rows, {len(held)} of them in a rule.\n"
    yield "### Not modelled\n\n| row | what | why not |\n|---|---|---|"
    for row in rows:
        if not row.rules:
            yield f"| {_place(row)} | {_cell(row.subject)} | {_cell(row.reason)} |"
    yield "\n### Modelled\n\n| row | what | rules | note |\n|---|---|---|---|"
    yield from (
        f"| {_place(row)} | {_cell(row.subject)} | {', '.join(row.rules)} | {_cell(row.reason)} |" for row in held
    )
    yield ""


def _place(row: Row) -> str:
    return f"{row.source.removesuffix('.csv')} {row.row}"


def _cell(text: str) -> str:
    return text.replace("|", "/")


if __name__ == "__main__":
    sys.stdout.write(page())
