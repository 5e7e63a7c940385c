"""How adjudication ended: of each originally submitted line what the payer said first, and what stood in the end.

The end is what was known within the horizon (days) after the first answer, or, where there is none, after the line was
sent. Money is integer cents, net of reversals, corrections and later submissions of the chain to the same payer as
primary. A table of its own: the target of the model stays the first answer (claims/label.py).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from claims.adjudications import UNPAID
from claims.adjustments import CENT, cents, load_classes
from claims.label import label_lines, last_labels
from claims.match import match_submissions
from claims.match_lines import given, lines_found, modifiers_key, offered_of
from claims.snapshot import is_original, is_primary

RECOUPED, REFUNDED = "WO", "72"  # PLB03-1: recovery of an overpayment; a refund of the practice, acknowledged
LINE = ["submission_id", "claim_line_number"]
ORIGIN = ["origin", "origin_line"]


def final_lines(
    lines: pl.DataFrame,
    matched: pl.DataFrame,
    chained: pl.DataFrame,
    provider_adjustments: pl.DataFrame,
    rejections: pl.DataFrame,
    as_of: date,
    horizon_days: int = 180,
    classes: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """One row for each line of an original submission sent before `as_of`, in their order, from what was known then.

    - submission_id, claim_line_number, chain_id.
    - initial_outcome (of `label_lines`; without an answer rejected_front_end where a 277CA refused the claim,
      no_response once the horizon is over, else pending), initial_date (known), initial_paid_cents.
    - final_outcome: of the last event that stands, duplicates and delays apart; reversed where nothing stands or
      nothing was left of a payment, partial_denied where a denial left some of one; unanswered as initial_outcome.
      final_date; final_paid_cents (null: the source states no payments).
    - overturned: denied, or denied in part, at first, then paid more. recouped: paid at first, then nothing, or
      provider adjustments took all that was left.
    - recouped_cents: WO or 72 with a control number of the chain, spread over the claim's lines as they were paid, so
      that they sum to the claim's; not part of final_paid_cents.
    - right_censored: the horizon is not over by `as_of`.

    `lines` and `matched` (of `match_outcomes`) may reach beyond `as_of`, `chained` (of `chains`) comes from them;
    `provider_adjustments` and `rejections` as stored. Does not depend on the order of rows.
    """
    classes = load_classes() if classes is None else classes
    sent = lines.filter(pl.col("submitted_date") < as_of).join(
        chained, on="submission_id", how="left", maintain_order="left"
    )
    known = matched.filter(pl.col("known_date") < as_of)
    refused = rejections.filter(pl.col("known_date") < as_of)
    told = provider_adjustments.filter(pl.col("known_date") < as_of)
    first = _first(sent, label_lines(sent, known, classes), _refused(sent, refused), as_of, horizon_days)
    events = _events(sent, known, first)
    last = last_labels(sent.filter(is_original()), events, classes).select(
        *LINE, final_outcome="outcome", final_date="known_date"
    )
    table = first.join(last, on=LINE, how="left", maintain_order="left")
    table = table.join(_money(events), on=LINE, how="left", maintain_order="left")
    return _answer(table.join(_recouped(told, events, first), on="submission_id", how="left", maintain_order="left"))


# The first answer ---------------------------------------------------------------------------------------------------


def _first(
    sent: pl.DataFrame, labels: pl.DataFrame, refused: pl.Series, as_of: date, horizon_days: int
) -> pl.DataFrame:
    """The original lines with their first answer or the lack of one, and `until`: the last day of the horizon."""
    initial = labels.select(
        *LINE, "y", initial_outcome="outcome", initial_date="known_date", initial_paid_cents="paid_cents"
    )
    table = sent.filter(is_original()).join(initial, on=LINE, how="left", maintain_order="left")
    until = pl.coalesce("initial_date", "submitted_date") + pl.duration(days=horizon_days)
    over = pl.lit(as_of) > pl.col("until")
    waiting = (
        pl.when(pl.col("submission_id").is_in(refused.implode())).then(pl.lit("rejected_front_end"))
        .when(over).then(pl.lit("no_response")).otherwise(pl.lit("pending"))
    )  # fmt: skip
    return table.with_columns(until=until).select(
        *LINE, "chain_id", "y", "until", "initial_date", "initial_paid_cents",
        initial_outcome=pl.coalesce("initial_outcome", waiting), right_censored=~over,
        answered=pl.col("initial_outcome").is_not_null(),
    )  # fmt: skip


def _refused(sent: pl.DataFrame, rejections: pl.DataFrame) -> pl.Series:
    """The submissions that a 277CA refused: of those with the claim's number the last sent by then, whoever refused."""
    claims = rejections.filter(pl.col("transaction") == "277CA", given("claim_id").is_not_null())
    none = pl.lit(None, pl.String)
    asked = claims.with_columns(payer_id=none, payer_claim_control_number=none, claim_status_code=none)
    return match_submissions(sent, asked)["submission_id"].drop_nulls().unique()


