"""What a payer decided on a line: its outcome, and y, the target of the model (DESIGN section 4).

Decided from amounts and adjustment codes of the *initial* adjudication, never from a status or a payment of nothing.
Amounts are integer cents. Classes of codes come from carc_classes.csv beside this file (a site may override rows).
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from claims.errors import UnreadableFileError
from claims.table import MODIFIERS

CATEGORIES: tuple[str, ...] = (
    "authorization", "medical_necessity", "eligibility", "coordination_of_benefits", "timely_filing", "information",
    "coding", "bundling", "coverage_limit", "provider", "other",
)  # fmt: skip
CLASSES = (
    "denial", "cost_share", "contractual", "duplicate", "capitated", "cob_neutral", "pending", "reporting_only",
)  # fmt: skip
Y = {"denied": 1, "partial_denied": 1, "paid": 0, "cost_share_only": 0}  # every other outcome is out of the target

CENT = 1  # amounts up to a cent count as nothing (MAPPING section 5)
PRESENT = 2 * CENT  # what a code without an amount counts as: the least that is something
REVERSAL, NOT_ADJUDICATED = "22", ("22", "23", "25")  # element 1029: reversal; forwarded unworked; predetermination
DENIED_BY_DESIGN = ("GY", "GX", "GZ")  # modifiers that announce a denial; GA (a waiver on file) does not
BUNDLED = ("97", "231", "234", "236")  # no denial where OA-94 pays for the line in another (MAPPING section 4)
NEEDS_REMARK = ("16", "96", "234", "252")
EVENT = ["submission_id", "known_date", "pccn"]
CODE = r"^(?:(CO|PR|OA|PI|CR)-?)?0*([A-Z]?[0-9]{1,3})$"


def load_classes(path: Path | None = None) -> pl.DataFrame:
    """The class of each adjustment code: group, carc, class, category (text; group "" = any, carc "*" = any other).

    With a `path` its rows replace those of the same group and code. Raises UnreadableFileError when the file has not
    these columns or names a class or category that does not exist.
    """
    contract = _read_classes(Path(__file__).with_name("carc_classes.csv"))
    if path is None:
        return contract
    return pl.concat([_read_classes(path), contract]).unique(["group", "carc"], keep="first", maintain_order=True)


def _read_classes(path: Path) -> pl.DataFrame:
    try:
        table = pl.read_csv(path, infer_schema=False).select("group", "carc", "class", "category").fill_null("")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UnreadableFileError(f"{path.name}: no table of group, carc, class and category") from error
    denial = (pl.col("class") == "denial") & pl.col("category").is_in(CATEGORIES)
    other = pl.col("class").is_in(CLASSES[1:]) & (pl.col("category") == "")
    wrong = table.with_row_index("row", 2).filter(~(denial | other))["row"].to_list()
    if wrong:
        raise UnreadableFileError(f"{path.name}: no such class and category in row {', '.join(map(str, wrong[:5]))}")
    return table


def label_lines(lines: pl.DataFrame, matched: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """One row for each line that has an initial adjudication, from `lines` and `match_outcomes()` of them.

    submission_id, claim_line_number, outcome (text), y (Int8: 1, 0, null = out of the target), category and carc (of
    the largest denied amount; null unless y = 1), denied_cents, paid_cents, allowed_cents (Int64, null = not known),
    known_date, label_source ("codes", or "given" by the source), quality (flags joined by ";": amounts_missing,
    remark_missing, unbalanced, unlisted_code, unreadable_adjustment). Does not depend on the order of rows.
    """
    rows = _events(lines, matched)
    initial = _initial(_without_reversed(rows))
    codes = _codes(initial, classes)
    table = _with_charge(_summed(initial, rows).join(_totals(codes), on="_line", how="left"), lines)
    meant = _as_meant(codes, table)
    amounts = [_amounts(meant), _primary(meant)]
    table = table.join(amounts[0], on="_line", how="left").join(amounts[1], on="_line", how="left")
    return _answer(table.with_columns(outcome=_outcome()))


# Events -------------------------------------------------------------------------------------------------------------


def _events(lines: pl.DataFrame, matched: pl.DataFrame) -> pl.DataFrame:
    """Outcome rows of known claims: cents, `_line` (row in `lines`, null = claim only), reversals among them."""
    number = lines.select("submission_id", line="claim_line_number").with_row_index("_line")
    rows = matched.filter(pl.col("submission_id").is_not_null()).select(
        "submission_id", "line", "known_date", "paid_date", "loaded_at", "outcome_id", "denied",
        remark=pl.col("remark_codes").str.contains(r"\w").fill_null(False),
        status=pl.col("claim_status_code").str.strip_chars().fill_null(""),
        pccn=pl.when(pl.col("payer_claim_control_number") != "").then("payer_claim_control_number"),
        codes=_tokens(pl.col("adjustments")),
        charge=cents("charge_amount"), paid=cents("paid_amount"), allowed=cents("allowed_amount"),
    )  # fmt: skip
    rows = rows.join(number, on=["submission_id", "line"], how="left").drop("line")
    several = pl.col("_line").is_duplicated()
    return pl.concat([rows.filter(~several), rows.filter(several).unique("outcome_id", keep="any")])


def cents(name: str) -> pl.Expr:
    """A column of money as Int64 cents."""
    return pl.col(name).cast(pl.Decimal(18, 2)).to_physical().cast(pl.Int64)


def _tokens(adjustments: pl.Expr) -> pl.Expr:
    """`CO-45:120.00;PR-2:12.00`, however separated, as one text separated by ";"; null = not known."""
    text = adjustments.str.to_uppercase().str.replace_all(r"\s*[:=]\s*", ":")
    return text.str.replace_all(r"[;,|\s]+", ";").str.strip_chars(";")


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
            "_line", "known_date", "outcome_id", amount=pl.col("paid").abs(), sum=pl.col("charge").abs(),
            list=pl.col("codes").str.replace_all(":-", ":").str.split(";").list.sort().list.join(";"),
        )
        .sort("outcome_id")
        .with_columns(turn=pl.int_range(pl.len()).over(same))
        for side in (rows, back)
    ]  # fmt: skip
    hits = sides[0].join(sides[1].rename({"outcome_id": "reversal"}), on=turn, nulls_equal=True)
    return hits.select("outcome_id", "reversal")


def _initial(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of each line's first event: of the earliest day known one control number, split rows together."""
    rows = rows.filter(pl.col("known_date") == pl.col("known_date").min().over("_line"))
    order = ["paid_date", "loaded_at", "pccn", "outcome_id"]
    several = rows.filter(pl.col("_line").is_duplicated()).sort("_line", *order, nulls_last=True)
    first = several.filter(pl.col("pccn").eq_missing(pl.col("pccn").first().over("_line")))
    return pl.concat([rows.filter(~pl.col("_line").is_duplicated()), first])


