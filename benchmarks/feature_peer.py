"""The peer: the smoothed rates and counts of features.outcomes by Polars' join_asof over running totals per key.

It leaves out what a join cannot say cheaply (a claim's own chain, days since the last denial, categories).
"""

from __future__ import annotations

import polars as pl

from claims.snapshot import Snapshot
from features.catalog import ALL_TIME, KINDS, WEIGHT, Kind
from rules.encode import Lines
from rules.reference import base_rate

KEY = ["submission_id", "claim_line_number"]


def rates_by_joins(lines: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    """One row a line; columns KIND_rate_WINDOW and KIND_n_WINDOW."""
    asked = _keyed(lines).with_row_index("at")
    known = snapshot.outcomes.filter(pl.col("y").is_not_null()).select(*KEY, "y", "known_date")
    events = _keyed(snapshot.lines.filter("is_original")).join(known, on=KEY)
    answer = asked
    for kind in KINDS:
        answer = _with_kind(answer, events, kind)
    return answer.sort("at").select(pl.selectors.contains("_rate_", "_n_"))


def _keyed(lines: pl.DataFrame) -> pl.DataFrame:
    texts = dict(Lines(lines).texts())
    wanted = ("payer", "code", "family", "dx", "modifiers", "provider", "patient")
    columns = [pl.Series(name, list(texts[name]), dtype=pl.String).fill_null("") for name in wanted]
    number = lines["prior_authorization_number"].fill_null("") != ""
    state = pl.Series("authorization_state", number.cast(pl.String))
    return lines.select(*KEY, "submitted_date").with_columns(*columns, state)


def _with_kind(asked: pl.DataFrame, events: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    by = list(kind.columns)
    daily = events.group_by(*by, "known_date").agg(n=pl.len(), denied=pl.col("y").sum()).sort("known_date")
    sums = [pl.col(name).cum_sum() for name in ("n", "denied")]
    running = daily.with_columns(expr.over(by) if by else expr for expr in sums)
    end = _totals(asked, running, by, 0)
    lean = pl.col(f"{kind.parent}_rate_{ALL_TIME}") if kind.parent else pl.lit(base_rate("initial_denial_rate"))
    for days in reversed(kind.windows):
        start = _totals(asked, running, by, days)
        count = pl.Series(f"{kind.name}_n_{days}", end["n"] - start["n"])
        denied = pl.Series("denied", end["denied"] - start["denied"])
        rate = ((denied + WEIGHT * lean) / (count + WEIGHT)).alias(f"{kind.name}_rate_{days}")
        asked = asked.with_columns(count).with_columns(rate)
        lean = pl.col(rate.meta.output_name())
    return asked


def _totals(asked: pl.DataFrame, running: pl.DataFrame, by: list[str], back: int) -> pl.DataFrame:
    """(lines,) n and denied known before the day `back` days before submission; nothing before all time."""
    if back == ALL_TIME:
        return pl.DataFrame({"n": pl.zeros(asked.height, pl.Int64, eager=True),
                             "denied": pl.zeros(asked.height, pl.Int64, eager=True)})  # fmt: skip
    day = (pl.col("submitted_date") - pl.duration(days=back)).alias("day")
    queries = asked.select("at", day, *by).sort("day")
    joined = queries.join_asof(
        running, left_on="day", right_on="known_date", by=by or None, strategy="backward",
        allow_exact_matches=False, check_sortedness=False,
    )  # fmt: skip
    return joined.sort("at").select(pl.col("n", "denied").fill_null(0).cast(pl.Int64))
