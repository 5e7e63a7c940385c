"""What came before a line, as the payer and the practice knew it: the member's earlier sessions and the
authorization named on the claim.

Earlier means a smaller day of service and submitted strictly before; an authorization counts from the day after it
became known. Arrays of one entry a line.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from data.synthetic.world import Bools, Floats, Ints, World

NONE, ON_FILE, OK, MISMATCH, PLACE, PROVIDER = range(6)  # states of the authorization
MISMATCHES = ("", "code", "expired", "units", "pending", "unknown")
WINDOW = 365
STEPS = 14  # sessions looked back at most


def _session_keys(lines: pl.DataFrame, world: World) -> pl.DataFrame:
    """Patient x family x region of each line (only families that a limit or a sequence speaks of)."""
    names = {c.code: f"{c.family}-{c.region}" for c in world.codes.values() if c.procedure or c.family == "UDT"}
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


def earlier(world: World, lines: pl.DataFrame, history: pl.DataFrame) -> dict[str, Any]:
    """Counts over the distinct earlier days of service of the same member."""
    asked, past = _session_keys(lines, world), _session_keys(history, world).drop_nulls("what")
    past = past.group_by("member", "what", "day").agg(pl.col("submitted").min(), pl.col("claim_id").first())
    what = asked["what"].fill_null("")
    base = what.replace_strict({k: v[0] for k, v in BEFORE.items()}, default=None, return_dtype=pl.String)
    sessions, since = _look_back(asked.with_columns(what=what), past)
    blocks, _ = _look_back(asked.with_columns(what=base.fill_null("")), past)
    implant = (lines["hcpcs_code"] == "63685").to_numpy()
    blocks = np.where(implant, sessions, blocks)
    days = _session_keys(history, world).with_columns(what=pl.lit("any")).group_by("member", "what", "day").agg(
        pl.col("submitted").min(), pl.col("claim_id").first()
    )  # fmt: skip
    seen, _ = _look_back(asked.with_columns(what=pl.lit("any")), days)
    return {"sessions": sessions, "since": since, "blocks": blocks, "known_patient": seen > 0}


def _look_back(asked: pl.DataFrame, past: pl.DataFrame, steps: int = STEPS) -> tuple[Ints, Ints]:
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


def authorization(
    own: dict[str, Any], lines: pl.DataFrame, history: pl.DataFrame, book: pl.DataFrame
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
    joined = pairs.join(distinct.with_columns(found=pl.Series(found, dtype=pl.Boolean)), on=["codes", "code"],
                        how="left",
                        maintain_order="left", nulls_equal=True)  # fmt: skip
    return joined["found"].to_numpy()


def _on_file(rows: pl.DataFrame, book: pl.DataFrame) -> Bools:
    """Lines without a number whose code an approved authorization of the member covered that day."""
    bare = rows.filter(pl.col("prior_authorization_number").is_null()).select(
        "row", "payer_id", "member_id", "hcpcs_code", "day", "sent"
    )
    approved = book.filter(pl.col("status") == "approved").select(
        "payer_id", "member_id", "valid_from", "valid_to", "known_date",
        pl.col("hcpcs_codes").str.split(";").alias("hcpcs_code")
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
        *keep, "claim_line_start_date", sent=pl.col("submitted_date"),
        units=pl.col("service_unit_quantity").cast(pl.Float64),
        claim=pl.col("claim_id"), line=pl.col("claim_line_number"),
    ).drop_nulls("prior_authorization_number")  # fmt: skip
    past = past.sort("sent", "claim", "line").unique(
        ["claim", "line", *keep, "claim_line_start_date"], keep="first", maintain_order=True
    )
    running = past.group_by(*keep, "sent").agg(pl.col("units").sum()).sort(*keep, "sent").with_columns(
        before=pl.col("units").cum_sum().over(keep)
    )  # fmt: skip
    asked = lines.select(*keep, sent=pl.col("submitted_date") - pl.duration(days=1)).with_row_index("row")
    found = asked.sort("sent").join_asof(
        running.select(*keep, "sent", "before").sort("sent"), on="sent", by=keep, strategy="backward",
        check_sortedness=False
    ).sort("row")  # fmt: skip
    names, code = np.unique(own["code"], return_inverse=True)
    key = own["claim"] * len(names) + code
    _, where = np.unique(key, return_inverse=True)
    return np.asarray(found["before"].fill_null(0.0).to_numpy() + np.bincount(where, own["units"])[where])
