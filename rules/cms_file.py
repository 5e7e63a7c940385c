"""One file of CMS: recognised among the known layouts, and its rows written as the table of rules holds them."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from claims.archive import Entry as Source
from claims.cells import CellError
from claims.errors import RuleBookError
from rules.cms_layouts import SEARCHED, Recognised, Row, code_in, recognise, refusal
from rules.release import COLUMNS

_STEP = 100_000  # rows between two reports of progress
_DATED = ("effective_from", "effective_to")
_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
Progress = Callable[[str, float], None]


@dataclass
class CmsFile:
    """The rows of a recognised file, and what was learned while they were read.

    unread: codes of rejected rows; unplaced: rejected rows that name no code.
    """

    source: Source
    known: Recognised
    delimiter: str
    progress: Progress | None
    accepted: int = 0
    lowest: str = "ZZZZZ"  # first cells, and the newest effective date
    highest: str = ""
    newest: str = ""
    rejected: Counter[str] = field(default_factory=Counter)
    unread: set[str] = field(default_factory=set)
    unplaced: int = 0

    def write(self, draft: Path) -> None:
        """Write the accepted rows as the table holds them."""
        columns = COLUMNS[self.known.layout.table]
        dated = "effective date" in self.known.columns
        with draft.open("w", encoding="utf-8", newline="") as out:
            out.write(",".join((*columns, *_DATED) if dated else columns) + "\n")
            for row in self._read():
                self.accepted += 1
                self.lowest, self.highest = min(self.lowest, row[0]), max(self.highest, row[0])
                if dated and row[-2] > self.newest:
                    self.newest = row[-2]
                out.write(",".join(row) + "\n")

    def _read(self) -> Iterator[Row]:
        """The rows below the header that can be read; blank ones and those that continue the header are not rows."""
        columns, read = self.known.columns, self.known.layout.read
        first, width = next(iter(columns.values())), max(columns.values()) + 1
        for number, cells in enumerate(islice(_rows(self.source, self.delimiter), self.known.row + 1, None)):
            if number % _STEP == 0 and self.progress:
                self.progress(self.source.name, min(1.0, self.source.position / max(self.source.weight, 1)))
            cells.extend([""] * (width - len(cells)))
            try:
                yield read({name: cells[place] for name, place in columns.items()})
            except CellError as fault:
                if any(cells) and (self.accepted or cells[first].strip()):
                    self.rejected[str(fault)] += 1
                    self._pass_over(cells)

    def _pass_over(self, cells: list[str]) -> None:
        """Keep the code of a rejected row: of a pair the other one where the first cannot be read."""
        places = [*self.known.columns.values()][: 2 if self.known.layout.table == "ncci_ptp" else 1]
        code = next(filter(None, (code_in(cells[place]) for place in places)), "")
        if code:
            self.unread.add(code)
        else:
            self.unplaced += 1


def _rows(source: Source, delimiter: str) -> Iterator[list[str]]:
    with source.open() as stream, io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="") as text:
        try:
            yield from csv.reader(text, delimiter=delimiter)
        except csv.Error as error:
            raise RuleBookError(f"{source.name} is no table of text ({error}). Nothing was changed") from error


def recognised(source: Source) -> tuple[Recognised | None, str]:
    """The layout of a file and what parts its cells."""
    for delimiter in "\t,":
        try:
            known = recognise(list(islice(_rows(source, delimiter), SEARCHED)))
        except RuleBookError:
            known = None
        if known:
            return known, delimiter
    return None, ""


def unknown(source: Source) -> RuleBookError:
    """What is said of a file whose layout is not known, by its kind and its header cells."""
    with source.open() as stream:
        start = stream.peek(4)
    if start.startswith(_WORKBOOK):
        return RuleBookError(f"{source.name} is a workbook; save its sheet as CSV, or give CMS's text file")
    return refusal(source.name, list(islice(_rows(source, ","), SEARCHED)))
