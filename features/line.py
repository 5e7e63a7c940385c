"""Features of the line by itself and of the lines that stand on the same claim; no history but the usual amounts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from claims.table import DIAGNOSES
from claims.texts import Level, Texts, distinct, placed
from rules.encode import Lines
from rules.reference import IMAGING, VISIT, add_on_parents, family, procedures

NO_50 = {"0", "2", "9"}  # Medicare's bilateral indicators under which 50 says nothing
MODIFIER_FLAGS = {
    "modifier_25": {"25"},
    "modifier_59_or_x": {"59", "XE", "XP", "XS", "XU"},
    "modifier_50": {"50"},
    "modifier_side": {"RT", "LT"},
    "modifier_repeat": {"76", "77"},
    "modifier_kx": {"KX"},
    "modifier_ga": {"GA"},
    "modifier_wastage": {"JW", "JZ"},
}
Columns = dict[str, np.ndarray]


def categories(lines: Lines) -> dict[str, Texts]:
    """The categorical features of the line; what is empty is "none", what is not known is None."""
    text = {name: lines.text(name).each(_level) for name in (
        "payer_id", "claim_filing_indicator_code", "place_of_service_code", "service_state", "patient_sex",
        "rendering_taxonomy",
    )}  # fmt: skip
    diagnosis = lines.diagnosis.each(_level)
    return {
        **text,
        "hcpcs_code": lines.code,
        "procedure_family": lines.family,
        "modifier_pattern": lines.modifiers.each(_level),
        "diagnosis_code": diagnosis,
        "diagnosis_category": diagnosis.each(lambda code: code[:3] if code and code != "none" else code),
        "companion_family": companions(lines),
    }


def _level(value: Level) -> Level:
    return "none" if value == "" else value


def numbers(lines: Lines, usual_cents: np.ndarray, usual_units: np.ndarray) -> Columns:
    """The numerical features of the line; usual_*: (lines,) what the code usually has, nan where none is known."""
    return {
        "service_unit_quantity": lines.units,
        "units_against_usual": lines.units / usual_units,
        "charge_amount": lines.cents / 100.0,
        "charge_against_usual": lines.cents / usual_cents,
        "days_to_submit": (lines.submitted - lines.service).astype(np.float64),
        "service_days": lines.day("claim_line_end_date") - lines.service,
        "patient_age": lines.number("patient_age"),
        "diagnoses_on_claim": _diagnoses(lines),
        "in_network": lines.number("in_network_flag"),
        "referral_present": lines.text("referral_number").numbers(_present),
        **_modifier_numbers(lines.modifiers),
    }


def _diagnoses(lines: Lines) -> np.ndarray:
    listed = [lines.text(name) for name in DIAGNOSES]
    told: np.ndarray = np.sum([column.numbers(lambda code: float(bool(code))) for column in listed], axis=0)
    return np.where(listed[0].flags(lambda code: code is None), np.nan, told)


def _present(value: Level) -> float:
    return float("nan") if value is None else float(value != "")


def _modifier_numbers(patterns: Texts) -> Columns:
    """Each distinct pattern is judged once."""
    sets = [None if pattern is None else set(filter(None, pattern.split("-"))) for pattern in patterns.levels]

    def judged(judge: Callable[[set[str]], int]) -> np.ndarray:
        values = np.array([float("nan") if told is None else float(judge(told)) for told in sets])
        return placed(values, patterns.at)

    def holds(wanted: set[str]) -> Callable[[set[str]], int]:
        return lambda told: not wanted.isdisjoint(told)

    return {name: judged(holds(wanted)) for name, wanted in MODIFIER_FLAGS.items()} | {"modifiers_on_line": judged(len)}


def claim_numbers(lines: Lines, flags: Columns) -> Columns:
    """What the other lines of the claim say; flags: the line's own modifier flags."""
    claim, count = lines.claim, lines.claims
    visit, procedure, guided, imaging, without_50 = _of_code(lines)
    cents = np.nan_to_num(lines.cents)
    charged = _total(claim, count, cents)
    return {
        "claim_lines": _total(claim, count, np.ones(len(lines))),
        "line_position": _position(lines),
        "claim_charge": charged / 100.0,
        "share_of_claim_charge": cents / np.where(charged > 0, charged, np.nan),
        "same_code_lines": _alike(claim, lines.code),
        "same_family_lines": _alike(claim, lines.family),
        "procedures_on_claim": _distinct_procedures(lines, procedure),
        "visit_on_claim": _any(claim, count, visit),
        "visit_without_25": np.where(visit & (_any(claim, count, procedure) > 0), 1.0 - flags["modifier_25"], 0.0),
        "imaging_in_included_guidance": (imaging & (_any(claim, count, guided) > 0)).astype(np.float64),
        "add_on_without_primary": _orphans(lines),
        "both_sides_on_two_lines": _both_sides(lines),
        "modifier_50_not_defined": np.where(without_50, flags["modifier_50"], 0.0),
    }


