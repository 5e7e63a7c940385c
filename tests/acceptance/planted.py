"""Identifiers that occur nowhere else, the files of a practice that carry them, and a search for them in whatever a run
wrote: raw bytes (as text, as UTF-16, without dashes), every cell of every parquet file, every row of an SQLite database.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data.synthetic import generate, load_world

CLAIMS = 700  # too few for the checks of the gate that need support: whatever the model, it may serve


@dataclass(frozen=True)
class Planted:
    """One identifier in the forms in which it may be written, and the zones of a run where it may stand."""

    forms: tuple[str, ...]
    zones: frozenset[str] = frozenset()

    @property
    def needles(self) -> list[bytes]:
        told = {form.lower() for form in self.forms}
        return [form.encode(encoding) for form in sorted(told) for encoding in ("utf-8", "utf-16-le")]


def plain_hashes(member: str) -> tuple[str, ...]:
    """What a hash without the site's key would look like: anybody could try all member ids."""
    content = member.encode()
    whole = [hashlib.new(name, content).hexdigest() for name in ("md5", "sha1", "sha256", "blake2b")]
    return (*(digest[:32] for digest in whole), hashlib.blake2b(content, digest_size=16).hexdigest())


MEMBER, OTHER_MEMBER, BORN, CLAIM, LOST_CLAIM = "QXM7731904", "QXM-5520-118", "1907-11-29", "QXC8841", "QXCBAD9"
SENT = frozenset({"answers"})  # the score output and the responses asked for
KEPT = frozenset({"store"})
IDENTIFIERS = {
    "member id": Planted((MEMBER, *plain_hashes(MEMBER))),
    "member id with dashes": Planted((OTHER_MEMBER, OTHER_MEMBER.replace("-", ""), *plain_hashes(OTHER_MEMBER))),
    "date of birth": Planted((BORN, "19071129", "11/29/1907", "29.11.1907", "1907, 11, 29")),
    "name": Planted(("Zebulonia", "Quagmire")),
    "address": Planted(("Hexenbuckel", "QXTOWN")),
    "zip": Planted(("99071-4417", "990714417")),
    "word in a bad cell": Planted(("QXCELL",)),
    "word in a bad body": Planted(("QXBODY",)),
    "claim id": Planted((CLAIM,), KEPT | SENT),
    "claim id of a rejected row": Planted((LOST_CLAIM,), SENT),
    "number of a provider, like a social security number": Planted(("078-05-1120", "078051120"), KEPT),
    "line note": Planted(("QXNOTE",), KEPT),
    "value of a column of the site": Planted(("QXSITE",), KEPT),
    "authorization": Planted(("QXAUTH5512",), KEPT),
    "control number of the payer": Planted(("QXICN7",), KEPT),
    "control number of the line": Planted(("QXLINE3",), KEPT),
}  # fmt: skip
UNKNOWN = {"patient_name": "Quagmire, Zebulonia", "patient_address": "7 Hexenbuckel, QXTOWN", "zip": "99071-4417"}


def write_practice(folder: Path) -> None:
    """lines.csv, outcomes.csv, authorizations.csv of a small practice; planted rows among them, good and bad."""
    made = generate(load_world("small"), CLAIMS)
    _lines(made.lines).write_csv(folder / "lines.csv")
    _outcomes(made.outcomes, made.lines).write_csv(folder / "outcomes.csv")
    _authorizations(made.authorizations, made.lines).write_csv(folder / "authorizations.csv")


def _texts(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.all().cast(pl.String))


def _with(frame: pl.DataFrame, rows: Iterable[dict[str, str]]) -> pl.DataFrame:
    """The frame, unknown columns on every row, and further rows like its first but for what they say."""
    whole = _texts(frame).with_columns(**{name: pl.lit(value) for name, value in UNKNOWN.items()})
    first = whole.row(0, named=True)
    return pl.concat([whole, pl.DataFrame([first | row for row in rows], schema=whole.schema)])


