"""X12 made for tests: segments written one a line, in an envelope of their own."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator

from claims.unit import Flag, Unit
from claims.x12 import Reader, Transaction

GUIDES = {
    "835": ("HP", "005010X221A1"), "277": ("HN", "005010X214"), "999": ("FA", "005010X231A1"), "278": ("HI", "005010X217"),
}  # fmt: skip


def interchange(kind: str, body: str, version: str = "", closed: bool = True) -> bytes:
    """One transaction of the segments of `body` (lines); not closed: the file ends after them."""
    group, guide = GUIDES[kind]
    segments = [line.strip() for line in body.strip().splitlines() if line.strip()]
    told = [
        "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260301*1200*^*00501*000000001*0*P*:",
        f"GS*{group}*SENDER*RECEIVER*20260301*1200*1*X*{version or guide}",
        f"ST*{kind}*0001*{version or guide}", *segments,
    ]  # fmt: skip
    if closed:
        told += [f"SE*{len(segments) + 2}*0001", "GE*1*1", "IEA*1*000000001"]
    return "~\n".join([*told, ""]).encode()


def units_of(read: Callable[[Transaction, Flag], Iterator[Unit]], content: bytes) -> tuple[list[Unit], dict[str, int]]:
    """What a reader of transactions makes of every transaction, and the flags with their counts."""
    flags: Counter[str] = Counter()
    transactions = Reader(io.BytesIO(content), lambda name: flags.update([name])).transactions()
    return [unit for told in transactions for unit in read(told, lambda name: flags.update([name]))], dict(flags)


def told(unit: Unit, *names: str) -> list[tuple[str, ...]]:
    """Some cells of every row, in the order in which the rows stand."""
    rows = sorted(zip(unit.at, unit.rows, strict=True), key=lambda pair: pair[0])
    return [tuple(row[name] for name in names) for _, row in rows]
