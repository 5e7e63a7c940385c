"""What a source may carry for each table: the columns by their canonical names, how a cell of each is read, its type.

The stored columns are those of claims/table.py; a source has member_id and patient_birth_date in place of the keys.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

import dataframely as dy
import polars as pl

from claims import codes, quantities
from claims.cells import Parser, text
from claims.table import (
    DIAGNOSES,
    MODIFIERS,
    RAW_AUTHORIZATION_COLUMNS,
    RAW_LINE_COLUMNS,
    Authorization,
    Line,
    Outcome,
    ProviderAdjustment,
    Rejection,
)

SCHEMAS: dict[str, type[dy.Schema]] = {
    "lines": Line, "outcomes": Outcome, "authorizations": Authorization, "rejections": Rejection,
    "provider_adjustments": ProviderAdjustment,
}  # fmt: skip
TABULAR = ("lines", "outcomes", "authorizations")  # what a source of columns may hold
_SHARED: dict[pl.DataType, pl.DataType] = {}


def types_of(schema: type[dy.Schema]) -> dict[str, pl.DataType]:
    """Column -> type; equal types are one object, so that they need not be compared."""
    return {name: _SHARED.setdefault(column.dtype, column.dtype) for name, column in schema.columns().items()}


STORED: dict[str, dict[str, pl.DataType]] = {table: types_of(schema) for table, schema in SCHEMAS.items()}
MADE = frozenset({  # by us, never taken from a source
    "submission_id", "version", "row_hash", "source_system", "member_key", "patient_id", "extra", "file_id",
    "loaded_at", "outcome_id", "authorization_id", "rejection_id", "provider_adjustment_id", "row",
})  # fmt: skip
RAW: dict[str, tuple[str, ...]] = {
    "lines": tuple(RAW_LINE_COLUMNS), "authorizations": tuple(RAW_AUTHORIZATION_COLUMNS),
}  # fmt: skip

_BY_TYPE: dict[object, Parser] = {
    pl.String: codes.code, pl.Date: quantities.day, pl.Decimal(12, 2): quantities.money, pl.Float64: quantities.number,
    pl.Boolean: quantities.flag, pl.Int32: quantities.count,
}  # fmt: skip
_BY_NAME: dict[str, Parser] = {
    **dict.fromkeys(("claim_id", "payer_name", "plan_id", "line_item_control_no", "line_note"), text),
    **dict.fromkeys(("control_number", "reference_id", "trace_number", "claim_reference"), text),
    **dict.fromkeys(("diagnosis_code_type", "claim_type", "status"), codes.word),
    **dict.fromkeys(("billing_npi", "rendering_npi", "facility_npi", "referring_npi"), codes.tight_code),
    **dict.fromkeys(("provider_npi", "service_state", "ndc_code", "member_id"), codes.tight_code),
    **dict.fromkeys(MODIFIERS, codes.modifier),
    **dict.fromkeys(DIAGNOSES, codes.diagnosis),
    "claim_frequency_code": codes.frequency,
    "hcpcs_code": codes.procedure, "hcpcs_codes": codes.procedures, "place_of_service_code": codes.place,
    "patient_sex": codes.sex, "patient_age": quantities.age, "patient_birth_date": quantities.birth_day,
    "diagnosis_pointers": codes.pointers, "adjustments": codes.adjustments, "remark_codes": codes.listed,
    "service_unit_quantity": quantities.quantity, "units_authorized": quantities.quantity,
}  # fmt: skip

_OF_PEOPLE = re.compile(
    r"_[a-z]*name(s|[0-9]*)_|_[a-z]*phones?(no|num|number)?[0-9]*_|_tel[0-9]*_|_mobile_|_fax[0-9]*_|_[a-z]*e_?mails?([0-9]|address|id)*_"
    r"|_[a-z]*addr(ess(es)?)?(line)?[0-9]*_|_[a-z]*street[a-z0-9]*_|_[a-z]*(zip|postal|(zip|post|postal)_?codes?)[0-9]*_|_city_"
    r"|_[a-z0-9]*(ssn|dob|mrn|mbi|hicn)[0-9]*_|_social_?security|_initials_|_middle_?initial_|_passport|_licen[sc]e_"
    r"|_birth_?(dates?|days?|dt|year|month)_|_([a-z]*date_?of_?|dt_?of_?|year_?of_?|patient_?)?birth_$"
    r"|_medical_?record_?(no|nr|num|number|id)_"
    r"|_(patient|member|subscriber|insured|beneficiary|guarantor|enrollee|person|policy_?holder)_?"
    r"(id|ids|no|nr|num|number|identifier|account|acct)_"
)
_NAME_OF_A_THING = re.compile(
    r"_(plan|payer|payor|insurance|insurer|carrier|network|product|drug|medication|brand|generic|procedure|service|test"
    r"|device|implant|facility|hospital|clinic|organization|department|specialty|group|program|file|column|table|system"
    r"|template|form|code|location|site|unit|lab|pharmacy|vendor|clearinghouse|diagnosis|batch|company)_?names?_"
)


def _parsers(table: str) -> dict[str, Parser]:
    delivered = {name: dtype for name, dtype in STORED[table].items() if name not in MADE}
    stored = {name: _BY_NAME.get(name) or _BY_TYPE[dtype] for name, dtype in delivered.items()}
    return stored | {name: _BY_NAME[name] for name in RAW.get(table, ())}


PARSERS: dict[str, dict[str, Parser]] = {table: _parsers(table) for table in SCHEMAS}
PARSERS["lines"]["charge_amount"] = quantities.charge
CANONICAL = frozenset(name for table in TABULAR for name in PARSERS[table])


def of_a_person(column: str) -> bool:
    """Whether the name of a column of the site (x_*) says that it holds what identifies a person: it is not stored.

    Told by its words: a name (unless of a plan, a drug and the like), an address, a ZIP code, a telephone, a birth.
    """
    words = "_" + "_".join(re.findall(r"[^\W_]+", column.lower().removeprefix("x_"))) + "_"
    return bool(_OF_PEOPLE.search(_NAME_OF_A_THING.sub("_", words)))


def near(name: str, among: Iterable[str]) -> str:
    """Words that list the names most like `name`, or "" when none is."""
    spelt = {column.lower(): column for column in among}
    close = [spelt[match] for match in difflib.get_close_matches(name.lower(), list(spelt), n=3, cutoff=0.6)]
    return f" (near: {', '.join(close)})" if close else ""


def is_canonical(name: str) -> bool:
    """Whether a source may carry this column: a canonical name, or x_ and something."""
    return name in CANONICAL or (name.startswith("x_") and len(name) > 2)
