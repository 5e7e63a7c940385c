"""What a denial would cost, and what follows from a risk: expected loss, band and decision.

expected loss = risk x (allowed x (1 - chance of recovery) + cost of rework), in whole cents inside and USD outside.
What a line would be allowed is the median over the practice's own paid lines of its payer and code, else of its code;
else Medicare's fee for its units; else its charge. It is never taken to be more than the charge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from claims.settings import MoneySettings, ServingSettings
from claims.snapshot import Snapshot
from rules.reference import fee
from training.evidence import GRADES, NONE

KEY = ["submission_id", "claim_line_number"]
DECISIONS = {"low": "submit", "medium": "review", "high": "hold"}


@dataclass(frozen=True)
class Prices:
    """Median allowed cents by payer and code, and by code."""

    cells: dict[str, dict[str, float]]
    codes: dict[str, float]

    @classmethod
    def of(cls, snapshot: Snapshot) -> Prices:
        """From the outcomes of a snapshot; lines that were allowed nothing say nothing about a price."""
        allowed = snapshot.outcomes.filter(pl.col("allowed_cents") > 0).select(*KEY, "allowed_cents")
        seen = snapshot.lines.select(*KEY, "payer_id", "hcpcs_code").join(allowed, on=KEY)
        median = pl.col("allowed_cents").median()
        cells: dict[str, dict[str, float]] = {}
        pair = ["payer_id", "hcpcs_code"]
        for payer, code, cents in seen.group_by(pair).agg(median).sort(pair).iter_rows():
            cells.setdefault(payer, {})[code] = cents
        return cls(cells, dict(seen.group_by("hcpcs_code").agg(median).sort("hcpcs_code").iter_rows()))

    def known(self, payer: str, code: str) -> float | None:
        """What the payer allows for the code, else what all payers do; None where neither is known."""
        return self.cells.get(payer, {}).get(code) or self.codes.get(code)


@dataclass(frozen=True)
class Worth:
    """What lines are worth by a practice's own prices, and what a denial costs besides."""

    prices: Prices
    money: MoneySettings

    def allowed(self, lines: pl.DataFrame) -> np.ndarray:
        """(lines,) float64 cents that each line would be allowed if it is paid; 0 where nothing is known of it."""
        names = ("payer_id", "hcpcs_code", "place_of_service_code", "service_unit_quantity")
        charges = cents_of(lines.get_column("charge_amount")).tolist()
        columns = (lines.get_column(name).to_list() for name in names)
        return np.array([self._allowed(*row) for row in zip(*columns, charges, strict=True)], np.float64)

    def _allowed(self, payer: str, code: str, place: str | None, units: float | None, charge: float) -> float:
        known = self.prices.known(payer, code)
        if known is None:
            price = fee(code, place)
            known = None if price is None else 100.0 * price * max(1.0, units or 1.0)
        if known is None:
            return charge
        return min(known, charge) if charge else known

    def loss(self, lines: pl.DataFrame, risk: np.ndarray) -> np.ndarray:
        """(lines,) int64 cents that are expected to be lost on each line, from (lines,) risks."""
        unrecovered = self.allowed(lines) * (1.0 - self.money.chance_of_recovery)
        return np.rint(risk * (unrecovered + 100.0 * self.money.rework_cost)).astype(np.int64)


def cents_of(amounts: pl.Series) -> np.ndarray:
    """(lines,) float64 whole cents of a column of USD; 0 where it is not known."""
    told = amounts.cast(pl.Float64).to_numpy()  # to_physical() costs 0.1 ms even for three lines
    cents: np.ndarray = np.rint(np.nan_to_num(told) * 100)  # exact: two decimals of at most 12 digits
    return cents


def usd(cents: int) -> str:
    """Cents of zero or more as a decimal string of USD: 14120 is 141.20."""
    return f"{cents // 100}.{cents % 100:02d}"


def band(risk: float, evidence: str, serving: ServingSettings) -> str:
    """low, medium or high, by the site's thresholds on the risk of the claim; medium where there is no evidence."""
    if evidence == GRADES[NONE]:
        return "medium"
    if risk >= serving.high_from:
        return "high"
    return "medium" if risk >= serving.medium_from else "low"