# Codes --------------------------------------------------------------------------------------------------------------


def _codes(initial: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """One row a line and code: class, category, listed, `cents` (net), `unpriced`, `place` (order of codes).

    A code that cannot be read has no class.
    """
    tokens = initial.filter(pl.col("codes") != "").select("_line", token=pl.col("codes").str.split(";"))
    tokens = tokens.with_columns(place=pl.int_ranges(pl.col("token").list.len())).explode("token", "place")
    parts = pl.col("token").str.split_exact(":", 1).struct
    tokens = tokens.select("_line", "place", code=parts.field("field_0"), amount=parts.field("field_1"))
    known = _classes_of(tokens.select("code").unique(), classes)
    amount = pl.col("amount").str.replace("$", "", literal=True).cast(pl.Float64, strict=False)
    return (
        tokens.join(known, on="code")
        .select("_line", "place", "known", cents=(amount * 100).round().cast(pl.Int64))
        .group_by("_line", "known")
        .agg(pl.col("place").min(), pl.col("cents").sum(), unpriced=pl.col("cents").is_null().any())
        .join(known.unique("known").drop("code"), on="known")
    )


def _classes_of(codes: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """code, known (one number a group and carc), group, carc, class, category, listed: a row with a group wins."""
    rest = (
        classes.filter(carc="*").select("class", "category").row(0) if "*" in classes["carc"] else ("denial", "other")
    )
    table = codes.with_columns(
        group=pl.col("code").str.extract(CODE, 1).fill_null(""), carc=pl.col("code").str.extract(CODE, 2)
    )
    table = table.with_columns(known=pl.struct("group", "carc").rank("dense"))
    table = table.join(classes.filter(pl.col("group") != ""), on=["group", "carc"], how="left")
    table = table.join(classes.filter(group="").drop("group"), on="carc", how="left", suffix="_any")
    table = table.with_columns(listed=pl.coalesce("class", "class_any").is_not_null() | pl.col("carc").is_null())
    fallback = pl.when(pl.col("carc").is_not_null())
    return table.select(
        "code", "known", "group", "carc", "listed",
        pl.coalesce("class", "class_any", fallback.then(pl.lit(rest[0]))).alias("class"),
        pl.coalesce("category", "category_any", fallback.then(pl.lit(rest[1]))).alias("category"),
    )  # fmt: skip


def _totals(codes: pl.DataFrame) -> pl.DataFrame:
    """What each line's codes come to, whatever their class."""
    return codes.group_by("_line").agg(
        adjusted=pl.col("cents").sum(),
        unpriced=(pl.col("unpriced") & pl.col("class").is_not_null()).any(),
        unreadable=pl.col("class").is_null().any(),
        unlisted=(~pl.col("listed")).any(),
        needs_remark=pl.col("carc").is_in(NEEDS_REMARK).any(),
    )


def _as_meant(codes: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """Codes with the class they have on this line, and `weight`: their cents, or PRESENT for a code without amount.

    A bundling code beside OA-94, and a code that no list names on a line that was paid, are contractual there.
    """
    spared = (pl.col("bundled") & pl.col("carc").is_in(BUNDLED)) | (~pl.col("listed") & (pl.col("pd") > CENT))
    bare = pl.col("unpriced") & (pl.col("cents") == 0)
    return (
        codes.filter(pl.col("class").is_not_null())
        .join(table.select("_line", "bundled", "pd"), on="_line")
        .with_columns(
            pl.when(spared.fill_null(False)).then(pl.lit("contractual")).otherwise("class").alias("class"),
            weight=pl.when(bare).then(PRESENT).otherwise("cents"),
        )
    )


def _amounts(codes: pl.DataFrame) -> pl.DataFrame:
    """Cents of each class on each line; `denial` of positive amounts only, `denied_amount` of stated ones."""
    denies = (pl.col("class") == "denial") & (pl.col("weight") > 0)
    by_class = {name: pl.when(pl.col("class") == name).then("weight").otherwise(0) for name in CLASSES[1:-1]}
    return (
        codes.select(
            "_line",
            denial=pl.when(denies).then("weight").otherwise(0),
            denied_amount=pl.when(denies, ~pl.col("unpriced") | (pl.col("cents") != 0)).then("cents").otherwise(0),
            reporting_only=pl.col("class") == "reporting_only",
            bare_contractual=(pl.col("class") == "contractual") & pl.col("unpriced"),
            **by_class,
        )
        .group_by("_line")
        .agg(pl.col("denial", "denied_amount", *by_class).sum(), pl.col("reporting_only", "bare_contractual").any())
    )


def _primary(codes: pl.DataFrame) -> pl.DataFrame:
    """category, carc of each line's largest denied amount: of the categories first, then of its codes."""
    denials = codes.filter(pl.col("class") == "denial").with_columns(pl.col("weight").clip(lower_bound=0))
    kind = denials.group_by("_line", "category").agg(pl.col("weight").sum().alias("total"), first=pl.col("place").min())
    return (
        denials.join(kind, on=["_line", "category"])
        .sort(
            "_line", "total", "first", "weight", "place", "known", descending=[False, True, False, True, False, False]
        )
        .unique("_line", keep="first", maintain_order=True)
        .select("_line", "category", "carc")
    )


# Outcomes -----------------------------------------------------------------------------------------------------------


def _summed(initial: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """One row a line: the sums of its first event; `bundled`: OA-94 stands on the claim's event."""
    oa94 = rows.filter(pl.col("codes").str.contains(r"(?:^|;)OA-?94(?:$|[:;])")).select(EVENT).unique()
    money = ("charge", "paid", "allowed")
    one = initial.group_by("_line").agg(
        pl.col(*EVENT).first(),
        pl.col("denied", "remark").max(),
        *[pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name) for name in money],
        stated=pl.col("codes").is_not_null().any(),
    )
    return one.join(oa94.with_columns(bundled=True), on=EVENT, how="left", nulls_equal=True)


def _with_charge(table: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Adds `ch` and `pd`, the charge and the payment that decide, `by_design` and the line's number.

    The charge is the outcome's, else the line's, else paid plus adjustments; a payment that the source does not carry
    is what charge and adjustments leave, where all of them have amounts.
    """
    modifiers = [pl.col(name).is_in(DENIED_BY_DESIGN).fill_null(False) for name in MODIFIERS]
    number = lines.select("claim_line_number", billed=cents("charge_amount"), by_design=pl.any_horizontal(modifiers))
    table = table.join(number.with_row_index("_line"), on="_line", how="left").with_columns(
        pl.col("adjusted").fill_null(0), pl.col("unpriced", "bundled").fill_null(False),
        ch=pl.coalesce("charge", "billed"),
    )  # fmt: skip
    rest = pl.when(~pl.col("unpriced"), pl.col("adjusted") != 0).then(pl.col("ch") - pl.col("adjusted"))
    parts = pl.col("paid") + pl.col("adjusted")
    return table.with_columns(
        ch=pl.coalesce("ch", pl.when(parts > 0).then(parts)), pd=pl.coalesce("paid", rest), balanced=_balanced()
    )


def _balanced() -> pl.Expr:
    """Whether charge, adjustments and payment agree; null where the source does not say enough."""
    known = pl.col("stated") & ~pl.col("unpriced")
    return pl.when(known).then((pl.col("ch") - pl.col("adjusted") - pl.col("paid")).abs() <= CENT)


def _outcome() -> pl.Expr:
    """The outcome of a line, first match (MAPPING section 5)."""
    ch, denial, contractual = pl.col("ch"), pl.col("denial").fill_null(0), pl.col("contractual").fill_null(0)
    shared = pl.col("cost_share").fill_null(0) > CENT
    nothing = pl.col("pd").is_null() | (pl.col("pd") <= CENT)
    rest = {"duplicate": "duplicate", "capitated": "capitated", "cob_neutral": "cob_neutral",
            "cost_share_only": "cost_share", "pending": "pending"}  # fmt: skip
    most = pl.max_horizontal(rest.values())
    all_off = ((contractual - ch).abs() <= CENT) | pl.col("bare_contractual")
    rules = [
        ("denied", pl.col("denied")),
        ("paid", ~pl.col("denied")),
        ("not_applicable", ch <= 0),
        ("reporting_only", (ch <= CENT) | pl.col("reporting_only") | pl.col("by_design")),
        ("denied", (denial > CENT) & nothing & ~shared),
        ("partial_denied", denial > CENT),
        ("paid", ~nothing),
        *[(outcome, (most > CENT) & (pl.col(name) == most)) for outcome, name in rest.items()],
        ("full_contractual", (contractual > CENT) & pl.col("pd").is_not_null() & all_off),
        ("paid", (contractual > CENT) & pl.col("pd").is_null()),
        ("unknown", pl.lit(True)),
    ]
    return pl.coalesce(pl.when(rule.fill_null(False)).then(pl.lit(outcome)) for outcome, rule in rules)


def _answer(table: pl.DataFrame) -> pl.DataFrame:
    """The columns of `label_lines`, in the order of the lines."""
    stated = pl.when(pl.col("denied_amount") > 0).then("denied_amount")
    denied = pl.coalesce(stated, pl.when(pl.col("outcome") == "denied").then("ch"))
    given = pl.col("denied").is_not_null()
    allowed = pl.when(pl.col("stated"), ~pl.col("unpriced")).then(pl.col("paid") + pl.col("cost_share").fill_null(0))
    return (
        table.with_columns(y=pl.col("outcome").replace_strict(Y, default=None, return_dtype=pl.Int8))
        .sort("_line")
        .select(
            "submission_id", "claim_line_number", "outcome", "y",
            category=pl.when(pl.col("y") == 1).then(pl.col("category").fill_null("other")),
            carc=pl.when(pl.col("y") == 1).then("carc"),
            denied_cents=pl.when(pl.col("y") == 1).then(denied).otherwise(0),
            paid_cents="paid",
            allowed_cents=pl.coalesce("allowed", allowed),
            known_date="known_date",
            label_source=pl.when(given).then(pl.lit("given")).otherwise(pl.lit("codes")),
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