# What followed ------------------------------------------------------------------------------------------------------


def _events(sent: pl.DataFrame, known: pl.DataFrame, first: pl.DataFrame) -> pl.DataFrame:
    """Outcome rows within the horizon, as rows of the original line that they are about in the end."""
    originals = first.select("until", origin="submission_id", origin_line="claim_line_number")
    rows = known.filter(pl.col("line").is_not_null()).join(
        _origins(sent).with_columns(line="claim_line_number").drop("claim_line_number"), on=["submission_id", "line"]
    )
    rows = rows.join(originals, on=ORIGIN).filter(pl.col("known_date") <= pl.col("until"))
    own = {"submission_id": pl.col("origin"), "line": pl.col("origin_line"), "claim_line_number": pl.col("origin_line")}
    return rows.with_columns(**own).drop(ORIGIN).unique(["outcome_id", *LINE], keep="any")


def _origins(sent: pl.DataFrame) -> pl.DataFrame:
    """submission_id, claim_line_number, origin, origin_line: of each line sent to the primary payer the original line.

    A line of a later submission is the original's of the same service, else of what still agrees (as a remittance row
    finds its line), else the one of its number and day that no other line of the submission stands for.
    """
    originals = sent.filter(is_original())
    itself = originals.select(*LINE, origin="submission_id", origin_line="claim_line_number")
    chain = originals.select("chain_id", origin="submission_id").unique()
    later = sent.filter(~is_original(), is_primary()).join(chain, on="chain_id").with_row_index("_row")
    asked = later.select(
        "_row", "loaded_at", "file_id", "hcpcs_code", submission_id="origin", known_date="submitted_date",
        payer_claim_control_number="submission_id", kind=pl.lit(None, pl.String), row="claim_line_number",
        outcome_id="submission_id", claim_line_number=pl.lit(None, pl.Int32), day="claim_line_start_date",
        line_item_control_no=pl.lit(None, pl.String), charge=cents("charge_amount"), modifiers=modifiers_key(),
    )  # fmt: skip
    found = lines_found(asked, offered_of(originals)).select("_row", origin_line="line")
    found = later.select("_row", *LINE, "origin").join(found, on="_row").drop("_row")
    place = ["origin", "claim_line_number", "claim_line_start_date"]
    same = originals.select(
        "claim_line_number", "claim_line_start_date", origin="submission_id", origin_line="claim_line_number"
    )
    rest = later.join(found, on=LINE, how="anti").select(*LINE, "claim_line_start_date", "origin").join(same, on=place)
    rest = rest.join(found, on=["submission_id", *ORIGIN], how="anti").select(itself.columns)
    return pl.concat([itself, found.select(itself.columns), rest])


def _money(events: pl.DataFrame) -> pl.DataFrame:
    """submission_id, claim_line_number, final_paid_cents, `gross` (payments before anything was taken back)."""
    pays = ~pl.col("claim_status_code").is_in(UNPAID).fill_null(False) & (pl.col("match_method") != "claim")
    paid = pl.col("paid")
    return (
        events.with_columns(paid=pl.when(pays).then(cents("paid_amount")))
        .group_by(LINE)
        .agg(
            final_paid_cents=pl.when(paid.is_not_null().any()).then(paid.sum()),
            gross=paid.clip(lower_bound=0).sum(),
        )
    )


