"""Claims a second of a whole ingest into Delta, of an 837P and of the 835 that answers it, and its memory at two sizes.

The files of benchmarks/x12_speed.py. Each size runs in a process of its own; memory is what that process needs above
its imports (MiB).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.edi import edi
from benchmarks.results import peak, record

SIZES = (10_000, 100_000)


def main(sizes: tuple[int, ...] = SIZES) -> None:
    """Measure, print and record."""
    measures: dict[str, tuple[float, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            sent, paid = Path(folder, f"{size}.837"), Path(folder, f"{size}.835")
            sent.write_bytes(b"".join(edi("837P", size)))
            paid.write_bytes(b"".join(edi("835", size)))
            for path, home in ((sent, "sent"), (sent, "both"), (paid, "both")):
                told = _measured(path, Path(folder, f"{home}{size}"))
                what = f"{path.suffix[1:]}, {size:,} claims"
                measures |= {
                    f"{what}: read into tables": (size / told["read"], "claims/s"),
                    f"{what}: whole ingest": (size / told["ingest"], "claims/s"),
                    f"{what}: memory of the whole ingest": (told["memory"], "MiB"),
                }
    record("ingest_speed", measures)


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

    settings, before, start = load_settings(home), peak() / 2**20, time.perf_counter()
    if what == "read":
        for _ in read_batches(path, settings):
            pass
    else:
        ingest([path], settings)
    return {what: time.perf_counter() - start, "memory": peak() / 2**20 - before}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_run(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main()
