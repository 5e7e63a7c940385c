"""The frames of a generated world, with the columns of the files: lines and authorizations.

Money is decimal text, days are dates, an empty cell (null) means not present. Identifiers are invented: every claim,
member, payer and control number begins with SYN, every NPI with 9.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from claims.table import DIAGNOSES, DOCUMENTATION, MODIFIERS
from data.synthetic.authorizations import Book
from data.synthetic.billing import Bills
from data.synthetic.encounters import Encounters, Texts
from data.synthetic.patients import Patients
from data.synthetic.practice import BILLING, FACILITY, Practice, slip
from data.synthetic.world import FLAGS, Bools, Floats, Ints, World

LINE_COLUMNS = (
    "claim_id", "claim_line_number", "submitted_date", "claim_line_start_date", "claim_line_end_date", "payer_id",
    "payer_name", "plan_id", "claim_filing_indicator_code", "payer_responsibility_code", "member_id",
    "patient_birth_date", "patient_sex", "billing_npi", "rendering_npi", "rendering_taxonomy", "facility_npi",
    "referring_npi", "service_state", "place_of_service_code", "claim_frequency_code", "claim_type", "hcpcs_code",
    *MODIFIERS, "service_unit_quantity", "charge_amount", *DIAGNOSES, "diagnosis_code_type", "diagnosis_pointers",
    "prior_authorization_number", "referral_number", "ndc_code", "in_network_flag", "original_reference_number",
    "line_item_control_no", "line_note", *DOCUMENTATION,
)  # fmt: skip
OUTCOME_COLUMNS = (
    "claim_id", "claim_line_number", "payer_id", "known_date", "paid_date", "claim_status_code", "allowed_amount",
    "paid_amount", "adjustments", "remark_codes", "payer_claim_control_number",
)  # fmt: skip
AUTHORIZATION_COLUMNS = (
    "prior_authorization_number", "payer_id", "member_id", "hcpcs_codes", "units_authorized", "valid_from", "valid_to",
    "status", "known_date", "place_of_service_code", "rendering_npi",
)  # fmt: skip


def money(cents: Ints) -> pl.Series:
    """Cents as decimal text: 1250 is 12.50."""
    distinct, where = np.unique(np.asarray(cents), return_inverse=True)
    return pl.Series([f"{'-' if c < 0 else ''}{abs(c) // 100}.{abs(c) % 100:02d}" for c in distinct.tolist()]).gather(
        where
    )


def days(numbers: Ints) -> pl.Series:
    """Day numbers as dates."""
    return pl.Series(np.asarray(numbers).astype(np.int32)).cast(pl.Date)


def texts(values: Texts) -> pl.Series:
    """Text, null where empty."""
    distinct, where = np.unique(np.asarray(values), return_inverse=True)
    return pl.Series([v or None for v in distinct.tolist()], dtype=pl.String).gather(where)


def numbered(prefix: str, numbers: Ints, missing: Bools | None = None) -> pl.Series:
    """SYN-... identifiers of nine digits; null where missing."""
    made = pl.select(pl.lit(prefix) + pl.Series(np.asarray(numbers)).cast(pl.String).str.zfill(7)).to_series()
    return (
        made if missing is None else made.zip_with(pl.Series(~missing), pl.Series([None] * len(made), dtype=pl.String))
    )


def modifiers(mods: Ints) -> dict[str, pl.Series]:
    """The four modifier columns of sets of bits, in the order of FLAGS."""
    distinct, where = np.unique(mods, return_inverse=True)
    lists = [[f for i, f in enumerate(FLAGS) if m >> i & 1][:4] for m in distinct.tolist()]
    return {
        name: pl.Series([(m[i] if i < len(m) else None) for m in lists], dtype=pl.String).gather(where)
        for i, name in enumerate(MODIFIERS)
    }


def lines_frame(
    world: World, practice: Practice, patients: Patients, e: Encounters, bills: Bills, used: Ints, seed: int
) -> pl.DataFrame:
    """The service lines as submitted, by claim and line."""
    rng = world.stream(seed, "frames")
    c = bills.claim
    claim = pl.DataFrame(_claim_columns(world, practice, patients, e, used, rng))
    columns = {
        "claim_line_number": pl.Series(bills.number.astype(np.int32)),
        "hcpcs_code": texts(bills.code),
        **modifiers(bills.mods),
        "service_unit_quantity": pl.Series(bills.units),
        "charge_amount": money(bills.charge),
        "diagnosis_pointers": texts(bills.pointer),
        "ndc_code": texts(np.where(bills.code == "J3301", "00003029305", "")),
    }
    frame = claim[c].with_columns(**columns)
    frame = frame.with_columns(
        line_item_control_no=pl.col("claim_id") + "-" + pl.col("claim_line_number").cast(pl.String)
    )
    empty = [pl.lit(None, dtype=pl.String).alias(n) for n in LINE_COLUMNS if n not in frame.columns]
    return frame.with_columns(empty).select(LINE_COLUMNS)


def _claim_columns(
    world: World, practice: Practice, patients: Patients, e: Encounters, used: Ints, rng: np.random.Generator
) -> dict[str, pl.Series]:
    p, n = e.payer, len(e.day)
    omitted = rng.random(n) < slip(world, practice, e.provider, "auth_number_omitted")
    no_referral = rng.random(n) < slip(world, practice, e.provider, "referral_missing")
    wants_referral = np.array([q.referral for q in world.payers])[p]
    state = np.array(practice.state)[e.provider]
    office = e.place == "11"
    return {
        "claim_id": numbered("SYN", np.arange(1, n + 1)),
        "submitted_date": days(e.submitted),
        "claim_line_start_date": days(e.day),
        "claim_line_end_date": days(e.day),
        "payer_id": texts(np.array([q.id for q in world.payers])[p]),
        "payer_name": texts(np.array([q.name for q in world.payers])[p]),
        "plan_id": texts(
            np.char.add(np.char.add(np.array([q.id for q in world.payers])[p], "-"), (e.patient % 3 + 1).astype(str))
        ),
        "claim_filing_indicator_code": texts(np.array([q.filing for q in world.payers])[p]),
        "payer_responsibility_code": texts(np.full(n, "P")),
        "member_id": numbered("SYN", e.patient * 100 + p + 1_000_000),
        "patient_birth_date": days(patients.birth[e.patient]),
        "patient_sex": texts(np.where(patients.female[e.patient], "F", "M")),
        "billing_npi": texts(np.where(state == "OH", BILLING["OH"], BILLING["KY"])),
        "rendering_npi": texts(np.array(practice.npi)[e.provider]),
        "rendering_taxonomy": texts(np.array(practice.taxonomy)[e.provider]),
        "facility_npi": texts(np.where(office, "", FACILITY)),
        "referring_npi": texts(
            np.where(rng.random(n) < 0.5, np.char.add("96000000", (e.patient % 40 + 10).astype(str)), "")
        ),
        "service_state": texts(state),
        "place_of_service_code": texts(e.place),
        "claim_frequency_code": texts(np.full(n, "1")),
        "claim_type": texts(np.full(n, "professional")),
        "diagnosis_code_1": texts(e.first),
        "diagnosis_code_2": texts(np.where(e.second == "", e.third, e.second)),  # a claim form has no gaps
        "diagnosis_code_3": texts(np.where(e.second == "", "", e.third)),
        "diagnosis_code_type": texts(np.full(n, "icd-10-cm")),
        "prior_authorization_number": numbered("SYNA", used + 1, (used < 0) | omitted),
        "referral_number": numbered("SYNR", np.arange(n), ~wants_referral | no_referral),
        "in_network_flag": pl.Series(rng.random(n) < 0.97),
        **_documentation(world, practice, e, rng),
    }


def _documentation(world: World, practice: Practice, e: Encounters, rng: np.random.Generator) -> dict[str, pl.Series]:
    """What the template of the visit noted; empty for visits alone, and where nobody filled it in."""
    n, visit = len(e.day), np.char.startswith(e.code, "99")

    def filled(values: Floats | Ints | Bools, only: Bools | None = None) -> pl.Series:
        there = ~visit & (rng.random(n) >= slip(world, practice, e.provider, "omit_doc"))
        there = there if only is None else there & only
        series = pl.Series(values)
        return series.zip_with(pl.Series(there), pl.Series([None] * n, dtype=series.dtype))

    weeks = np.round(np.where(rng.random(n) < 0.13, rng.gamma(2.0, 1.6, n), 6 + rng.gamma(2.0, 3.0, n)))
    ablation = np.isin(e.code, ["64635", "64633", "64624", "64625", "63685"])
    return {
        "doc_pain_score": filled(np.clip(np.round(rng.normal(7, 1.3, n)), 1, 10).astype(np.int64)),
        "doc_conservative_weeks": filled(weeks.astype(np.int64)),
        "doc_imaging": filled(rng.random(n) < 0.8),
        "doc_exam_findings": filled(rng.random(n) < 0.85),
        "doc_relief_percent": filled(
            (np.clip(np.round(rng.normal(72, 16, n) / 5), 0, 20) * 5).astype(np.int64), ablation
        ),
        "doc_muscles": filled(
            np.where(e.code == "20553", 3, rng.integers(1, 3, n)), np.char.startswith(e.code, "2055")
        ),
        "doc_image_views_saved": filled(rng.integers(0, 4, n)),
        "doc_time_out": filled(rng.random(n) < 0.9),
    }  # fmt: skip


def book_frame(world: World, practice: Practice, book: Book) -> pl.DataFrame:
    """The authorizations; a pending one has a row for each state. patient and payer are indices in the book."""
    payer, patient = book.column("payer"), book.column("patient")
    pending = book.column("pending").astype(bool)
    both = pl.DataFrame({
        "prior_authorization_number": numbered("SYNA", np.arange(1, book.size + 1)),
        "payer_id": texts(np.array([q.id for q in world.payers])[payer.astype(np.int64)]),
        "member_id": numbered("SYN", patient * 100 + payer + 1_000_000),
        "hcpcs_codes": texts(book.column("codes")),
        "units_authorized": pl.Series(book.column("units")),
        "valid_from": days(book.column("first")),
        "valid_to": days(book.column("last")),
        "status": pl.Series(["approved"] * book.size),
        "known_date": days(book.column("known")),
        "place_of_service_code": texts(book.column("place")),
        "rendering_npi": texts(book.column("npi")),
    })  # fmt: skip
    waiting = both.filter(pl.Series(pending)).with_columns(
        status=pl.lit("pending"), known_date=days(book.column("asked")[pending])
    )
    return pl.concat([both, waiting]).select(AUTHORIZATION_COLUMNS).sort("known_date", "prior_authorization_number")
