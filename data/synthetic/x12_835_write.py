"""Remittances as 835 text, 005010X221A1: one transaction a payer, payee, payment day and production day.

Payers differ, by the number in their id: some return the line's control number (REF*6R) and some do not, some state
what they allowed only where it does not follow, some name themselves by REF*2U, some adjudicate another code (SVC06),
some give the remark of a whole claim in MOA. A payment below zero is carried forward (PLB FB) and recovered (PLB WO).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from claims.table import MODIFIERS
from data.synthetic.x12_envelope import (
    CITY,
    GIVEN,
    KINDS,
    PRACTICE,
    RESERVED,
    STREET,
    SURNAME,
    TAX_ID,
    ZIP,
    day8,
    interchange,
    joined,
    segment,
)  # fmt: skip

PAYMENT = ("payer_id", "billing_npi", "known_date", "paid_date")  # in the order of their production
EVENT = (*PAYMENT, "claim_id", "payer_claim_control_number", "claim_status_code")
PATIENTS_SHARE = ("PR-1", "PR-2", "PR-3", "PR-66", "PR-122", "PR-247", "PR-248")
RECODED = {"99214": "99213", "99204": "99203", "G0480": "80307"}
RECEIVER = "SYNPRACTICE"
ADDRESS = f"N3*{STREET}~N4*{CITY}*ZZ*{ZIP}~"


def adjusted(adjustments: pl.Series) -> pl.DataFrame:
    """cas (segments, in the order of the text), owed (cents of group PR) and share (cents that derive what is allowed),
    from texts such as CO-45:120.00;PR-2:12.00; null is none.
    """
    frame = pl.DataFrame({"text": adjustments.fill_null("")})
    distinct = frame.unique()
    read = [_adjusted(text) for text in distinct["text"].to_list()]
    known = distinct.hstack(pl.DataFrame(read, schema=["cas", "owed", "share"], orient="row"))
    return frame.join(known, on="text", how="left", maintain_order="left").drop("text")


def _adjusted(text: str) -> tuple[str, int, int]:
    cas, group, owed, share = "", "", 0, 0
    for token in text.split(";") if text else ():
        code, amount = token.split(":")
        cents = round(float(amount) * 100)
        owed += cents if code.startswith("PR") else 0
        share += cents if code in PATIENTS_SHARE else 0
        cas += f"**{code[3:]}*{amount}" if code[:2] == group else f"{cas and '~'}CAS*{code[:2]}*{code[3:]}*{amount}"
        group = code[:2]
    return (f"{cas}~" if cas else ""), owed, share


def payments(told: pl.DataFrame) -> pl.DataFrame:
    """One row a transaction: PAYMENT, payer_name, payer_number, paid (cents, sum of CLP04), taken (what reversals took
    back: control number and cents), text (its CLP loops). told: outcomes with the columns of their lines.
    """
    number = pl.col("payer_id").str.extract(r"(\d+)$").cast(pl.Int64, strict=False).fill_null(1)
    rows = told.hstack(adjusted(told["adjustments"])).with_columns(
        payer_number=number,
        reversal=pl.col("claim_status_code") == "22",
        paid=_cents("paid_amount"),
        allowed=_cents("allowed_amount"),
        charge=_cents("charge_amount"),
        payer_name=pl.col("payer_name").str.replace_all(RESERVED, " "),
    )
    sign = pl.when("reversal").then(-1).otherwise(1)
    rows = rows.with_columns(charge=pl.col("charge") * sign)
    rows = rows.sort(*PAYMENT, "claim_id", "payer_claim_control_number", ~pl.col("reversal"), "claim_line_number")
    whole = pl.col("remark_codes").n_unique().over(EVENT) == 1
    at_claim = whole & (pl.col("payer_number") % 4 == 0) & pl.col("remark_codes").is_not_null()
    rows = rows.with_columns(
        moa=pl.when(at_claim).then("remark_codes"), remark_codes=pl.when(~at_claim).then("remark_codes")
    )
    summed = pl.col("charge", "paid", "owed").sum()
    rest = pl.exclude(*EVENT, "charge", "paid", "owed", "text").first()
    events = rows.with_columns(text=_line()).group_by(EVENT, maintain_order=True).agg(
        rest, summed, pl.col("text").str.join("")
    )  # fmt: skip
    taken = pl.struct(number="payer_claim_control_number", cents=-pl.col("paid")).filter(pl.col("paid") < 0)
    events = events.with_columns(text=joined(_claim(), pl.col("text")))
    return events.group_by(PAYMENT, maintain_order=True).agg(
        pl.col("payer_name", "payer_number").first(), pl.col("paid").sum(), pl.col("text").str.join(""), taken=taken
    )


def _cents(name: str) -> pl.Expr:
    return (pl.col(name).cast(pl.Float64) * 100).round().cast(pl.Int64)


def _money(cents: pl.Expr) -> pl.Expr:
    return (cents / 100).round(2).cast(pl.Decimal(12, 2)).cast(pl.String)


def _listed(name: str, before: str, between: str) -> pl.Expr:
    """Codes joined by ';' as elements or segments; null where there are none."""
    return segment(before, pl.col(name).str.replace_all(";", between, literal=True), "~")


def _line() -> pl.Expr:
    """Loop 2110."""
    pair = joined(pl.col("hcpcs_code"), *(segment(":", pl.col(name)) for name in MODIFIERS))
    number, unit = pl.col("payer_number"), pl.col("service_unit_quantity")
    other = pl.col("hcpcs_code").replace_strict(RECODED, default=None, return_dtype=pl.String)
    recoded = other.is_not_null() & (number % 3 == 1)
    follows = pl.col("allowed") == pl.col("paid") + pl.col("share")
    return joined(
        segment("SVC*HC:", pl.when(recoded).then(other).otherwise(pair), "*", _money(pl.col("charge")), "*",
                pl.col("paid_amount"), "**", unit),
        pl.when(recoded).then(segment("*HC:", pair, "*", unit)),
        segment("~DTM*472*", day8("claim_line_start_date"), "~"),
        pl.col("cas"),
        pl.when(number % 3 != 0).then(segment("REF*6R*", pl.col("line_item_control_no"), "~")),
        pl.when(~(follows & (number % 2 == 0))).then(segment("AMT*B6*", pl.col("allowed_amount"), "~")),
        _listed("remark_codes", "LQ*HE*", "~LQ*HE*"),
    )  # fmt: skip


def _claim() -> pl.Expr:
    """Loop 2100."""
    owed = pl.when(~pl.col("reversal") & (pl.col("owed") != 0)).then(_money(pl.col("owed"))).otherwise(pl.lit(""))
    return joined(
        segment("CLP*", pl.col("claim_id"), "*", pl.col("claim_status_code"), "*", _money(pl.col("charge")), "*",
                _money(pl.col("paid")), "*", owed, "*", pl.col("claim_filing_indicator_code").fill_null("ZZ"), "*",
                pl.col("payer_claim_control_number"), "*", pl.col("place_of_service_code").fill_null(""), "*",
                pl.col("claim_frequency_code").fill_null("1"), "~"),
        segment(f"NM1*QC*1*{SURNAME}*{GIVEN}****MI*", pl.col("member_id"), "~"),
        segment(f"NM1*82*1*{SURNAME}*{GIVEN}****XX*", pl.col("rendering_npi"), "~"),
        _listed("moa", "MOA***", "*"),
        segment("DTM*232*", day8("claim_line_start_date"), "~"),
        segment("DTM*050*", day8("submitted_date"), "~"),
    )  # fmt: skip


@dataclass
class Ledger:
    """What each payee still owes each payer, while payments are written in the order of their days."""

    owed: dict[tuple[str, str], list[tuple[str, int]]] = field(default_factory=dict)
    written: int = 0

    def adjustments(self, payer: str, npi: str, cents: int, taken: list[tuple[str, int]]) -> list[tuple[str, str, int]]:
        """Provider adjustments of the next payment: reason, reference, cents (positive ones reduce the payment)."""
        self.written += 1
        owed = self.owed.setdefault((payer, npi), [])
        if cents < 0:
            owed += _spread(-cents, taken)
            return [("FB", f"SYNT{self.written:07}", cents)]
        due = [("WO", number, amount) for number, amount in owed]
        if due and sum(amount for *_, amount in due) <= cents:
            owed.clear()
            return due
        return [("L6", "", -125)] if self.written % 17 == 5 and cents else []


def _spread(cents: int, taken: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Cents over the claims that were taken back, at most what was taken of each."""
    parts = []
    for number, amount in taken:
        parts.append((number, min(amount, cents)))
        cents -= parts[-1][1]
    return [(number, part) for number, part in parts if part]


