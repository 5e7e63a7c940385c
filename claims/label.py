"""What a payer decided on a line: its outcome, and y, the target of the model (DESIGN section 4).

Decided from amounts and adjustment codes of the *initial* adjudication, never from a status or from a payment of
nothing. Amounts are integer cents.
"""

from __future__ import annotations

import polars as pl

from claims.adjudications import (
    NOT_ADJUDICATED,
    decisive,
    events_of,
    first_event,
    last_event,
    standing,
    without_reversed,
)
from claims.adjustments import (
    CATEGORIES,
    CENT,
    OA94,
    amounts_of,
    cents,
    codes_of,
    load_classes,
    reasons_of,
)
from claims.table import MODIFIERS

__all__ = ["CATEGORIES", "cents", "label_lines", "last_labels", "load_classes"]

Y = {"denied": 1, "partial_denied": 1, "paid": 0, "cost_share_only": 0}  # every other outcome is out of the target

DENIED_BY_DESIGN = ("GY", "GX", "GZ")  # modifiers that announce a denial; GA (a waiver on file) does not
REMAINDERS = {  # what is left of a line that was paid nothing and denied nothing, by the class of its largest amount
    "duplicate": "duplicate", "capitated": "capitated", "cob_neutral": "cob_neutral",
    "cost_share_only": "cost_share", "pending": "pending",
}  # fmt: skip
MONEY = ("charge", "paid", "allowed")
EVENT = ["submission_id", "known_date", "pccn"]


