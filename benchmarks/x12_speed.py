"""Claims a second of the readers of 837P and 835, beside pyx12's segment reader in the same run; memory of a stream.

The peer only cuts its files into segments; ours also makes the rows of `lines` and `outcomes`. Files: 10,000 claims
(benchmarks/edi.py). Speed is processor time, best of five, the readers in turn. Memory is the peak of a process of its
own above what it held before it began, the file being made while it is read. Needs pyx12 (requirements-bench.lock),
which nothing else here uses.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, BinaryIO

from benchmarks.edi import LINES, edi
from benchmarks.results import peak, record
from claims.unit import Unit
from claims.x12 import Reader, Transaction
from claims.x12_837 import claims_of

CLAIMS, MANY, REPEATS = 10_000, 1_000_000, 5
MB = 10**6
LEAST = {"837P": 2.5, "835": 3.0}  # times the claims/s of the peer
MOST_MEMORY = 50  # MB above idle
PEER = "pyx12 4.0.0, segments"
MISSING = """This benchmark needs its peer, pyx12 4.0.0. Install it with
  python -m pip install -r requirements-bench.lock
or into a folder apart, with --target FOLDER, and put that folder on PYTHONPATH."""

Reading = Callable[[Transaction, Callable[[str], None]], Iterator[Unit]]


def main() -> None:
    """Measure, print and record; exit 1 when a bound is missed."""
    peer = _peer()
    measures: dict[str, tuple[float, str]] = {}
    missed = []
    for kind, least in LEAST.items():
        content = b"".join(edi(kind, CLAIMS))
        own, other = _alternately(lambda c=content, k=kind: _read(io.BytesIO(c), k), lambda c=content: peer(c.decode()))
        measures[f"{kind}, {CLAIMS:,} claims of {LINES} lines"] = (CLAIMS / own, "claims/s")
        measures[f"{kind}, {PEER}"] = (CLAIMS / other, "claims/s")
        measures[f"{kind}, ours / peer"] = (other / own, "x")
        missed += [f"{kind}: {other / own:.2f} times the peer, at least {least} wanted"] * (other / own < least)
        for count in (CLAIMS, MANY):
            above = _measured(kind, count)
            measures[f"{kind}, memory above idle, {count:,} claims"] = (above, "MB")
            missed += [f"{kind}: {above:.1f} MB at {count:,} claims, at most {MOST_MEMORY} wanted"] * (
                above > MOST_MEMORY
            )
    record("x12_speed", measures)
    if missed:
        sys.exit("\n".join(missed))


def _peer() -> Callable[[str], int]:
    """A function that reads a text with pyx12 and counts its segments."""
    try:
        reader: Any = import_module("pyx12.x12file").X12Reader
    except ImportError:
        sys.exit(MISSING)
    return lambda text: sum(1 for _ in reader(io.StringIO(text)))


def _reading(kind: str) -> Reading:
    if kind == "837P":
        return claims_of
    reading: Reading = import_module("claims.x12_835").remittances_of
    return reading


def _read(stream: BinaryIO, kind: str) -> int:
    """Units of the source, each let go at once."""
    reading, flags = _reading(kind), list[str]()
    count = sum(1 for one in Reader(stream, flags.append).transactions() for _ in reading(one, flags.append))
    assert not flags, sorted(set(flags))
    return count


def _alternately(*works: Callable[[], object]) -> list[float]:
    """Best processor time of each, in seconds."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(REPEATS):
        for work, found in zip(works, times, strict=True):
            started = time.process_time()
            work()
            found.append(time.process_time() - started)
    return [min(found) for found in times]


# Memory


class _Stream(io.RawIOBase):
    """Pieces of bytes as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces, self.rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.rest = self.rest or next(self.pieces, b"")
        size = min(len(buffer), len(self.rest))
        buffer[:size], self.rest = self.rest[:size], self.rest[size:]
        return size


def _measured(kind: str, count: int) -> float:
    command = [sys.executable, "-m", "benchmarks.x12_speed", kind, str(count)]
    return float(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def _memory(kind: str, count: int) -> float:
    """MB, in a process of its own."""
    _reading(kind)
    with open("/proc/self/statm", encoding="ascii") as file:
        idle = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    units = _read(io.BufferedReader(_Stream(edi(kind, count))), kind)
    assert units >= count
    return (peak() - idle) / MB


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(_memory(sys.argv[1], int(sys.argv[2]))))
    else:
        main()
