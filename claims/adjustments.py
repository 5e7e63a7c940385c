"""Adjustment codes of remittances (`CO-45:120.00;PR-2:12.00`) and what each says of the line: its class.

Classes come from carc_classes.csv beside this file (group, code, class, category: the contract); a site may replace
rows of it. Amounts are integer cents. One amount for each line and code: split rows are summed here.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from claims.errors import UnreadableFileError

CATEGORIES: tuple[str, ...] = (
    "authorization", "medical_necessity", "eligibility", "coordination_of_benefits", "timely_filing", "information",
    "coding", "bundling", "coverage_limit", "provider", "other",
)  # fmt: skip
NEUTRAL = ("cost_share", "contractual", "duplicate", "capitated", "cob_neutral", "pending")  # classes that deny nothing
CENT = 1  # amounts up to a cent count as nothing (MAPPING section 5)
PRESENT = 2 * CENT  # what a code without an amount counts as: the least that is something
BUNDLED = ("97", "231", "234", "236")  # no denial where OA-94 pays for the line in another (MAPPING section 4)
OA94 = r"(?:^|;)OA-?0*94(?:$|[:;])"
NEEDS_REMARK = ("16", "96", "234", "252")
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
    other = pl.col("class").is_in([*NEUTRAL, "reporting_only"]) & (pl.col("category") == "")
    wrong = table.with_row_index("row", 2).filter(~(denial | other))["row"].to_list()
    if wrong:
        raise UnreadableFileError(f"{path.name}: no such class and category in row {', '.join(map(str, wrong[:5]))}")
    return table


def cents(name: str) -> pl.Expr:
    """A column of money as Int64 cents."""
    return pl.col(name).cast(pl.Decimal(18, 2)).to_physical().cast(pl.Int64)


def tokens_of(adjustments: pl.Expr) -> pl.Expr:
    """Adjustments, however separated, as one upper-case text separated by ";"; null = not known, "" = none."""
    text = adjustments.str.to_uppercase().str.replace_all(r"\s*[:=]\s*", ":")
    return text.str.replace_all(r"[;,|\s]+", ";").str.strip_chars(";")


def codes_of(rows: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """One row a line and code, from rows with `_line` and `codes` (from `tokens_of`).

    _line, group, carc, class, category, listed, cents (net), unpriced (an amount is missing), weight (cents, or
    PRESENT without any), place (order of codes). A code that cannot be read has no carc and no class.
    """
    tokens = rows.filter(pl.col("codes") != "").select("_line", token=pl.col("codes").str.split(";"))
    tokens = tokens.with_columns(place=pl.int_ranges(pl.col("token").list.len())).explode("token", "place")
    parts = pl.col("token").str.split_exact(":", 1).struct
    tokens = tokens.select("_line", "place", code=parts.field("field_0"), amount=parts.field("field_1"))
    known = _classes_of(tokens.select("code").unique().sort("code"), classes)
    amount = pl.col("amount").str.replace("$", "", literal=True).cast(pl.Float64, strict=False)
    return (
        tokens.join(known.select("code", "known"), on="code")
        .select("_line", "place", "known", cents=(amount * 100).round().cast(pl.Int64))
        .group_by("_line", "known")
        .agg(pl.col("place").min(), pl.col("cents").sum(), unpriced=pl.col("cents").is_null().any())
        .with_columns(weight=pl.when(pl.col("unpriced"), pl.col("cents") == 0).then(PRESENT).otherwise("cents"))
        .join(known.unique("known", keep="first", maintain_order=True).drop("code"), on="known")
    )


def adjusted_cents(texts: pl.Series, classes: pl.DataFrame) -> pl.Series:
    """(rows,) the cents that the codes of a text (from `tokens_of`) take off: positive amounts, of whatever class."""
    told = pl.DataFrame({"_line": pl.int_range(len(texts), eager=True), "codes": texts})
    taken = codes_of(told, classes).filter(pl.col("cents") > 0)
    sums = taken.group_by("_line").agg(pl.col("cents").sum())
    return told.join(sums, on="_line", how="left", maintain_order="left")["cents"].fill_null(0)


def only_of(texts: pl.Series, classes: pl.DataFrame, names: tuple[str, ...], beside: tuple[str, ...] = ()) -> pl.Series:
    """(rows,) whether a text of codes (from `tokens_of`) has codes of classes `names`, and none but those `beside`."""
    told = pl.DataFrame({"_line": pl.int_range(len(texts), eager=True), "codes": texts})
    own, others = (pl.col("class").is_in(kinds).fill_null(False) for kinds in (names, [*names, *beside]))
    lines = codes_of(told, classes).group_by("_line").agg(only=own.any() & others.all()).filter("only")["_line"]
    return told["_line"].is_in(lines.implode())


def _classes_of(codes: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """code, known (one number a group and carc), group, carc, class, category, listed: a row with a group wins."""
    rest = [*classes.filter(carc="*").select("class", "category").rows(), ("denial", "other")][0]
    table = codes.with_columns(
        group=pl.col("code").str.extract(CODE, 1).fill_null(""), carc=pl.col("code").str.extract(CODE, 2)
    )
    table = table.with_columns(known=pl.struct("group", "carc").rank("dense"))
    table = table.join(classes.filter(pl.col("group") != ""), on=["group", "carc"], how="left")
    table = table.join(classes.filter(group="").drop("group"), on="carc", how="left", suffix="_any")
    unlisted = pl.coalesce("class", "class_any").is_null() & pl.col("carc").is_not_null()
    return table.select(
        "code", "known", "group", "carc", ~unlisted.alias("listed"),
        pl.coalesce("class", "class_any", pl.when(unlisted).then(pl.lit(rest[0]))).alias("class"),
        pl.coalesce("category", "category_any", pl.when(unlisted).then(pl.lit(rest[1]))).alias("category"),
    )  # fmt: skip


def amounts_of(codes: pl.DataFrame) -> pl.DataFrame:
    """One row a line: cents of each class, of denials the positive ones only, and what its codes lack.

    `bundling` (denials that OA-94 would explain) and `rest` (codes that no list names) are apart from `denial`: what
    they mean depends on the claim and on the payment.
    """
    cls, weight = pl.col("class"), pl.col("weight")
    bundling, rest = pl.col("carc").is_in(BUNDLED), ~pl.col("listed")
    denies = (cls == "denial") & (weight > 0)
    sums = {
        "denial": pl.when(denies & ~bundling & ~rest).then(weight).otherwise(0),
        "bundling": pl.when(denies & bundling).then(weight).otherwise(0),
        "rest": pl.when(denies & rest).then(weight).otherwise(0),
        **{name: pl.when(cls == name).then(weight).otherwise(0) for name in NEUTRAL},
    }
    flags = {
        "reporting_only": cls == "reporting_only",
        "unpriced": pl.col("unpriced") & cls.is_not_null(),
        "unlisted": rest,
        "unreadable": cls.is_null(),
        "needs_remark": pl.col("carc").is_in(NEEDS_REMARK),
    }
    table = codes.select("_line", adjusted="cents", **sums, **flags)
    return table.group_by("_line").agg(pl.col("adjusted", *sums).sum(), pl.col(*flags).any())


def reasons_of(codes: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """_line, category, carc, denied_amount: of lines with `_line`, `bundled` and `pd`, the largest denied category, its
    largest code (equal: the order of codes) and all positive denied cents that are stated.
    """
    spared = (pl.col("bundled") & pl.col("carc").is_in(BUNDLED)) | (~pl.col("listed") & (pl.col("pd") > CENT))
    denials = codes.filter(pl.col("class") == "denial").join(lines, on="_line").filter(~spared.fill_null(False))
    denials = denials.with_columns(pl.col("weight", "cents").clip(lower_bound=0))
    kind = denials.group_by("_line", "category").agg(total=pl.col("weight").sum(), first=pl.col("place").min())
    order = ["_line", -pl.col("total"), "first", -pl.col("weight"), "place", "group", "carc"]
    largest = denials.join(kind, on=["_line", "category"]).sort(order).unique("_line", keep="first")
    stated = denials.group_by("_line").agg(denied_amount=pl.col("cents").sum())
    return largest.select("_line", "category", "carc").join(stated, on="_line")
