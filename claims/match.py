"""Which submitted line an adjudication event belongs to: first the submission, then the line in it.

A payer names a claim by the number the practice gave it, and a line by what survived the way there, so that every step
tries what is surest first (the order of `match_outcomes`). Text that is null or "" counts as not given.
"""

from __future__ import annotations

import polars as pl

from claims.adjustments import CENT, cents, denied_cents, load_classes, tokens_of
from claims.table import MODIFIERS, OUTCOME_ORDER

PAYER_ID_LENGTH = 17  # some payers return no more of the claim's number than this
EVENT = ("submission_id", "known_date", "payer_claim_control_number")


def match_outcomes(lines: pl.DataFrame, outcomes: pl.DataFrame, classes: pl.DataFrame | None = None) -> pl.DataFrame:
    """Every row of `outcomes`, in its order, with `submission_id`, `line` and `match_method`.

    `submission_id` (null: no such claim) is the submission with the outcome's claim_id, payer, billing NPI and source;
    of several, the one sent last. Never one sent after the day known (without a day: the last choice), nor one that
    names the outcome's control number as the number of an earlier claim, nor one sent after that. A claim_id of 17
    characters that was nobody's by then also matches the one longer claim_id that began with it.

    `line` (Int32, null: none) is the claim_line_number found by the first method that answers: `line_number`;
    `line_item_control_no` (a line sent without one is named by its number); `service` (code, modifiers, date, charge);
    `code_date` (nothing given contradicts: ties in the order they came, and a claim of one line needs no code);
    `claim`; `none`. A row comes back once, but a denial of a whole claim (`claim`: it names no line, and its denials
    cover the charge) once for each line without a row of its own of that day. `classes`: by default the contract's.
    """
    rows = match_submissions(lines, outcomes).with_row_index("_row")
    asked = rows.filter(pl.col("submission_id").is_not_null()).select(
        "_row", *EVENT, *OUTCOME_ORDER, "claim_line_number", "hcpcs_code", "charge_amount",
        _given("line_item_control_no").str.strip_chars(), day="claim_line_start_date", modifiers=modifiers_key(),
    )  # fmt: skip
    offered = lines.select(
        "submission_id", "claim_line_number", "hcpcs_code", "charge_amount", "line_item_control_no",
        line="claim_line_number", day="claim_line_start_date", modifiers=modifiers_key(),
    )  # fmt: skip
    found = _lines_found(asked, offered)
    found = pl.concat([found, _whole_claims(rows, found, lines, load_classes() if classes is None else classes)])
    return rows.join(found, on="_row", how="left", maintain_order="left_right").select(
        *outcomes.columns, "submission_id", pl.col("line").cast(pl.Int32), pl.col("match_method").fill_null("none")
    )


