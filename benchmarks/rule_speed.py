"""Every rule on a million lines (seconds, peak memory, by kind) and on one claim of three lines.

The peer answers a small part, the NCCI pairs alone, as a claim scrubber of tables does: a join of the lines with
themselves and with the table. Lines are the base world's; each kind is also asked alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl

from benchmarks.feature_speed import best, load, prepare, three_line_claims
from benchmarks.results import peak, record
from rules.blocks import blocks
from rules.encode import Lines
from rules.judge import judge
from rules.parameters import KINDS
from rules.past import Past
from rules.ruleset import RuleSet, packaged

TABLE = Path(__file__).parents[1] / "rules" / "tables" / "ncci_ptp.csv"


def main() -> None:
    """Measure, print and record."""
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        told = _apart(Path(folder), "whole")
        alone = _apart(Path(folder), "kinds")
    lines = f"{told.pop('lines'):,.0f} lines"
    record(
        "rule_speed",
        {
            f"every rule, {lines}": (told["all"], "s"),
            "every rule, peak memory of the process": (told["peak"] / 2**30, "GiB"),
            "three lines, p50": (told["p50"] * 1000, "ms"),
            "three lines, best": (told["best"] * 1000, "ms"),
            "three lines with their words, p50": (told["words"] * 1000, "ms"),
            "peer: NCCI pairs by joins": (alone["peer"], "s"),
            "peer / our NCCI pairs": (alone["peer"] / alone["ptp"], "x"),
            **{f"{kind} alone, {lines}": (alone[kind], "s") for kind in KINDS},
        },
    )


def _apart(folder: Path, part: str) -> dict[str, float]:
    """In a process of its own, so that its peak is its own."""
    command = [sys.executable, "-m", "benchmarks.rule_speed", str(folder), part]
    told: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return told


def _judge_all(lines: pl.DataFrame, past: Past, rules: RuleSet) -> int:
    """Findings of all lines, block by block, as `check` and `build` ask for them; returns how many were broken."""
    found = 0
    for rows in blocks(Lines(lines)):
        found += sum(int(broken.sum()) for broken in judge(lines[rows], past, rules).counted().values())
    return found


def _whole(folder: Path) -> dict[str, float]:
    snapshot = load(folder, "whole")
    past, rules = Past.of(snapshot)[0], packaged()
    found = {"lines": snapshot.lines.height, "all": best(lambda: _judge_all(snapshot.lines, past, rules), 3)}
    found["peak"] = peak()
    claims = three_line_claims(snapshot)
    for claim in claims:
        judge(claim, past, rules)
    times = sorted(best(lambda claim=claim: judge(claim, past, rules), 1) for claim in claims)
    words = sorted(best(lambda claim=claim: judge(claim, past, rules).told(), 1) for claim in claims)
    return found | {"p50": times[len(times) // 2], "best": times[0], "words": words[len(words) // 2]}


def _kinds(folder: Path) -> dict[str, float]:
    snapshot = load(folder, "whole")
    past, rules = Past.of(snapshot)[0], packaged()
    found = {kind: best(lambda kind=kind: _judge_all(snapshot.lines, past, _only(rules, kind)), 1) for kind in KINDS}
    return found | {"peer": best(lambda: _pairs_by_joins(snapshot.lines), 1)}


def _only(rules: RuleSet, kind: str) -> RuleSet:
    books = {
        name: book.model_copy(update={"rules": tuple(rule for rule in book.rules if rule.kind == kind)})
        for name, book in rules.books.items()
    }
    return RuleSet.of(books, rules.tables, rules.payers)


def _pairs_by_joins(lines: pl.DataFrame) -> int:
    """Lines of a claim and day whose codes the table pairs."""
    table = pl.read_csv(TABLE, schema_overrides={"column_1": pl.String, "column_2": pl.String})
    day = ["submission_id", "claim_line_start_date"]
    mine = lines.select(*day, "claim_line_number", column_2="hcpcs_code")
    other = lines.select(*day, other="claim_line_number", column_1="hcpcs_code")
    beside = mine.join(other, on=day).filter(pl.col("claim_line_number") != pl.col("other"))
    return beside.join(table, on=["column_1", "column_2"]).height


if __name__ == "__main__":
    if sys.argv[2:]:
        print(json.dumps({"whole": _whole, "kinds": _kinds}[sys.argv[2]](Path(sys.argv[1]))))
    else:
        main()
