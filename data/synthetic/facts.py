"""What a payer sees on submitted lines, read from their columns alone: the line, its claim, the patient's earlier
sessions, and the authorization as the practice knew it before it submitted.

Everything is an array of one entry a line. Earlier means: a smaller day of service, and submitted strictly before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from claims.table import MODIFIERS
from data.synthetic.past import authorization, earlier
from data.synthetic.practice import Practice
from data.synthetic.world import Bools, Floats, Ints, World, bits

CLAIM_KEYS = ("claim_id", "submitted_date", "payer_id", "claim_frequency_code", "payer_responsibility_code")


@dataclass(frozen=True)
class Facts:
    """Arrays of one entry a line; codes, payers and providers are indices (-1: not of this world)."""

    claim: Ints
    payer: Ints
    provider: Ints
    code: np.ndarray
    family: np.ndarray
    mods: Ints
    units: Floats
    place: np.ndarray
    group: np.ndarray  # group of the diagnosis that the line points to first
    state: np.ndarray
    day: Ints
    submitted: Ints
    charge: Floats
    weeks: Floats  # of conservative care, nan where not documented
    referral: Bools
    auth_needed: Bools
    auth: Ints
    auth_reason: Ints
    sessions: Ints  # of the same family and region in the year before
    since: Ints  # days since the last of them, -1: none
    blocks: Ints  # diagnostic sessions that the ablation or implant builds on, in the year before
    known_patient: Bools  # any earlier day of service
    same_code_sides: Bools  # another line of the claim has the code and the other side
    with_included: Bools  # imaging beside a code that includes it
    with_parent: Bools
    with_procedure: Bools  # a procedure (not this line) in the claim
    same_diagnosis: Bools  # as that procedure's
    column_two: Bools  # bundles into another line, no 59
    ordinal: Ints


def facts_of(
    world: World, practice: Practice, lines: pl.DataFrame, history: pl.DataFrame, authorizations: pl.DataFrame
) -> Facts:
    """Facts of the lines, given all lines the practice ever sent and all authorizations it ever knew of."""
    own = _own(world, practice, lines)
    claims: dict[str, Any] = _claim_facts(world, own)
    auth, reason = authorization(own, lines, history, authorizations)
    return Facts(**own, **claims, **earlier(world, lines, history), auth=auth, auth_reason=reason)


def _codes_in(values: pl.Series, known: list[str]) -> Ints:
    index = {v: i for i, v in enumerate(known)}
    return values.replace_strict(index, default=-1, return_dtype=pl.Int64).to_numpy()


def text(lines: pl.DataFrame, name: str) -> np.ndarray:
    """A text column, "" where empty."""
    values = lines[name].fill_null("")
    levels = values.unique().sort().to_list()
    return np.asarray(np.array(levels)[values.cast(pl.Enum(levels)).to_physical().to_numpy()])


def day_numbers(values: pl.Series) -> Ints:
    """Dates as day numbers."""
    return values.cast(pl.Int32).cast(pl.Int64).to_numpy()


def modifier_bits(lines: pl.DataFrame) -> Ints:
    """The four modifier columns as sets of bits."""
    joined = lines.select(pl.concat_str(MODIFIERS, separator=",", ignore_nulls=True)).to_series()
    known = {v: bits(v.split(",")) for v in joined.unique().to_list()}
    return joined.replace_strict(known, return_dtype=pl.Int64).to_numpy()


def claim_numbers(lines: pl.DataFrame) -> Ints:
    """0, 1, 2 ... for the submissions among the lines."""
    return lines.select(pl.struct(CLAIM_KEYS).rank("dense")).to_series().cast(pl.Int64).to_numpy() - 1


def _own(world: World, practice: Practice, lines: pl.DataFrame) -> dict[str, Any]:
    """Facts of the lines taken one by one."""
    code = text(lines, "hcpcs_code")
    known, where = np.unique(code, return_inverse=True)
    family = np.array([world.codes[c].family if c in world.codes else "" for c in known])[where]
    pointed = lines["diagnosis_pointers"].fill_null("1").str.slice(0, 1).to_numpy()
    diagnosis = np.where(pointed == "2", text(lines, "diagnosis_code_2"), text(lines, "diagnosis_code_1"))
    groups = {c: g for g, codes in world.diagnoses.items() for c in codes}
    names, at = np.unique(diagnosis, return_inverse=True)
    payer = _codes_in(lines["payer_id"], [p.id for p in world.payers])
    day, state = day_numbers(lines["claim_line_start_date"]), text(lines, "service_state")
    return {
        "claim": claim_numbers(lines), "payer": payer, "provider": _codes_in(lines["rendering_npi"], practice.npi),
        "code": code, "family": family, "mods": modifier_bits(lines),
        "units": lines["service_unit_quantity"].cast(pl.Float64).to_numpy(),
        "place": text(lines, "place_of_service_code"),
        "group": np.array([groups.get(d, "") for d in names])[at], "state": state, "day": day,
        "submitted": day_numbers(lines["submitted_date"]), "charge": lines["charge_amount"].cast(pl.Float64).to_numpy(),
        "weeks": lines["doc_conservative_weeks"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        "referral": lines["referral_number"].is_not_null().to_numpy(),
        "auth_needed": _auth_needed(world, payer, family, day, state),
        "ordinal": lines["claim_line_number"].cast(pl.Int64).to_numpy(),
    }  # fmt: skip


def _auth_needed(world: World, payer: Ints, family: np.ndarray, day: Ints, state: np.ndarray) -> Bools:
    out = np.zeros(len(payer), dtype=bool)
    for i, p in enumerate(world.payers):
        for name, rule in p.auth.items():
            rows = (payer == i) & (family == name) & (day >= rule.first)
            out |= (rows & np.isin(state, list(rule.states))) if rule.states else rows
    return out


def _claim_facts(world: World, own: dict[str, Any]) -> dict[str, Any]:
    """Facts that need the other lines of the same submission."""
    claim, code, mods, size = own["claim"], own["code"], own["mods"], int(own["claim"].max(initial=-1)) + 1

    def has(rows: Bools) -> Bools:
        out = np.zeros(size, dtype=bool)
        out[claim[rows]] = True
        return np.asarray(out[claim])

    def codes(condition: Any) -> Bools:
        return np.isin(code, [c.code for c in world.codes.values() if condition(c)])

    procedure = codes(lambda c: c.procedure)
    with_parent = np.ones(len(claim), dtype=bool)
    for c in world.codes.values():
        if c.parents:
            rows = code == c.code
            with_parent[rows] = has(np.isin(code, c.parents))[rows]
    _, group = np.unique(own["group"], return_inverse=True)
    main = np.full(size, -1)
    main[claim[procedure]] = group[procedure]
    return {
        "with_included": has(codes(lambda c: c.imaging == "included")) & (own["family"] == "IMG"),
        "with_parent": with_parent,
        "with_procedure": has(procedure) & ~procedure,
        "same_diagnosis": main[claim] == group,
        "column_two": _column_two(code, mods, has),
        "same_code_sides": _both_sides(claim, code, mods),
    }


def _column_two(code: np.ndarray, mods: Ints, has: Any) -> Bools:
    """Pairs after FACTS section 2: the second of each is the one that is not paid, unless a 59 says otherwise."""
    spine = np.isin(code, ["64483", "62323", "62321", "64479", "64493", "64490"])
    tpi, apart = np.isin(code, ["20552", "20553"]), (mods & bits(["59", "XS"])) > 0
    open_pair = ~has((spine | tpi) & apart)
    programming = (code == "95972") & has(np.isin(code, ["63650", "63685"])) & ~apart
    test = (code == "80305") & has(code == "80307") & ~apart
    return np.asarray((spine & has(tpi) & open_pair) | programming | test)


def _both_sides(claim: Ints, code: np.ndarray, mods: Ints) -> Bools:
    names, number = np.unique(code, return_inverse=True)
    key = claim * len(names) + number
    right, left = (mods & bits(["RT"])) > 0, (mods & bits(["LT"])) > 0
    return np.asarray((right & np.isin(key, key[left])) | (left & np.isin(key, key[right])))
