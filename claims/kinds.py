"""Which tables a source holds, told from its columns alone, never from its name."""

from __future__ import annotations

from collections.abc import Collection

from claims.errors import UnreadableFileError
from claims.fields import PARSERS, TABULAR, is_canonical, near
from claims.table import REQUIRED

Columns = Collection[str]
RESULTS = frozenset(PARSERS["outcomes"]) - frozenset(PARSERS["lines"])  # columns that only an outcome has
KNOWN_WHEN = frozenset({"known_date", "paid_date"})
GRANTS = frozenset({"hcpcs_codes", "units_authorized", "valid_from", "valid_to", "status"})
SUBMITTED = frozenset(PARSERS["lines"]) - frozenset(PARSERS["outcomes"])  # columns that only a line has
PERSON = frozenset({  # who was treated by whom, which a remittance may tell, too
    "member_id", "patient_birth_date", "patient_age", "patient_sex", "rendering_npi", "payer_name",
})  # fmt: skip


def tables_of(columns: Columns, name: str) -> tuple[str, ...]:
    """The tables that a source with these columns holds: one, or ("lines", "outcomes").

    Raises UnreadableFileError that names the missing columns, and those of the source that look like them.
    """
    held = set(columns)
    if "prior_authorization_number" in held and "claim_id" not in held and held & GRANTS:
        return ("authorizations",)
    results = "claim_id" in held and bool(held & (RESULTS - KNOWN_WHEN)) and bool(held & KNOWN_WHEN)
    lines = held.issuperset(REQUIRED["lines"])
    if lines and results:
        return ("lines", "outcomes") if held & SUBMITTED else ("outcomes",)
    if lines:
        return ("lines",)
    if results and not (held & SUBMITTED - PERSON):
        return ("outcomes",)
    raise UnreadableFileError(_what_is_missing(held, name))


def _what_is_missing(held: set[str], name: str) -> str:
    known = {column for column in held if is_canonical(column)}
    likest = max(TABULAR, key=lambda table: len(known & set(PARSERS[table])))
    if likest == "outcomes" and known & SUBMITTED - PERSON:
        likest = "lines"
    missing = [column for column in REQUIRED[likest] if column not in held]
    if likest == "outcomes" and not missing:
        results = known & (RESULTS - KNOWN_WHEN)
        missing = ["known_date or paid_date"] if results else ["denied, adjustments or paid_amount"]
    if likest == "authorizations" and not missing:
        missing = ["valid_from"]
    told = ", ".join(column + near(column, held - known) for column in missing)
    what = f"looks like {likest} but" if known else "holds none of the known columns; as claim lines it"
    return f"{name} {what} lacks the column {told}; rename the column, or map it with --map or [map] in denials.toml"


def used_by(table: str, columns: Columns) -> list[str]:
    """The columns of the source that a table takes, x_* of the site aside."""
    return [column for column in columns if column in PARSERS[table]]
