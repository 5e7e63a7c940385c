"""A claim scored alone = in a batch = its training rows = after a JSON round trip, to the last bit."""

import json
from typing import Any

import numpy as np
import polars as pl
from practices import Practice, assert_same

from claims.read import read_claims
from features import FeatureTable, build

SAMPLE = 1_000
CLAIM_FIELDS = ("claim_id", "submitted_date", "payer_id", "member_id", "patient_birth_date")


def of_snapshot(practice: Practice) -> FeatureTable:
    return build(practice.snapshot.lines, practice.history)


def sampled(practice: Practice) -> list[str]:
    """Submissions, single-line ones among them."""
    sizes = practice.snapshot.lines.group_by("submission_id").len().sort("submission_id")
    assert (sizes["len"] == 1).sum() >= 50
    return sizes.sample(SAMPLE, seed=1)["submission_id"].to_list()


def test_alone_and_in_a_batch(practice: Practice) -> None:
    lines, whole = practice.snapshot.lines.with_row_index("at"), of_snapshot(practice)
    by_claim = lines.partition_by("submission_id", as_dict=True)
    for submission in sampled(practice):
        claim = by_claim[submission,]
        assert_same(build(claim.drop("at"), practice.history), whole, claim["at"].to_numpy())


def test_any_order_and_any_company(practice: Practice) -> None:
    lines, whole = practice.snapshot.lines.with_row_index("at"), of_snapshot(practice)
    chosen = lines.filter(pl.col("submission_id").is_in(sampled(practice))).sample(fraction=1.0, shuffle=True, seed=2)
    assert_same(build(chosen.drop("at"), practice.history), whole, chosen["at"].to_numpy())


def test_after_a_json_round_trip(practice: Practice) -> None:
    whole = of_snapshot(practice)
    place = {
        (row["submission_id"], row["claim_line_number"]): at
        for at, row in enumerate(practice.snapshot.lines.iter_rows(named=True))
    }
    raw = practice.made.lines.partition_by(
        "claim_id", "submitted_date", "payer_id", "claim_frequency_code", "payer_responsibility_code"
    )
    compared = 0
    for rows in raw[:SAMPLE]:
        asked = json.loads(json.dumps([nested(rows)], default=str))
        batch = read_claims(asked, practice.settings)
        assert batch.rejects.is_empty()
        at = [place.get((row["submission_id"], row["claim_line_number"])) for row in batch.lines.iter_rows(named=True)]
        if None in at:  # the store took another submission's content under this key first
            continue
        assert_same(build(batch.lines, practice.history), whole, np.array(at))
        compared += len(rows)
    assert compared > 1.5 * SAMPLE


def test_two_equal_claims_in_one_request_do_not_meet(practice: Practice) -> None:
    rows = practice.made.lines.filter(claim_id=practice.made.lines["claim_id"][0])
    rows = rows.filter(submitted_date=rows["submitted_date"].min(), payer_id=rows["payer_id"][0])
    claim = json.loads(json.dumps(nested(rows), default=str))
    one = build(read_claims([claim], practice.settings).lines, practice.history)
    two = build(read_claims([claim, claim], practice.settings).lines, practice.history)
    assert_same(one, two, np.arange(len(one)))


def nested(rows: pl.DataFrame) -> dict[str, Any]:
    """The request of one claim of the generated files; an empty cell of theirs is "", not a missing key."""
    lines = []
    for row in rows.iter_rows(named=True):
        told = {k: "" if v is None else v for k, v in row.items() if not k.startswith("doc_")}
        modifiers = [told.pop(f"hcpcs_modifier_{i}") for i in range(1, 5)]
        diagnoses = [told.pop(f"diagnosis_code_{i}") for i in range(1, 13)]
        told["modifiers"] = [m for m in modifiers if m]
        told["diagnosis_codes"] = [d for d in diagnoses if d]
        told["diagnosis_pointers"] = [int(p) for p in told["diagnosis_pointers"].split(",") if p]
        told["documentation"] = {k: v for k, v in row.items() if k.startswith("doc_") and v is not None}
        lines.append(told)
    claim = {name: lines[0][name] for name in CLAIM_FIELDS}
    return claim | {"lines": [{k: v for k, v in line.items() if k not in CLAIM_FIELDS} for line in lines]}
