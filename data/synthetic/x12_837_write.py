"""Claims as 837P text, 005010X222A1: one transaction a day of submission and clearinghouse.

Some patients are dependents (loop 2000C) of a subscriber whose birth and sex are other ones; authorizations stand at
the claim for one clearinghouse and at the lines for the other; secondary claims tell what the primary payer did (2320,
2330, 2430). LX01 is the line's number in the world: a Part B resubmission of the second line alone begins with LX*2.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from claims.table import DIAGNOSES, MODIFIERS
from data.synthetic.x12_envelope import (
    CITY,
    GIVEN,
    KINDS,
    PRACTICE,
    RESERVED,
    SECOND_BIRTH,
    SECOND_MEMBER,
    SECOND_SURNAME,
    STREET,
    SURNAME,
    TAX_ID,
    ZIP,
    day8,
    interchange,
    joined,
    segment,
)  # fmt: skip

CLAIM = (
    "payer_id", "claim_id", "submitted_date", "claim_frequency_code", "payer_responsibility_code", "billing_npi",
)  # fmt: skip
SUBSCRIBER = ("payer_id", "payer_responsibility_code", "plan_id", "member_id", "patient_birth_date")
PUBLIC, OTHER = "SYNPUBLIC", "SYNHOUSE"  # clearinghouses: of public payers, of all others
SENDER = "SYNPRACTICE"
ADDRESS = f"N3*{STREET}~N4*{CITY}*"


def prepared(lines: pl.DataFrame, paid: pl.DataFrame) -> pl.DataFrame:
    """One row a claim, in the order of its files: CLAIM, house, charge, control (ST02) and text, its segments.

    lines: the columns of the frame, and `part` (0 or more: transactions of one day apart). paid: what a primary payer
    told of a line (claim_id, claim_line_number, payer, other_name, number, paid_date, paid_amount, cas).
    """
    public = pl.col("claim_filing_indicator_code").is_in(["MB", "MC", "16", "HM"])
    rows = lines.join(paid, on=["claim_id", "claim_line_number"], how="left", maintain_order="left").with_columns(
        house=pl.when(public).then(pl.lit(PUBLIC)).otherwise(pl.lit(OTHER)),
        secondary=(pl.col("payer_responsibility_code") != "P") & pl.col("payer").is_not_null(),
        pair=joined(pl.col("hcpcs_code"), *(segment(":", pl.col(name)) for name in MODIFIERS)),
        charge=pl.col("charge_amount").cast(pl.Decimal(12, 2)),
        told=pl.col("paid_amount").cast(pl.Decimal(12, 2)),
        **{n: pl.col(n).str.replace_all(RESERVED, " ") for n in ("payer_name", "other_name", "line_note")},
    )
    rows = rows.with_columns(text=_line())
    summed = pl.col("charge", "told").sum()
    first = pl.exclude(*CLAIM, "text", "charge", "told").first()
    claims = rows.group_by(CLAIM, maintain_order=True).agg(first, summed, pl.col("text").str.join(""))
    claims = _numbered(claims.sort("house", "submitted_date", "part", "billing_npi", "service_state", "member_id"))
    return claims.select(
        *CLAIM, "house", "part", "charge", "control", text=joined(*_parties(), _claim(), pl.col("text"))
    )


def _line() -> pl.Expr:
    """Loops 2400, 2410 and 2430."""
    unit, charge = (pl.col(n).cast(pl.String).fill_null("") for n in ("service_unit_quantity", "charge_amount"))
    start, end = day8("claim_line_start_date"), day8("claim_line_end_date")
    one_day = pl.col("claim_line_end_date").fill_null(pl.col("claim_line_start_date")) == pl.col(
        "claim_line_start_date"
    )
    prior, referral = (
        pl.when(pl.col("house") == OTHER).then(pl.col(name))
        for name in ("prior_authorization_number", "referral_number")
    )
    pointers = pl.col("diagnosis_pointers").str.replace_all(",", ":").fill_null("")
    secondary = pl.when("secondary")
    return joined(
        segment("LX*", pl.col("claim_line_number"), "~SV1*HC:", pl.col("pair"), "*", charge, "*UN*", unit),
        segment("***", pointers, "~DTP*472*"),
        pl.when(one_day).then(segment("D8*", start, "~")).otherwise(segment("RD8*", start, "-", end, "~")),
        segment("REF*G1*", prior, "~"),
        secondary.then(pl.lit(f"REF*G1*{SECOND_MEMBER}**2U:") + pl.col("payer") + "~"),
        segment("REF*9F*", referral, "~"),
        segment("REF*6R*", pl.col("line_item_control_no"), "~"),
        segment("NTE*ADD*", pl.col("line_note"), "~"),
        segment("LIN**N4*", pl.col("ndc_code"), "~CTP****", unit, "*ML~"),
        secondary.then(segment("SVD*", pl.col("payer"), "*", pl.col("paid_amount"), "*HC:", pl.col("pair"), "**", unit,
                               "~", pl.col("cas"), "DTP*573*D8*", day8("paid_date"), "~")),
    )  # fmt: skip


def _numbered(claims: pl.DataFrame) -> pl.DataFrame:
    """With transactions, and with the hierarchy of each: biller_hl and subscriber_hl, null where one goes on."""
    batch = claims.select(pl.struct("house", "submitted_date", "part").rle_id().alias("batch"))
    filing, patient = pl.col("claim_filing_indicator_code"), pl.col("member_id").str.slice(-3, 1)
    goes_on = [pl.col(n).eq_missing(pl.col(n).shift()) for n in ("batch", "billing_npi", "service_state")]
    same = [pl.col(n).eq_missing(pl.col(n).shift()) for n in SUBSCRIBER]
    claims = claims.hstack(batch).with_columns(
        control=(pl.col("batch") - pl.col("batch").min().over("house", pl.col("submitted_date").dt.truncate("1mo")) + 1)
        .cast(pl.String).str.zfill(4),
        dependent=filing.is_in(["CI", "BL", "HM"]) & patient.is_in(["3", "7"]),
        new_biller=~pl.all_horizontal(goes_on).fill_null(False),
        new_subscriber=~pl.all_horizontal(*goes_on, *same).fill_null(False),
    )  # fmt: skip
    levels = pl.col("new_biller").cast(pl.Int32) + pl.col("new_subscriber") * (1 + pl.col("dependent").cast(pl.Int32))
    claims = claims.with_columns(last=levels.cum_sum().over("batch"))
    patient_hl = pl.when("new_subscriber", "dependent").then(pl.col("last"))
    subscriber_hl = pl.when("new_subscriber").then(pl.col("last") - pl.col("dependent").cast(pl.Int32))
    claims = claims.with_columns(patient_hl=patient_hl, subscriber_hl=subscriber_hl)
    biller = pl.when("new_biller").then(pl.col("subscriber_hl") - 1)
    return claims.with_columns(biller_hl=biller, parent=biller.forward_fill())


def _parties() -> list[pl.Expr]:
    """Loops 2000A to 2010CA, where they do not go on from the claim before."""
    state = pl.col("service_state").fill_null("")
    sex, payer = pl.col("patient_sex").fill_null("U"), pl.col("payer_name").fill_null("")
    person = segment(ADDRESS, state, f"*{ZIP}~DMG*D8*", day8("patient_birth_date"), "*", sex, "~")
    dependent, opens = pl.col("dependent"), pl.col("subscriber_hl").is_not_null()
    child, relation = (pl.when(dependent).then(pl.lit(a)).otherwise(pl.lit(b)) for a, b in (("1", "0"), ("", "18")))
    surname = pl.when(dependent).then(pl.lit(SECOND_SURNAME)).otherwise(pl.lit(SURNAME))
    other = pl.lit(f"{ADDRESS}ZZ*{ZIP}~DMG*D8*{SECOND_BIRTH}*U~")
    return [
        segment("HL*", pl.col("biller_hl"), f"**20*1~PRV*BI*PXC*174400000X~NM1*85*2*{PRACTICE}*****XX*",
                pl.col("billing_npi"), f"~{ADDRESS}", state, f"*{ZIP}~REF*EI*{TAX_ID}~"),
        segment("HL*", pl.col("subscriber_hl"), "*", pl.col("parent"), "*22*", child, "~SBR*",
                pl.col("payer_responsibility_code"), "*", relation, "*", pl.col("plan_id").fill_null(""), "******",
                pl.col("claim_filing_indicator_code").fill_null(""), "~NM1*IL*1*", surname, f"*{GIVEN}****MI*",
                pl.col("member_id"), "~"),
        pl.when(opens).then(pl.when(dependent).then(other).otherwise(person)),
        pl.when(opens).then(segment("NM1*PR*2*", payer, "*****PI*", pl.col("payer_id"), "~")),
        segment("HL*", pl.col("patient_hl"), "*", pl.col("subscriber_hl"), "*23*0~PAT*19~",
                f"NM1*QC*1*{SURNAME}*{GIVEN}~", person),
    ]  # fmt: skip


def _claim() -> pl.Expr:
    """Loops 2300, 2310 and, of secondary claims, 2320 and 2330."""
    nine = pl.col("diagnosis_code_type") == "icd-9-cm"
    principal, other = (pl.when(nine).then(pl.lit(a)).otherwise(pl.lit(b)) for a, b in (("BK", "ABK"), ("BF", "ABF")))
    claim_level = pl.when(pl.col("house") == PUBLIC)
    state = pl.col("service_state").fill_null("")
    return joined(
        segment("CLM*", pl.col("claim_id"), "*", pl.col("charge").cast(pl.String), "***",
                pl.col("place_of_service_code").fill_null(""), ":B:", pl.col("claim_frequency_code").fill_null("1"),
                "*Y*A*Y*Y~"),
        claim_level.then(segment("REF*9F*", pl.col("referral_number"), "~")),
        claim_level.then(segment("REF*G1*", pl.col("prior_authorization_number"), "~")),
        segment("REF*F8*", pl.col("original_reference_number"), "~"),
        segment("HI*", principal, ":", pl.col(DIAGNOSES[0])),
        *(segment("*", other, ":", pl.col(name)) for name in DIAGNOSES[1:]),
        pl.when(pl.col(DIAGNOSES[0]).is_not_null()).then(pl.lit("~")),
        segment(f"NM1*DN*1*{SECOND_SURNAME}*{GIVEN}****XX*", pl.col("referring_npi"), "~"),
        segment(f"NM1*82*1*{SECOND_SURNAME}*{GIVEN}****XX*", pl.col("rendering_npi"), "~"),
        pl.when(pl.col("rendering_npi").is_not_null()).then(segment("PRV*PE*PXC*", pl.col("rendering_taxonomy"), "~")),
        segment(f"NM1*77*2*{PRACTICE}*****XX*", pl.col("facility_npi"), f"~{ADDRESS}", state, f"*{ZIP}~"),
        pl.when("secondary").then(_other_payer()),
    )  # fmt: skip


def _other_payer() -> pl.Expr:
    """The primary payer of a secondary claim, with numbers of its own that are not this claim's."""
    return segment(
        f"SBR*P*18*{SECOND_MEMBER}******MB~AMT*D*", pl.col("told").cast(pl.String),
        f"~OI***Y***Y~NM1*IL*1*{SECOND_SURNAME}*{GIVEN}****MI*{SECOND_MEMBER}~NM1*PR*2*",
        pl.col("other_name").fill_null(""), "*****PI*", pl.col("payer"), "~DTP*573*D8*", day8("paid_date"),
        f"~REF*G1*{SECOND_MEMBER}~REF*F8*", pl.col("number"), "~",
    )  # fmt: skip


def file_of(claims: pl.DataFrame, control: int) -> str:
    """One interchange of claims of one clearinghouse (rows of `prepared`, in their order)."""
    house, last = claims.item(0, "house"), claims.get_column("submitted_date").max()
    assert isinstance(last, date)
    whole = claims.group_by("control", "submitted_date", maintain_order=True).agg(pl.col("text").str.join(""))
    bodies = [(st, _opened(house, st, day) + text) for st, day, text in whole.iter_rows()]
    return interchange(KINDS["837P"], (SENDER, house), last, control, bodies)


def _opened(house: str, control: str, day: date) -> str:
    return (
        f"BHT*0019*00*{day:%Y%m%d}{control}*{day:%Y%m%d}*0600*CH~NM1*41*2*{PRACTICE}*****46*{SENDER}~"
        f"PER*IC*{GIVEN} {SURNAME}*TE*5550100199~NM1*40*2*{house}*****46*{house}~"
    )
