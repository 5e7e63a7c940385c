"""Claims a second of the readers of 837P and 835, beside pyx12's segment reader in the same run; memory of a stream.

The peer only cuts its files into segments; ours also makes the rows of `lines` and `outcomes`. Files: 10,000 claims of
three lines each, written here. Speed is processor time, best of five, the readers in turn. Memory is the peak of a
process of its own above what it held before it began, the file being made while it is read. Needs pyx12
(requirements-bench.lock), which nothing else here uses.
"""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, BinaryIO

from benchmarks.results import record
from claims.unit import Unit
from claims.x12 import Reader, Transaction
from claims.x12_837 import claims_of

CLAIMS, MANY, LINES, REPEATS = 10_000, 1_000_000, 3, 5
BATCH = 5_000  # claims of a transaction
MIB = 2**20
LEAST = {"837P": 2.5, "835": 3.0}  # times the claims/s of the peer
MOST_MEMORY = 50  # MiB above idle
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
        content = b"".join(_file(kind, CLAIMS))
        own, other = _alternately(lambda c=content, k=kind: _read(io.BytesIO(c), k), lambda c=content: peer(c.decode()))
        measures[f"{kind}, {CLAIMS:,} claims of {LINES} lines"] = (CLAIMS / own, "claims/s")
        measures[f"{kind}, {PEER}"] = (CLAIMS / other, "claims/s")
        measures[f"{kind}, ours / peer"] = (other / own, "x")
        missed += [f"{kind}: {other / own:.2f} times the peer, at least {least} wanted"] * (other / own < least)
        for count in (CLAIMS, MANY):
            peak = _measured(kind, count)
            measures[f"{kind}, memory above idle, {count:,} claims"] = (peak, "MiB")
            missed += [f"{kind}: {peak:.1f} MiB at {count:,} claims, at most {MOST_MEMORY} wanted"] * (
                peak > MOST_MEMORY
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
    """MiB, in a process of its own."""
    _reading(kind)
    with open("/proc/self/statm", encoding="ascii") as file:
        idle = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    units = _read(io.BufferedReader(_Stream(_file(kind, count))), kind)
    assert units >= count
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - idle) / MIB


# The files


def _file(kind: str, count: int) -> Iterator[bytes]:
    """One interchange of transactions of BATCH claims, a claim at a time."""
    guide, group, one = ("005010X222A1", "HC", _claim) if kind == "837P" else ("005010X221A1", "HP", _remittance)
    yield (
        "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260105*0900*^*00501*000000001*0*P*:~\n"
        f"GS*{group}*SENDER*RECEIVER*20260105*0900*1*X*{guide}~\n"
    ).encode()
    for batch in range(0, count, BATCH):
        control = f"{batch // BATCH + 1:04}"
        last = min(batch + BATCH, count)
        head = f"ST*{kind[:3]}*{control}*{guide}~\n{_HEADS[kind](last - batch)}"
        segments = head.count("~") + 1
        yield head.encode()
        for number in range(batch, last):
            text = one(number, number - batch)
            segments += text.count("~")
            yield text.encode()
        yield f"SE*{segments}*{control}~\n".encode()
    yield f"GE*{-(-count // BATCH)}*1~\nIEA*1*000000001~\n".encode()


def _claims_head(count: int) -> str:
    return (
        "BHT*0019*00*1*20260105*0900*CH~\nNM1*41*2*SUBMITTER*****46*SENDER~\nPER*IC*DESK*TE*5550100~\n"
        "NM1*40*2*RECEIVER*****46*RECEIVER~\nHL*1**20*1~\nPRV*BI*PXC*208VP0014X~\nNM1*85*2*PRACTICE*****XX*1000000001~\n"
        "N3*1 ROAD~\nN4*TOWN*KY*400010000~\nREF*EI*990000000~\n"
    )


def _claim(number: int, place: int) -> str:
    lines = "".join(
        f"LX*{line}~\nSV1*HC:6448{line}:RT*{100 + number % 97}.00*UN*1***1:2~\nDTP*472*D8*202512{1 + number % 28:02}~\n"
        f"REF*6R*{number}-{line}~\n"
        for line in range(1, LINES + 1)
    )
    return (
        f"HL*{place + 2}*1*22*0~\nSBR*P*18*******MB~\nNM1*IL*1*SURNAME*GIVEN****MI*M{number:08}~\nN3*2 ROAD~\n"
        f"N4*TOWN*KY*400010000~\nDMG*D8*19{30 + number % 60}0101*F~\nNM1*PR*2*PAYER*****PI*P{number % 9}~\n"
        f"CLM*C{number}*{(100 + number % 97) * LINES}.00***11:B:1*Y*A*Y*Y~\nREF*G1*A{number}~\n"
        f"HI*ABK:M5416*ABF:M47{number % 10}6~\nNM1*82*1*SURNAME*GIVEN****XX*10000000{number % 20:02}~\n"
        f"PRV*PE*PXC*208VP0014X~\n{lines}"
    )


def _remittance_head(count: int) -> str:
    return (
        f"BPR*I*{count * 60 * LINES}.00*C*ACH*CCP*01*999*DA*1*1000000000**01*999*DA*2*20260105~\nTRN*1*T1*1000000000~\n"
        "DTM*405*20260105~\nN1*PR*PAYER~\nN3*1 ROAD~\nN4*TOWN*KY*400010000~\nREF*2U*P1~\nPER*BL*DESK*TE*5550100~\n"
        "N1*PE*PRACTICE*XX*1000000001~\nLX*1~\n"
    )


def _remittance(number: int, place: int) -> str:
    lines = "".join(
        f"SVC*HC:6448{line}:RT*100.00*60.00**1~\nDTM*472*202512{1 + number % 28:02}~\nCAS*CO*45*{20 + number % 7}.00~\n"
        f"CAS*PR*2*{20 - number % 7}.00~\nREF*6R*{number}-{line}~\nAMT*B6*{80 - number % 7}.00~\n"
        for line in range(1, LINES + 1)
    )
    share = (20 - number % 7) * LINES
    return (
        f"CLP*C{number}*1*{100 * LINES}.00*{60 * LINES}.00*{share}.00*MB*I{number}*11*1~\n"
        f"NM1*QC*1*SURNAME*GIVEN****MI*M{number:08}~\nDTM*050*20251230~\n{lines}"
    )


_HEADS: dict[str, Callable[[int], str]] = {"837P": _claims_head, "835": _remittance_head}


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(_memory(sys.argv[1], int(sys.argv[2]))))
    else:
        main()
