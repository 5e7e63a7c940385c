"""Which lines may be learned from as of a day: original, in the target, outcome known, and old enough.

Age and lag are calendar days since submitted_date. A payer's lag is the 95th percentile of a Kaplan-Meier curve in
which lines without an outcome count as waiting, shrunk toward its filing type and that toward all payers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

import numpy as np
import polars as pl

from claims.errors import UsageError
from claims.settings import MaturitySettings
from claims.snapshot import Snapshot

KEY = ["submission_id", "claim_line_number"]
ORDER = ["submitted_date", *KEY]
QUANTILE = 0.95
PRIOR_LINES = 50  # an own lag seen on this many remittances weighs as much as its parent's
MIN_LINES, MIN_OF_EACH = 100, 10
PACE_DAYS = 91
GROWING = ("mature", "immature", "pending")
STATES = (
    "mature", "immature", "pending", "no_response", "out_of_target", "resubmission", "not_original", "undated",
)  # fmt: skip


@dataclass(frozen=True)
class Cohort:
    """`lines`: KEY, submitted_date, payer_id, y, known_date, state, in ORDER; `lags`: payer_id, events, days."""

    as_of: date
    lines: pl.DataFrame
    lags: pl.DataFrame
    out_of_target: dict[str, int]  # by outcome

    @property
    def mature(self) -> pl.DataFrame:
        """The lines that may be learned from, in ORDER."""
        return self.lines.filter(pl.col("state") == "mature")

    @property
    def counts(self) -> dict[str, int]:
        """Lines by state; every state is there and they add up to all lines."""
        found = dict(self.lines["state"].value_counts().iter_rows())
        return {state: int(found.get(state, 0)) for state in STATES}


def kaplan_meier(waits: pl.DataFrame) -> pl.DataFrame:
    """Share still waiting after each lag: group, lag, at_risk, events, survival.

    `waits` has group, lag (days from submission to the remittance, or to today where there is none) and known (bool).
    A line that is still waiting at a lag counts as at risk on that day.
    """
    steps = waits.group_by("group", "lag").agg(events=pl.col("known").sum(), leaving=pl.len()).sort("group", "lag")
    at_risk = pl.col("leaving").cum_sum(reverse=True).over("group")
    stays = 1 - pl.col("events") / pl.col("at_risk")
    return (
        steps.with_columns(at_risk=at_risk)
        .with_columns(survival=stays.cum_prod().over("group"))
        .select("group", "lag", "at_risk", "events", "survival")
    )


def percentile(waits: pl.DataFrame, never: float) -> pl.DataFrame:
    """Per group the lag by which 95 % have come (`never` where it is not seen) and its events: group, days, events."""
    curve = kaplan_meier(waits)
    reached = pl.col("survival") <= 1 - QUANTILE + 1e-12
    first = pl.col("lag").filter(reached).min().cast(pl.Float64).fill_null(never)
    return curve.group_by("group").agg(days=first, events=pl.col("events").sum())


def remittance_lags(waits: pl.DataFrame, maturity: MaturitySettings) -> pl.DataFrame:
    """Days after which a payer's lines are mature: payer_id, events, days (clipped to min_days..max_days).

    `waits`: payer_id, filing (claim_filing_indicator_code), lag, known. Shrinkage is by counts:
    (events x own + 50 x parent) / (events + 50), the payer toward its most frequent filing type and that toward all.
    """
    filing = _usual_filing(waits)
    waits = waits.drop("filing").join(filing, on="payer_id")
    low, high = maturity.min_days, maturity.max_days

    def lag_by(group: pl.Expr) -> pl.DataFrame:
        found = percentile(waits.select(group.alias("group"), "lag", "known"), never=high)
        return found.with_columns(pl.col("days").clip(low, high))

    everyone = lag_by(pl.lit("all"))["days"].item() if len(waits) else float(high)
    types = (
        lag_by(pl.col("filing"))
        .with_columns(days=_shrunk(pl.lit(everyone)))
        .rename({"group": "filing", "days": "parent"})
    )
    payers = lag_by(pl.col("payer_id")).rename({"group": "payer_id"}).join(filing, on="payer_id")
    payers = payers.join(types.select("filing", "parent"), on="filing").with_columns(days=_shrunk(pl.col("parent")))
    return payers.select("payer_id", "events", "days").sort("payer_id")


def _shrunk(parent: pl.Expr) -> pl.Expr:
    events = pl.col("events")
    return (events * pl.col("days") + PRIOR_LINES * parent) / (events + PRIOR_LINES)


def _usual_filing(waits: pl.DataFrame) -> pl.DataFrame:
    """payer_id, filing: the filing type that most of a payer's lines carry (a tie: the first by name)."""
    counted = waits.with_columns(pl.col("filing").fill_null("")).group_by("payer_id", "filing").len()
    ranked = counted.sort("payer_id", "len", "filing", descending=[False, True, False])
    return ranked.unique("payer_id", keep="first", maintain_order=True).select("payer_id", "filing")


