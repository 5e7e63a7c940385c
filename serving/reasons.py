"""Why a line or claim would be denied: categories whose probabilities add up to its risk, most likely first.

A line's are its risk times P(category | denied). A claim's share out its own risk by what its lines add up to, category
by category: of what is expected to be denied on it, the part that each category stands for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from claims.label import CATEGORIES
from serving.assess import Assessed
from training.reasons import Reasons

Json = dict[str, Any]
TOLD = 3  # columns of a table


@dataclass(frozen=True)
class Told:
    """Reasons as the response has them: [{category, probability, carc}] of each line, and of each claim by its code."""

    lines: list[list[Json]]
    claims: list[list[Json]]


def told(assessed: Assessed, reasons: Reasons | None) -> Told:
    """Every category of every line and claim; empty lists where the model tells no reasons."""
    if reasons is None:
        return Told([[] for _ in range(len(assessed))], [[] for _ in assessed.claim_risk])
    payers, codes = (assessed.lines.get_column(name).to_list() for name in ("payer_id", "hcpcs_code"))
    likely = [reasons.likely_carcs(payer, code) for payer, code in zip(payers, codes, strict=True)]
    own, whole = assessed.reasons, assessed.claim_reasons
    lines = [_listed(p, [carcs] * len(p)) for p, carcs in zip(own, likely, strict=True)]
    strongest = _strongest(own, assessed.claim, len(whole))
    claims = [_listed(p, [likely[row] for row in rows]) for p, rows in zip(whole, strongest.tolist(), strict=True)]
    return Told(lines, claims)


def _listed(probabilities: np.ndarray, likely: Sequence[Any]) -> list[Json]:
    p = probabilities.tolist()
    order = np.argsort(-probabilities, kind="stable").tolist()
    return [{"category": CATEGORIES[i], "probability": p[i], "carc": likely[i](CATEGORIES[i])} for i in order]


def _strongest(own: np.ndarray, claim: np.ndarray, claims: int) -> np.ndarray:
    """(claims, categories) the line of each claim on which the category is likeliest: its CARCs are told."""
    at = np.zeros((claims, own.shape[1]), np.int64)
    for column, p in enumerate(own.T):
        order = np.lexsort((-np.arange(len(p)), p, claim))
        at[claim[order], column] = order  # the last one of a claim stays
    return at


def columns(assessed: Assessed) -> Iterator[pl.Series]:
    """reason_1 and its probability to reason_3, of the lines; none where the model tells no reasons."""
    own = assessed.reasons
    if not own.shape[1]:
        return
    order = np.argsort(-own, axis=1, kind="stable")
    names = np.array(CATEGORIES, dtype=object)
    for place in range(TOLD):
        chosen = order[:, place]
        yield pl.Series(f"reason_{place + 1}", names[chosen].tolist(), pl.String)
        yield pl.Series(f"reason_{place + 1}_probability", own[np.arange(len(own)), chosen])
