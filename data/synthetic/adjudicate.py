"""How a payer decides: each reason adds a hazard to the line, and a line is denied when the sum strikes.

Given the hidden variables, P(denied) = 1 - (1 - acts x lapse) x exp(-m x (rules + n x documentation)), where the
reviewer m and the note n are lognormal with mean 1. p_oracle takes them as drawn; p_reachable averages over them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.synthetic.facts import Facts
from data.synthetic.past import MISMATCH, NONE, ON_FILE, PLACE, PROVIDER
from data.synthetic.practice import Practice
from data.synthetic.world import Bools, Floats, Habit, Ints, Payer, World, bits

MECHANISMS: dict[str, str] = {  # mechanism -> category of the denial
    "auth_missing": "authorization", "auth_mismatch": "authorization", "referral": "authorization",
    "imaging_bundled": "bundling", "addon_orphan": "bundling", "em_no25": "bundling", "em_same_diagnosis": "bundling",
    "ncci_pair": "bundling", "bilateral_format": "coding", "laterality": "coding", "modifier": "coding",
    "units": "coverage_limit", "old_code": "coding", "new_patient": "coding", "place": "coding",
    "diagnosis": "medical_necessity",
    "frequency": "coverage_limit", "sequence": "medical_necessity", "interval": "medical_necessity",
    "conservative": "medical_necessity", "quirk": "medical_necessity", "review": "information",
    "credentialing": "provider", "timely": "timely_filing", "documentation": "medical_necessity",
    "note": "information", "other_insurance": "coordination_of_benefits", "noise": "information",
    "unexplained": "other",
    "lapse": "eligibility",
}  # fmt: skip
NAMES = tuple(MECHANISMS)
AT = {n: i for i, n in enumerate(NAMES)}
DOCUMENTED = (AT["documentation"], AT["note"])  # the hazards that the completeness of the note moves
NOISE = ("other_insurance", "noise", "unexplained", "lapse")  # not a rule, not a habit: nobody could have known
NODES = 9
RISKY = {
    "ESI": 1.0,
    "FACET": 1.1,
    "RFA": 1.4,
    "SCS": 1.8,
    "SIJ": 1.1,
    "KNEERFA": 1.6,
    "SIJRFA": 2.0,
    "EM": 0.7,
    "UDT": 1.0,
    "TPI": 1.0,
}


@dataclass(frozen=True)
class Hidden:
    """The drawn hidden variables of each line: lapse 0 or 1, note and reviewer standard normal."""

    lapse: Ints
    note: Floats
    reviewer: Floats


def hazards(world: World, practice: Practice, f: Facts) -> Floats:
    """(lines, mechanisms) hazards, 0 where a mechanism does not apply. Unknown payers: none."""
    out = np.zeros((len(f.payer), len(NAMES)))
    for i, payer in enumerate(world.payers):
        rows = np.flatnonzero(f.payer == i)
        if len(rows):
            out[rows] = _of_payer(world, practice, payer, _take(f, rows))
    reported = reporting_only(f) | capitated(world, f)
    out[reported] = 0.0
    return out


def _take(f: Facts, rows: Ints) -> Facts:
    return Facts(**{name: getattr(f, name)[rows] for name in Facts.__dataclass_fields__})


def reporting_only(f: Facts) -> Bools:
    """Lines denied by design: GY, GX, or a charge of up to one cent."""
    return np.asarray(((f.mods & bits(["GY", "GX"])) > 0) | (f.charge <= 0.011))


def capitated(world: World, f: Facts) -> Bools:
    """Lines whose payer pays the family by the head."""
    out = np.zeros(len(f.payer), dtype=bool)
    for i, p in enumerate(world.payers):
        out |= (f.payer == i) & np.isin(f.family, list(p.capitated))
    return out


def _of_payer(world: World, practice: Practice, payer: Payer, f: Facts) -> Floats:
    out = np.zeros((len(f.day), len(NAMES)))
    for name, (rows, rate) in _rules(world, payer, f).items():
        chance = np.clip(rate * payer.enforce[rate_name(name)] * _factor(payer, name, f.day), 0, 0.985)
        out[:, AT[name.split(":")[0]]] += np.where(rows, -np.log1p(-chance), 0.0)
    for habit in payer.habits:
        out[:, AT[habit.mechanism]] += np.where(_dislikes(habit, f), habit.hazard, 0.0)
    _documentation(world, practice, payer, f, out)
    out[:, AT["credentialing"]] += _credentialing(practice, payer, f)
    out[:, AT["other_insurance"]] += payer.other_insurance
    out[:, AT["noise"]] += 0.6 * payer.noise
    out[:, AT["unexplained"]] += 0.4 * payer.noise
    return out


def rate_name(name: str) -> str:
    """The entry of a payer's `enforce` behind a rule: what follows the colon, else the mechanism itself."""
    return name.split(":")[-1]


