"""`denials check FILE`: what the rules say of claims before they are sent; as JSON Lines, a finding or a claim each."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from claims.settings import load_settings
from pipelines.arguments import Map, mapping_of
from pipelines.terminal import Report, progress

if TYPE_CHECKING:
    import polars as pl

    from claims.batch import Batch
    from rules.check import Checker, Part

Row = dict[str, Any]


def check(
    file: Annotated[Path, typer.Argument(help="Claims to be sent: 837, FHIR, CSV, Parquet or JSON.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines on stdout, one object a finding.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Also what is met and what is not known.")] = False,
    audit: Annotated[
        bool, typer.Option("--audit", help="Instead: would each claim survive a review after it was paid?")
    ] = False,
    claims: Annotated[int, typer.Option(min=1, help="How many claims are shown, worst first.")] = 20,
    map_file: Map = None,
) -> None:
    """Say what is wrong with claims by the rules of their payers.

    Needs no model. What the store holds counts where there is one, and the lines of the file count for each other. A
    rule is broken, met or not known; a claim whose payer has no rule book is told as such.
    """
    from pipelines import show_check
    from rules.readiness import Reviews
    from rules.tally import Tally

    most = 0 if as_json else claims
    counted = Reviews(most) if audit else Tally(most, every)
    with progress("check", quiet=as_json and sys.stdout.isatty()) as tell:
        sent = _read(file, map_file, tell)
        for part in sent.parts(tell):
            counted.add(part)
            if as_json:
                rows = _reviews(part) if audit else _findings(part, every)
                sys.stdout.writelines(json.dumps(row) + "\n" for row in rows)
    if as_json:
        show_check.aside_of(counted, sent.batch)
    elif isinstance(counted, Tally):
        show_check.checked(counted, sent.lines, sent.checker, sent.batch)
    else:
        show_check.reviewed(counted, sent.checker.rules, sent.batch)


@dataclass(frozen=True)
class _Sent:
    """What was read, its lines with a day of submission each, and the rules with a past that holds them all."""

    batch: Batch
    lines: pl.DataFrame
    checker: Checker

    def parts(self, tell: Report) -> Iterator[Part]:
        """What the rules say, some whole claims at a time."""
        done = 0
        for part in self.checker.parts(self.lines):
            yield part
            done += len(part.lines)
            tell(f"{done:,} lines", 0.4 + 0.6 * done / len(self.lines))


def _read(file: Path, map_file: Path | None, tell: Report) -> _Sent:
    from claims.batch import check_lines
    from claims.dated import dated
    from claims.read import read_file
    from rules.check import Checker

    settings, mapping = load_settings(), mapping_of(map_file)
    tell("rules and store", 0.0)
    checker = Checker.load(settings)
    tell("reading", 0.1)
    batch = read_file(file, settings, mapping)
    check_lines(batch)
    lines = dated(batch.lines, settings.today())
    tell("earlier lines", 0.3)
    return _Sent(batch, lines, checker.beside(lines))


def _findings(part: Part, every: bool) -> Iterator[Row]:
    from rules.verdict import BROKEN, MET, UNKNOWN

    told = part.found.told((BROKEN, UNKNOWN, MET) if every else (BROKEN,))
    keys = part.lines.frame.select("claim_id", "claim_line_number").iter_rows(named=True)
    return (key | finding for key, findings in zip(keys, told, strict=True) for finding in findings)


def _reviews(part: Part) -> Iterator[Row]:
    from rules.readiness import readiness

    told = readiness(part.found, part.lines)
    return ({"claim_id": one} | answer._asdict() for one, answer in zip(part.claim_ids(), told, strict=True))
