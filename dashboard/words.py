"""Numbers and names as the manager reads them: percent with one decimal, dollars without cents, plain labels."""

from __future__ import annotations

from datetime import date

from features.catalog import KINDS, WINDOW_WORDS, Feature, window_name
from features.site import UNIT
from serving.words import diagnosis as dotted

DASH = "\N{EN DASH}"
MISSING = DASH
RULES = {
    "rules_broken": "Rules of the payer that the line breaks",
    "rules_broken_on_other_lines": "Broken rules on the claim's other lines",
    "rules_lapsed": "Edits of an earlier quarter that would be broken",
}
KEY_WORDS = {
    "payer": "payer", "family": "family of services", "code": "code", "provider": "provider", "dx": "diagnosis",
    "modifiers": "modifiers", "authorization_state": "state of authorization", "patient": "patient",
}  # fmt: skip
FAMILIES = {
    "em": "office visits", "esi": "epidural injections", "rfa": "radiofrequency ablation", "facet": "facet injections",
    "tpi": "trigger point injections", "sij": "sacroiliac joint", "scs": "spinal cord stimulation",
    "pns": "peripheral nerve stimulation", "udt": "urine drug tests", "mild": "lumbar decompression",
    "bvn": "basivertebral nerve ablation", "scs_program": "stimulator programming", "joint": "joint injections",
    "genicular": "genicular nerves", "psych": "psychological tests", "pump": "pumps", "drug": "drugs",
}  # fmt: skip
STATES = {
    "mature": "Counted: old enough and answered",
    "immature": "Answered, but too young to count",
    "pending": "Waiting for an answer",
    "no_response": "No answer for half a year or longer",
    "out_of_target": "Not a plain yes or no",
    "resubmission": "Sent again: not a first submission",
    "not_original": "Corrected or secondary claims",
    "undated": "No usable day of submission",
}


def count(value: int | None) -> str:
    """12,345"""
    return MISSING if value is None else f"{value:,}"


def dollars(cents: int | None) -> str:
    """$12,345 from cents, rounded to whole dollars."""
    if cents is None:
        return MISSING
    whole = (abs(cents) + 50) // 100
    return f"{'-' if cents < 0 and whole else ''}${whole:,}"


def percent(share: float | None, digits: int = 1) -> str:
    """12.3%"""
    return MISSING if share is None else f"{100 * share:.{digits}f}%"


def between(low: float | None, high: float | None) -> str:
    """From 10.1 to 14.9%, with a dash."""
    return MISSING if low is None or high is None else f"{100 * low:.1f}{DASH}{100 * high:.1f}%"


def points(change: float | None, clear: bool | None) -> str:
    """How a rate moved, in percentage points: -0.4, or with an arrow where chance does not explain it."""
    if change is None:
        return MISSING
    arrow = ("\N{BLACK UP-POINTING TRIANGLE} " if change > 0 else "\N{BLACK DOWN-POINTING TRIANGLE} ") if clear else ""
    return f"{arrow}{100 * change:+.1f}"


def day(value: date | None) -> str:
    """3 Oct 2026"""
    return MISSING if value is None else f"{value.day} {value:%b %Y}"


def month(value: date | None) -> str:
    """Oct 2026"""
    return MISSING if value is None else f"{value:%b %Y}"


def plain(name: str | None) -> str:
    """A name of the tables in words: medical_necessity is medical necessity."""
    return MISSING if name is None else name.replace("_", " ")


def diagnosis(code: str | None) -> str:
    """M47.816, as the explanations write it; none where there is no diagnosis."""
    return dotted(code) if code else "none"


def family_words(family: str) -> str:
    """What a family of procedures is called."""
    return FAMILIES.get(family, plain(family))


def feature_words(feature: Feature) -> str:
    """A feature's plain name: `denied_rate__payer_id__180d` is Denial rate of the same payer, in the last 180 days."""
    if feature.unit == UNIT:
        return feature.sentence.removesuffix(" is {value}.")
    if feature.unit == "0 or 1":
        return feature.sentence.removesuffix(": {value}.").replace("{{", "{").replace("}}", "}")
    if feature.name in RULES or feature.name.startswith("broken__"):
        return RULES.get(feature.name) or feature.sentence.removesuffix(": {value}.")
    measure, _, rest = feature.name.replace("hcpcs_code", "code").partition("__")
    kind, _, window = rest.partition("__")
    columns = {k.name.replace("hcpcs_code", "code"): k.columns for k in KINDS}.get(kind)
    if columns is None:
        return _first_upper(plain(measure) + (f", {_window(rest or window)}" if rest else ""))
    key = " and ".join(KEY_WORDS[column] for column in columns)
    measures = {
        "denied_rate": "denial rate",
        "outcomes": "known outcomes",
        "days_since_denial": "days since the last denial",
    }
    said = measures.get(measure, f"{plain(measure.removesuffix('_rate'))} denials, rate")
    return _first_upper(f"{said} of the same {key}" if key else f"{said} of the practice") + (
        f", {_window(window)}" if window else ""
    )


def _window(name: str) -> str:
    return {window_name(days): words for days, words in WINDOW_WORDS.items()}.get(name, name)


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
