"""Claims a second of a whole ingest into Delta, of an 837P and of the 835 that answers it, and its memory at two sizes.

Files like those of the parsers' peer test: claims of three lines, 5,000 claims in a transaction set, remittances of
1,000. Each size runs in a process of its own; memory is what that process needs above its imports (VmHWM, MiB).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from benchmarks.results import record

SIZES = (10_000, 100_000)
ISA = "ISA*00*          *00*          *ZZ*BENCH          *ZZ*PAYER          *261101*1200*^*00501*{0:09d}*0*P*:~\n"
OPEN = "GS*{0}*BENCH*PAYER*20261101*1200*1*X*{1}~\nST*{2}*0001*{1}~\n"
CLOSE = "SE*{0}*0001~\nGE*1*1~\nIEA*1*{1:09d}~\n"
CODES = ("64483", "64484", "99214", "20553", "62323")


def main(sizes: tuple[int, ...] = SIZES) -> None:
    """Measure, print and record."""
    measures: dict[str, tuple[float, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            sent, paid = Path(folder, f"{size}.837"), Path(folder, f"{size}.835")
            sent.write_text("".join(claims(size)), encoding="ascii")
            paid.write_text("".join(remittances(size)), encoding="ascii")
            for path, home in ((sent, "sent"), (sent, "both"), (paid, "both")):
                told = _measured(path, Path(folder, f"{home}{size}"))
                what = f"{path.suffix[1:]}, {size:,} claims"
                measures |= {
                    f"{what}: read into tables": (size / told["read"], "claims/s"),
                    f"{what}: whole ingest": (size / told["ingest"], "claims/s"),
                    f"{what}: memory of the whole ingest": (told["memory"], "MiB"),
                }
    record("ingest_speed", measures)


def claims(count: int) -> Iterator[str]:
    """An 837P as text."""
    for start in range(0, count, 5_000):
        block = range(start, min(start + 5_000, count))
        yield ISA.format(start) + OPEN.format("HC", "005010X222A1", "837")
        yield f"BHT*0019*00*{start}*20261101*1200*CH~\nNM1*41*2*BENCH*****46*1~\nNM1*40*2*PAYER*****46*2~\n"
        yield "HL*1**20*1~\nNM1*85*2*BENCH*****XX*1234567893~\nN3*1 STREET~\nN4*TOWN*KY*40000~\nREF*EI*123456789~\n"
        segments = 9
        for number in block:
            text = _claim(number)
            segments += text.count("~")
            yield text
        yield CLOSE.format(segments + 1, start)


def _claim(number: int) -> str:
    day = f"{date(2026, 1, 5) + timedelta(days=number % 280):%Y%m%d}"
    head = (
        f"HL*{number + 2}*1*22*0~\nSBR*P*18*G{number % 50}******CI~\nNM1*IL*1*DOE*PAT****MI*M{number % 30_000:06d}~\n"
        f"N3*1 STREET~\nN4*TOWN*KY*40000~\nDMG*D8*19{50 + number % 40}0317*F~\n"
        f"NM1*PR*2*PAYER*****PI*P{number % 20:03d}~\nCLM*A{number:08d}*450***11:B:1*Y*A*Y*Y~\n"
        f"HI*ABK:M5416*ABF:M5136~\nNM1*82*1*DOE*DOC****XX*{1_700_000_000 + number % 9}~\n"
    )
    return head + "".join(
        f"LX*{line}~\nSV1*HC:{CODES[(number + line) % 5]}:RT*150*UN*1***1:2~\nDTP*472*D8*{day}~\n"
        f"REF*6R*{number}-{line}~\n"
        for line in (1, 2, 3)
    )


def remittances(count: int) -> Iterator[str]:
    """The 835 of those claims as text."""
    for start in range(0, count, 1_000):
        yield ISA.format(start) + OPEN.format("HP", "005010X221A1", "835")
        yield f"BPR*I*100000*C*ACH************20261201~\nTRN*1*{start}*1999999999~\nDTM*405*20261201~\n"
        yield "N1*PR*PAYER~\nREF*2U*P001~\nN1*PE*BENCH*XX*1234567893~\nLX*1~\n"
        segments = 8
        for number in range(start, min(start + 1_000, count)):
            text = _remittance(number)
            segments += text.count("~")
            yield text
        yield CLOSE.format(segments + 1, start)


def _remittance(number: int) -> str:
    day = f"{date(2026, 1, 5) + timedelta(days=number % 280):%Y%m%d}"
    return f"CLP*A{number:08d}*1*450*300*0*CI*ICN{number:09d}~\nNM1*QC*1*DOE*PAT~\n" + "".join(
        f"SVC*HC:{CODES[(number + line) % 5]}:RT*150*100**1~\nDTM*472*{day}~\nCAS*CO*45*50~\nREF*6R*{number}-{line}~\n"
        "AMT*B6*100~\n"
        for line in (1, 2, 3)
    )


def _measured(path: Path, home: Path) -> dict[str, float]:
    """Seconds of reading and of the whole ingest, and memory of the latter, in processes of their own."""
    told: dict[str, float] = {}
    for what in ("read", "ingest"):
        command = [sys.executable, "-m", "benchmarks.ingest_speed", what, str(path), str(home)]
        told |= json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told


def _run(what: str, path: Path, home: Path) -> dict[str, float]:
    from claims.ingest import ingest
    from claims.read import read_batches
    from claims.settings import load_settings

    settings, before, start = load_settings(home), _peak(), time.perf_counter()
    if what == "read":
        for _ in read_batches(path, settings):
            pass
    else:
        ingest([path], settings)
    return {what: time.perf_counter() - start, "memory": _peak() - before}


def _peak() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_run(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main()
