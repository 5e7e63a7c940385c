"""docs/x12-samples.md: what becomes of every file of the reference samples (DENIALS_REFERENCE, x12/samples).

Claims of a file are counted apart from the reader: CLM and CLP at the beginning of a segment, by a pattern over the
text. tests/claims/test_x12_samples.py compares the two counts. Run: `python -m benchmarks.x12_samples`.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from claims.archive import Entry
from claims.batch import Batch
from claims.edi import READERS
from claims.errors import UnreadableFileError
from claims.read import read_batches
from claims.settings import Settings
from claims.x12 import Reader, element

PAGE = Path("docs/x12-samples.md")
CLAIMS = {"837P": "CLM", "837I": "CLM", "837D": "CLM", "835": "CLP"}  # kind -> the segment that opens a claim
HEAD = """# The sample files

What becomes of {files} public X12 files that were collected for this project: fixtures of other programs, many of them
damaged on purpose. Made by `python -m benchmarks.x12_samples`; a test holds it to account. No file stops the run.

- *claims* are counted in the text, by a pattern that knows nothing of the reader; claims = accepted + rejected unless a
  note says why not. A claim is accepted when one of its lines is.
- *kinds* are the transaction sets that were found; *flags* are faults that keep nothing out (docs/x12.md).

| file | kinds | version | segments | claims | accepted | rejected | why rejected | flags |
|---|---|---|---:|---:|---:|---:|---|---|
"""


@dataclass(frozen=True)
class Reading:
    """What became of one file. error: why nothing could be read; else "". delivered: claims that the transport gave."""

    kinds: tuple[str, ...]
    versions: tuple[str, ...]
    segments: int
    claims: int
    delivered: int
    accepted: int
    rejected: int
    reasons: dict[str, int]
    flags: dict[str, int]
    error: str = ""


def read(content: bytes, settings: Settings) -> Reading:
    """Read one file through the transport alone, then as ingest does. Raises nothing that a file can cause."""
    claims = counted(content)
    try:
        kinds, versions, segments, delivered = transported(content)
        batches = list(_batches(content, settings))
    except UnreadableFileError as error:
        return Reading((), (), 0, claims, 0, 0, 0, {}, {}, str(error))
    reasons = Counter(reason for batch in batches for reason in batch.rejects["reason"])
    flags = {row["flag"]: row["count"] for batch in batches for row in batch.quality.to_dicts()}
    return Reading(
        kinds,
        versions,
        segments,
        claims,
        delivered,
        sum(batch.claims_accepted for batch in batches),
        sum(batch.claims_rejected for batch in batches),
        dict(reasons),
        flags,
    )


def _batches(content: bytes, settings: Settings) -> Iterator[Batch]:
    return read_batches(Entry("sample", len(content), partial(io.BytesIO, content)), settings)


def transported(content: bytes) -> tuple[tuple[str, ...], tuple[str, ...], int, int]:
    """Kinds, versions, segments, and claims in transactions of a kind that is read, from the transport alone."""
    reader = Reader(io.BytesIO(content), lambda _: None)
    kinds: dict[str, None] = {}
    versions: dict[str, None] = {}
    claims = 0
    for transaction in reader.transactions():
        kinds[transaction.kind] = versions[transaction.version] = None
        opens = CLAIMS.get(transaction.kind) if transaction.kind in READERS else None
        claims += sum(element(segment, 0) == opens for segment in transaction)
    return tuple(kinds), tuple(versions), reader.position, claims


def counted(content: bytes) -> int:
    """CLM and CLP segments in the text, by the element separator of its first ISA."""
    text = content.decode("latin-1").replace("\x00", "")
    found = re.search(r"ISA([^A-Za-z0-9\s])", text)
    separator = re.escape(found[1]) if found else r"\*"
    return len(re.findall(rf"[^A-Za-z0-9{separator}]\s*CL[MP]{separator}", text))


def samples(reference: Path) -> list[Path]:
    """Every sample file, in one order."""
    return sorted(path for path in (reference / "x12" / "samples").rglob("*") if path.is_file())


def page(reference: Path, settings: Settings) -> str:
    """The whole page; files are named by their place under x12/samples."""
    paths = samples(reference)
    rows = [
        _row(str(path.relative_to(reference / "x12" / "samples")), read(path.read_bytes(), settings)) for path in paths
    ]
    return HEAD.format(files=len(paths)) + "\n".join(rows) + "\n"


def _row(name: str, reading: Reading) -> str:
    told = [
        name, ", ".join(reading.kinds), ", ".join(reading.versions), str(reading.segments), str(reading.claims),
        str(reading.accepted), str(reading.rejected), reading.error or _listed(reading.reasons), _listed(reading.flags),
    ]  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in told) + " |"


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(name if count == 1 else f"{name} x {count}" for name, count in sorted(counts.items()))


def main() -> None:
    """Write the page."""
    folder = os.environ.get("DENIALS_REFERENCE")
    if not folder:
        sys.exit("x12_samples: set DENIALS_REFERENCE to the folder of the reference data (it holds x12/samples)")
    with tempfile.TemporaryDirectory() as home:
        PAGE.write_text(page(Path(folder), Settings(home=Path(home))), encoding="utf-8")
    print(f"{PAGE} is written")


if __name__ == "__main__":
    main()
