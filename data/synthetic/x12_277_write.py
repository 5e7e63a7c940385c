"""What no payer ever decided on: rejected claims as 277CA (005010X214), refused batches as 999 (005010X231A1)."""

from __future__ import annotations

from typing import Any

import polars as pl

from data.synthetic.x12_837_write import PUBLIC, SENDER
from data.synthetic.x12_envelope import GIVEN, KINDS, PRACTICE, RESERVED, SURNAME, interchange

REASONS = ("A3:21:85", "A7:164:IL", "A8:562:85", "A6:116:PR")  # category, status and entity; by turns


def rejections_file(refused: pl.DataFrame, control: int) -> str:
    """One 277CA interchange: a transaction a claim. refused: one row a claim with payer_id, payer_name, billing_npi,
    member_id, claim_id, submitted_date, claim_line_start_date and charge (decimal); known on the day of submission.
    """
    rows = refused.with_columns(pl.col("payer_name").str.replace_all(RESERVED, " ")).iter_rows(named=True)
    bodies = [(f"{n:04}", _rejection(n, row)) for n, row in enumerate(rows, 1)]
    day = refused.get_column("submitted_date").to_list()[-1]
    return interchange(KINDS["277CA"], (PUBLIC, SENDER), day, control, bodies)


def _rejection(number: int, row: dict[str, Any]) -> str:
    day, served = f"{row['submitted_date']:%Y%m%d}", f"{row['claim_line_start_date']:%Y%m%d}"
    charge, reason = row["charge"], REASONS[number % len(REASONS)]
    return (
        f"BHT*0085*08*{day}{number:04}*{day}*0700*TH~"
        f"HL*1**20*1~NM1*PR*2*{row['payer_name']}*****PI*{row['payer_id']}~TRN*1*SYNJ{number:07}~"
        f"DTP*050*D8*{day}~DTP*009*D8*{day}~"
        f"HL*2*1*21*1~NM1*41*2*{PRACTICE}*****46*{SENDER}~TRN*2*{day}{number:04}~STC*A1:19:PR*{day}*WQ*{charge}~"
        f"HL*3*2*19*1~NM1*85*2*{PRACTICE}*****XX*{row['billing_npi']}~TRN*1*0~STC*A1:19:PR**WQ*{charge}~"
        f"HL*4*3*PT~NM1*QC*1*{SURNAME}*{GIVEN}****MI*{row['member_id']}~TRN*2*{row['claim_id']}~"
        f"STC*{reason}*{day}*U*{charge}~DTP*472*D8*{served}~"
    )


def refused_file(batches: pl.DataFrame, control: int) -> str:
    """999 interchanges, one a refused transaction: its day is that of its group. batches: rows with submitted_date,
    house, control (the ST02), group (its GS06) and sets (the transactions of its group).
    """
    return "".join(
        interchange(KINDS["999"], (row["house"], SENDER), row["submitted_date"], control + n, [("0001", _refusal(row))])
        for n, row in enumerate(batches.iter_rows(named=True))
    )


def _refusal(row: dict[str, Any]) -> str:
    version, sets = KINDS["837P"].version, row["sets"]
    kind = "P" if sets > 1 else "R"
    return (
        f"AK1*HC*{row['group']}*{version}~AK2*837*{row['control']}*{version}~IK3*PRV*12*2310*8~IK4*3**7*PLACEHOLDER778~"
        f"IK5*R*5~AK9*{kind}*{sets}*{sets}*{sets - 1}~"
    )
