"""Reference tables about procedure codes: family, add-on parents, image guidance, bilateral indicator, fee.

Sources and dates stand in rules/tables/README.md. Fees are USD, national, unadjusted, 2026. A code that the table
does not hold belongs to a family of its own prefix, so that rare codes still share a history.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

IMAGING = "imaging"
VISIT = "em"


@dataclass(frozen=True)
class Procedure:
    """What is known of one procedure code; None where the table holds nothing."""

    code: str
    family: str
    add_on: bool
    guidance_included: bool
    bilateral_indicator: str | None
    global_days: str | None
    office_fee: float | None
    facility_fee: float | None


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (files("rules") / "tables" / name).open(encoding="utf-8") as table:
        yield from csv.DictReader(table)


def _usd(text: str) -> float | None:
    return float(text) if text else None


@cache
def procedures() -> dict[str, Procedure]:
    """Code -> procedure, for the codes of pain management."""
    return {
        row["code"]: Procedure(
            code=row["code"],
            family=row["family"],
            add_on=row["add_on"] == "true",
            guidance_included=row["image_guidance"] == "included",
            bilateral_indicator=row["bilateral_indicator"] or None,
            global_days=row["global_days"] or None,
            office_fee=_usd(row["medicare_nonfac_usd_2026"]),
            facility_fee=_usd(row["medicare_fac_usd_2026"]),
        )
        for row in _rows("procedures.csv")
    }


@cache
def add_on_parents() -> dict[str, frozenset[str]]:
    """Add-on code -> the primary codes that it may follow, whatever the day."""
    rows = [(row["add_on"], row["primary"]) for row in _rows("add_on.csv")]
    return {add_on: frozenset(primary for one, primary in rows if one == add_on) for add_on, _ in rows}


@cache
def base_rate(metric: str) -> float:
    """A published rate of rules/tables/base_rates.csv, as a share. Raises KeyError for a metric it does not hold."""
    return {row["metric"]: float(row["value"]) for row in _rows("base_rates.csv")}[metric]


@cache
def base_rates_by_filing() -> dict[str, float]:
    """Claim filing indicator -> the published initial denial rate of that kind of plan, as a share."""
    told = [(row["filing_codes"].split(";"), float(row["value"])) for row in _rows("base_rates.csv")]
    return {code: rate for codes, rate in told for code in codes if code}


def family(code: str) -> str:
    """The family of a code: the table's, else `other ` and the code's first three characters."""
    known = procedures().get(code)
    return known.family if known else f"other {code[:3]}"


def fee(code: str, place_of_service: str | None) -> float | None:
    """Medicare's national 2026 fee in USD; the facility fee in a facility (places 19, 21, 22, 23, 24)."""
    known = procedures().get(code)
    if known is None:
        return None
    in_facility = place_of_service in {"19", "21", "22", "23", "24"}
    first, second = (known.facility_fee, known.office_fee) if in_facility else (known.office_fee, known.facility_fee)
    return first if first is not None else second