def _of_code(lines: Lines) -> np.ndarray:
    """(5, lines) bool: visit, procedure, includes its imaging, imaging, no modifier 50. Each code is judged once."""
    levels = lines.code.levels
    judged = np.array([_judged(str(code)) for code in levels], bool).reshape(len(levels), 5)
    return placed(judged, lines.code.at).T


def _judged(code: str) -> tuple[bool, ...]:
    kind, known = family(code), procedures().get(code)
    if known is None:
        return kind == VISIT, False, False, kind == IMAGING, False
    procedure = known.global_days in {"000", "010", "090"}
    return kind == VISIT, procedure, known.guidance_included, kind == IMAGING, known.bilateral_indicator in NO_50


def _total(claim: np.ndarray, count: int, values: np.ndarray) -> np.ndarray:
    """Whole numbers summed as float64 stay exact, in whatever order they are summed."""
    total: np.ndarray = np.bincount(claim, values, minlength=count)[claim]
    return total


def _any(claim: np.ndarray, count: int, flag: np.ndarray) -> np.ndarray:
    found = np.bincount(claim, flag, minlength=count) > 0
    return np.where(found[claim], 1.0, 0.0)


def _position(lines: Lines) -> np.ndarray:
    """1 for the line with the lowest number of its claim, and so on."""
    order = np.lexsort((lines.number("claim_line_number"), lines.claim))
    first = np.searchsorted(lines.claim[order], np.arange(lines.claims))
    position = np.empty(len(lines))
    position[order] = np.arange(len(lines)) - first[lines.claim[order]] + 1
    return position


def _alike(claim: np.ndarray, texts: Texts) -> np.ndarray:
    """Lines of the same claim with the same text."""
    first, at = distinct(claim * len(texts.levels) + texts.at)
    alike: np.ndarray = np.bincount(at, minlength=len(first))[at]
    return alike.astype(np.float64)


def _distinct_procedures(lines: Lines, procedure: np.ndarray) -> np.ndarray:
    """Different codes of procedures on the claim."""
    first, _ = distinct(lines.claim * len(lines.code.levels) + lines.code.at)
    counted: np.ndarray = np.bincount(lines.claim[first], procedure[first], minlength=lines.claims)[lines.claim]
    return counted


def _orphans(lines: Lines) -> np.ndarray:
    """1.0 for an add-on code none of whose primaries stands on the claim."""
    parents, code = add_on_parents(), lines.code
    result = np.zeros(len(lines))
    for place, level in enumerate(code.levels):
        if level in parents:
            rows = code.at == place
            held = _any(lines.claim, lines.claims, code.flags(parents[level].__contains__))
            result[rows] = held[rows] == 0
    return result


def _both_sides(lines: Lines) -> np.ndarray:
    """1.0 where the claim bills the code once with RT and once with LT."""
    sides = [lines.modifiers.flags(_names(side)) for side in ("RT", "LT")]
    first, at = distinct(lines.claim * len(lines.code.levels) + lines.code.at)
    right, left = (_any(at, len(first), side) for side in sides)
    return np.where(sides[0] | sides[1], right * left, 0.0)


def _names(side: str) -> Callable[[Level], bool]:
    return lambda pattern: pattern is not None and side in pattern.split("-")


def companions(lines: Lines) -> Texts:
    """The family of the dearest other line of the claim (ties: the earlier line number); "none" if it is alone."""
    order = np.lexsort((lines.number("claim_line_number"), -np.nan_to_num(lines.cents), lines.claim))
    first = np.searchsorted(lines.claim[order], np.arange(lines.claims))
    size = np.bincount(lines.claim, minlength=lines.claims)
    dearest = order[first][lines.claim] if len(order) else order
    alone = size[lines.claim] < 2
    second = np.where((dearest == np.arange(len(lines))) & ~alone, 1, 0)
    family = lines.family.take(order[first[lines.claim] + second])
    return family.overlaid(Texts(["none"], np.zeros(len(lines), np.int64)), alone)