def transactions(paid: pl.DataFrame) -> Iterator[tuple[date, str]]:
    """Production day and segments of each transaction (rows of `payments`, in their order)."""
    ledger = Ledger()
    for row in paid.iter_rows(named=True):
        taken = [(one["number"], one["cents"]) for one in row["taken"]]
        adjusted = ledger.adjustments(row["payer_id"], row["billing_npi"], row["paid"], taken)
        total = row["paid"] - sum(cents for *_, cents in adjusted)
        yield row["known_date"], "".join([_header(row, total, ledger.written), row["text"], _provider(row, adjusted)])


def _header(row: dict[str, Any], total: int, number: int) -> str:
    day = f"{row['paid_date']:%Y%m%d}"
    way = f"BPR*I*{total / 100:.2f}*C*ACH*CCP*01*999999992*DA*{ZIP}1*1{TAX_ID}**01*999999992*DA*{ZIP}2*{day}~"
    way = way if total else f"BPR*H*0*C*NON{'*' * 12}{day}~"
    own = (f"~{ADDRESS}REF*2U*{row['payer_id']}" if row["payer_number"] % 5 == 0 else
           f"*XV*{row['payer_id']}~{ADDRESS}REF*2U*{row['payer_id']}")  # fmt: skip
    return (
        f"{way}TRN*1*SYNT{number:07}*1{TAX_ID}~DTM*405*{row['known_date']:%Y%m%d}~N1*PR*{row['payer_name']}{own}~"
        f"PER*BL*{GIVEN} {SURNAME}*TE*5550100199~N1*PE*{PRACTICE}*XX*{row['billing_npi']}~REF*TJ*{TAX_ID}~LX*1~"
    )


def _provider(row: dict[str, Any], adjusted: list[tuple[str, str, int]]) -> str:
    """PLB segments of six adjustments each."""
    told = [f"*{reason}{reference and ':'}{reference}*{cents / 100:.2f}" for reason, reference, cents in adjusted]
    start = f"PLB*{row['billing_npi']}*{row['known_date'].year}1231"
    return "".join(f"{start}{''.join(told[at : at + 6])}~" for at in range(0, len(told), 6))


def file_of(transactions: list[tuple[date, str]], payer: str, control: int) -> str:
    """One interchange of transactions of one payer."""
    bodies = [(f"{number:04}", text) for number, (_, text) in enumerate(transactions, 1)]
    return interchange(KINDS["835"], (payer, RECEIVER), max(day for day, _ in transactions), control, bodies)