def _factor(payer: Payer, name: str, day: Ints) -> Floats:
    out = np.ones(len(day))
    for c in payer.changes:
        if c.mechanism == name.split(":")[0]:
            out = np.where(day >= c.first, out * c.factor, out)
    return out


def _rules(world: World, payer: Payer, f: Facts) -> dict[str, tuple[Bools, Floats | float]]:
    """Where each published rule is broken, and how badly (1: as enforced)."""
    need, evaluated = f.auth_needed, f.family == "EM"
    codes = world.codes
    limit = np.array([payer.limits.get(x, 99) for x in f.family.tolist()]) if len(f.family) else np.empty(0)
    unit_limit = np.array([codes[c].unit_limit if c in codes else 99 for c in f.code.tolist()])
    main = np.isin(f.code, [c.code for c in codes.values() if c.procedure])
    fifty = (f.mods & bits(["50"])) > 0
    allowed_units = np.where(fifty & (payer.bilateral == "50x2"), 2 * unit_limit, unit_limit)
    sequenced = np.isin(f.family, ["RFA", "KNEERFA", "SIJRFA"])
    return {
        "auth_missing": (need & (f.auth == NONE), 1.0),
        "auth_missing:auth_on_file": (need & (f.auth == ON_FILE), 1.0),
        "auth_mismatch": (need & (f.auth == MISMATCH), np.array([0, 0.9, 1.1, 1.0, 0.8, 0.9])[f.auth_reason]),
        "auth_mismatch:auth_place": (need & (f.auth == PLACE), 1.0),
        "auth_mismatch:auth_provider": (need & (f.auth == PROVIDER), 1.0),
        "referral": (payer.referral & ~f.referral & (evaluated | main), 1.0),
        "imaging_bundled": (
            f.with_included & ~((f.mods & bits(["59", "XU"])) > 0),
            0.0 if payer.filing == "WC" else 1.0,
        ),
        "addon_orphan": (~f.with_parent & ~(f.with_included & (f.family == "IMG")), 1.0),
        "em_no25": (evaluated & f.with_procedure & ((f.mods & bits(["25"])) == 0), 1.0),
        "em_same_diagnosis": (evaluated & f.with_procedure & f.same_diagnosis & ((f.mods & bits(["25"])) > 0), 1.0),
        "ncci_pair": (f.column_two, 1.0),
        "bilateral_format": (_format_broken(world, payer, f, fifty), 1.0),
        "laterality": (_unsided(world, f), 1.0),
        "units": (f.units > allowed_units, 1.0),
        "old_code": (f.code == "J1030", 1.0),
        "new_patient": (np.isin(f.code, ["99203", "99204"]) & f.known_patient, 1.0),
        "diagnosis": (_not_covered(world, f), 1.0),
        "frequency": (
            (main | (f.family == "UDT")) & (f.sessions >= limit),
            np.minimum(0.85 + 0.1 * (f.sessions - limit), 1.1),
        ),
        "sequence": (
            main & (sequenced & (f.blocks < 2)) | ((f.code == "63685") & (f.blocks < 1)),
            np.where(f.blocks == 0, 1.1, 0.85),
        ),
        "interval": (_too_soon(f, main), 1.0),
        "conservative": (
            main & np.isin(f.family, ["ESI", "FACET", "SIJ", "SCS"]) & (f.weeks < payer.conservative_weeks),
            1.0,
        ),
        "timely": (f.submitted - f.day > payer.filing_days, 1.0),
    }


def _format_broken(world: World, payer: Payer, f: Facts, fifty: Bools) -> Bools:
    """A service on both sides written in another way than the payer's, or 50 where no side exists."""
    sided = np.isin(f.code, [c.code for c in world.codes.values() if c.bilateral])
    no_side = fifty & ~sided
    wrong = {
        "50": (fifty & (f.units > 1)) | f.same_code_sides,
        "50x2": (fifty & (f.units == 1)),
        "RTLT": fifty,
    }[payer.bilateral]
    return np.asarray(no_side | (sided & wrong))


def _unsided(world: World, f: Facts) -> Bools:
    sided = np.isin(f.code, [c.code for c in world.codes.values() if c.bilateral])
    return np.asarray(sided & ((f.mods & bits(["RT", "LT", "50"])) == 0))


def _not_covered(world: World, f: Facts) -> Bools:
    out = np.zeros(len(f.day), dtype=bool)
    for family, groups in world.covered.items():
        out |= (f.family == family) & ~np.isin(f.group, list(groups))
    return out


def _too_soon(f: Facts, main: Bools) -> Bools:
    """Sessions of a family sooner after the last than policies allow (FACTS section 4): 14 days, ablations 180."""
    least = np.select(
        [np.isin(f.family, ["RFA", "KNEERFA", "SIJRFA"]), np.isin(f.family, ["ESI", "FACET", "SIJ"])], [180, 14], 0
    )
    return np.asarray(main & (f.since >= 0) & (f.since < least))