def cohort_of(snapshot: Snapshot, as_of: date, maturity: MaturitySettings) -> Cohort:
    """Every line of the snapshot with its state as of a day; works without any outcome (`require` then complains)."""
    lines = _with_outcomes(snapshot, as_of)
    lags = remittance_lags(_waits(lines), maturity)
    stated = lines.join(lags.select("payer_id", "days"), on="payer_id", how="left").with_columns(state=_state(maturity))
    outside = stated.filter(pl.col("state") == "out_of_target")["outcome"].value_counts().sort("outcome")
    kept = stated.select(*ORDER, "payer_id", "y", "known_date", "state").sort(ORDER)
    cohort = Cohort(as_of, kept, lags, dict(outside.iter_rows()))
    if sum(cohort.counts.values()) != len(snapshot.lines):
        raise AssertionError("lines in the cohort are not the lines of the snapshot")
    return cohort


def _with_outcomes(snapshot: Snapshot, as_of: date) -> pl.DataFrame:
    """Lines with what was known of them before the day, and their age."""
    known = snapshot.outcomes.filter(pl.col("known_date") < as_of).select(*KEY, "outcome", "y", "known_date")
    lines = snapshot.lines.select(
        *ORDER, "payer_id", "is_original", "is_resubmission", filing="claim_filing_indicator_code"
    )
    age = (pl.lit(as_of) - pl.col("submitted_date")).dt.total_days()
    return lines.join(known, on=KEY, how="left").with_columns(age=age, known=pl.col("known_date").is_not_null())


def _waits(lines: pl.DataFrame) -> pl.DataFrame:
    """What the lag of a payer is learned from: every dated original, in the target or not."""
    lag = (pl.col("known_date") - pl.col("submitted_date")).dt.total_days().clip(0).fill_null(pl.col("age"))
    usable = lines.filter(pl.col("is_original") & (pl.col("age") > 0))
    return usable.select("payer_id", "filing", "known", lag=lag)


def _state(maturity: MaturitySettings) -> pl.Expr:
    """One of STATES; the first that applies."""
    waiting = ~pl.col("known")
    return (
        pl.when(pl.col("age").is_null() | (pl.col("age") <= 0)).then(pl.lit("undated"))
        .when(pl.col("is_resubmission")).then(pl.lit("resubmission"))
        .when(~pl.col("is_original")).then(pl.lit("not_original"))
        .when(waiting & (pl.col("age") > maturity.no_response_days)).then(pl.lit("no_response"))
        .when(waiting).then(pl.lit("pending"))
        .when(pl.col("y").is_null()).then(pl.lit("out_of_target"))
        .when(pl.col("age") <= pl.col("days")).then(pl.lit("immature"))
        .otherwise(pl.lit("mature"))
    )  # fmt: skip


def require(cohort: Cohort) -> pl.DataFrame:
    """The mature lines. UsageError that counts what is there and says what to do when they are too few or all alike."""
    mature = cohort.mature
    denied = int(mature["y"].sum() or 0)
    paid = len(mature) - denied
    if len(mature) >= MIN_LINES and min(denied, paid) >= MIN_OF_EACH:
        return mature
    counted = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in cohort.counts.items() if count)
    raise UsageError(
        f"as of {cohort.as_of} there is too little to learn from: {denied} denied and {paid} paid lines are mature, "
        f"{MIN_LINES} lines with at least {MIN_OF_EACH} of each are needed ({counted or 'no lines at all'}). "
        f"{_advice(cohort)} The starting model answers meanwhile (denials score)."
    )


def require_enough(cohort: Cohort, lines: int) -> None:
    """UsageError where so few lines are mature that the starting model does better: what is missing, how long it takes.

    The pace is that of the last PACE_DAYS before the cohort's day, of all lines that will be mature one day.
    """
    missing = lines - len(cohort.mature)
    if missing <= 0:
        return
    raise UsageError(
        f"as of {cohort.as_of} {len(cohort.mature):,} lines are mature; a model is trained from {lines:,} on "
        f"(training.min_lines): below that the starting model does better, and answers meanwhile (denials score). "
        f"{_how_long(cohort, missing)}"
    )


def _how_long(cohort: Cohort, missing: int) -> str:
    sent = cohort.lines.filter(pl.col("state").is_in(GROWING))
    waiting = sent.filter(pl.col("state") != "mature").height
    recent = sent.filter(pl.col("submitted_date") >= cohort.as_of - timedelta(days=PACE_DAYS)).height
    told = f"{missing:,} more are needed; {waiting:,} wait for their payers"
    if waiting >= missing:
        return f"{told}, so that the time they usually take ({_usual(cohort)} days) may do."
    if not recent:
        return f"{told}, and none was sent in the last {PACE_DAYS} days: load more history (denials ingest PATH)."
    weeks = ceil((missing - waiting) / (recent / PACE_DAYS * 7))
    return (
        f"{told}. At the pace of the last {PACE_DAYS} days the others are sent in about {weeks:,} weeks and known "
        f"{_usual(cohort)} days later; older claims and remittances help at once (denials ingest PATH)."
    )


def _usual(cohort: Cohort) -> int:
    """Days after which lines are mature, of the middle one of the payers."""
    days = cohort.lags["days"].to_numpy()
    return ceil(float(np.median(days))) if len(days) else 0


def _advice(cohort: Cohort) -> str:
    counts = cohort.counts
    if not sum(counts.values()):
        return "Load claims and remittances first: denials ingest PATH."
    if counts["pending"] + counts["no_response"] > counts["mature"] + counts["immature"] + counts["out_of_target"]:
        return "Most lines have no outcome: load their remittances (denials ingest PATH)."
    if counts["immature"]:
        return "Choose a later --as-of, or wait until the younger lines are old enough."
    return "Load more history (denials ingest PATH); a model needs denied and paid lines."
