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
from data.synthetic.practice import Practice
from data.synthetic.world import Bools, Floats, Ints, World, bits

AUTH = ("none", "on_file", "ok", "mismatch", "place", "provider")  # states; mismatch: code, dates, units, pending, unknown
NONE, ON_FILE, OK, MISMATCH, PLACE, PROVIDER = range(6)
MISMATCHES = ("", "code", "expired", "units", "pending", "unknown")
CLAIM_KEYS = ("claim_id", "submitted_date", "payer_id", "claim_frequency_code", "payer_responsibility_code")
WINDOW = 365


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
    claims = _claim_facts(world, own)
    auth, reason = _authorization(world, practice, own, lines, history, authorizations)
    return Facts(**own, **claims, **_earlier(world, lines, history), auth=auth, auth_reason=reason)


def _codes_in(values: pl.Series, known: list[str]) -> Ints:
    index = {v: i for i, v in enumerate(known)}
    return values.replace_strict(index, default=-1, return_dtype=pl.Int64).to_numpy()


def text(lines: pl.DataFrame, name: str) -> np.ndarray:
    """A text column, "" where empty."""
    values = lines[name].fill_null("")
    levels = values.unique().sort().to_list()
    return np.array(levels)[values.cast(pl.Enum(levels)).to_physical().to_numpy()]


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
        return out[claim]

    def codes(condition: Any) -> Bools:
        return np.isin(code, [c.code for c in world.codes.values() if condition(c)])

    procedure = codes(lambda c: c.procedure)
    with_parent = np.ones(len(claim), dtype=bool)
    for c in world.codes.values():
        if c.parents:
            rows = code == c.code
            with_parent[rows] = has(np.isin(code, c.parents))[rows]
    groups, group = np.unique(own["group"], return_inverse=True)
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
    return (right & np.isin(key, key[left])) | (left & np.isin(key, key[right]))


def _session_keys(lines: pl.DataFrame, world: World) -> pl.DataFrame:
    """Patient x family x region of each line (only families that a limit or a sequence speaks of)."""
    names = {c.code: f"{c.family}-{c.region}" for c in world.codes.values() if c.procedure}
    return lines.select(
        pl.concat_str(["payer_id", "member_id"]).alias("member"),
        pl.col("hcpcs_code").replace_strict(names, default=None, return_dtype=pl.String).alias("what"),
        pl.col("claim_line_start_date").cast(pl.Int32).cast(pl.Int64).alias("day"),
        pl.col("submitted_date").cast(pl.Int32).cast(pl.Int64).alias("submitted"),
        "claim_id",
    )


BEFORE = {  # what must have come first
    "RFA-L": ("FACET-L",), "RFA-C": ("FACET-C",), "KNEERFA-K": ("KNEE-K",), "SIJRFA-S": ("SIJ-S",),
}  # fmt: skip


def _earlier(world: World, lines: pl.DataFrame, history: pl.DataFrame) -> dict[str, Ints]:
    """Counts over the distinct earlier days of service of the same member."""
    asked, past = _session_keys(lines, world), _session_keys(history, world).drop_nulls("what")
    past = past.group_by("member", "what", "day").agg(pl.col("submitted").min(), pl.col("claim_id").first())
    what = asked["what"].fill_null("")
    base = what.replace_strict({k: v[0] for k, v in BEFORE.items()}, default=None, return_dtype=pl.String)
    sessions, since = _look_back(asked.with_columns(what=what), past)
    blocks, _ = _look_back(asked.with_columns(what=base.fill_null("")), past)
    implant = (lines["hcpcs_code"] == "63685").to_numpy()
    blocks = np.where(implant, sessions, blocks)
    return {"sessions": sessions, "since": since, "blocks": blocks}


def _look_back(asked: pl.DataFrame, past: pl.DataFrame, steps: int = 14) -> tuple[Ints, Ints]:
    """Earlier sessions within the window, and days since the last of them (-1: none)."""
    names = pl.concat([past.select("member", "what"), asked.select("member", "what")]).select(
        pl.struct("member", "what").rank("dense").cast(pl.Int64)
    ).to_series().to_numpy()  # fmt: skip
    past_key, key = names[: past.height], names[past.height :]
    order = np.lexsort((past["day"].to_numpy(), past_key))
    packed = past_key[order] * 100_000 + past["day"].to_numpy()[order]
    sent = past["submitted"].to_numpy()[order]
    at = np.searchsorted(packed, key * 100_000 + asked["day"].to_numpy(), side="left")
    count, since = np.zeros(len(key), dtype=np.int64), np.full(len(key), -1, dtype=np.int64)
    for step in range(1, steps + 1):
        where = np.maximum(at - step, 0)
        gap = key * 100_000 + asked["day"].to_numpy() - packed[where] if len(packed) else np.full(len(key), 10**6)
        ok = (at - step >= 0) & (gap <= WINDOW) & (gap > 0)
        ok &= sent[where] < asked["submitted"].to_numpy() if len(packed) else False
        since = np.where(ok & (count == 0), gap, since)
        count += ok
    return count, since


