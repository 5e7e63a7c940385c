"""The committed sample: a few claims of the small world as files, and five claims as a score request.

Made by `python -m data.synthetic.samples`, which writes data/synthetic/sample. The five claims repeat late ones of the
sample, 20 days after the world's end, under new claim ids.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from claims.table import DIAGNOSES, DOCUMENTATION, MODIFIERS
from data.synthetic.generate import Generated, generate
from data.synthetic.world import load_world

FOLDER = Path(__file__).parent / "sample"
CLAIMS, SEED = 180, 1
SHIFT = 20  # days after the end on which the claims of the request were served
CLAIM_FIELDS = (
    "claim_id", "payer_id", "payer_name", "claim_filing_indicator_code", "payer_responsibility_code", "member_id",
    "patient_birth_date", "patient_sex", "billing_npi", "rendering_npi", "rendering_taxonomy", "facility_npi",
    "service_state", "place_of_service_code", "claim_frequency_code", "prior_authorization_number", "referral_number",
)  # fmt: skip


def write_sample(folder: Path = FOLDER) -> None:
    """lines.csv, outcomes.csv, authorizations.csv and score_request.json in that folder."""
    folder.mkdir(parents=True, exist_ok=True)
    made = generate(load_world("small"), CLAIMS, SEED)
    for name in ("lines", "outcomes", "authorizations"):
        getattr(made, name).write_csv(folder / f"{name}.csv")
    (folder / "score_request.json").write_text(json.dumps(score_request(made), indent=1) + "\n")


def score_request(made: Generated, number: int = 5) -> dict[str, Any]:
    """The latest original claims of two lines and more, as they would be sent some weeks later."""
    several = pl.len().over("claim_id", "submitted_date") >= 2
    original = made.lines.filter(made.truth["kind"] == "original").filter(several)
    newest = original.select("claim_id", "claim_line_start_date").unique().sort("claim_line_start_date", "claim_id")
    chosen = newest["claim_id"].tail(number).to_list()
    last = newest["claim_line_start_date"].max()
    return {"claims": [_claim(original.filter(pl.col("claim_id") == c), last) for c in chosen]}


def _claim(lines: pl.DataFrame, last: Any) -> dict[str, Any]:
    """One claim in the nested form; days move so that the latest comes SHIFT days after the last one of the sample."""
    moved = lines.with_columns(pl.lit(last).alias("claim_line_start_date") + pl.duration(days=SHIFT))
    rows = moved.with_columns(pl.col("claim_line_start_date", "patient_birth_date").cast(pl.String)).to_dicts()
    first = rows[0]
    claim = {name: first[name] for name in CLAIM_FIELDS if first[name] is not None}
    return {
        **claim,
        "claim_id": "SYNQ" + first["claim_id"][3:],
        "submitted_date": None,
        "diagnosis_codes": [first[d] for d in DIAGNOSES if first[d]],
        "documentation": {d: first[d] for d in DOCUMENTATION if first[d] is not None},
        "lines": [_line(row) for row in rows],
    }


def _line(row: dict[str, Any]) -> dict[str, Any]:
    names = ("claim_line_number", "claim_line_start_date", "hcpcs_code", "service_unit_quantity", "charge_amount")
    return {
        **{n: row[n] for n in names},
        "modifiers": [row[m] for m in MODIFIERS if row[m]],
        "diagnosis_pointers": [int(p) for p in row["diagnosis_pointers"].split(",")],
    }


if __name__ == "__main__":
    write_sample()
