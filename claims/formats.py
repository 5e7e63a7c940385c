"""Which columns X12 and FHIR cannot carry, or carry in part: docs/formats.md is made from this, and the test that one
practice reads alike in every format goes by it (`python -m claims.formats > docs/formats.md`).
"""

from __future__ import annotations

import sys

from claims.fields import PARSERS
from claims.table import DOCUMENTATION, MODIFIERS

X12, FHIR = "837, 835", "FHIR R4"
_CHART = "stands in the chart, not on the claim"
_SERVICE = ("hcpcs_code", *MODIFIERS, "claim_line_start_date", "line_item_control_no")

ABSENT: dict[str, dict[str, dict[str, str]]] = {  # format -> table -> column -> why the format has no place for it
    form: {
        "lines": {
            **dict.fromkeys(DOCUMENTATION, _CHART),
            "in_network_flag": "is the site's own knowledge",
            "patient_age": "is worked out from the birth date",
        },
        "outcomes": {"denied": "is told by codes and amounts"} | own,
    }
    for form, own in {
        X12: {"claim_line_number": "is not in an 835: a line is named by REF*6R, else by its service"},
        FHIR: {},
    }.items()
}
IN_PART: dict[str, dict[str, dict[str, str]]] = {  # as ABSENT; what it does carry is the same as in a table
    X12: {"lines": {}, "outcomes": {"line_item_control_no": "where the payer returns REF*6R"}},
    FHIR: {
        "lines": {},
        "outcomes": {
            **dict.fromkeys(_SERVICE, "in an ExplanationOfBenefit; a ClaimResponse names the line by its number"),
            "line_item_control_no": "where the items have a trace number",
            "claim_status_code": "22 for what is cancelled; FHIR has no code for the others",
        },
    },
}
HEAD = """# Formats

The same practice as tables, as 837 and 835, and as FHIR gives the same rows, the same labels and the same chains, in
every column that the format has a place for. `tests/properties/test_formats.py` reads one in all three and compares;
this page is made from the lists that it goes by (`make docs`). Where each column comes from: [x12.md](x12.md).

Tables (CSV, Parquet, JSON) carry every column. **no**: the format has no place for it, so that the column is *not
known*; any other column that a file leaves out is *not present*. **part**: carried by some files; what is there is the
same.
"""
TAIL = """## Different on purpose

- `outcome_id` and `row_hash` are made of every field that was delivered: the same remittance as a table and as an 835
  has two ids. Load each source in one format. `submission_id`, `member_key` and `patient_id` are the same in all.
- `file_id`, `loaded_at` and `row` say where a row came from.
- How sure a match is: a table names a line by its number, an 835 by REF\\*6R or by its service (`match_method`).
- 277CA, 999 and PLB have tables of their own (`rejections`, `provider_adjustments`); no table of a CSV has them.
- Authorizations come as tables or as 278 responses. FHIR authorizations (`use` preauthorization) are counted, not read.
- `member_id` and `patient_birth_date` are carried by all and stored by none: keys and an age take their place.
"""


def state(form: str, table: str, column: str) -> str:
    """Of a column in a format: no, part or yes."""
    return "no" if column in ABSENT[form][table] else "part" if column in IN_PART[form][table] else "yes"


def carried(form: str, table: str, *states: str) -> list[str]:
    """The columns of the table that are in one of these states (by default yes)."""
    return [column for column in PARSERS[table] if state(form, table, column) in (states or ("yes",))]


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(_section(table) for table in ("lines", "outcomes")), TAIL])


def _section(table: str) -> str:
    head = [f"## {table}", "", f"| column | {X12} | {FHIR} | |", "|---|---|---|---|"]
    return "\n".join([*head, *(_row(table, column) for column in PARSERS[table]), ""])


def _row(table: str, column: str) -> str:
    said = [(form, lists[form][table][column]) for lists in (ABSENT, IN_PART) for form in (X12, FHIR)
            if column in lists[form][table]]  # fmt: skip
    words = {text for _, text in said}
    told = said[0][1] if len(words) == 1 else "; ".join(f"{form}: {text}" for form, text in said)
    return f"| `{column}` | {state(X12, table, column)} | {state(FHIR, table, column)} | {told} |".replace("*", "\\*")


if __name__ == "__main__":
    sys.stdout.write(page())
