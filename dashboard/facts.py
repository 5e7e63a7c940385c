"""One row a claim line with what the manager's tables count: its state as of a day, denial, money, payer, code.

Days are calendar days, money is integer cents. The states are those of training.cohort: what the page calls a rate is
counted over exactly the lines that a model may learn from. No patient, provider or claim number goes any further.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from claims.settings import MaturitySettings
from claims.snapshot import Snapshot
from claims.table import DIAGNOSES
from rules.reference import family
from training.cohort import KEY, cohort_of

PERIOD_DAYS = 365
RECENT_DAYS = 90
WAITING = ("pending", "no_response")
COUNTED = ("mature", "immature", *WAITING)  # originals whose first answer is, or would be, in the target


@dataclass(frozen=True)
class Facts:
    """`lines`: every line; `payers`: payer_id, label, days (its remittance lag), one row each.

    Columns of lines: submission (UInt64, a number for the claim), submitted_date, month, payer_id, code, family,
    diagnosis, state, young (not older than the payer's lag), y, category, carc, denied_cents.
    """

    as_of: date
    lines: pl.DataFrame
    payers: pl.DataFrame
    out_of_target: dict[str, int]
    data_version: str
    unmatched: int

    @property
    def through(self) -> date | None:
        """The last day of submission among the mature lines; None where there are none."""
        last = self.lines.filter(pl.col("state") == "mature")["submitted_date"].max()
        assert last is None or isinstance(last, date)
        return last

    @property
    def mature(self) -> pl.DataFrame:
        """Mature lines of the last PERIOD_DAYS up to `through`, with `recent`: of its last RECENT_DAYS."""
        through = self.through or self.as_of
        start, recent = through - timedelta(days=PERIOD_DAYS - 1), through - timedelta(days=RECENT_DAYS - 1)
        chosen = self.lines.filter((pl.col("state") == "mature") & (pl.col("submitted_date") >= start))
        return chosen.with_columns(recent=pl.col("submitted_date") >= recent)


def facts_of(snapshot: Snapshot, as_of: date, maturity: MaturitySettings) -> Facts:
    """Facts of a snapshot, looking only at what was known before the day."""
    cohort = cohort_of(snapshot, as_of, maturity)
    known = snapshot.outcomes.filter(pl.col("known_date") < as_of)
    states = cohort.lines.select(*KEY, "state")
    lines = (
        _billed(snapshot.lines)
        .join(states, on=KEY, how="left")
        .join(known.select(*KEY, "y", "category", "carc", "denied_cents"), on=KEY, how="left")
        .join(cohort.lags.select("payer_id", "days"), on="payer_id", how="left")
        .with_columns(
            young=((pl.lit(as_of) - pl.col("submitted_date")).dt.total_days() <= pl.col("days")).fill_null(False)
        )
        .with_columns(submission=pl.col("submission_id").hash())
        .drop(*KEY, "days")
    )
    payers = _payers(snapshot.lines).join(cohort.lags.select("payer_id", "days"), on="payer_id", how="left")
    return Facts(as_of, lines, payers, cohort.out_of_target, snapshot.data_version, snapshot.unmatched)


def _billed(lines: pl.DataFrame) -> pl.DataFrame:
    """What was billed, a row a line."""
    families = {code: family(code) for code in lines["hcpcs_code"].unique().to_list()}
    return lines.select(
        *KEY, "submitted_date", "payer_id",
        month=pl.col("submitted_date").dt.truncate("1mo"),
        code="hcpcs_code",
        family=pl.col("hcpcs_code").replace_strict(families, default=None, return_dtype=pl.String),
        diagnosis=_pointed(),
    )  # fmt: skip


def _pointed() -> pl.Expr:
    """The diagnosis that a line points to first; the claim's first where it points nowhere, null without any."""
    pointer = pl.col("diagnosis_pointers").str.extract(r"^\s*([0-9]+)\s*(?:[,;]|$)").cast(pl.Int64, strict=False)
    named = [pl.when(pointer.clip(1, len(DIAGNOSES)) == i).then(_present(name)) for i, name in enumerate(DIAGNOSES, 1)]
    return pl.coalesce(*named, _present(DIAGNOSES[0]))


def _present(name: str) -> pl.Expr:
    return pl.when(pl.col(name) != "").then(pl.col(name))


def _payers(lines: pl.DataFrame) -> pl.DataFrame:
    """payer_id and label: its most frequent name, with the id where there is none or several payers share it."""
    named = lines.with_columns(name=_present("payer_name")).group_by("payer_id", "name").len()
    named = named.sort("payer_id", pl.col("name").is_null(), "len", "name", descending=[False, False, True, False])
    first = named.unique("payer_id", keep="first", maintain_order=True)
    shared = pl.col("name").is_duplicated()
    both = pl.concat_str("name", pl.lit(" ("), "payer_id", pl.lit(")"))
    label = pl.when(shared).then(both).otherwise("name")
    return first.select("payer_id", label=pl.coalesce(label, "payer_id")).sort("payer_id")
