"""The body of a request with claims: what each type of content is read as, and how much of it is taken at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from io import BytesIO
from typing import Any

import polars as pl
from pydantic import ValidationError
from pydantic_core import from_json

from claims.archive import BUFFER
from claims.batch import Batch
from claims.edi import form_of
from claims.fhir import looks_like_fhir
from claims.read import read_bytes, read_claims
from claims.settings import Settings
from claims.table import DIAGNOSES
from claims.x12 import looks_like_x12
from serving.answer import flat
from serving.problem import ProblemError
from serving.wire import MOST_CLAIMS, ScoreRequest

JSON, EDI, FHIR = "application/json", "application/edi-x12", "application/fhir+json"
MOST_BYTES = 10 * 1024 * 1024
MOST_LINES = 5_000
KINDS = (JSON, EDI, FHIR)
OF_A_CLAIM = frozenset({  # fields that no line says for itself
    "claim_id", "submitted_date", "payer_id", "payer_name", "plan_id", "claim_filing_indicator_code",
    "payer_responsibility_code", "member_id", "patient_birth_date", "patient_sex", "billing_npi",
    "claim_frequency_code", "claim_type", *DIAGNOSES, "diagnosis_code_type", "original_reference_number",
})  # fmt: skip
LOOKS = {EDI: (looks_like_x12, "X12: it has no ISA segment"), FHIR: (looks_like_fhir, "FHIR: no resource in JSON")}


def kind_of(header: str) -> str:
    """The one of KINDS that a Content-Type names. Raises ProblemError (415) for any other."""
    kind = header.partition(";")[0].strip().lower()
    if kind not in KINDS:
        raise ProblemError(415, f"send {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    return kind


def read(kind: str, body: bytes, settings: Settings) -> tuple[Batch, Collection[int]]:
    """What a body of one of KINDS holds, and the places of lines that stand by themselves. Raises as those below."""
    if kind != JSON:
        return batch_of(kind, body, settings), ()
    claims = claims_of(body)
    return read_claims(claims, settings), flat(claims)


def check_size(length: int) -> None:
    """Raises ProblemError (413) for more bytes than are taken."""
    if length > MOST_BYTES:
        raise ProblemError(413, f"the body is larger than {MOST_BYTES:,} bytes; send fewer claims at a time")


def claims_of(body: bytes) -> list[Any]:
    """The claims of a JSON request. Raises ProblemError: 400 no JSON, 422 no request, 413 too many."""
    try:
        request = ScoreRequest.model_validate(from_json(body))
    except ValidationError as error:
        raise ProblemError(422, 'expected an object with a list of claims: {"claims": [...]}') from error
    except ValueError as error:
        raise ProblemError(400, "the body is not valid JSON in UTF-8") from error
    _check_number(len(request.claims), sum(map(_lines, request.claims)))
    return request.claims


def batch_of(kind: str, body: bytes, settings: Settings) -> Batch:
    """What an 837 or FHIR body holds. Raises ProblemError: 400 something else, 413 too many; UnreadableFileError."""
    looks, words = LOOKS[kind]
    if not looks(body[:BUFFER]):
        raise ProblemError(400, f"the body is no {words}")
    _check_units(body)
    batch = read_bytes(body, settings, "the body")
    rejects = batch.rejects.filter(table="lines")
    fields = [_placed(name, line) for name, line in rejects.select("field", "line_index").iter_rows()]
    return replace(batch, rejects=rejects.with_columns(field=pl.Series(fields, dtype=pl.String)))


def _check_units(body: bytes) -> None:
    """Counts before anything is made of the units: a large body costs memory and minutes only then."""
    form = form_of(body[:BUFFER])
    claims = lines = 0
    for _, unit in form(BytesIO(body)).units() if form else ():
        claims += unit.table == "lines"
        lines += len(unit.rows) or 1
        _check_number(claims, lines)


def _placed(names: str | None, line: int | None) -> str | None:
    """The faulty fields of a line with their place, as those of a JSON request have it: lines[0].hcpcs_code."""
    if names is None or line is None:
        return names
    return ";".join(name if name in OF_A_CLAIM else f"lines[{line}].{name}" for name in names.split(";"))


def _check_number(claims: int, lines: int) -> None:
    if claims > MOST_CLAIMS:
        raise ProblemError(413, f"more than {MOST_CLAIMS:,} claims in one request; send fewer at a time")
    if lines > MOST_LINES:
        raise ProblemError(413, f"more than {MOST_LINES:,} lines in one request; send fewer claims at a time")


def _lines(claim: Any) -> int:
    """How many lines an entry of the request holds; one without a list of them stands for one."""
    lines = claim.get("lines") if isinstance(claim, dict) else None
    return len(lines) if isinstance(lines, list) else 1