PERSON = {"member_id": MEMBER, "patient_birth_date": BORN}
GOOD_LINE = PERSON | {
    "claim_id": CLAIM, "rendering_npi": "078-05-1120", "line_note": "QXNOTE left knee", "x_clinic": "QXSITE",
    "prior_authorization_number": "QXAUTH5512", "line_item_control_no": "QXLINE3",
}  # fmt: skip
BAD_CELLS = (
    {"claim_line_start_date": f"QXCELL {BORN}"}, {"charge_amount": "QXCELL Zebulonia"}, {"hcpcs_code": "QXCELL Quagmire"},
    {"service_unit_quantity": MEMBER}, {"claim_line_number": "QXCELL"}, {"diagnosis_code_1": "QXCELL 7 Hexenbuckel"},
    {"patient_birth_date": "29.11.1907 QXCELL"}, {"diagnosis_pointers": "QXCELL"},
    {"submitted_date": "QXCELL"}, {"doc_pain_score": "QXCELL"}, {"hcpcs_modifier_1": "QXCELL Zebulonia Quagmire"},
    {"billing_npi": "QXCELL\x07"}, {"in_network_flag": "QXCELL"}, {"place_of_service_code": "QXCELL Zebulonia"},
)  # fmt: skip


def _lines(lines: pl.DataFrame) -> pl.DataFrame:
    patient = lines["member_id"].mode().sort()[0]
    person = pl.when(pl.col("member_id") == patient)
    changed = _texts(lines).with_columns(
        member_id=person.then(pl.lit(OTHER_MEMBER)).otherwise("member_id"),
        patient_birth_date=person.then(pl.lit(BORN)).otherwise("patient_birth_date"),
        x_clinic=pl.lit("north"),
    )
    good = [GOOD_LINE | {"claim_line_number": "1"}]
    good += [GOOD_LINE | {"claim_line_number": "2", "patient_sex": "QXCELL Zebulonia"}]
    bad = [GOOD_LINE | {"claim_id": f"{LOST_CLAIM}{i}"} | cell for i, cell in enumerate(BAD_CELLS)]
    return _with(changed, [*good, *bad])


def _outcomes(outcomes: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    sent = {"claim_id": CLAIM, "payer_id": str(lines["payer_id"][0]), "payer_claim_control_number": "QXICN7"}
    bad = {**sent, "claim_id": LOST_CLAIM}
    rows = [sent, bad | {"known_date": "QXCELL", "paid_date": BORN + " QXCELL"}, bad | {"paid_amount": "QXCELL Zebulonia"},
            bad | {"adjustments": "QXCELL Zebulonia Quagmire"}]  # fmt: skip
    return _with(outcomes, rows).with_columns(member_id=pl.lit(MEMBER))


def _authorizations(grants: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    good = {"prior_authorization_number": "QXAUTH5512", "member_id": MEMBER}
    bad = [good | {"units_authorized": "QXCELL"}, good | {"valid_from": f"QXCELL {BORN}"},
           good | {"hcpcs_codes": "QXCELL Zebulonia Quagmire"}]  # fmt: skip
    return _with(grants, [good, *bad])


UNREADABLE = {  # whole files that are refused; what is told of them must not quote them
    "headerless.csv": f"{CLAIM},1,{BORN},P1,64483,{MEMBER},{MEMBER},Zebulonia\n",
    "quote.csv": f'claim_id,claim_line_number,claim_line_start_date,payer_id,hcpcs_code\n"{LOST_CLAIM},{MEMBER}\n',
    "shifted.csv": f"claim_id,claim_line_number,claim_line_start_date,payer_id,hcpcs_code\n{LOST_CLAIM},{MEMBER}\n",
    "cut.json": f'{{"claims": [{{"claim_id": "{LOST_CLAIM}", "member_id": "{MEMBER}',
    "other.json": f'{{"patients": [{{"name": "Zebulonia", "born": "{BORN}"}}]}}',
    "long.csv": f"claim_id,{MEMBER}{'9' * 200_000}\nA,Zebulonia\n",
}


def written(path: Path) -> Iterator[bytes]:
    """The content of a file: its bytes; besides, of parquet the cells and of SQLite the rows."""
    content = path.read_bytes()
    yield content
    if content.startswith(b"PAR1"):
        for column in pl.read_parquet(path):
            yield "\n".join(map(str, column.unique().to_list())).encode()
    if content.startswith(b"SQLite"):
        with closing(sqlite3.connect(path)) as database:
            yield "\n".join(database.iterdump()).encode()


def found_in(contents: Iterable[bytes], identifiers: dict[str, Planted] = IDENTIFIERS) -> set[str]:
    """Names of the identifiers that the contents hold in any form, upper or lower case."""
    lowered = [content.lower() for content in contents]
    return {name for name, planted in identifiers.items() if any(n in c for n in planted.needles for c in lowered)}
