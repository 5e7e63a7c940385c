"""What comes after the first answer: denied claims sent again, duplicates, secondary claims, late authorizations.

Payers outside Medicare Part B take a replacement (frequency 7 with the original reference); Part B takes none, so a
claim is sent anew under the same or a new claim_id. Chances: worlds/carcs.yaml; none of these lines is in the target.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from data.synthetic.facts import claim_numbers
from data.synthetic.frames import days
from data.synthetic.rulings import code_lists
from data.synthetic.world import Ints, World

SUPPLEMENT = ("SYN90", "Supplement Plan", "CI")


@dataclass(frozen=True)
class Later:
    """Further submissions: lines and their rulings, row by row."""

    lines: pl.DataFrame
    rulings: pl.DataFrame


def resubmissions(world: World, lines: pl.DataFrame, r: pl.DataFrame, seed: int) -> Later:
    """Denied claims sent again 4 to 40 days after the denial became known."""
    rng = world.stream(seed, "resubmissions")
    claim = claim_numbers(lines)
    size = int(claim.max(initial=-1)) + 1
    denied = np.zeros(size, dtype=bool)
    denied[claim[(r["denied"] == 1).to_numpy() & r["answered"].to_numpy()]] = True
    again = denied & (rng.random(size) < world.practice["resubmit"])
    wait, renamed = rng.integers(4, 40, size), rng.random(size) < 0.5
    part_b = (lines["claim_filing_indicator_code"] == "MB").to_numpy()
    keep = again[claim] & (~part_b | (r["denied"] == 1).to_numpy())  # Part B: the denied lines alone
    at = np.flatnonzero(keep)
    sent = r["known_day"].to_numpy()[at] + wait[claim[at]]
    new_name = (part_b & renamed[claim])[at]
    again_lines = _sent_again(lines[at], r[at], sent, part_b[at], new_name, claim[at])
    return Later(again_lines, _again_rulings(world, r[at], sent, size + claim[at], rng))


def _sent_again(
    lines: pl.DataFrame, r: pl.DataFrame, sent: Ints, part_b: np.ndarray, renamed: np.ndarray, claim: Ints
) -> pl.DataFrame:
    """The same lines; a missing 25 is added on replacements, a number obtained meanwhile is put on."""
    reference = pl.lit("SYNC") + r["control"].cast(pl.String).str.zfill(8)
    replaces, new = pl.Series(~part_b), pl.Series(renamed)
    fixed = (r["mechanism"] == "em_no25") & ~new
    number = pl.lit("SYNZ") + pl.Series(claim).cast(pl.String).str.zfill(7)
    retro = (r["mechanism"] == "auth_missing").fill_null(False).to_numpy()
    whole = np.zeros(int(claim.max(initial=-1)) + 1, dtype=bool)
    whole[claim[retro]] = True
    return lines.with_columns(
        submitted_date=days(sent),
        claim_frequency_code=pl.when(replaces).then(pl.lit("7")).otherwise("claim_frequency_code"),
        original_reference_number=pl.when(replaces).then(reference),
        hcpcs_modifier_1=pl.when(fixed.fill_null(False)).then(pl.lit("25")).otherwise("hcpcs_modifier_1"),
        prior_authorization_number=pl.when(pl.Series(whole[claim]) & replaces & pl.Series(claim % 5 < 3)).then(number)
        .otherwise("prior_authorization_number"),
        claim_id=pl.when(new).then(pl.lit("SYNR") + pl.col("claim_id").str.slice(3)).otherwise("claim_id"),
    ).with_columns(
        line_item_control_no=pl.col("claim_id") + "-" + pl.col("claim_line_number").cast(pl.String))  # fmt: skip


def _again_rulings(world: World, r: pl.DataFrame, sent: Ints, control: Ints, rng: np.random.Generator) -> pl.DataFrame:
    """Lines denied before are paid with the chance of their category; the others stay paid."""
    chance = r["category"].replace_strict(code_lists()["overturned"], default=1.0, return_dtype=pl.Float64).to_numpy()
    stays = (r["denied"] == 1).to_numpy() & (rng.random(r.height) >= chance)
    _, submission = np.unique(control, return_inverse=True)
    wait = rng.integers(14, 45, int(submission.max(initial=-1)) + 1)[submission]
    kept = pl.Series(stays)
    return r.with_columns(
        kind=pl.lit("resubmission"), denied=kept.cast(pl.Int8), partial=pl.lit(False), underpaid=pl.lit(False),
        **{n: pl.when(kept | (pl.col("target") == 0)).then(n) for n in ("group", "carc", "rarc")},
        **{n: pl.when(kept).then(n) for n in ("category", "mechanism")},
        paid_day=pl.Series(sent + wait), known_day=pl.Series(sent + wait + 1), control=pl.Series(control),
        p_oracle=None, p_reachable=None, answered=pl.lit(True),
    )  # fmt: skip


def retro_authorizations(again: Later) -> pl.DataFrame:
    """Authorizations obtained after the denial, for the resubmissions that carry their number: known from then on."""
    rows = again.lines.filter(pl.col("prior_authorization_number").str.starts_with("SYNZ"))
    return rows.group_by("prior_authorization_number", maintain_order=True).agg(
        pl.col("payer_id").first(), pl.col("member_id").first(),
        pl.col("hcpcs_code").unique(maintain_order=True).str.join(";").alias("hcpcs_codes"),
        pl.col("service_unit_quantity").sum().alias("units_authorized"),
        valid_from=pl.col("claim_line_start_date").min(), valid_to=pl.col("claim_line_start_date").max(),
        status=pl.lit("approved"), known_date=pl.col("submitted_date").min() - pl.duration(days=2),
        place_of_service_code=pl.lit(None, dtype=pl.String), rendering_npi=pl.lit(None, dtype=pl.String),
    )  # fmt: skip


def duplicates(world: World, lines: pl.DataFrame, r: pl.DataFrame, seed: int) -> Later:
    """Whole claims sent twice by mistake before the answer came, half of them under a new claim_id."""
    rng = world.stream(seed, "duplicates")
    claim = claim_numbers(lines)
    size = int(claim.max(initial=-1)) + 1
    at = np.flatnonzero((rng.random(size) < 0.008)[claim])
    new = pl.Series((rng.random(size) < 0.5)[claim[at]])
    sent = lines["submitted_date"].cast(pl.Int32).to_numpy()[at] + rng.integers(3, 12, size)[claim[at]]
    twice = lines[at].with_columns(
        submitted_date=days(sent),
        claim_id=pl.when(new).then(pl.lit("SYND") + pl.col("claim_id").str.slice(3)).otherwise("claim_id"),
    )
    return Later(twice, _closed(r[at], "duplicate", "CO", "18", sent, 2 * size + claim[at], rng))


def secondaries(world: World, lines: pl.DataFrame, r: pl.DataFrame, seed: int) -> Later:
    """The patient's share of paid Part B claims, sent to a supplement plan."""
    rng = world.stream(seed, "secondaries")
    claim = claim_numbers(lines)
    size = int(claim.max(initial=-1)) + 1
    part_b = (lines["claim_filing_indicator_code"] == "MB").to_numpy() & (r["target"] == 1).to_numpy()
    clean = part_b & (r["denied"] == 0).to_numpy() & r["answered"].to_numpy()
    at = np.flatnonzero((rng.random(size) < 0.12)[claim] & clean)
    sent = r["known_day"].to_numpy()[at] + rng.integers(1, 6, size)[claim[at]]
    payer, name, filing = SUPPLEMENT
    second = lines[at].with_columns(
        submitted_date=days(sent), payer_id=pl.lit(payer), payer_name=pl.lit(name),
        plan_id=pl.lit(None, dtype=pl.String),
        claim_filing_indicator_code=pl.lit(filing), payer_responsibility_code=pl.lit("S"),
    )  # fmt: skip
    return Later(second, _closed(r[at], "secondary", "OA", "23", sent, 3 * size + claim[at], rng))


def _closed(
    r: pl.DataFrame, kind: str, group: str, carc: str, sent: Ints, control: Ints, rng: np.random.Generator
) -> pl.DataFrame:
    """Rulings that deny nothing: one code on every line."""
    _, submission = np.unique(control, return_inverse=True)
    wait = rng.integers(10, 35, int(submission.max(initial=-1)) + 1)[submission]
    none = pl.lit(None, dtype=pl.String)
    return r.with_columns(
        kind=pl.lit(kind), denied=pl.lit(0, dtype=pl.Int8), partial=pl.lit(False), underpaid=pl.lit(False),
        target=pl.lit(0, dtype=pl.Int8), category=none, mechanism=none,
        group=pl.lit(group), carc=pl.lit(carc), rarc=none,
        paid_day=pl.Series(sent + wait), known_day=pl.Series(sent + wait + 1), control=pl.Series(control),
        p_oracle=None, p_reachable=None, answered=pl.lit(True),
    )  # fmt: skip
