"""Features of the line by itself and of the lines that stand on the same claim; no history but the usual amounts."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from features.encode import Lines
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


def categories(lines: Lines) -> dict[str, list[str | None]]:
    """The categorical features of the line; what is empty is "none", what is not known is None."""
    text = {name: _level(lines.text(name)) for name in (
        "payer_id", "claim_filing_indicator_code", "place_of_service_code", "service_state", "patient_sex",
        "rendering_taxonomy",
    )}  # fmt: skip
    diagnosis = _level(lines.diagnosis)
    return {
        **text,
        "hcpcs_code": list(lines.code),
        "procedure_family": list(lines.family),
        "modifier_pattern": _level(lines.modifiers),
        "diagnosis_code": diagnosis,
        "diagnosis_category": [d[:3] if d and d != "none" else d for d in diagnosis],
        "companion_family": companions(lines),
    }


def _level(values: list[str | None]) -> list[str | None]:
    return ["none" if value == "" else value for value in values]


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
        "referral_present": _present(lines.text("referral_number")),
        **_modifier_numbers(lines.modifiers),
    }


def _diagnoses(lines: Lines) -> np.ndarray:
    listed = [lines.text(f"diagnosis_code_{i}") for i in range(1, 13)]
    return np.array([float("nan") if row[0] is None else sum(map(bool, row)) for row in zip(*listed, strict=True)])


def _present(values: list[str | None]) -> np.ndarray:
    return np.array([float("nan") if v is None else float(v != "") for v in values], np.float64)


def _modifier_numbers(patterns: list[str | None]) -> Columns:
    """Each distinct pattern is judged once."""
    distinct = {pattern: i for i, pattern in enumerate(dict.fromkeys(patterns))}
    at = np.fromiter((distinct[p] for p in patterns), np.int64, len(patterns))
    sets = [None if p is None else set(filter(None, p.split("-"))) for p in distinct]
    judged = {
        name: np.array([float("nan") if s is None else float(bool(s & wanted)) for s in sets])
        for name, wanted in MODIFIER_FLAGS.items()
    }
    judged["modifiers_on_line"] = np.array([float("nan") if s is None else float(len(s)) for s in sets])
    return {name: values[at] if len(at) else values for name, values in judged.items()}


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
    at = {code: i for i, code in enumerate(dict.fromkeys(lines.code))}
    judged = np.array([_judged(code) for code in at], bool).reshape(len(at), 5)
    return judged[np.fromiter(map(at.__getitem__, lines.code), np.int64, len(lines))].T


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


def _alike(claim: np.ndarray, values: list[str]) -> np.ndarray:
    """Lines of the same claim with the same value."""
    code: dict[str, int] = {}
    key = claim << 20 | np.fromiter((code.setdefault(v, len(code)) for v in values), np.int64, len(values))
    _, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
    alike: np.ndarray = counts[inverse]
    return alike.astype(np.float64)


def _distinct_procedures(lines: Lines, procedure: np.ndarray) -> np.ndarray:
    seen: set[tuple[int, str]] = set()
    new = np.zeros(len(lines))
    for i in np.flatnonzero(procedure):
        key = (int(lines.claim[i]), lines.code[i])
        new[i] = key not in seen
        seen.add(key)
    return _total(lines.claim, lines.claims, new)


def _orphans(lines: Lines) -> np.ndarray:
    """1.0 for an add-on code none of whose primaries stands on the claim."""
    parents = add_on_parents()
    result = np.zeros(len(lines))
    add_ons = [i for i, code in enumerate(lines.code) if code in parents]
    if add_ons:
        wanted = {int(lines.claim[i]) for i in add_ons}
        codes: dict[int, set[str]] = defaultdict(set)
        for claim, code in zip(lines.claim.tolist(), lines.code, strict=True):
            if claim in wanted:
                codes[claim].add(code)
        for i in add_ons:
            result[i] = not (codes[int(lines.claim[i])] & parents[lines.code[i]])
    return result


def _both_sides(lines: Lines) -> np.ndarray:
    """1.0 where the claim bills the code once with RT and once with LT."""
    sides: dict[tuple[int, str], set[str]] = defaultdict(set)
    sided = [(i, p) for i, p in enumerate(lines.modifiers) if p and ("RT" in p or "LT" in p)]
    for i, pattern in sided:
        sides[int(lines.claim[i]), lines.code[i]] |= {"RT", "LT"} & set(pattern.split("-"))
    result = np.zeros(len(lines))
    for i, _ in sided:
        result[i] = len(sides[int(lines.claim[i]), lines.code[i]]) == 2
    return result


def companions(lines: Lines) -> list[str | None]:
    """The family of the dearest other line of the claim (ties: the earlier line number); "none" if it is alone."""
    order = np.lexsort((lines.number("claim_line_number"), -np.nan_to_num(lines.cents), lines.claim))
    first = np.searchsorted(lines.claim[order], np.arange(lines.claims))
    size = np.bincount(lines.claim, minlength=lines.claims)
    dearest = order[first][lines.claim] if len(order) else order
    other = np.where(dearest == np.arange(len(lines)), first[lines.claim] + 1, first[lines.claim])
    alone = size[lines.claim] < 2
    return [
        "none" if lonely else lines.family[order[place]]
        for lonely, place in zip(alone.tolist(), other.tolist(), strict=True)
    ]
