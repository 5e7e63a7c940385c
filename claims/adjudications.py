"""Remittance rows of a line as events: what takes back what, what only puts off, which event is the first or the last.

An event is what one claim of one remittance says of a line: rows of one day and one control number of the payer.
"""

from __future__ import annotations

import polars as pl

from claims.adjustments import CENT, cents, only_of, tokens_of
from claims.table import OUTCOME_ORDER

REVERSAL, UNPAID = "22", ("23", "25")  # element 1029: reversal; forwarded unworked, predetermination
NOT_ADJUDICATED = (REVERSAL, *UNPAID)


def events_of(lines: pl.DataFrame, matched: pl.DataFrame) -> pl.DataFrame:
    """Outcome rows of known claims: cents, `_line` (row in `lines`, null = claim only), reversals among them."""
    number = lines.select("submission_id", line="claim_line_number").with_row_index("_line")
    rows = matched.filter(pl.col("submission_id").is_not_null()).select(
        "submission_id", "line", "known_date", "paid_date", *OUTCOME_ORDER, "denied",
        remark=pl.col("remark_codes").str.contains(r"\w").fill_null(False),
        status=pl.col("claim_status_code").str.strip_chars().fill_null(""),
        pccn=pl.when(pl.col("payer_claim_control_number") != "").then("payer_claim_control_number"),
        codes=tokens_of(pl.col("adjustments")),
        charge=cents("charge_amount"), paid=cents("paid_amount"), allowed=cents("allowed_amount"),
        whole=pl.col("match_method") == "claim",
    )  # fmt: skip
    lines_own = [pl.when(~pl.col("whole")).then(name).alias(name) for name in ("charge", "allowed")]  # not the claim's
    rows = rows.with_columns(lines_own)
    rows = rows.join(number, on=["submission_id", "line"], how="left").drop("line")
    several = pl.col("_line").is_duplicated()
    return pl.concat([rows.filter(~several), rows.filter(several).unique(["outcome_id", "_line"], keep="any")])


def without_reversed(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that adjudicate a line. A row taken back on its own day is gone, so that only its correction is left."""
    return _not_taken_back(rows, ["_line", "known_date"])


def standing(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that adjudicate a line and that no reversal, of whatever day, took back."""
    return _not_taken_back(rows, ["_line"])


def _not_taken_back(rows: pl.DataFrame, within: list[str]) -> pl.DataFrame:
    lines = rows.filter(pl.col("_line").is_not_null())
    back = lines.filter(pl.col("status") == REVERSAL)
    kept = lines.filter(~pl.col("status").is_in(NOT_ADJUDICATED))
    touched = kept.join(back, on=within, how="semi")
    for exactly in (True, False):  # first those whose codes are taken back too: a correction may have the same amounts
        gone = _pairs(touched, back, within, exactly)
        touched = touched.join(gone, on=["outcome_id", "_line"], how="anti")
        back = back.join(gone, left_on=["outcome_id", "_line"], right_on=["reversal", "_line"], how="anti")
        kept = kept.join(gone, on=["outcome_id", "_line"], how="anti")
    return kept


def _pairs(rows: pl.DataFrame, back: pl.DataFrame, within: list[str], exactly: bool) -> pl.DataFrame:
    """outcome_id, _line, reversal: rows and the reversals of opposite amounts, one to one, in order of time."""
    same = [*within, "amount", "sum", *(["list"] if exactly else [])]
    turn = [*same, "turn"]
    sides = [
        side.select(
            "_line", "known_date", *OUTCOME_ORDER, amount=pl.col("paid").abs(), sum=pl.col("charge").abs(),
            list=pl.col("codes").str.replace_all(":-", ":").str.split(";").list.sort().list.join(";"),
        )
        .sort("known_date", *OUTCOME_ORDER, nulls_last=True)
        .with_columns(turn=pl.int_range(pl.len()).over(same))
        for side in (rows, back)
    ]  # fmt: skip
    taken = sides[1].select(*turn, reversal="outcome_id", back_on="known_date")
    hits = sides[0].join(taken, on=turn, nulls_equal=True).filter(pl.col("known_date") <= pl.col("back_on"))
    return hits.select("outcome_id", "_line", "reversal")


def decisive(
    rows: pl.DataFrame, classes: pl.DataFrame, idle: tuple[str, ...] = ("pending",), beside: tuple[str, ...] = ()
) -> pl.DataFrame:
    """Rows without the events that decide nothing, unless that is all: unpaid, with codes of the classes `idle` alone
    (or `beside` them). By default those that only put a line off: its initial adjudication is the one that follows.
    """
    several = pl.col("_line").is_duplicated()
    told = rows.filter(several)
    unpaid = (pl.col("paid").fill_null(0) <= CENT) & pl.col("denied").is_null()
    off = pl.col("off").all()
    told = told.with_columns(off=only_of(told["codes"], classes, idle, beside) & unpaid)
    told = told.with_columns(off=off.over("_line", "known_date", "pccn"))
    return pl.concat([rows.filter(~several), told.filter(~pl.col("off") | off.over("_line")).drop("off")])


def first_event(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of each line's first event: of the earliest day known one control number, split rows together."""
    rows = rows.filter(pl.col("known_date") == pl.col("known_date").min().over("_line"))
    several = rows.filter(pl.col("_line").is_duplicated()).sort("_line", "paid_date", *OUTCOME_ORDER, nulls_last=True)
    first = several.filter(pl.col("pccn").eq_missing(pl.col("pccn").first().over("_line")))
    return pl.concat([rows.filter(~pl.col("_line").is_duplicated()), first])


def last_event(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of each line's last event."""
    rows = rows.filter(pl.col("known_date") == pl.col("known_date").max().over("_line"))
    rows = rows.sort("_line", "paid_date", *OUTCOME_ORDER, nulls_last=True)
    return rows.filter(pl.col("pccn").eq_missing(pl.col("pccn").last().over("_line")))
