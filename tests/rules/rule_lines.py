"""Lines, pasts and rules for tests of rules, from tables drawn in text; lines come in as a request does.

In a table an empty cell is null (not known), `""` empty (not present); a column that it leaves out has a default.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ascii_table
import polars as pl

from claims.read import read_claims
from claims.settings import Settings
from claims.snapshot import snapshot_of
from claims.table import Authorization, Line, Outcome
from rules.book import Book
from rules.bulk import BulkTables
from rules.findings import Finding, Findings
from rules.judge import judge
from rules.manifest import Entry, write_manifest
from rules.past import Past
from rules.ruleset import RuleSet
from rules.verdict import BROKEN, MET, OUTCOMES, UNKNOWN

SHORT = {
    "claim": "claim_id", "line": "claim_line_number", "code": "hcpcs_code", "day": "claim_line_start_date",
    "to": "claim_line_end_date", "sent": "submitted_date", "units": "service_unit_quantity",
    "pos": "place_of_service_code", "state": "service_state", "filing": "claim_filing_indicator_code",
    "payer": "payer_id", "patient": "member_id", "auth": "prior_authorization_number",
    "points": "diagnosis_pointers", "charge": "charge_amount", "mods": "modifiers", "dx": "diagnosis_codes",
}  # fmt: skip
LISTS = ("modifiers", "diagnosis_codes")  # words of one cell
EVERY = {
    "claim_id": "A", "claim_line_start_date": "2026-01-05", "submitted_date": "2026-02-01", "payer_id": "P1",
    "member_id": "M1", "hcpcs_code": "64483", "modifiers": [], "claim_filing_indicator_code": "MB",
}  # fmt: skip
RULE = {
    "id": "TEST-RULE", "title": "A rule of the test", "message": "{code}", "remedy": "Check the record.",
    "checked_on": "2026-11-23", "standing": "assumed",
}  # fmt: skip


def lines(told: str | Sequence[Mapping[str, Any]], **every: Any) -> pl.DataFrame:
    """The lines of a table, or of dicts; `every` (short names do) holds for all that say nothing of it."""
    rows = ascii_table.rows(told) if isinstance(told, str) else told
    defaults = EVERY | _plain(every)
    claims = [defaults | _plain(row) for row in rows]
    seen: dict[Any, int] = {}
    for claim in claims:
        seen[claim["claim_id"]] = seen.get(claim["claim_id"], 0) + 1
        claim.setdefault("claim_line_number", seen[claim["claim_id"]])
    batch = read_claims(claims, Settings())
    assert batch.rejects.is_empty(), batch.rejects
    return batch.lines


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    named = {SHORT.get(name, name): cell for name, cell in row.items()}
    return {n: c.split() if n in LISTS and isinstance(c, str) else c for n, c in named.items()}


def past(earlier: pl.DataFrame | None = None, authorizations: pl.DataFrame | None = None) -> Past:
    """The past of a store that holds these lines (of `lines`) and authorizations (of ascii_table.authorizations)."""
    stored = Line.create_empty() if earlier is None else earlier.with_columns(version=pl.lit(1, pl.Int32))
    granted = Authorization.create_empty() if authorizations is None else authorizations
    return Past.of(snapshot_of(stored.select(Line.column_names()), Outcome.create_empty(), granted))[0]


def rule(kind: str, value: Any, *codes: str, **said: Any) -> dict[str, Any]:
    """A rule as a book has it; `value` since 2020, or dated values (a dict of dates)."""
    values = value if isinstance(value, dict) else {"2020-01-01": value}
    return RULE | {"kind": kind, "codes": list(codes), "values": values} | said


def rules(*told: Mapping[str, Any], tables: BulkTables | None = None, **book: Any) -> RuleSet:
    """The rules of one book, for payer P1 unless it applies to others; with the packaged bulk tables."""
    made = Book(**({"id": "test", "payer": "The payer", "applies_to": {"payer_id": ["P1"]}, "rules": told} | book))
    return RuleSet.of({made.id: made}, tables or BulkTables.load())


def site_table(folder: Path, table: str, told: str, **entry: str) -> BulkTables:
    """The packaged tables with one table of a site over them: its CSV, which holds for 2024's first quarter."""
    told = "\n".join(line.strip() for line in told.strip().splitlines()) + "\n"
    (folder / f"{table}.csv").write_text(told)
    cells = {
        "table": table, "release": "2024Q1", "file": f"{table}.csv", "effective_from": "2024-01-01",
        "effective_to": "2024-03-31", "scope": "complete", "standing": "stated", "source": "made up",
        "sha256": hashlib.sha256(told.encode()).hexdigest(), "checked_on": "2026-11-23",
    }  # fmt: skip
    write_manifest(folder, [Entry.model_validate(cells | entry)])
    return BulkTables.load(folder)


def judged(frame: pl.DataFrame, ruled: RuleSet | Mapping[str, Any], before: Past | None = None) -> Findings:
    """What the rules, or one rule, say of lines."""
    ruleset = ruled if isinstance(ruled, RuleSet) else rules(ruled)
    return judge(frame, before or Past.empty(), ruleset)


def outcomes(frame: pl.DataFrame, ruled: Mapping[str, Any], before: Past | None = None) -> list[str]:
    """(lines,) none, met, unknown or broken: what one rule says of each line as of today."""
    said = ["none"] * frame.height
    for one in judged(frame, ruled, before).judged:
        if one.now:
            for row, outcome in zip(one.rows.tolist(), one.verdict.outcome.tolist(), strict=True):
                said[row] = OUTCOMES[outcome]
    return said


def findings(frame: pl.DataFrame, ruled: RuleSet | Mapping[str, Any], before: Past | None = None) -> list[Finding]:
    """All findings of the lines as the answer has them, met and unknown too, in order of the lines."""
    return [one for line in judged(frame, ruled, before).told((BROKEN, UNKNOWN, MET)) for one in line]
