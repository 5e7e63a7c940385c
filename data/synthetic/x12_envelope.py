"""Interchanges as text: envelopes, control numbers and counts, and the dialects that files are written in.

Segments are built with one set of delimiters (* : ^ and ~ after each segment) and turned into a file's own at the end.
Everything that a file needs and no world holds (names, streets, ZIP codes) is a placeholder that occurs nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

SURNAME, GIVEN, STREET, CITY, ZIP = "SYNTHETIC", "PATIENT", "1 PLACEHOLDER STREET", "PLACEHOLDERVILLE", "999987650"
SECOND_SURNAME, SECOND_MEMBER, SECOND_BIRTH = "SYNTHETICOTHER", "PLACEHOLDER778", "19010203"  # of other persons
PRACTICE, TAX_ID = "SYNTHETIC PAIN PRACTICE", "999999999"
RESERVED = r"[*:^~|>!\r\n]"  # delimiters of some dialect: no value may hold them


@dataclass(frozen=True)
class Dialect:
    """How one file is written: its delimiters, what stands after a segment's terminator, a byte order mark or none."""

    element: str = "*"
    repetition: str = "^"
    component: str = ":"
    terminator: str = "~"
    line_end: str = ""
    mark: bool = False

    def written(self, text: str) -> bytes:
        """Text with the delimiters of this module as the bytes of a file."""
        end = self.terminator + self.line_end
        told = text.translate({ord("*"): self.element, ord("^"): self.repetition, ord(":"): self.component})
        return told.replace("~", end).encode("utf-8-sig" if self.mark else "ascii", "replace")


DIALECTS = (
    Dialect(line_end="\n"),
    Dialect(),
    Dialect(component=">", line_end="\r\n"),
    Dialect(element="|", repetition="!", component="^", line_end="\n"),
    Dialect(line_end="\n", mark=True),
    Dialect(terminator="\n"),
)


@dataclass(frozen=True)
class Kind:
    """A kind of transaction: ST01, its version, and the code of its group."""

    code: str
    version: str
    group: str


KINDS = {
    "837P": Kind("837", "005010X222A1", "HC"), "835": Kind("835", "005010X221A1", "HP"),
    "277CA": Kind("277", "005010X214", "HN"), "999": Kind("999", "005010X231A1", "FA"),
}  # fmt: skip


def day8(column: str) -> pl.Expr:
    """A date as CCYYMMDD."""
    return pl.col(column).dt.strftime("%Y%m%d")


def segment(*parts: pl.Expr | str) -> pl.Expr:
    """One text of literals and columns a row; null where one of them is null: that segment is left out."""
    return pl.concat_str([pl.lit(part) if isinstance(part, str) else part for part in parts])


def joined(*segments: pl.Expr) -> pl.Expr:
    """Segments one after the other, without those that are null."""
    return pl.concat_str(segments, ignore_nulls=True)


def interchange(
    kind: Kind, parties: tuple[str, str], day: date, control: int, bodies: Sequence[tuple[str, str]]
) -> str:
    """One ISA..IEA with one group. parties: sender and receiver; bodies: ST02 and the segments of each transaction."""
    stamp = f"{day:%Y%m%d}"
    sender, receiver = (f"{party[:15]:<15}" for party in parties)
    return "".join([
        f"ISA*00*{'':10}*00*{'':10}*ZZ*{sender}*ZZ*{receiver}*{stamp[2:]}*0600*^*00501*{control:09}*0*P*:~",
        f"GS*{kind.group}*{parties[0]}*{parties[1]}*{stamp}*0600*{control}*X*{kind.version}~",
        *(_transaction(kind, name, body) for name, body in bodies),
        f"GE*{len(bodies)}*{control}~IEA*1*{control:09}~",
    ])  # fmt: skip


def _transaction(kind: Kind, control: str, body: str) -> str:
    return f"ST*{kind.code}*{control}*{kind.version}~{body}SE*{body.count('~') + 2}*{control}~"
