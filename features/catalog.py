"""Every feature, declared once: columns, signature, LightGBM's constraints and docs/features.md come from here.

Sentences are templates in a biller's words; serving.explain fills {value}, {n}, {denied}, {code}, {payer} and the
rest from the line. Windows count days before submission in which an outcome became known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from typing import Literal

from claims.label import CATEGORIES
from features.findings import broken_name
from rules.encode import NEVER

WEIGHT = 20.0  # outcomes' worth of belief in what a rate leans on; ours, see docs/features.md
ALL_TIME = NEVER
WINDOW_WORDS = {30: "in the last 30 days", 180: "in the last 180 days", 365: "in the last 365 days", ALL_TIME: "so far"}


@dataclass(frozen=True)
class Feature:
    """One column. monotone: 1 if more of it must not lower the risk, -1 if not raise it, 0 free.

    correctable: a correction may change it before submission. revision rises when the same name means something else.
    counts and leans_on name the features that turn a smoothed rate back into "denied of n".
    """

    name: str
    dtype: Literal["number", "category"]
    unit: str
    concept: str
    sentence: str
    monotone: int = 0
    correctable: bool = False
    counts: str | None = None
    leans_on: str | None = None
    revision: int = 1

    @cached_property
    def digest(self) -> str:
        """What a model folder keeps: changes when the definition does, not when its wording does."""
        said = {k: v for k, v in asdict(self).items() if k not in {"concept", "sentence", "correctable"}}
        return sha256(repr(sorted(said.items())).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Kind:
    """A kind of key with a history. columns: of rules.encode; parent: the kind its all-time rate leans on."""

    name: str
    columns: tuple[str, ...]
    parent: str | None
    windows: tuple[int, ...]
    concept: str
    words: str


COARSE, FINE = (30, 180, ALL_TIME), (180, ALL_TIME)
KINDS = (
    Kind("all", (), None, COARSE, "payer history", "All payers denied {denied} of {n} lines known {when}."),
    Kind("payer_id", ("payer",), "all", COARSE, "payer history",
         "This payer denied {denied} of {n} lines known {when}."),
    Kind("family", ("family",), "all", COARSE, "code history",
         "Payers denied {denied} of {n} lines of {family} services known {when}."),
    Kind("hcpcs_code", ("code",), "family", COARSE, "code history",
         "Payers denied {denied} of {n} lines of {code} known {when}."),
    Kind("payer_id_family", ("payer", "family"), "payer_id", COARSE, "payer history",
         "This payer denied {denied} of {n} lines of {family} services known {when}."),
    Kind("payer_id_hcpcs_code", ("payer", "code"), "payer_id_family", COARSE, "payer history",
         "This payer denied {denied} of {n} lines of {code} known {when}."),
    Kind("provider", ("provider",), "all", COARSE, "provider history",
         "{denied} of {n} lines of this provider known {when} were denied."),
    Kind("provider_hcpcs_code", ("provider", "code"), "hcpcs_code", FINE, "provider history",
         "{denied} of {n} lines of {code} by this provider known {when} were denied."),
    Kind("payer_id_diagnosis", ("payer", "dx"), "payer_id", FINE, "payer history",
         "This payer denied {denied} of {n} lines with diagnosis {dx} known {when}."),
    Kind("hcpcs_code_diagnosis", ("code", "dx"), "hcpcs_code", FINE, "code history",
         "Payers denied {denied} of {n} lines of {code} with diagnosis {dx} known {when}."),
    Kind("payer_id_hcpcs_code_diagnosis", ("payer", "code", "dx"), "payer_id_hcpcs_code", FINE, "payer history",
         "This payer denied {denied} of {n} lines of {code} with diagnosis {dx} known {when}."),
    Kind("payer_id_hcpcs_code_modifiers", ("payer", "code", "modifiers"), "payer_id_hcpcs_code", FINE,
         "payer history", "This payer denied {denied} of {n} lines of {code} with {modifiers} known {when}."),
    Kind("payer_id_hcpcs_code_authorization", ("payer", "code", "authorization_state"), "payer_id_hcpcs_code", FINE,
         "payer history",
         "This payer denied {denied} of {n} lines of {code} with the same state of authorization known {when}."),
    Kind("patient", ("patient",), "all", FINE, "patient history",
         "{denied} of {n} lines of this patient known {when} were denied."),
)  # fmt: skip
CATEGORY_KINDS = ("all", "payer_id", "payer_id_hcpcs_code")
CATEGORY_WINDOW = 365


def window_name(days: int) -> str:
    """`180d`, or `all`."""
    return "all" if days == ALL_TIME else f"{days}d"


def rate_name(kind: str, days: int) -> str:
    """Name of a smoothed denial rate."""
    return f"denied_rate__{kind}__{window_name(days)}"


def count_name(kind: str, days: int) -> str:
    """Name of a number of known outcomes."""
    return f"outcomes__{kind}__{window_name(days)}"


def since_name(kind: str) -> str:
    """Name of the days since the last denial became known."""
    return f"days_since_denial__{kind}"


def category_name(category: str) -> str:
    """Name of the rate of denials of one category for this payer and code."""
    return f"{category}_rate__payer_id_hcpcs_code__{CATEGORY_WINDOW}d"


def _history_of(kind: Kind) -> Iterator[Feature]:
    for i, days in enumerate(kind.windows):
        longer = rate_name(kind.name, kind.windows[i + 1]) if i + 1 < len(kind.windows) else None
        lean = longer or (rate_name(kind.parent, ALL_TIME) if kind.parent else None)
        count = count_name(kind.name, days)
        words = kind.words.replace("{when}", WINDOW_WORDS[days])
        yield Feature(rate_name(kind.name, days), "number", "share of lines", kind.concept, words,
                      counts=count, leans_on=lean)  # fmt: skip
        yield Feature(count, "number", "lines", kind.concept, f"Lines known {WINDOW_WORDS[days]}: {{value}}.")
    yield Feature(since_name(kind.name), "number", "days", kind.concept,
                  "The last such denial became known {value} days before submission.")  # fmt: skip


def _categories() -> Iterator[Feature]:
    for category in CATEGORIES:
        words = f"Share of {{code}} lines that this payer denied for {category.replace('_', ' ')}: {{value}}."
        yield Feature(category_name(category), "number", "share of lines", "denial reasons", words)


def _category(name: str, concept: str, sentence: str, *, correctable: bool = False, revision: int = 1) -> Feature:
    return Feature(name, "category", "level", concept, sentence, correctable=correctable, revision=revision)


def _number(name: str, unit: str, concept: str, sentence: str, *, correctable: bool = False) -> Feature:
    return Feature(name, "number", unit, concept, sentence, correctable=correctable)


def _flag(name: str, concept: str, sentence: str, *, correctable: bool = False) -> Feature:
    return Feature(name, "number", "0 or 1", concept, sentence, correctable=correctable)


def _rules(name: str, sentence: str) -> Feature:
    return Feature(name, "number", "rules", "payer rules", sentence, monotone=1)


LINE = (
    _category("payer_id", "payer", "The payer is {payer}."),
    _category("claim_filing_indicator_code", "payer", "The kind of plan (filing indicator) is {value}."),
    _category("hcpcs_code", "procedure", "The code is {code}."),
    _category("procedure_family", "procedure", "The service is of the family {family}."),
    _category("modifier_pattern", "modifiers", "Sent with {modifiers}.", correctable=True),
    _category("diagnosis_code", "diagnosis", "The line points to diagnosis {value}."),
    _category("diagnosis_category", "diagnosis", "The diagnosis is of the group {value}."),
    _category("place_of_service_code", "claim context", "The place of service is {value}."),
    _category("service_state", "payer", "The service was given in {value}."),
    _category("patient_sex", "patient", "The patient's sex is on the claim."),
    _category("rendering_taxonomy", "provider", "The provider's taxonomy is {value}."),
    _number("service_unit_quantity", "units", "units and charge", "{value} units are billed."),
    _number("units_against_usual", "ratio", "units and charge", "{value} times the usual units of {code}."),
    _number("charge_amount", "USD", "units and charge", "The line charges {value} USD."),
    _number("charge_against_usual", "ratio", "units and charge", "{value} times the usual charge of {code}."),
    _number("days_to_submit", "days", "timing", "Submitted {value} days after the service."),
    _number("service_days", "days", "timing", "The service spans {value} days."),
    _number("patient_age", "years", "patient", "The patient's age group matters here."),
    _number("diagnoses_on_claim", "codes", "diagnosis", "{value} diagnoses are on the claim."),
    _number("modifiers_on_line", "modifiers", "modifiers", "{value} modifiers are on the line.", correctable=True),
    _flag("modifier_25", "modifiers", "Modifier 25 on the line: {value}."),
    _flag("modifier_59_or_x", "modifiers", "Modifier 59 or X{{EPSU}} on the line: {value}."),
    _flag("modifier_50", "modifiers", "Modifier 50 on the line: {value}.", correctable=True),
    _flag("modifier_side", "modifiers", "Modifier RT or LT on the line: {value}.", correctable=True),
    _flag("modifier_repeat", "modifiers", "Modifier 76 or 77 on the line: {value}."),
    _flag("modifier_kx", "modifiers", "Modifier KX on the line: {value}."),
    _flag("modifier_ga", "modifiers", "Modifier GA (signed waiver) on the line: {value}."),
    _flag("modifier_wastage", "modifiers", "Modifier JW or JZ on the line: {value}."),
    _flag("in_network", "provider", "The provider is in the payer's network: {value}."),
    _flag("referral_present", "authorization", "A referral number is on the claim: {value}.", correctable=True),
)
CLAIM = (
    _number("claim_lines", "lines", "claim context", "The claim has {value} lines."),
    _number("line_position", "lines", "claim context", "This is line {value} of the claim."),
    _number("claim_charge", "USD", "claim context", "The claim charges {value} USD in all."),
    _number("share_of_claim_charge", "share", "claim context", "The line is {value} of the claim's charge."),
    _number("same_code_lines", "lines", "claim context", "The code stands on {value} lines of the claim."),
    _number("same_family_lines", "lines", "claim context", "{value} lines of the claim are {family} services."),
    _number("procedures_on_claim", "codes", "claim context", "{value} different procedures are on the claim."),
    _flag("visit_on_claim", "claim context", "A visit is billed on the same claim: {value}."),
    _flag("visit_without_25", "modifiers", "A visit on the day of a procedure, sent without modifier 25: {value}."),
    _flag("imaging_in_included_guidance", "claim context",
          "Imaging billed beside a code that includes it: {value}."),
    _flag("add_on_without_primary", "claim context", "An add-on code without a primary it may follow: {value}."),
    _flag("both_sides_on_two_lines", "modifiers",
          "The code is billed for both sides on two lines: {value}.", correctable=True),
    _flag("modifier_50_not_defined", "modifiers",
          "Modifier 50 on a code for which Medicare defines none: {value}.", correctable=True),
    _category("companion_family", "claim context", "Billed together with a {value} service."),
)  # fmt: skip
COUNTED_FAMILIES = ("esi", "facet", "rfa", "tpi", "sij", "scs")
PATIENT = (
    _number("same_code_sessions__365d", "sessions", "patient history",
            "{value} earlier sessions of {code} in the 365 days before."),
    _number("same_family_sessions__180d", "sessions", "patient history",
            "{value} earlier {family} sessions in the 180 days before."),
    _number("same_family_sessions__365d", "sessions", "patient history",
            "{value} earlier {family} sessions in the 365 days before."),
    _number("days_since_same_family", "days", "patient history",
            "The patient's last {family} session was {value} days before."),
    _number("days_since_any_service", "days", "patient history", "The patient's last service was {value} days before."),
    *(_number(f"{family}_sessions__365d", "sessions", "patient history",
              f"{{value}} earlier {family} sessions in the 365 days before.") for family in COUNTED_FAMILIES),
)  # fmt: skip
AUTHORIZATION = (
    _category("authorization_match", "authorization", "{authorization}", correctable=True),
    _number("authorization_days_left", "days", "authorization", "The authorization had {value} days left."),
    _number("authorization_units_left", "units", "authorization",
            "{value} units of the authorization were left before this claim."),
    _flag("authorization_date_assumed", "authorization",
          "When the authorization became known is not recorded; taken as known with the claim: {value}."),
)  # fmt: skip
RULES = {
    "ptp": "codes that are not paid beside each other", "mue": "units of a code in a day",
    "add_on_without_primary": "add-on codes without a primary", "bilateral_format": "how both sides are written",
    "modifier_required": "a modifier that is missing", "modifier_conflict": "modifiers that do not belong",
    "laterality_missing": "the side of the body", "drug_wastage": "drugs of single-dose containers",
    "global_period": "services within another's global days", "prior_auth": "authorization beforehand",
    "timely_filing": "days to file", "frequency": "how often a service is covered",
    "sequence": "what must come before a service", "covered_diagnosis": "diagnoses that support a code",
    "documentation": "what the record must hold", "unit_count": "what a unit of a code is",
    "device_chain": "the steps of a stimulator", "deleted_code": "codes that do not exist",
    "place_of_service": "where a service may be given", "duplicate": "the same service twice",
    "missing_field": "fields that must be filled",
}  # fmt: skip
FINDINGS = (
    *(_rules(broken_name(kind), f"Broken rules about {words}: {{value}}.") for kind, words in RULES.items()),
    _rules("rules_broken", "The line breaks {value} of the payer's rules."),
    _rules("rules_lapsed", "The last edits that were loaded, of an earlier quarter, would break {value} times."),
    _rules("rules_broken_on_other_lines", "The claim's other lines break {value} of the payer's rules."),
)  # fmt: skip
HISTORY = (*(f for kind in KINDS for f in _history_of(kind)), *_categories())

CATALOG: tuple[Feature, ...] = (*LINE, *CLAIM, *AUTHORIZATION, *PATIENT, *FINDINGS, *HISTORY)
BY_NAME: dict[str, Feature] = {f.name: f for f in CATALOG}
NUMBERS: tuple[str, ...] = tuple(f.name for f in CATALOG if f.dtype == "number")