# Recoupments --------------------------------------------------------------------------------------------------------


def _recouped(told: pl.DataFrame, events: pl.DataFrame, first: pl.DataFrame) -> pl.DataFrame:
    """submission_id, claim_recouped: cents that provider adjustments name the claim for.

    A recovery that was settled by a refund is told twice, once as WO and once, the other way round, as 72. One whose
    number was given to several claims names none.
    """
    numbers = events.select(
        "source_system", "submission_id", reference=given("payer_claim_control_number"), payer=given("payer_id")
    ).drop_nulls("reference")
    until = first.group_by("submission_id").agg(pl.col("until").max())
    asked = told.filter(pl.col("reason_code").is_in([RECOUPED, REFUNDED])).with_row_index("_plb")
    named = asked.select(
        "_plb", "source_system", "known_date", "reason_code", given("payer_id"), reference=given("reference_id"),
        amount=cents("amount"),
    ).join(numbers.unique(), on=["source_system", "reference"])  # fmt: skip
    agree = (pl.col("payer_id") == pl.col("payer")).fill_null(True)
    named = named.filter(agree).unique(["_plb", "submission_id"], keep="any").join(until, on="submission_id")
    named = named.filter(pl.col("submission_id").n_unique().over("_plb") == 1, pl.col("known_date") <= pl.col("until"))
    of = {reason: pl.col("amount").filter(pl.col("reason_code") == reason).sum() for reason in (RECOUPED, REFUNDED)}
    return named.group_by("submission_id").agg(
        claim_recouped=pl.max_horizontal(of[RECOUPED], of[REFUNDED].abs(), pl.lit(0))
    )


def _spread() -> pl.Expr:
    """The claim's recouped cents over its lines, in proportion to what each was paid; sums to the claim's exactly."""
    weight = pl.when(pl.col("gross").sum().over("submission_id") > 0).then("gross").otherwise(1)
    upto = weight.cum_sum().over("submission_id", order_by="claim_line_number")
    whole = weight.sum().over("submission_id")
    claim = pl.col("claim_recouped")
    return claim * upto // whole - claim * (upto - weight) // whole


def _answer(table: pl.DataFrame) -> pl.DataFrame:
    """The columns of `final_lines`."""
    table = table.with_columns(pl.col("gross", "claim_recouped").fill_null(0))
    initial, final = pl.col("initial_paid_cents").fill_null(0), pl.col("final_paid_cents")
    claim_gross, claim_final = (paid.fill_null(0).sum().over("submission_id") for paid in (pl.col("gross"), final))
    beyond = pl.col("claim_recouped") - (claim_gross - claim_final)  # what reversals do not tell of too
    all_taken = (beyond > 0) & (beyond >= claim_final - CENT)
    nothing = (pl.col("final_outcome") == "paid") & (final <= CENT)
    ended = (
        pl.when(nothing.fill_null(False)).then(pl.lit("reversed"))
        .when((pl.col("final_outcome") == "denied") & (final > CENT)).then(pl.lit("partial_denied"))
        .when(pl.col("final_outcome").is_not_null()).then("final_outcome")
        .when("answered").then(pl.lit("reversed")).otherwise("initial_outcome")
    )  # fmt: skip
    more = pl.coalesce(final > initial + CENT, pl.col("final_outcome") == "paid", pl.lit(False))
    return table.select(
        *LINE, "chain_id", "initial_outcome", "initial_date", "initial_paid_cents",
        final_outcome=ended, final_date="final_date", final_paid_cents="final_paid_cents",
        overturned=(pl.col("y") == 1).fill_null(False) & more,
        recouped=(initial > CENT) & ((final <= CENT).fill_null(False) | all_taken),
        recouped_cents=_spread(), right_censored="right_censored",
    )  # fmt: skip