def label_lines(lines: pl.DataFrame, matched: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """One row for each line that has an initial adjudication, from `lines` and `match_outcomes()` of them.

    submission_id, claim_line_number, outcome (text), y (Int8: 1, 0, null = out of the target), category and carc (of
    the largest denied amount; null unless y = 1), denied_cents, paid_cents, allowed_cents (Int64, null = not known),
    known_date, label_source ("codes"; "claim_cas": codes of the whole claim; "given" by the source), quality (flags
    joined by ";": amounts_missing, remark_missing, unbalanced, unlisted_code, unreadable_adjustment). Does not depend
    on the order of rows.
    """
    rows = events_of(lines, matched)
    return _labels(lines, rows, first_event(decisive(without_reversed(rows), classes)), classes)


def last_labels(lines: pl.DataFrame, matched: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """As `label_lines`, but of the last event that nothing took back: what the payer says in the end.

    Refusals as a duplicate of what was decided decide nothing. A line of which nothing stands has no row.
    """
    rows = events_of(lines, matched)
    deciding = decisive(standing(rows), classes, ("pending", "duplicate"), ("contractual",))
    return _labels(lines, rows, last_event(deciding), classes)


def _labels(lines: pl.DataFrame, rows: pl.DataFrame, event: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """The label of each line from the rows of one `event` of it; `rows`: all of them."""
    codes = codes_of(event, classes)
    table = _with_charge(_summed(event, rows, amounts_of(codes)), lines).with_columns(outcome=_outcome())
    table = table.with_columns(y=pl.col("outcome").replace_strict(Y, default=None, return_dtype=pl.Int8))
    reasons = reasons_of(codes, table.filter(y=1).select("_line", "bundled", "pd"))
    return _answer(table.join(reasons, on="_line", how="left"))


# Outcomes -----------------------------------------------------------------------------------------------------------


def _summed(initial: pl.DataFrame, rows: pl.DataFrame, amounts: pl.DataFrame) -> pl.DataFrame:
    """One row a line: sums and amounts of its first event; `bundled`: OA-94 stands on the claim's event."""
    one = initial.group_by("_line").agg(
        pl.col(*EVENT).first(),
        pl.col("denied", "remark", "whole").max(),
        *[pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name) for name in MONEY],
        stated=pl.col("codes").is_not_null().any(),
    )
    oa94 = rows.filter(pl.col("codes").str.contains(OA94), ~pl.col("status").is_in(NOT_ADJUDICATED)).select(EVENT)
    table = one.join(oa94.unique().with_columns(bundled=True), on=EVENT, how="left", nulls_equal=True)
    none = [pl.col(n).fill_null(False if d == pl.Boolean else 0) for n, d in amounts.drop("_line").schema.items()]
    return table.join(amounts, on="_line", how="left").with_columns(pl.col("bundled").fill_null(False), *none)


def _with_charge(table: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Adds `ch` and `pd`, the charge and the payment that decide, `by_design` and the line's number.

    The charge is the outcome's, else the line's, else (not of a whole claim) paid plus adjustments; a payment that the
    source does not carry is what charge and adjustments leave, where all of them have amounts.
    """
    modifiers = [pl.col(name).is_in(DENIED_BY_DESIGN).fill_null(False) for name in MODIFIERS]
    number = lines.select("claim_line_number", billed=cents("charge_amount"), by_design=pl.any_horizontal(modifiers))
    table = table.join(number.with_row_index("_line"), on="_line", how="left")
    table = table.with_columns(ch=pl.coalesce("charge", "billed"))
    parts = pl.col("paid") + pl.col("adjusted")
    rest = pl.when(~pl.col("unpriced"), pl.col("adjusted") != 0).then(pl.col("ch") - pl.col("adjusted"))
    return table.with_columns(
        ch=pl.coalesce("ch", pl.when(parts > 0, ~pl.col("whole")).then(parts)),
        pd=pl.coalesce("paid", rest),
        balanced=_balanced(),
    )


def _balanced() -> pl.Expr:
    """Whether charge, adjustments and payment agree; null where the source does not say enough."""
    known = pl.col("stated") & ~pl.col("unpriced") & ~pl.col("whole")
    return pl.when(known).then((pl.col("ch") - pl.col("adjusted") - pl.col("paid")).abs() <= CENT)


def _outcome() -> pl.Expr:
    """The outcome of a line, first match (MAPPING section 5)."""
    ch, bundling = pl.col("ch"), pl.col("bundling")
    nothing = pl.col("pd").is_null() | (pl.col("pd") <= CENT)
    unbundled = pl.when(pl.col("bundled")).then(0).otherwise(bundling)
    denial = pl.col("denial") + unbundled + pl.when(nothing).then("rest").otherwise(0)
    contractual = pl.col("contractual") + bundling - unbundled
    shared = pl.col("cost_share") > CENT
    most = pl.max_horizontal(REMAINDERS.values())
    all_off = ((contractual - ch).abs() <= CENT) | pl.col("unpriced") | pl.col("whole")
    rules = [
        ("denied", pl.col("denied")),
        ("paid", ~pl.col("denied")),
        ("not_applicable", ch <= 0),
        ("reporting_only", (ch <= CENT) | pl.col("reporting_only") | pl.col("by_design")),
        ("denied", (denial > CENT) & nothing & ~shared),
        ("partial_denied", denial > CENT),
        ("paid", ~nothing),
        *[(outcome, (most > CENT) & (pl.col(name) == most)) for outcome, name in REMAINDERS.items()],
        ("full_contractual", (contractual > CENT) & pl.col("pd").is_not_null() & all_off),
        ("paid", (contractual > CENT) & pl.col("pd").is_null()),
        ("unknown", pl.lit(True)),
    ]
    return pl.coalesce(pl.when(rule.fill_null(False)).then(pl.lit(outcome)) for outcome, rule in rules)


def _answer(table: pl.DataFrame) -> pl.DataFrame:
    """The columns of `label_lines`, in the order of the lines."""
    all_of_it = pl.when(pl.col("outcome") == "denied").then("ch")
    denied = pl.coalesce(pl.when(pl.col("denied_amount") > 0, ~pl.col("whole")).then("denied_amount"), all_of_it)
    given, whole = pl.col("denied").is_not_null(), pl.col("whole")
    source = pl.when(given).then(pl.lit("given")).when(whole).then(pl.lit("claim_cas")).otherwise(pl.lit("codes"))
    allowed = pl.when(pl.col("stated"), ~pl.col("unpriced")).then(pl.col("paid") + pl.col("cost_share"))
    return (
        table.sort("_line")
        .select(
            "submission_id", "claim_line_number", "outcome", "y",
            category=pl.when(pl.col("y") == 1).then(pl.col("category").fill_null("other")),
            carc=pl.when(pl.col("y") == 1).then("carc"),
            denied_cents=pl.when(pl.col("y") == 1).then(denied).otherwise(0),
            paid_cents="paid",
            allowed_cents=pl.coalesce("allowed", allowed),
            known_date="known_date",
            label_source=source,
            quality=_quality(),
        )
    )  # fmt: skip


def _quality() -> pl.Expr:
    flags = {
        "amounts_missing": pl.col("unpriced"),
        "remark_missing": pl.col("needs_remark") & ~pl.col("remark"),
        "unbalanced": ~pl.col("balanced"),
        "unlisted_code": pl.col("unlisted"),
        "unreadable_adjustment": pl.col("unreadable"),
    }
    named = [pl.when(flag).then(pl.lit(name)) for name, flag in flags.items()]
    return pl.concat_str(named, separator=";", ignore_nulls=True)