def _authorization(
    world: World, practice: Practice, own: dict[str, Any], lines: pl.DataFrame, history: pl.DataFrame, book: pl.DataFrame
) -> tuple[Ints, Ints]:
    """State of the authorization of each line, and which mismatch, as known strictly before submission."""
    rows = lines.select(
        "prior_authorization_number", "payer_id", "member_id", "hcpcs_code", "rendering_npi", "place_of_service_code",
        day=pl.col("claim_line_start_date"), sent=pl.col("submitted_date"),
    ).with_row_index("row")  # fmt: skip
    named = rows.join(book.rename({"place_of_service_code": "auth_place", "rendering_npi": "auth_npi"}),
                      on=["prior_authorization_number", "payer_id", "member_id"], how="inner")  # fmt: skip
    named = named.filter(pl.col("known_date") < pl.col("sent")).sort("row", "known_date").unique("row", keep="last")
    used = _units_used(own, lines, history)
    state = np.full(lines.height, NONE)
    has_number = lines["prior_authorization_number"].is_not_null().to_numpy()
    reason = np.where(has_number, MISMATCHES.index("unknown"), 0)
    at = named["row"].to_numpy()
    checks = named.select(
        pending=pl.col("status") != "approved",
        expired=(pl.col("day") > pl.col("valid_to")) | (pl.col("day") < pl.col("valid_from")),
        place=(pl.col("auth_place") != pl.col("place_of_service_code")).fill_null(False),
        provider=(pl.col("auth_npi") != pl.col("rendering_npi")).fill_null(False),
    )
    listed = _listed(named["hcpcs_codes"], named["hcpcs_code"])
    over = used[at] > named["units_authorized"].cast(pl.Float64).to_numpy()
    reason[at] = np.select([checks["pending"].to_numpy(), ~listed, checks["expired"].to_numpy(), over], [4, 1, 2, 3], 0)
    state[has_number] = MISMATCH
    fine = np.where(checks["provider"].to_numpy(), PROVIDER, np.where(checks["place"].to_numpy(), PLACE, OK))
    state[at] = np.where(reason[at] > 0, MISMATCH, fine)
    state[(state == NONE) & _on_file(rows, book)] = ON_FILE
    return state, np.where(state == MISMATCH, reason, 0)


def _listed(codes: pl.Series, code: pl.Series) -> Bools:
    """Whether the list of codes names the code."""
    pairs = pl.DataFrame({"codes": codes, "code": code})
    distinct = pairs.unique()
    found = [c in (cs or "").split(";") for cs, c in distinct.iter_rows()]
    joined = pairs.join(distinct.with_columns(found=pl.Series(found, dtype=pl.Boolean)), on=["codes", "code"], how="left",
                        maintain_order="left", nulls_equal=True)  # fmt: skip
    return joined["found"].to_numpy()


def _on_file(rows: pl.DataFrame, book: pl.DataFrame) -> Bools:
    """Lines without a number whose code an approved authorization of the member covered that day."""
    bare = rows.filter(pl.col("prior_authorization_number").is_null()).select("row", "payer_id", "member_id", "hcpcs_code", "day", "sent")
    approved = book.filter(pl.col("status") == "approved").select(
        "payer_id", "member_id", "valid_from", "valid_to", "known_date", pl.col("hcpcs_codes").str.split(";").alias("hcpcs_code")
    ).explode("hcpcs_code")  # fmt: skip
    hit = bare.join(approved, on=["payer_id", "member_id", "hcpcs_code"], how="inner").filter(
        pl.col("day").is_between("valid_from", "valid_to") & (pl.col("known_date") < pl.col("sent"))
    )
    out = np.zeros(rows.height, dtype=bool)
    out[hit["row"].to_numpy()] = True
    return out


def _units_used(own: dict[str, Any], lines: pl.DataFrame, history: pl.DataFrame) -> Floats:
    """Units of the line's code on its number: earlier submissions', and this claim's own."""
    keep = ["prior_authorization_number", "hcpcs_code"]
    past = history.select(
        *keep, "claim_line_start_date", sent=pl.col("submitted_date"), units=pl.col("service_unit_quantity").cast(pl.Float64),
        claim=pl.col("claim_id"), line=pl.col("claim_line_number"),
    ).drop_nulls("prior_authorization_number")  # fmt: skip
    past = past.sort("sent", "claim", "line").unique(["claim", "line", *keep, "claim_line_start_date"], keep="first", maintain_order=True)
    running = past.group_by(*keep, "sent").agg(pl.col("units").sum()).sort(*keep, "sent").with_columns(
        before=pl.col("units").cum_sum().over(keep)
    )  # fmt: skip
    asked = lines.select(*keep, sent=pl.col("submitted_date") - pl.duration(days=1)).with_row_index("row")
    found = asked.sort("sent").join_asof(
        running.select(*keep, "sent", "before").sort("sent"), on="sent", by=keep, strategy="backward", check_sortedness=False
    ).sort("row")  # fmt: skip
    names, code = np.unique(own["code"], return_inverse=True)
    key = own["claim"] * len(names) + code
    _, where = np.unique(key, return_inverse=True)
    return np.asarray(found["before"].fill_null(0.0).to_numpy() + np.bincount(where, own["units"])[where])
