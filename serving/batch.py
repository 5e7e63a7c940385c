"""`denials score FILE --out OUT`: a file in, a table out, and with an explanation a second table of drivers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from claims.errors import UsageError
from claims.mapping import Mapping
from claims.read import read_file
from serving.answer import Json, claims_of
from serving.assess import Assessed
from serving.explain import Driver, Explain
from serving.reasons import told
from serving.score import Scorer
from serving.sheet import COLUMNS
from serving.sink import Sink, check_ending

PART = 2_000  # lines explained at a time: their contributions are all that is held
READ = 0.1  # share of the progress
Progress = Callable[[str, float], None]
DRIVERS: dict[str, pl.DataType] = {
    "claim_id": pl.String(),
    "claim_line_number": pl.Int32(),
    "feature": pl.String(),
    "concept": pl.String(),
    "value": pl.String(),
    "shap": pl.Float64(),
    "sentence": pl.String(),
}


@dataclass(frozen=True)
class Written:
    """What was written: rows of the table, how many of them were scored, claims by band, and where the drivers are."""

    rows: int
    scored: int
    bands: dict[str, int]
    out: Path
    drivers: Path | None
    unknown_columns: tuple[str, ...]


def silent(message: str, share: float) -> None:
    """Progress for nobody."""


def drivers_path(out: Path) -> Path:
    """OUT.drivers.ext beside OUT.ext."""
    return out.with_name(f"{out.stem}.drivers{out.suffix}")


def score_file(
    scorer: Scorer, path: Path, out: Path, explain: Explain | None = None, progress: Progress = silent,
    mapping: Mapping | None = None,
) -> Written:  # fmt: skip
    """Score a file into `out` (csv, parquet or json by its ending), one row for each row in, in order.

    With `explain` the drivers of the scored lines go to drivers_path(out): top, or full (every feature that moved the
    score). Raises UsageError for a file it cannot write, UnreadableFileError for a file without claim lines.
    """
    check_ending(out)
    if path.exists() and out.exists() and path.samefile(out):
        raise UsageError(f"{out.name} is the file of claims itself; name another for the answer")
    progress("reading", 0.0)
    batch = read_file(path, scorer.settings, mapping)
    second = drivers_path(out) if explain else None
    bands: Counter[str] = Counter()
    scored = rows = 0
    with ExitStack() as stack:
        sink = stack.enter_context(Sink(out, COLUMNS))
        drivers = stack.enter_context(Sink(second, DRIVERS)) if second else None
        progress("scoring", READ)
        for assessed, table in scorer.assess_parts(batch):
            sink.write(table)
            if explain and drivers:
                for done in _explained(scorer, assessed, drivers, explain):
                    progress("explaining", READ + (1 - READ) * ((scored + done) / len(batch.lines)))
            rows, scored = rows + len(table), scored + len(assessed)
            bands.update(_bands(table))
            progress("scoring", READ + (1 - READ) * (scored / max(len(batch.lines), 1)))
    progress("done", 1.0)
    return Written(rows, scored, dict(sorted(bands.items())), out, second, batch.unknown_columns)


def _bands(table: pl.DataFrame) -> dict[str, int]:
    claims = table.drop_nulls("score_id").unique("score_id")
    return dict(claims.group_by("band").len().iter_rows())


def explain_file(scorer: Scorer, path: Path, most: int, mapping: Mapping | None = None) -> Json:
    """The claims of a file that stand to lose most, dearest first, as the response of POST /v1/score has them."""
    batch = read_file(path, scorer.settings, mapping)
    assessed = scorer.assess_batch(batch)[0].dearest(most)
    base, drivers = scorer.explain(assessed, slice(0, len(assessed)))
    reasons = told(assessed, scorer.model.reasons)
    claims = claims_of(assessed, base, drivers, scorer.findings(assessed), reasons, scorer.settings.serving)
    return scorer.about() | {"claims": [claims[index] for index in sorted(claims)]}


def _explained(scorer: Scorer, assessed: Assessed, sink: Sink, explain: Explain) -> Iterator[int]:
    """Write the drivers of the lines; after each PART how many lines are done."""
    for start in range(0, len(assessed), PART):
        rows = slice(start, min(start + PART, len(assessed)))
        sink.write(driver_rows(assessed.lines[rows], scorer.explain(assessed, rows, explain)[1]))
        yield rows.stop


def driver_rows(lines: pl.DataFrame, drivers: list[list[Driver]]) -> pl.DataFrame:
    """One row a driver, columns of DRIVERS; a value is written as JSON writes it."""
    keys = lines.select("claim_id", "claim_line_number").rows()
    rows = [(*key, d["feature"], d["concept"], _written(d["value"]), d["shap"], d["sentence"])
            for key, listed in zip(keys, drivers, strict=True) for d in listed]  # fmt: skip
    return pl.DataFrame(rows, schema=DRIVERS, orient="row")


def _written(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
