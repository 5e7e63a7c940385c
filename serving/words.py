"""Sentences of the drivers in plain billing words: the catalog's templates, filled from a line.

A biller reads these, so a missing value gets a sentence of its own, and rates become "denied so many of so many".
The age of a patient is never said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from features.catalog import (
    COUNTED_FAMILIES,
    KINDS,
    WEIGHT,
    WINDOW_WORDS,
    Feature,
    Kind,
    count_name,
    rate_name,
    since_name,
)
from features.rates import denied_of
from features.site import UNIT
from rules.reference import base_rate

Value = str | float | bool | None
Known = tuple[float, float | None]  # of a rate: how many outcomes were known, and the rate that it leans on
STRONG, SLIGHT = 1.0, 0.25  # log-odds
FAMILIES = {
    "esi": "epidural injection", "facet": "facet joint injection", "rfa": "radiofrequency ablation",
    "tpi": "trigger point injection", "sij": "sacroiliac joint", "scs": "spinal cord stimulator",
    "scs_program": "stimulator programming", "em": "office visit", "imaging": "image guidance", "udt": "drug testing",
    "joint": "joint injection", "tendon": "tendon injection", "nerve_block": "nerve block", "botox": "botulinum toxin",
    "pump": "infusion pump", "pns": "peripheral nerve stimulator", "bvn": "basivertebral nerve ablation",
    "mild": "lumbar decompression", "dry_needling": "dry needling", "injection_admin": "injection administration",
    "psych": "psychological testing", "sij_fusion": "sacroiliac fusion", "other_spine": "other spinal",
    "spacer": "interspinous spacer", "genicular": "genicular nerve", "sympathetic": "sympathetic block",
    "unlisted": "unlisted procedure",
}  # fmt: skip
AUTHORIZATION = {
    "not_known": "Whether the claim has an authorization is not known.",
    "none": "No authorization is on the claim.",
    "number_only": "An authorization number is on the claim, but no such authorization is on file.",
    "not_approved": "The authorization on the claim is not approved.",
    "other_patient": "The authorization on the claim belongs to another patient.",
    "expired": "The authorization on the claim does not hold on the day of service.",
    "other_code": "The authorization on the claim covers other codes; {code} is billed.",
    "same_family": "The authorization on the claim covers another code of the family; {code} is billed.",
    "units_exceeded": "The authorization on the claim has too few units left.",
    "other_place": "The authorization on the claim is for another place of service.",
    "other_provider": "The authorization on the claim names another provider.",
    "exact": "The authorization on the claim covers {code} on the day of service.",
}
ABSENT = "none"  # the level of a field that the claim carries and leaves empty
NOT_SAID = {  # where "not known" does not fit into the template
    "modifier_pattern": "The modifiers are not known.",
    "service_unit_quantity": "The units billed are not known.",
    "units_against_usual": "The usual units of {code}, or those billed, are not known.",
    "charge_amount": "The charge of the line is not known.",
    "charge_against_usual": "The usual charge of {code}, or the one billed, is not known.",
    "service_days": "The last day of service is not known.",
    "patient_age": "The patient's age is not known.",
    "patient_sex": "The patient's sex is not on the claim.",
    "diagnoses_on_claim": "The diagnoses on the claim are not known.",
    "modifiers_on_line": "The modifiers on the line are not known.",
    "share_of_claim_charge": "The charge of the claim is not known.",
    "authorization_days_left": "How long an authorization holds is not known.",
    "authorization_units_left": "How many units of an authorization are left is not known.",
    "days_since_same_family": "No {family} session of this patient is known in the 365 days before.",
    "days_since_any_service": "No service of this patient is known in the 365 days before.",
}
EMPTY = {  # where "not given" does not fit
    "companion_family": "No other service is on the claim.",
    "patient_sex": "The patient's sex is not on the claim.",
    "diagnosis_code": "No diagnosis is on the claim.",
    "diagnosis_category": "No diagnosis is on the claim.",
    "service_state": "The state of the service is not given.",
}
NEGATIVE = {
    "days_to_submit": "Submitted {value} days before the service.",
    "authorization_days_left": "The authorization had run out {value} days before the service.",
    "authorization_units_left": "{value} units more than authorized were billed before this claim.",
}
REWORDED = {
    "companion_family": "Billed together with this service: {value}.",
    "same_family_lines": "Lines of the claim that are {family} services: {value}.",
    **{f"{name}_sessions__365d": f"{{value}} earlier {FAMILIES[name]} sessions in the 365 days before."
       for name in COUNTED_FAMILIES},
}  # fmt: skip
SINGULAR = (  # patterns of what follows a 1
    ("units are", "unit is"), ("diagnoses are", "diagnosis is"), ("modifiers are", "modifier is"),
    ("different procedures are", "procedure is"), ("units", "unit"), ("days", "day"), ("lines", "line"),
    ("(earlier [^.]*)sessions", r"\1session"),
)  # fmt: skip
AMONG = {
    "code": " of {code}", "family": " of {family} services", "dx": " with diagnosis {dx}",
    "modifiers": " with {modifiers}",
    "authorization_state": " with the same state of authorization", "provider": " by this provider",
    "patient": " of this patient", "payer": " to this payer",
}  # fmt: skip


@dataclass(frozen=True)
class About:
    """A history feature: its kind of key, its window in words, and whether it is a rate, a count or days since."""

    kind: Kind
    when: str
    what: str

    @property
    def lines(self) -> str:
        """The lines it speaks of, as a template."""
        order = [column for column in AMONG if column in self.kind.columns]
        return "lines" + "".join(AMONG[column] for column in order)


@cache
def histories() -> dict[str, About]:
    """Feature name -> what it is about, for the rates, counts and days since of the catalog's kinds of key."""
    found = {}
    for kind in KINDS:
        found[since_name(kind.name)] = About(kind, "so far", "since")
        for days in kind.windows:
            found[rate_name(kind.name, days)] = About(kind, WINDOW_WORDS[days], "rate")
            found[count_name(kind.name, days)] = About(kind, WINDOW_WORDS[days], "count")
    return found


