"""Which submitted line an adjudication event belongs to: first the submission, then the line in it (match_lines).

A payer names a claim by the number the practice gave it, and itself often by another id than the claim did, so that
every step tries what is surest first (the order of `match_outcomes`). Text that is null or "" counts as not given.
"""

from __future__ import annotations

import polars as pl

from claims.adjudications import NOT_ADJUDICATED, REVERSAL
from claims.adjustments import CENT, adjusted_cents, cents, load_classes, tokens_of
from claims.match_lines import asked_of, given, lines_found, offered_of

PAYER_ID_LENGTH = 17  # some payers return no more of the claim's number than this
PLACES = {"1": 0, "19": 0, "2": 1, "20": 1, "3": 2, "21": 2}  # statuses that say in which turn the payer answered
NO_PLACE = ("4", *NOT_ADJUDICATED)  # statuses that payers of any turn use
UNSURE = ("code_date", "date_charge")


def match_outcomes(lines: pl.DataFrame, outcomes: pl.DataFrame, classes: pl.DataFrame | None = None) -> pl.DataFrame:
    """Every row of `outcomes`, in its order, with `submission_id`, `line`, `match_method` and `match_certainty`.

    `submission_id` (null: no such claim) is the submission with the outcome's claim_id, payer, billing NPI and source;
    of several, those whose payer responsibility the status speaks of (1 and 19 primary, 2 and 20 secondary, 3 and 21
    later), of these what was sent before the outcome's control number was first known, and of these the one sent last.
    Never one sent after the day known (without a day: the last choice), nor one that names the outcome's control
    number as the number of an earlier claim, nor one sent after that. A claim_id of 17 characters that was nobody's by
    then also matches the one longer claim_id that began with it. Another payer's id still finds the claim where all
    that is left belongs to one payer and the status speaks of its turn; a status that speaks of none (4, 22, 23, 25)
    does where nobody else has answered for the claim by then.

    `line` (Int32, null: none) is the claim_line_number found by the first method that answers: `line_number`;
    `line_item_control_no` (a line sent without one is named by its number); `service` (code, modifiers, date, charge);
    `code_date` (nothing given contradicts: ties in the order they came, and a claim of one line needs no code);
    `date_charge` (another code, on the only line that is left of the claim); `claim`; `none`. A row comes back once,
    but an unpaid answer to a whole claim (`claim`: it names no line, its codes cover the charge), or its reversal, once
    for each line without a row of its own of that day that decides anything. `match_certainty`: `probable` where
    code_date, date_charge, a cut claim_id or another payer's id was needed, else `exact`; `none` without a line.
    `classes`: by default the contract's.
    """
    rows = match_submissions(lines, outcomes).with_row_index("_row")
    asked = asked_of(rows.filter(pl.col("submission_id").is_not_null()))
    found = lines_found(asked, offered_of(lines))
    found = pl.concat([found, _whole_claims(rows, found, lines, load_classes() if classes is None else classes)])
    unsure = pl.col("match_method").is_in(UNSURE) | pl.col("guessed")
    certainty = pl.when(unsure).then(pl.lit("probable")).otherwise(pl.lit("exact"))
    return rows.join(found, on="_row", how="left", maintain_order="left_right").select(
        *outcomes.columns,
        "submission_id",
        pl.col("line").cast(pl.Int32),
        pl.col("match_method").fill_null("none"),
        match_certainty=pl.when(pl.col("line").is_null()).then(pl.lit("none")).otherwise(certainty),
    )


