"""Which line of a submission a remittance row speaks of: line number, control number, service, then ever less.

Rows of one event (one claim of one remittance, reversals apart from what they take back) share the lines out among
them. What a payer left out or changed is looked for only among what nothing surer has answered.
"""

from __future__ import annotations

import polars as pl

from claims.adjudications import NOT_ADJUDICATED
from claims.adjustments import CENT, cents
from claims.table import MODIFIERS, OUTCOME_ORDER

EVENT = ("submission_id", "known_date", "payer_claim_control_number", "kind")
PASSES = (  # method; what must agree beside code and day; whether only lines that nobody answered for are asked
    ("service", ("modifiers", "charge"), False),
    ("code_date", ("charge",), True),  # modifiers added or dropped
    ("code_date", ("modifiers",), False),  # a part of a line that was split
    ("code_date", (), False),
)


def asked_of(rows: pl.DataFrame) -> pl.DataFrame:
    """What `lines_found` asks of outcomes with `_row` and `submission_id`; a reversal's charge without its sign."""
    status = pl.col("claim_status_code").str.strip_chars()
    return rows.select(
        "_row", *EVENT[:3], *OUTCOME_ORDER, "claim_line_number", "hcpcs_code", given("line_item_control_no"),
        kind=pl.when(status.is_in(NOT_ADJUDICATED)).then(status), day="claim_line_start_date",
        charge=cents("charge_amount").abs(), modifiers=modifiers_key(),
    )  # fmt: skip


def offered_of(lines: pl.DataFrame) -> pl.DataFrame:
    """What `lines_found` offers of submitted lines."""
    return lines.select(
        "submission_id", "claim_line_number", "hcpcs_code", "line_item_control_no", line="claim_line_number",
        day="claim_line_start_date", charge=cents("charge_amount"), modifiers=modifiers_key(),
    )  # fmt: skip


def lines_found(asked: pl.DataFrame, offered: pl.DataFrame) -> pl.DataFrame:
    """_row, line, match_method for each row of `asked` (from `asked_of`) whose line among `offered` was found."""
    found = _named(asked, offered, "claim_line_number", "line_number")
    rest = asked.join(found, on="_row", how="anti")
    if rest.is_empty():
        return found
    found = pl.concat([found, _named(rest, _controls(offered), "line_item_control_no", "line_item_control_no")])
    for method, same, free in PASSES:
        rest = rest.join(found, on="_row", how="anti")
        if rest.is_empty():
            return found
        pairs = rest.join(offered, on=["submission_id", "hcpcs_code", *same], suffix="_line")
        pairs = pairs.filter((pl.col("day") == pl.col("day_line")).fill_null(pl.col("day").is_null()))
        if method == "service":
            pairs = pairs.filter(pl.col("day").is_not_null()).with_columns(taken=False)
        else:
            pairs = _mark_taken(pairs, asked, found)
        found = pl.concat([found, _in_order(pairs, ["hcpcs_code", "day", *same], method, free)])
    rest = rest.join(found, on="_row", how="anti")
    if rest.is_empty():
        return found
    left = _mark_taken(rest.join(offered, on="submission_id", suffix="_line"), asked, found).filter(~pl.col("taken"))
    return pl.concat([found, _only_line_left(left), _only_line(left, offered)])


def modifiers_key() -> pl.Expr:
    """A line's modifiers as one UInt64, whatever their order: the sum of their hashes; none is 0."""
    none = pl.lit(0, pl.UInt64)
    hashes = [pl.when(pl.col(name) != "").then(pl.col(name).hash()).otherwise(none) for name in MODIFIERS]
    return hashes[0] + hashes[1] + hashes[2] + hashes[3]


def given(name: str) -> pl.Expr:
    """A column of text without white space around it; null where there is none."""
    stripped = pl.col(name).str.strip_chars()
    return pl.when(stripped != "").then(stripped).alias(name)


def _named(asked: pl.DataFrame, offered: pl.DataFrame, name: str, method: str) -> pl.DataFrame:
    hits = asked.select("_row", "submission_id", name).join(
        offered.select("submission_id", "line", name), on=["submission_id", name]
    )
    return hits.unique("_row", keep="any").select("_row", "line", match_method=pl.lit(method))


def _controls(offered: pl.DataFrame) -> pl.DataFrame:
    """Lines by their control number, or by their own number where none was sent; numbers used twice name no line."""
    own = pl.coalesce(given("line_item_control_no"), pl.col("line").cast(pl.String))
    return offered.with_columns(line_item_control_no=own).unique(["submission_id", "line_item_control_no"], keep="none")


def _mark_taken(pairs: pl.DataFrame, asked: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Pairs with `taken`: another row of the same event already answers for this line."""
    own = asked.join(pairs.select("submission_id").unique(), on="submission_id", how="semi")
    taken = own.join(found, on="_row").select(*EVENT, "line").unique().with_columns(taken=True)
    return pairs.join(taken, on=[*EVENT, "line"], how="left", nulls_equal=True).with_columns(
        pl.col("taken").fill_null(False)
    )


def _in_order(pairs: pl.DataFrame, same: list[str], method: str, free: bool) -> pl.DataFrame:
    """One line for each row of `pairs`: the k-th that came of an event goes to the k-th of the lines it could mean.

    After the last line the first one follows (what was told twice of a claim comes in the same order); with `free`,
    lines that are taken are left out and rows beyond the last line find none.
    """
    pairs = pairs.filter(~pl.col("taken")) if free else pairs
    if pairs.is_empty():
        return pairs.select("_row", "line", match_method=pl.lit(method))
    rows = pairs.unique("_row").sort(*OUTCOME_ORDER, nulls_last=True)
    rows = rows.select("_row", turn=pl.int_range(pl.len()).over([*EVENT, *same]))
    lines = pairs.sort("_row", "taken", "line").select(
        "_row", "line", place=pl.int_range(pl.len()).over("_row"), size=pl.len().over("_row").cast(pl.Int64)
    )
    turn = pl.col("turn") if free else pl.col("turn") % pl.col("size")
    chosen = lines.join(rows, on="_row").filter(pl.col("place") == turn)
    return chosen.select("_row", "line", match_method=pl.lit(method))


def _only_line_left(left: pl.DataFrame) -> pl.DataFrame:
    """A row of another code, whose day and charge are those of the one line that its event left unanswered."""
    alone = left.filter(given("hcpcs_code").is_not_null()).filter(pl.len().over(EVENT) == 1)
    same = (pl.col("day") == pl.col("day_line")) & (pl.col("charge") == pl.col("charge_line"))
    return alone.filter(same, pl.col("charge") > CENT).select("_row", "line", match_method=pl.lit("date_charge"))


def _only_line(left: pl.DataFrame, offered: pl.DataFrame) -> pl.DataFrame:
    """Outcomes of a whole claim (no line, no code) that has one line only, of which no row of its own speaks."""
    nameless = left.filter(pl.col("claim_line_number").is_null(), given("hcpcs_code").is_null())
    single = offered.select("submission_id").unique(keep="none")
    hits = nameless.join(single, on="submission_id", how="semi")
    hits = hits.filter((pl.col("day") == pl.col("day_line")).fill_null(pl.col("day").is_null()))
    return hits.select("_row", "line", match_method=pl.lit("code_date"))