def _dislikes(h: Habit, f: Facts) -> Bools:
    rows = (f.day >= h.first) & (f.day <= h.last)
    for wanted, values in ((h.families, f.family), (h.codes, f.code), (h.diagnoses, f.group), (h.places, f.place)):
        if wanted:
            rows &= np.isin(values, list(wanted))
    if h.modifiers:
        rows &= (f.mods & h.modifiers) == h.modifiers
    return np.asarray(rows & ((f.mods & h.lacks) == 0)) if h.lacks else np.asarray(rows)


def _documentation(world: World, practice: Practice, payer: Payer, f: Facts, out: Floats) -> None:
    """Habits of a provider's notes, by family: what reviewers ask for, or call not necessary."""
    level = practice.documentation + 0.0
    column = {name: i for i, name in enumerate(world.families)}
    known = np.maximum(f.provider, 0)
    which = np.array([column.get(x, 0) for x in f.family.tolist()], dtype=np.int64)
    log_factor = np.where(f.provider >= 0, level[known] + practice.by_family[known, which], 0.0)
    risk = np.array([RISKY.get(x, 0.5) for x in f.family.tolist()])
    total = payer.enforce["documentation"] * payer.documentation * risk * np.exp(log_factor - 0.37)
    out[:, AT["documentation"]] += 0.55 * total
    out[:, AT["note"]] += 0.45 * total


def _credentialing(practice: Practice, payer: Payer, f: Facts) -> Floats:
    """A payer that takes its time to enrol a provider denies what the provider renders meanwhile."""
    if not payer.new_provider_days:
        return np.zeros(len(f.day))
    new = f.day - practice.joined[np.maximum(f.provider, 0)]
    rows = (f.provider >= 0) & (new >= 0) & (new < payer.new_provider_days)
    return np.where(rows, -np.log1p(-payer.enforce["credentialing"]), 0.0)


def split(h: Floats) -> tuple[Floats, Floats]:
    """Sums of the hazards: those the note moves not, and those it moves."""
    noted = h[:, DOCUMENTED].sum(axis=1)
    return h.sum(axis=1) - noted, noted


def multiplier(sd: float, z: Floats | float) -> Floats:
    """Lognormal with mean 1 of a standard normal."""
    return np.asarray(np.exp(sd * z - sd * sd / 2))


def lapse_chance(world: World, f: Facts) -> Floats:
    """Chance that the patient's coverage lapsed that month; 0 for lines no payer adjudicates."""
    chance = np.array([p.lapse for p in world.payers] + [0.0])[f.payer]
    return np.where(reporting_only(f) | capitated(world, f), 0.0, chance)


def oracle(world: World, h: Floats, hidden: Hidden) -> Floats:
    """P(denied) of each line, the hidden variables given."""
    plain, noted = split(h)
    m = multiplier(world.hidden["reviewer"]["sd"], hidden.reviewer)
    n = multiplier(world.hidden["note"]["sd"], hidden.note)
    return np.asarray(1 - (1 - world.hidden["lapse"]["acts"] * hidden.lapse) * np.exp(-m * (plain + n * noted)))


def averaged(world: World, h: Floats, lapse: Floats) -> Floats:
    """P(denied) of each line, averaged over the hidden variables (quadrature, error below 1e-4)."""
    plain, noted = split(h)
    z, weight = np.polynomial.hermite_e.hermegauss(NODES)
    weight = weight / weight.sum()
    survive = np.zeros(len(plain))
    for zi, wi in zip(z.tolist(), weight.tolist(), strict=True):
        m = multiplier(world.hidden["reviewer"]["sd"], zi)
        for zj, wj in zip(z.tolist(), weight.tolist(), strict=True):
            survive += wi * wj * np.exp(-m * (plain + multiplier(world.hidden["note"]["sd"], zj) * noted))
    out: Floats = np.clip(
        1 - (1 - world.hidden["lapse"]["acts"] * lapse) * survive, 0.0, 1.0
    )  # the weights sum to 1 but for rounding
    return out


def drawn(world: World, h: Floats, hidden: Hidden, rng: np.random.Generator) -> tuple[Bools, Ints]:
    """Whether each line is denied, and for which mechanism (index into NAMES, -1 where it is not)."""
    lapse = rng.random(len(h)) < world.hidden["lapse"]["acts"] * hidden.lapse
    weights = h * multiplier(world.hidden["reviewer"]["sd"], hidden.reviewer)[:, None]
    weights[:, DOCUMENTED] *= multiplier(world.hidden["note"]["sd"], hidden.note)[:, None]
    total = weights.sum(axis=1)
    struck = rng.random(len(h)) < -np.expm1(-total)
    pick = rng.random(len(h)) * total
    cause = np.minimum((np.cumsum(weights, axis=1) < pick[:, None]).sum(axis=1), len(NAMES) - 1)
    cause = np.where(lapse, AT["lapse"], cause)
    denied = lapse | struck
    return denied, np.where(denied, cause, -1)
