"""Worked cases: a claim, what came before it, and what the rules must say of its lines (rules/cases/*.yaml).

Case tells what a case may say. Dates are calendar days, units and money as in the lines table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from claims.batch import Batch
from claims.errors import RuleBookError
from claims.fields import PARSERS
from claims.read import read_claims, read_frame
from claims.settings import Settings
from claims.snapshot import snapshot_of
from claims.table import Authorization, Line, Outcome
from rules.book_file import Fault, raise_faults, read_yaml
from rules.gaps import GAPS
from rules.judge import judge
from rules.past import Past
from rules.ruleset import RuleSet
from rules.verdict import BROKEN, MET, UNKNOWN

Fields = dict[str, Any]
Words = Literal["broken", "met", "unknown", "none"]
OF_A_CLAIM: Fields = {"claim_id": "CASE", "payer_id": "PAYER", "member_id": "MEMBER"}
OF_A_LINE: Fields = {"modifiers": [], "service_unit_quantity": 1}
SHARED = (
    "payer_id", "payer_name", "plan_id", "claim_filing_indicator_code", "member_id", "patient_birth_date",
    "patient_sex", "billing_npi", "rendering_npi", "service_state", "place_of_service_code",
)  # fmt: skip
LAG = timedelta(days=2)
NOT_COVERED = frozenset(gap.rule_id for gap in GAPS.values())


class Case(BaseModel):
    """One worked case.

    A file is a list of cases:

        - case: the fifth session in a year is one too many
          kind: frequency            # what it shows; without it the file's stem
          claim: {payer_id: MB1, claim_filing_indicator_code: MB, service_state: OH}
          lines: [{claim_line_start_date: 2026-03-01, hcpcs_code: 62323, modifiers: [KX]}]
          earlier: [{claim_line_start_date: 2025-05-01, hcpcs_code: 62323}]
          since: 2024-01-01
          authorizations: [{prior_authorization_number: A1, hcpcs_codes: "64483"}]
          expect: {1: {CGS-ESI-FREQ: broken}}
          clean: true

    claim, lines: as a request has them: columns of the lines table, diagnosis_codes, modifiers. An absent field or null
    is not known, "" and [] not present. Unless told otherwise a line has claim_line_number 1, 2, ..., no modifiers and
    1 unit, a claim payer_id PAYER and member_id MEMBER; it is sent two days after its last service.
    earlier: claims that were sent before, of the same payer, patient, provider and place; one line each, or `lines`.
    since: the practice's own claims reach back to this day of service; without it to the first of `earlier`.
    authorizations: of the same payer and patient, approved and known with the claim.
    expect: line number -> rule id -> broken, met, unknown, or none (not the rule's business, or no such finding).
    clean: nothing is broken on any line; without `expect`, no book is missing either.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    case: Annotated[str, Field(min_length=1)]
    kind: str
    claim: Fields = Field(default_factory=dict)
    lines: Annotated[list[Fields], Field(min_length=1)]
    earlier: list[Fields] = Field(default_factory=list)
    since: date | None = None
    authorizations: list[Fields] = Field(default_factory=list)
    expect: dict[int, dict[str, Words]] = Field(default_factory=dict)
    clean: bool = False

    @model_validator(mode="after")
    def _expects_something(self) -> Case:
        if not (self.clean or any(self.expect.values())):
            raise ValueError("expects nothing: say expect or clean")
        if strange := set(self.expect) - set(range(1, len(self.lines) + 1)):
            raise ValueError(f"expect: there is no line {min(strange)}")
        return self


def load_cases(folder: Path) -> list[Case]:
    """The cases of all *.yaml of a folder, in order. Raises RuleBookError with all that is wrong with them."""
    told: list[Case | Fault] = [case for path in sorted(folder.glob("*.yaml")) for case in _cases(path)]
    raise_faults(case for case in told if isinstance(case, Fault))
    return [case for case in told if isinstance(case, Case)]


def _cases(path: Path) -> Iterator[Case | Fault]:
    raw, node, faults = read_yaml(path)
    yield from faults
    if not isinstance(raw, list):
        if not faults:
            yield Fault(path.name, 1, None, "expected a list of cases")
        return
    for told, place in zip(raw, node.value if node else (), strict=True):
        line = place.start_mark.line + 1
        try:
            yield Case.model_validate({"file": path.name, "kind": path.stem} | told if isinstance(told, dict) else told)
        except ValidationError as error:
            for fault in error.errors():
                named = ".".join(str(part) for part in fault["loc"])
                words = fault["msg"].removeprefix("Value error, ")
                yield Fault(path.name, line, None, f"{named}: {words}" if named else words)


def outcomes(case: Case, rules: RuleSet, settings: Settings) -> list[dict[str, str]]:
    """(lines,) rule id -> outcome of all that the rules say. Raises RuleBookError for a case that cannot be read."""
    lines = _lines(case, [_claim(case.claim, case.lines)], settings)
    found = judge(lines, _past(case, settings), rules).told((BROKEN, MET, UNKNOWN))
    return [{one["rule_id"]: one["outcome"] for one in line} for line in found]


def problems(case: Case, rules: RuleSet, settings: Settings) -> list[str]:
    """What the rules say otherwise than the case expects; [] = all is as expected."""
    told = outcomes(case, rules, settings)
    known = {rule.id for _, rule in rules.rules()}
    wrong = []
    for number, expected in case.expect.items():
        found = told[number - 1]
        for rule, outcome in expected.items():
            if rule not in known and rule not in NOT_COVERED:
                wrong.append(f"line {number}: there is no rule {rule}")
            elif found.get(rule, "none") != outcome:
                wrong.append(f"line {number}: {rule} is {found.get(rule, 'none')}, expected {outcome}")
    for number, found in enumerate(told if case.clean else (), 1):
        broken = [rule for rule, outcome in found.items() if outcome == "broken"]
        missing = [] if case.expect else [rule for rule in found if rule in NOT_COVERED]
        wrong += [f"line {number}: {rule}, expected nothing" for rule in broken + missing]
    return wrong


def _claim(fields: Fields, lines: Sequence[Fields], claim_id: str = "CASE") -> Fields:
    """A claim as a request has it, sent two days after its last service unless it says when."""
    numbered = [{"claim_line_number": number} | OF_A_LINE | line for number, line in enumerate(lines, 1)]
    days = [day for line in lines if isinstance(day := line.get("claim_line_start_date"), date)]
    sent = {"submitted_date": max(days) + LAG} if days else {}
    return OF_A_CLAIM | {"claim_id": claim_id} | sent | fields | {"lines": numbered}


def _earlier(case: Case) -> Iterator[Fields]:
    """The claims that were sent before."""
    same = {name: told for name, told in case.claim.items() if name in SHARED}
    for place, told in enumerate(case.earlier, 1):
        own = {name: value for name, value in told.items() if name != "lines"}
        of_claim = {name: own.pop(name) for name in ("submitted_date", "claim_id") if name in own}
        lines = [own | line for line in told.get("lines", [{}])]
        yield _claim(same | of_claim, lines, f"EARLIER-{place}")
    if case.since:
        service = {"claim_line_start_date": case.since, "hcpcs_code": "99213"}
        yield _claim({"member_id": "ANOTHER"}, [service], "SINCE")


def _past(case: Case, settings: Settings) -> Past:
    stored = _lines(case, list(_earlier(case)), settings).with_columns(version=pl.lit(1, pl.Int32))
    tables = (stored.select(Line.column_names()), Outcome.create_empty(), _authorizations(case, settings))
    return Past.of(snapshot_of(*tables))[0]


def _lines(case: Case, claims: list[Fields], settings: Settings) -> pl.DataFrame:
    return _read(case, read_claims(json.loads(json.dumps(claims, default=str)), settings)).lines


def _authorizations(case: Case, settings: Settings) -> pl.DataFrame:
    if not case.authorizations:
        return Authorization.create_empty()
    every = dict.fromkeys(PARSERS["authorizations"]) | {"status": "approved"}
    every |= {name: (OF_A_CLAIM | case.claim).get(name) for name in ("payer_id", "member_id")}
    rows = [
        {name: None if cell is None else str(cell) for name, cell in (every | one).items()}
        for one in case.authorizations
    ]
    batch = _read(case, read_frame(pl.DataFrame(rows, infer_schema_length=None), settings))
    return batch.authorizations.select(Authorization.column_names())


def _read(case: Case, batch: Batch) -> Batch:
    """A batch of which nothing was refused or not understood."""
    refused = batch.rejects.get_column("reason").to_list()
    refused += [f"{name} is no field" for name in batch.unknown_columns]
    if refused:
        raise RuleBookError(f"{case.file}: {case.case}: {'; '.join(refused)}")
    return batch


def by_kind(cases: Sequence[Case]) -> Mapping[str, set[str]]:
    """Kind -> the outcomes that its cases expect; `clean` where nothing may be found."""
    told: dict[str, set[str]] = {}
    for case in cases:
        expected = {outcome for line in case.expect.values() for outcome in line.values()}
        told.setdefault(case.kind, set()).update(expected, {"clean"} if case.clean else ())
    return told
