"""A practice's folder of FHIR R4: claims and remittances as NDJSON, those of the first month as one Bundle.

Payers answer by ClaimResponse or by ExplanationOfBenefit, as the number in their id is even or odd. A reversal is a
cancelled one with the amounts as they were.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import polars as pl

from data.synthetic.fhir_claims import HL7, Json, claim, concept, named, npi_of, payer, service, trace, usd
from data.synthetic.x12_837_write import CLAIM

GROUP_CODES = "https://x12.org/codes/claim-adjustment-group-codes"
REASON_CODES = "https://x12.org/codes/claim-adjustment-reason-codes"
REMARK_CODES = "https://x12.org/codes/remittance-advice-remark-codes"
EVENT = ("known_date", "paid_date", "claim_id", "payer_claim_control_number", "claim_status_code")


def write_fhir(folder: Path, lines: pl.DataFrame, told: pl.DataFrame) -> None:
    """bundle.json, claims.ndjson and remittances.ndjson. told: outcomes with the columns of their lines."""
    folder.mkdir(parents=True, exist_ok=True)
    first = lines.get_column("submitted_date").dt.truncate("1mo").min()
    early = pl.col("submitted_date").dt.truncate("1mo") == first
    sent = [pl.col("submitted_date"), *map(pl.col, CLAIM)]
    claims = list(_claims(lines.filter(early).sort(*sent, "claim_line_number", maintain_order=True), "early"))
    answers = list(_remittances(told.filter(early), "early"))
    entries = [entry for number, one in enumerate([*claims, *answers]) for entry in _entries(one, number)]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    (folder / "bundle.json").write_text(json.dumps(bundle))
    _write(folder / "claims.ndjson", _claims(lines.filter(~early).sort(*sent, "claim_line_number"), "claim"))
    _write(folder / "remittances.ndjson", _remittances(told.filter(~early), "answer"))


def _write(path: Path, resources: Iterable[Json]) -> None:
    with path.open("w") as file:
        file.writelines(json.dumps(one, separators=(",", ":")) + "\n" for one in resources)


def _claims(lines: pl.DataFrame, name: str) -> Iterator[Json]:
    rows = lines.iter_rows(named=True)
    for number, (_, whole) in enumerate(groupby(rows, lambda row: [row[key] for key in CLAIM]), 1):
        yield claim(list(whole), f"{name}-{number}")


def _remittances(told: pl.DataFrame, name: str) -> Iterator[Json]:
    taken_back = pl.col("claim_status_code") != "22"
    rows = told.sort(*EVENT[:4], taken_back, "claim_line_number", maintain_order=True).iter_rows(named=True)
    for number, (_, whole) in enumerate(groupby(rows, lambda row: [row[key] for key in EVENT]), 1):
        yield _remittance(list(whole), f"{name}-{number}")


def _remittance(rows: list[Json], ident: str) -> Json:
    row, cancelled = rows[0], rows[0]["claim_status_code"] == "22"
    explains = row["payer_id"][-1:] in "13579"
    own = {"type": "Claim", "identifier": named("PLAC", row["claim_id"])}
    total = sum(round(float(one["paid_amount"]) * 100) for one in rows)
    return {
        "resourceType": "ExplanationOfBenefit" if explains else "ClaimResponse", "id": ident,
        "contained": [payer(row), npi_of("Organization", "billing", row["billing_npi"])],
        "identifier": [named("uc", row["payer_claim_control_number"])],
        "status": "cancelled" if cancelled else "active", "type": concept(f"{HL7}/claim-type", row["claim_type"]),
        "use": "claim", "patient": {"type": "Patient", "identifier": named("MB", row["member_id"])},
        "created": row["known_date"].isoformat(), "insurer": {"reference": "#payer"}, "outcome": "complete",
        **({"claim": own, "provider": {"reference": "#billing"}} if explains else
           {"request": own, "requestor": {"reference": "#billing"}}),
        "item": [_item(one, explains, -1 if cancelled else 1) for one in rows],
        "payment": {"type": concept(f"{HL7}/ex-paymenttype", "complete"), "date": row["paid_date"].isoformat(),
                    "amount": usd(f"{abs(total) / 100:.2f}")},
    }  # fmt: skip


def _item(row: Json, explains: bool, sign: int) -> Json:
    """An item of an answer; an ExplanationOfBenefit says once more what was billed."""
    told = [_amount("submitted", row["charge_amount"], 1), _amount("eligible", row["allowed_amount"], sign)]
    told += [_reason(token, sign) for token in (row["adjustments"] or "").split(";") if token]
    remarks = [{"system": REMARK_CODES, "code": code} for code in (row["remark_codes"] or "").split(";") if code]
    told += [{"category": concept(f"{HL7}/adjudication", "submitted-remark"), "reason": {"coding": remarks}}] * bool(
        remarks
    )
    told += [_amount("benefit", row["paid_amount"], sign)]
    number = row["claim_line_number"]
    if not explains:
        return {"itemSequence": number, "adjudication": told}
    served = {"servicedDate": row["claim_line_start_date"].isoformat()}
    traced = {"extension": [trace(row["line_item_control_no"])]} if row["line_item_control_no"] else {}
    return {**traced, "sequence": number, "itemSequence": [number], **service(row), **served, "adjudication": told}


def _amount(category: str, amount: str, sign: int) -> Json:
    return {"category": concept(f"{HL7}/adjudication", category), "amount": usd(f"{sign * float(amount) + 0.0:.2f}")}


def _reason(token: str, sign: int) -> Json:
    code, amount = token.split(":")
    group, _, carc = code.partition("-")
    value = usd(f"{sign * float(amount):.2f}")
    return {"category": concept(GROUP_CODES, group), "reason": concept(REASON_CODES, carc), "amount": value}


def _entries(resource: Json, number: int) -> list[Json]:
    """A resource and what it contains, each with an address of its own, for a Bundle."""
    address = f"urn:synthetic:{number}:"
    whole = json.loads(json.dumps(resource).replace('"reference": "#', f'"reference": "{address}'))
    contained = whole.pop("contained")
    inner = [{"fullUrl": f"{address}{one['id']}", "resource": one} for one in contained]
    return [*inner, {"fullUrl": f"{address}{whole['id']}", "resource": whole}]