def sentence(
    feature: Feature, value: Value, facts: dict[str, str], known: Known | None = None, shap: float = 0.0
) -> str:
    """The sentence of one driver. facts: code, payer, family, dx, modifiers of the line, in words.

    known goes with a rate; a rate that leans on none leans on the published one. shap: where the counts of a rate
    speak against the way it moved the score, the smoothed rate is told.
    """
    about = histories().get(feature.name)
    if about is not None:
        return _history(feature, about, value, facts, known, shap)
    if feature.name == "authorization_match":
        return AUTHORIZATION[str(value)].format_map(facts)
    template = REWORDED.get(feature.name, feature.sentence)
    if value is None:
        template = NOT_SAID.get(feature.name, template)
    elif value is True:
        template = template.replace(": {value}.", ".")  # the words before the colon say it
    elif value == ABSENT:
        template = EMPTY.get(feature.name, template)
    elif isinstance(value, float) and value < 0 and feature.name in NEGATIVE:
        template, value = NEGATIVE[feature.name], -value
    return _counted(template.format_map(facts | {"value": said(feature, value)}))


def _history(
    feature: Feature, about: About, value: Value, facts: dict[str, str], known: Known | None, shap: float
) -> str:
    lines = about.lines.format_map(facts)
    if about.what == "count":
        return f"Among {lines}, outcomes known {about.when}: {said(feature, value)}."
    if about.what == "since" and value is None:
        return f"Among {lines}, no denial is known so far."
    if about.what == "since":
        return _counted(f"Among {lines}, the last denial became known {said(feature, value)} days before submission.")
    n, lean = known or (0.0, None)
    if not n or not isinstance(value, float):
        return f"Among {lines}, no outcome is known {about.when}."
    lean = base_rate("initial_denial_rate") if lean is None else lean
    denied = int(denied_of(value, n, lean))
    if _against(denied, n, lean, shap):
        few = ", too few to judge alone" if n < WEIGHT else ""
        count = f"{n:,.0f} outcome{' is' if n == 1 else 's are'} known {about.when}{few}"
        return f"Among {lines}, {count}; weighed with similar lines, {said(feature, value)} are denied."
    return feature.sentence.format_map(facts | {"denied": f"{denied:,}", "n": f"{n:,.0f}"})


def _against(denied: int, n: float, lean: float, shap: float) -> bool:
    """Whether "denied of n" would contradict the way the score moved: where n is small, and for none or all of n."""
    telling = n >= WEIGHT and 0 < denied < n
    return not telling and (denied / n - lean) * shap < 0


def moves(shap: float) -> str:
    """Direction and size of a contribution in log-odds."""
    size = " strongly" if abs(shap) >= STRONG else " slightly" if abs(shap) < SLIGHT else ""
    return f"This {'raises' if shap > 0 else 'lowers'} the risk{size}."


def said(feature: Feature, value: Value) -> str:
    """A value in words: per cent for shares, cents for money, names for families, a dot in a diagnosis."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _number(feature, value)
    if value == ABSENT:
        return "not given"
    if feature.name == "companion_family":
        return family(value)
    return diagnosis(value) if feature.name == "diagnosis_code" else value


def _number(feature: Feature, value: float) -> str:
    if feature.unit.startswith("share"):
        if 0.99 < value < 1:
            return ">99%"
        return f"{100 * value:.0f}%" if value >= 0.0995 else f"{100 * value:.1f}%"
    if feature.unit == "USD":
        return f"{value:,.2f}"
    if feature.unit == "ratio":
        return f"{value:,.1f}"
    if feature.unit == UNIT:
        return f"{value:,.6g}"
    return f"{value:,.0f}" if value.is_integer() else f"{value:,.2f}".rstrip("0")


def _counted(text: str) -> str:
    """One of a thing is not several."""
    if "1 " in text:
        for many, one in _singular():
            text = many.sub(one, text)
    return text


@cache
def _singular() -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(rf"(?<![\d.,])1 {many}\b"), f"1 {one}") for many, one in SINGULAR]


def family(name: str) -> str:
    """A procedure family in words; one that the table does not hold by the first characters of its codes."""
    return f"{name.removeprefix('other ')}xx" if name.startswith("other ") else FAMILIES.get(name, name)


def diagnosis(code: str | None) -> str:
    """An ICD-10 code as it is printed, with its dot."""
    if not code or code == ABSENT:
        return "not given"
    return f"{code[:3]}.{code[3:]}" if len(code) > 3 else code


def modifiers(pattern: str | None) -> str:
    """A pattern such as 59-RT in words."""
    if pattern is None:
        return "modifiers that are not known"
    if not pattern or pattern == ABSENT:
        return "no modifier"
    *others, last = pattern.split("-")
    return f"modifiers {', '.join(others)} and {last}" if others else f"modifier {last}"
