"""A practice's folder of X12: 837P by month and clearinghouse, 835 by payer and quarter, a 277CA and a 999.

No two files in a row are written in the same dialect; the interchanges of one 835 file follow each other, a month each.
Authorizations have no file that practices keep: authorizations.csv stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import polars as pl

from data.synthetic import x12_277_write as front_end
from data.synthetic import x12_835_write as remittances
from data.synthetic import x12_837_write as claims
from data.synthetic.x12_envelope import DIALECTS


def write_x12(folder: Path, lines: pl.DataFrame, told: pl.DataFrame) -> None:
    """The files of a practice. lines: the frame and `refused` (277CA, 999 or null); told: outcomes with the columns of
    their lines.
    """
    for name in ("837", "835", "277"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    dialects = count()
    sent = claims.prepared(lines.with_columns(part=(pl.col("refused") == "999").fill_null(False)), primary(told))
    groups = []
    for number, (name, file) in enumerate(_by_month(sent), 1):
        text = claims.file_of(file, number)
        _write(folder / "837" / f"{name}.837", text, next(dialects))
        groups.append(file.with_columns(group=pl.lit(number), sets=pl.col("control").n_unique()))
    for number, (name, text) in enumerate(_remitted(told), 1):
        _write(folder / "835" / f"{name}.835", text, next(dialects) + number // 6)
    _write_refused(folder / "277", lines, groups)


def claim_file(path: Path, lines: pl.DataFrame, told: pl.DataFrame) -> None:
    """All these lines as one 837P file, an interchange a clearinghouse and month. told: of `write_x12`."""
    sent = claims.prepared(lines.with_columns(part=0), primary(told))
    _write(path, "".join(claims.file_of(file, number) for number, (_, file) in enumerate(_by_month(sent), 1)), 0)


def primary(told: pl.DataFrame) -> pl.DataFrame:
    """What the primary payer first told of each line, as `prepared` wants it for secondary claims."""
    first = told.filter(pl.col("claim_status_code").is_in(["1", "19"]), pl.col("payer_responsibility_code") == "P")
    first = first.unique(["claim_id", "claim_line_number"], keep="first", maintain_order=True)
    return first.hstack(remittances.adjusted(first["adjustments"]).select("cas")).select(
        "claim_id", "claim_line_number", "paid_date", "paid_amount", "cas", payer="payer_id", other_name="payer_name",
        number="payer_claim_control_number",
    )  # fmt: skip


def _by_month(sent: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    month = pl.col("submitted_date").dt.strftime("%Y-%m")
    parts = sent.with_columns(month=month).partition_by("house", "month", as_dict=True, maintain_order=True)
    for (house, name), file in parts.items():
        yield f"{name}-{str(house).lower()}", file.drop("month")


def _remitted(told: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """Name and text of each 835 file."""
    paid = remittances.payments(told)
    texts = pl.DataFrame(list(remittances.transactions(paid)), schema=["day", "text"], orient="row")
    files = paid.select("payer_id").hstack(texts)
    quarter = pl.format("{}q{}", pl.col("day").dt.year(), pl.col("day").dt.quarter())
    files = files.with_columns(quarter=quarter, month=pl.col("day").dt.truncate("1mo"))
    files = files.sort("payer_id", "month", maintain_order=True)
    numbers = count(1)
    for (payer, name), file in files.partition_by("payer_id", "quarter", as_dict=True, maintain_order=True).items():
        months = file.partition_by("month", maintain_order=True)
        sets = (list(zip(part["day"], part["text"], strict=True)) for part in months)
        yield f"{payer}-{name}".lower(), "".join(remittances.file_of(part, str(payer), next(numbers)) for part in sets)


def _write_refused(folder: Path, lines: pl.DataFrame, groups: list[pl.DataFrame]) -> None:
    refused = lines.filter(pl.col("refused") == "277CA")
    if refused.height:
        charge = pl.col("charge_amount").cast(pl.Decimal(12, 2)).sum()
        whole = refused.group_by(claims.CLAIM, maintain_order=True).agg(
            pl.exclude(*claims.CLAIM, "charge_amount").first(), charge=charge
        )  # fmt: skip
        _write(folder / "rejections.277", front_end.rejections_file(whole, 1), 0)
    batches = pl.concat(groups).filter(pl.col("part")).unique(["group", "control"], maintain_order=True)
    if batches.height:
        _write(folder / "acknowledgements.999", front_end.refused_file(batches, 2), 1)


def _write(path: Path, text: str, dialect: int) -> None:
    path.write_bytes(DIALECTS[dialect % len(DIALECTS)].written(text))
