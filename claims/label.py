"""What a payer decided on a line: its outcome, and y, the target of the model (DESIGN section 4).

Decided from amounts and adjustment codes of the *initial* adjudication, never from a status or from a payment of
nothing. Amounts are integer cents.
"""

from __future__ import annotations

import polars as pl

from claims.adjustments import (
    CATEGORIES,
    CENT,
    OA94,
    amounts_of,
    cents,
    codes_of,
    load_classes,
    only_pending,
    reasons_of,
    tokens_of,
)
from claims.table import MODIFIERS, OUTCOME_ORDER

__all__ = ["CATEGORIES", "cents", "label_lines", "load_classes"]

Y = {"denied": 1, "partial_denied": 1, "paid": 0, "cost_share_only": 0}  # every other outcome is out of the target

REVERSAL, NOT_ADJUDICATED = "22", ("22", "23", "25")  # element 1029: reversal; forwarded unworked; predetermination
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
    rows = _events(lines, matched)
    initial = _initial(_decisive(_without_reversed(rows), classes))
    codes = codes_of(initial, classes)
    table = _with_charge(_summed(initial, rows, amounts_of(codes)), lines).with_columns(outcome=_outcome())
    table = table.with_columns(y=pl.col("outcome").replace_strict(Y, default=None, return_dtype=pl.Int8))
    reasons = reasons_of(codes, table.filter(y=1).select("_line", "bundled", "pd"))
    return _answer(table.join(reasons, on="_line", how="left"))


# Events -------------------------------------------------------------------------------------------------------------


def _events(lines: pl.DataFrame, matched: pl.DataFrame) -> pl.DataFrame:
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


def _without_reversed(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that adjudicate a line. A row taken back on its own day is gone, so that only its correction is left."""
    lines = rows.filter(pl.col("_line").is_not_null())
    back = lines.filter(pl.col("status") == REVERSAL)
    kept = lines.filter(~pl.col("status").is_in(NOT_ADJUDICATED))
    same_day = kept.join(back, on=["_line", "known_date"], how="semi")
    for exactly in (True, False):  # first those whose codes are taken back too: a correction may have the same amounts
        gone = _pairs(same_day, back, exactly)
        same_day = same_day.join(gone, on="outcome_id", how="anti")
        back = back.join(gone, left_on="outcome_id", right_on="reversal", how="anti")
        kept = kept.join(gone, on="outcome_id", how="anti")
    return kept


def _pairs(rows: pl.DataFrame, back: pl.DataFrame, exactly: bool) -> pl.DataFrame:
    """outcome_id, reversal: rows and the reversals of opposite amounts, one to one."""
    same = ["_line", "known_date", "amount", "sum", *(["list"] if exactly else [])]
    turn = [*same, "turn"]
    sides = [
        side.select(
            "_line", "known_date", *OUTCOME_ORDER, amount=pl.col("paid").abs(), sum=pl.col("charge").abs(),
            list=pl.col("codes").str.replace_all(":-", ":").str.split(";").list.sort().list.join(";"),
        )
        .sort(*OUTCOME_ORDER, nulls_last=True)
        .with_columns(turn=pl.int_range(pl.len()).over(same))
        for side in (rows, back)
    ]  # fmt: skip
    hits = sides[0].join(sides[1].select(*turn, reversal="outcome_id"), on=turn, nulls_equal=True)
    return hits.select("outcome_id", "reversal")


def _decisive(rows: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """Rows without the events that only put a line off (codes of class pending alone, no payment), unless that is all.

    Such an event decides nothing: the line's initial adjudication is the one that follows.
    """
    several = pl.col("_line").is_duplicated()
    told = rows.filter(several)
    unpaid = (pl.col("paid").fill_null(0) <= CENT) & pl.col("denied").is_null()
    off = pl.col("off").all()
    told = told.with_columns(off=only_pending(told["codes"], classes) & unpaid)
    told = told.with_columns(off=off.over("_line", "known_date", "pccn"))
    return pl.concat([rows.filter(~several), told.filter(~pl.col("off") | off.over("_line")).drop("off")])


def _initial(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of each line's first event: of the earliest day known one control number, split rows together."""
    rows = rows.filter(pl.col("known_date") == pl.col("known_date").min().over("_line"))
    several = rows.filter(pl.col("_line").is_duplicated()).sort("_line", "paid_date", *OUTCOME_ORDER, nulls_last=True)
    first = several.filter(pl.col("pccn").eq_missing(pl.col("pccn").first().over("_line")))
    return pl.concat([rows.filter(~pl.col("_line").is_duplicated()), first])


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
    all_off = ((contractual - ch).abs() <= CENT) | pl.col("unpriced")
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
