"""Rulings: what was decided on each submitted line, on which day, with which codes; one row a line of `lines`.

Columns: kind (original, duplicate, resubmission, secondary), denied, mechanism, category, group, carc, rarc, partial,
underpaid, paid_day and known_day (day numbers), answered, control, and the truth about the chance.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import polars as pl
import yaml

from data.synthetic import adjudicate
from data.synthetic.adjudicate import NAMES, Hidden
from data.synthetic.facts import Facts
from data.synthetic.past import PROVIDER
from data.synthetic.world import FOLDER, Bools, Floats, Ints, World

AUTH_LISTS = {1: "auth_mismatch", 2: "auth_expired", 3: "auth_units"}


@cache
def code_lists() -> dict[str, Any]:
    """The adjustment codes of each reason, and the chances of a resubmission (worlds/carcs.yaml)."""
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / "carcs.yaml").read_text())
    return loaded


def original_rulings(world: World, lines: pl.DataFrame, f: Facts, h: Floats, seed: int) -> pl.DataFrame:
    """Rulings on original submissions, drawn from the hazards and the hidden variables."""
    rng = world.stream(seed, "rulings")
    paid, known = response_days(world, f.payer, f.claim, f.submitted, rng)
    hidden = hidden_of(world, f, lines["member_id"], paid, rng)
    denied, cause = adjudicate.drawn(world, h, hidden, rng)
    target = ~(adjudicate.reporting_only(f) | adjudicate.capitated(world, f))
    return designed(
        f,
        adjudicate.capitated(world, f),
        pl.DataFrame(
            {
                "kind": ["original"] * len(denied),
                "denied": denied.astype(np.int8),
                "mechanism": [NAMES[c] if c >= 0 else None for c in cause.tolist()],
                **_codes(world, f, denied, cause, rng),
                "partial": denied & (f.units > 1) & (rng.random(len(denied)) < 0.12),
                "underpaid": ~denied & (rng.random(len(denied)) < 0.03),
                "target": target.astype(np.int8),
                "paid_day": paid,
                "known_day": known,
                "answered": per_claim(f.claim, rng) >= 0.008,
                "control": f.claim,
                "p_oracle": adjudicate.oracle(world, h, hidden),
                "p_reachable": adjudicate.averaged(world, h, adjudicate.lapse_chance(world, f)),
                "lapse": hidden.lapse,
                "note": hidden.note,
                "reviewer": hidden.reviewer,
            }
        ),
    )


def designed(f: Facts, by_the_head: Bools, rulings: pl.DataFrame) -> pl.DataFrame:
    """Codes of lines that are not paid by design: 24 for capitation, 246 for a cent, 96 for GY."""
    what = np.where(by_the_head, "24", np.where(f.charge <= 0.011, "246", "96"))
    group = np.where(what == "96", "PR", "CO")
    out = pl.col("target") == 0
    return rulings.with_columns(
        group=pl.when(out).then(pl.Series(group)).otherwise("group"),
        carc=pl.when(out).then(pl.Series(what)).otherwise("carc"),
        rarc=pl.when(out).then(pl.when(pl.Series(what) == "96").then(pl.lit("N429"))).otherwise("rarc"),
    )


def per_claim(claim: Ints, rng: np.random.Generator) -> Floats:
    """One uniform number a claim, on every of its lines."""
    return rng.random(int(claim.max(initial=-1)) + 1)[claim]


def response_days(
    world: World, payer: Ints, claim: Ints, submitted: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Day of payment and day it became known, of each line's claim: lognormal by payer, with a tail."""
    size = int(claim.max(initial=-1)) + 1
    lag = np.array([p.lag for p in world.payers] + [(21.0, 0.3)])[payer]
    slow = np.where(rng.random(size) < 0.025, 1 + rng.gamma(2.0, 1.0, size), 1.0)[claim]
    wait = lag[:, 0] * np.exp(lag[:, 1] * rng.normal(0, 1, size)[claim]) * slow
    paid = submitted + np.maximum(np.round(wait), 4).astype(np.int64)
    return paid, paid + rng.choice(4, size, p=[0.5, 0.25, 0.15, 0.1])[claim]


def hidden_of(world: World, f: Facts, member: pl.Series, paid: Ints, rng: np.random.Generator) -> Hidden:
    """The hidden variables: lapse by member and month, note by claim, reviewer by payer and day of payment."""
    month = f.day // 30
    who = member.rank("dense").cast(pl.Int64).to_numpy()
    _, spell = np.unique(who * 4096 + month, return_inverse=True)
    _, day = np.unique((f.payer + 1) * 100_000 + paid, return_inverse=True)
    lapsed = rng.random(int(spell.max(initial=-1)) + 1)[spell] < adjudicate.lapse_chance(world, f)
    note = rng.normal(0, 1, int(f.claim.max(initial=-1)) + 1)[f.claim]
    return Hidden(lapsed.astype(np.int64), note, rng.normal(0, 1, int(day.max(initial=-1)) + 1)[day])


def _codes(world: World, f: Facts, denied: Bools, cause: Ints, rng: np.random.Generator) -> dict[str, pl.Series]:
    """Category, group, adjustment code and remark of each denied line: the payer's favourite, or another."""
    out = np.full((len(denied), 4), "", dtype="<U24")
    names = np.array([*NAMES, ""])[cause].astype("<U24")
    names = np.where(
        names == "auth_mismatch", np.array([AUTH_LISTS.get(i, "auth_mismatch") for i in range(6)])[f.auth_reason], names
    )
    names = np.where((names == "auth_mismatch") & (f.auth == PROVIDER), "auth_provider", names)
    fund = np.array([p.filing == "WC" for p in world.payers] + [False])[f.payer]
    names = np.where((names == "other_insurance") & fund, "not_compensable", names)
    faithful = rng.random(len(denied)) < 0.7
    other = rng.integers(0, 12, len(denied))
    for name, entries in code_lists()["carcs"].items():
        rows = np.flatnonzero(denied & (names == name))
        out[rows] = np.array(entries)[np.where(faithful[rows], f.payer[rows], other[rows]) % len(entries)]
    out[:, 2] = np.where(rng.random(len(denied)) < 0.03, "", out[:, 2])
    return {n: pl.Series([v or None for v in out[:, i].tolist()], dtype=pl.String)
            for i, n in ((3, "category"), (0, "group"), (1, "carc"), (2, "rarc"))}  # fmt: skip