def match_submissions(lines: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """Every row of `outcomes`, once and in its order, with `submission_id` as in `match_outcomes` and `guessed`.

    `guessed` (null without a submission): the claim was named by a cut claim_id or its payer by another id.
    """
    rows = outcomes.with_row_index("_row")
    found = _submissions_found(_submissions(lines), rows)
    return rows.join(found, on="_row", how="left", maintain_order="left").drop("_row")


def _submissions(lines: pl.DataFrame) -> pl.DataFrame:
    return (
        lines.lazy()
        .group_by("submission_id")
        .agg(
            pl.col("source_system", "claim_id", "submitted_date").first(),
            pl.col("loaded_at").min(),
            payer=pl.col("payer_id").first(),
            responsibility=given("payer_responsibility_code").first(),
            npi=given("billing_npi").first(),
            names=given("original_reference_number").max(),
            whole_id=pl.col("claim_id").first(),
        )
        .with_columns(turn=pl.col("responsibility").fill_null("P").replace_strict({"P": 0, "S": 1}, default=2))
        .collect()
    )


def _submissions_found(submissions: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """_row, submission_id, guessed: for each outcome that has one, its submission."""
    rest = asked = rows.select(
        "_row", "source_system", "claim_id", "known_date", given("payer_id"), given("billing_npi"),
        given("payer_claim_control_number"), status=given("claim_status_code"),
    ).with_columns(place=pl.col("status").replace_strict(PLACES, default=None, return_dtype=pl.Int32))  # fmt: skip
    found = []
    for own_payer, cut in ((True, False), (True, True), (False, False), (False, True)):
        pairs = _candidates(rest, submissions, cut)
        pairs = _of_its_payer(pairs) if own_payer else _of_another_name(pairs, asked)
        pairs = pairs.filter(pl.col("whole_id").n_unique().over("_row") == 1) if cut else pairs
        found.append(pairs.with_columns(guessed=pl.lit(cut or not own_payer)))
        rest = rest.join(pairs, on="_row", how="anti")
        if rest.is_empty():
            break
    return _latest(pl.concat(found), asked)


def _candidates(asked: pl.DataFrame, submissions: pl.DataFrame, cut: bool) -> pl.DataFrame:
    """Pairs of one claim and provider; what was sent after the day known cannot be what the payer spoke of."""
    if cut:
        asked = asked.filter(pl.col("claim_id").str.len_chars() == PAYER_ID_LENGTH)
        submissions = submissions.with_columns(pl.col("claim_id").str.head(PAYER_ID_LENGTH))
    pairs = asked.join(submissions, on=["source_system", "claim_id"])
    npi = pl.col("billing_npi").is_null() | pl.col("npi").is_null() | (pl.col("billing_npi") == pl.col("npi"))
    return pairs.filter(npi, (pl.col("submitted_date") <= pl.col("known_date")).fill_null(True))


def _of_its_payer(pairs: pl.DataFrame) -> pl.DataFrame:
    """Pairs of one payer; a remittance that names none must not say that it came in another turn than the claim's."""
    elsewhere = pl.col("responsibility").is_not_null() & (pl.col("place") != pl.col("turn")).fill_null(False)
    return pairs.filter((pl.col("payer_id").is_null() & ~elsewhere) | (pl.col("payer_id") == pl.col("payer")))


def _of_another_name(pairs: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Pairs that can only be meant though the payer is called otherwise (a secondary's answer is not the primary's).

    A status that says no turn counts where this name has answered in the claim's turn by then, or no other name has
    answered for the claim, and this one in no other turn.
    """
    pairs = pairs.filter(pl.col("payer_id").is_not_null(), _in_turn() | pl.col("status").is_in(NO_PLACE))
    vague = pairs.filter(pl.col("place").is_null())
    if len(vague):
        pairs = pl.concat([pairs.filter(pl.col("place").is_not_null()), _of_a_turn(vague, asked)])
    return pairs.filter(pl.col("payer").n_unique().over("_row") == 1)


def _of_a_turn(vague: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Pairs of a status that says no turn, where the claim's turn is that of the name: see _of_another_name."""
    told = asked.filter(pl.col("payer_id").is_not_null()).select(
        "source_system", "claim_id", told_on="known_date", told_by="payer_id", told_as="place"
    )
    heard = vague.join(told.unique(), on=["source_system", "claim_id"]).filter(
        pl.col("told_on") <= pl.col("known_date")
    )
    same, turn = pl.col("told_by") == pl.col("payer_id"), pl.col("told_as") == pl.col("turn")
    fits = (same & turn.fill_null(False)).any() | (same & turn.fill_null(True)).all()
    fitting = heard.group_by("_row", "turn").agg(fits=fits).filter("fits")
    return vague.join(fitting, on=["_row", "turn"], how="semi")


def _in_turn() -> pl.Expr:
    """Whether the status speaks of the turn in which the submission's payer is asked; null: of none."""
    return pl.col("place") == pl.col("turn")


def _latest(pairs: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Of each outcome's candidates the one sent last (equal days: loaded first; those without a day come last).

    A control number stays with what it was first given to: what was sent after that comes behind.
    """
    pairs = pairs.with_columns(named=(pl.col("names") == pl.col("payer_claim_control_number")).fill_null(False))
    several = pl.col("_row").is_duplicated()
    one, many = pairs.filter(~several, ~pl.col("named")), pairs.filter(several)
    named_on = pl.col("submitted_date").filter(pl.col("named")).min().over("_row")
    number = ["source_system", "claim_id", "payer_claim_control_number"]
    given_on = asked.join(many.select(number).unique(), on=number, how="semi").group_by(number)
    best = (
        many.join(given_on.agg(given_on=pl.col("known_date").min()), on=number, how="left")
        .with_columns(
            not_after=named_on,
            away=~_in_turn().fill_null(True),
            behind=(pl.col("submitted_date") > pl.col("given_on")).fill_null(False),
            rank=-pl.col("submitted_date").cast(pl.Int32),
        )
        .filter(~pl.col("named"), (pl.col("submitted_date") <= pl.col("not_after")).fill_null(True))
        .sort("_row", "away", "behind", "rank", "loaded_at", "submission_id", nulls_last=True)
        .unique("_row", keep="first", maintain_order=True)
    )
    return pl.concat([side.select("_row", "submission_id", "guessed") for side in (one, best)])


def _whole_claims(rows: pl.DataFrame, found: pl.DataFrame, lines: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """Unpaid answers to a whole claim and their reversals, each for the lines of which no other row of its day decides.

    MAPPING section 5; a row beside it that has neither codes nor a payment leaves the decision to the claim's.
    """
    named = [pl.col("claim_line_number"), given("line_item_control_no"), given("hcpcs_code")]
    paid = cents("paid_amount").fill_null(0).abs() > CENT
    rows = rows.filter(pl.col("submission_id").is_not_null())
    asked = rows.filter(
        ~pl.any_horizontal(n.is_not_null() for n in named), ~paid, pl.col("denied").fill_null(True)
    ).join(found, on="_row", how="anti")  # fmt: skip
    if asked.is_empty():
        return found.clear()
    codes, back = tokens_of(pl.col("adjustments")), given("claim_status_code") == REVERSAL
    asked = asked.select(
        "_row", "submission_id", "known_date", day="claim_line_start_date", charge=cents("charge_amount").abs(),
        codes=pl.when(back).then(codes.str.replace_all(":-", ":", literal=True)).otherwise(codes),
    )  # fmt: skip
    asked = asked.with_columns(adjusted_cents(asked["codes"], classes).alias("taken"))
    own = lines.select(
        "submission_id", line="claim_line_number", of="claim_line_start_date", own=cents("charge_amount")
    )
    billed = pl.when(pl.col("own").is_not_null().all()).then(pl.col("own").sum()).over("_row")
    charge = pl.max_horizontal("charge", billed)  # a row that covers less than was sent speaks of a part of it
    same_day = (pl.col("day") == pl.col("of")).any().over("_row") | pl.col("day").is_null()
    pairs = asked.join(own, on="submission_id").filter(charge > CENT, pl.col("taken") >= charge - CENT, same_day)
    decides = paid | (codes != "").fill_null(False) | pl.col("denied").is_not_null()
    told = rows.filter(decides).select("_row", "submission_id", "known_date").join(found, on="_row")
    alone = pairs.join(told, on=["submission_id", "known_date", "line"], how="anti").sort("_row", "line")
    return alone.select("_row", "line", match_method=pl.lit("claim"))