def match_submissions(lines: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """Every row of `outcomes`, once and in its order, with `submission_id` as in `match_outcomes`."""
    rows = outcomes.with_row_index("_row")
    found = _submissions_found(_submissions(lines), rows)
    return rows.join(found, on="_row", how="left", maintain_order="left").drop("_row")


def modifiers_key() -> pl.Expr:
    """A line's modifiers as one UInt64, whatever their order: the sum of their hashes; none is 0."""
    none = pl.lit(0, pl.UInt64)
    hashes = [pl.when(pl.col(name) != "").then(pl.col(name).hash()).otherwise(none) for name in MODIFIERS]
    return hashes[0] + hashes[1] + hashes[2] + hashes[3]


def _given(name: str) -> pl.Expr:
    return pl.when(pl.col(name) != "").then(pl.col(name)).alias(name)


def _submissions(lines: pl.DataFrame) -> pl.DataFrame:
    return (
        lines.lazy()
        .group_by("submission_id")
        .agg(
            pl.col("source_system", "claim_id", "submitted_date").first(),
            pl.col("loaded_at").min(),
            payer=pl.col("payer_id").first(),
            npi=_given("billing_npi").first(),
            names=_given("original_reference_number").max(),
        )
        .collect()
    )


def _submissions_found(submissions: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """_row, submission_id: for each outcome that has one, its submission."""
    asked = rows.select(
        "_row", "source_system", "claim_id", "known_date", _given("payer_id"), _given("billing_npi"),
        _given("payer_claim_control_number"),
    )  # fmt: skip
    whole = _agreeing(asked.join(submissions, on=["source_system", "claim_id"]))
    cut = asked.filter(pl.col("claim_id").str.len_chars() == PAYER_ID_LENGTH).join(whole, on="_row", how="anti")
    if cut.height:
        starts = submissions.with_columns(whole_id="claim_id", claim_id=pl.col("claim_id").str.head(PAYER_ID_LENGTH))
        begun = _agreeing(cut.join(starts, on=["source_system", "claim_id"]))
        one = begun.filter(pl.col("whole_id").n_unique().over("_row") == 1)
        whole = pl.concat([whole, one.select(whole.columns)])
    return _latest(whole.with_columns(named=pl.col("names") == pl.col("payer_claim_control_number")))


def _agreeing(pairs: pl.DataFrame) -> pl.DataFrame:
    """Pairs of one payer and provider; what was sent after the day known cannot be what the payer spoke of."""
    payer = pl.col("payer_id").is_null() | (pl.col("payer_id") == pl.col("payer"))
    npi = pl.col("billing_npi").is_null() | pl.col("npi").is_null() | (pl.col("billing_npi") == pl.col("npi"))
    return pairs.filter(payer & npi, (pl.col("submitted_date") <= pl.col("known_date")).fill_null(True))


def _latest(pairs: pl.DataFrame) -> pl.DataFrame:
    """Of each outcome's candidates the one sent last (equal days: loaded first; those without a day come last)."""
    several = pl.col("_row").is_duplicated()
    one = pairs.filter(~several, ~pl.col("named").fill_null(False))
    named_on = pl.col("submitted_date").filter(pl.col("named")).min().over("_row")
    best = (
        pairs.filter(several)
        .with_columns(not_after=named_on, rank=-pl.col("submitted_date").cast(pl.Int32))
        .filter(~pl.col("named").fill_null(False), (pl.col("submitted_date") <= pl.col("not_after")).fill_null(True))
        .sort("_row", "rank", "loaded_at", "submission_id", nulls_last=True)
        .unique("_row", keep="first", maintain_order=True)
    )
    return pl.concat([one.select("_row", "submission_id"), best.select("_row", "submission_id")])


def _lines_found(asked: pl.DataFrame, offered: pl.DataFrame) -> pl.DataFrame:
    """_row, line, match_method for each outcome whose line was found."""
    found = [_named(asked, offered, "claim_line_number", "line_number")]
    rest = asked.join(found[0], on="_row", how="anti")
    if rest.height:
        found.append(_named(rest, _controls(offered), "line_item_control_no", "line_item_control_no"))
        rest = rest.join(found[1], on="_row", how="anti")
    if rest.height:
        pairs = rest.join(offered, on=["submission_id", "hcpcs_code"], suffix="_line")
        pairs = pairs.filter((pl.col("day") == pl.col("day_line")).fill_null(pl.col("day").is_null()))
        same = [pl.col(name) == pl.col(f"{name}_line") for name in ("modifiers", "charge_amount")]
        exact = pairs.filter(*same, pl.col("day").is_not_null()).with_columns(taken=False)
        found.append(_in_order(exact, ["hcpcs_code", "day", "modifiers", "charge_amount"], "service"))
        loose = _mark_taken(pairs.join(found[2], on="_row", how="anti"), asked, pl.concat(found))
        found += [_in_order(loose, ["hcpcs_code", "day"], "code_date"), _only_line(rest, offered)]
    return pl.concat(found)


def _named(asked: pl.DataFrame, offered: pl.DataFrame, name: str, method: str) -> pl.DataFrame:
    hits = asked.select("_row", "submission_id", name).join(
        offered.select("submission_id", "line", name), on=["submission_id", name]
    )
    return hits.unique("_row", keep="any").select("_row", "line", match_method=pl.lit(method))


def _controls(offered: pl.DataFrame) -> pl.DataFrame:
    """Lines by their control number, or by their own number where none was sent; numbers used twice name no line."""
    own = pl.coalesce(_given("line_item_control_no").str.strip_chars(), pl.col("line").cast(pl.String))
    return offered.with_columns(line_item_control_no=own).unique(["submission_id", "line_item_control_no"], keep="none")


def _mark_taken(pairs: pl.DataFrame, asked: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Pairs with `taken`: another row of the same event already answers for this line."""
    taken = asked.join(found, on="_row").select(*EVENT, "line").unique().with_columns(taken=True)
    return pairs.join(taken, on=[*EVENT, "line"], how="left", nulls_equal=True).with_columns(
        pl.col("taken").fill_null(False)
    )


def _in_order(pairs: pl.DataFrame, same: list[str], method: str) -> pl.DataFrame:
    """One line for each row of `pairs`: the k-th that came of an event goes to the k-th of the lines it could mean."""
    if pairs.is_empty():
        return pairs.select("_row", "line", match_method=pl.lit(method))
    rows = pairs.unique("_row").sort(*OUTCOME_ORDER, nulls_last=True)
    rows = rows.select("_row", turn=pl.int_range(pl.len()).over([*EVENT, *same]))
    lines = pairs.sort("_row", "taken", "line").select(
        "_row", "line", place=pl.int_range(pl.len()).over("_row"), last=pl.len().over("_row") - 1
    )
    chosen = lines.join(rows, on="_row").filter(pl.col("place") == pl.min_horizontal("turn", "last"))
    return chosen.select("_row", "line", match_method=pl.lit(method))


def _only_line(rest: pl.DataFrame, offered: pl.DataFrame) -> pl.DataFrame:
    """Outcomes of a whole claim (no line, no code) that has one line only."""
    nameless = rest.filter(pl.col("claim_line_number").is_null(), _given("hcpcs_code").is_null())
    single = offered.unique("submission_id", keep="none").select("submission_id", "line", day_line="day")
    hits = nameless.join(single, on="submission_id")
    hits = hits.filter((pl.col("day") == pl.col("day_line")).fill_null(pl.col("day").is_null()))
    return hits.select("_row", "line", match_method=pl.lit("code_date"))


def _whole_claims(rows: pl.DataFrame, found: pl.DataFrame, lines: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """Denials of a whole claim, each for the lines that no other row of its day speaks of (MAPPING section 5)."""
    named = [pl.col("claim_line_number"), _given("line_item_control_no").str.strip_chars(), _given("hcpcs_code")]
    unpaid = (cents("paid_amount").fill_null(0).abs() <= CENT) & pl.col("denied").fill_null(True)
    asked = rows.filter(
        pl.col("submission_id").is_not_null(), ~pl.any_horizontal(n.is_not_null() for n in named), unpaid
    )
    asked = asked.join(found, on="_row", how="anti").select(
        "_row", "submission_id", "known_date", day="claim_line_start_date", charge=cents("charge_amount"),
        codes=tokens_of(pl.col("adjustments")),
    )  # fmt: skip
    if asked.is_empty():
        return found.clear()
    asked = asked.with_columns(denied_cents(asked["codes"], classes).alias("denied"))
    own = lines.select(
        "submission_id", line="claim_line_number", of="claim_line_start_date", own=cents("charge_amount")
    )
    billed = pl.when(pl.col("own").is_not_null().all()).then(pl.col("own").sum()).over("_row")
    charge = pl.max_horizontal("charge", billed)  # a row that covers less than was sent speaks of a part of it
    same_day = (pl.col("day") == pl.col("of")).any().over("_row") | pl.col("day").is_null()
    pairs = asked.join(own, on="submission_id").filter(charge > CENT, pl.col("denied") >= charge - CENT, same_day)
    told = rows.select("_row", "submission_id", "known_date").join(found, on="_row")
    alone = pairs.join(told, on=["submission_id", "known_date", "line"], how="anti").sort("_row", "line")
    return alone.select("_row", "line", match_method=pl.lit("claim"))
