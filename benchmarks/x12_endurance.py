"""Damaged X12 by the thousand (`make endurance`): no exception that a user would not understand, and no silent loss.

Each case cuts off, overwrites, swaps delimiters in or deletes segments from one of the sample files (those of
DENIALS_REFERENCE where it is set, and always some of the synthetic world). Cases are drawn from (SEED, number), so that
one that failed can be run alone: `python -m benchmarks.x12_endurance 1 --from NUMBER`.
"""

from __future__ import annotations

import argparse
import os
import random
import string
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from benchmarks.x12_samples import read, samples
from claims.errors import UsageError
from claims.settings import Settings
from data.synthetic import generate, load_world

SEED = 20261123
CASES = 20_000
PRINTABLE = string.printable[:95].encode()
MARKS = b"*|^~:>!,;&\n\r\\"
WIDTHS = (3, 2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1)  # of ISA and its elements but the last
ENVELOPE = frozenset({"ISA", "GS", "ST", "SE", "GE", "IEA"})
UNENDED = frozenset({"SE", "GE", "IEA"})  # counted although no terminator follows
CLAIMS = {"837": "CLM", "835": "CLP"}
HARMLESS = frozenset({"test_data", "version_4010", "second_sender"})  # flags that explain no loss
UNEXPECTED = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError,
    ValueError, UsageError, pl.exceptions.PolarsError,
)  # fmt: skip


# Damage


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def _overwritten(content: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(rng.randint(1, 20)):
        damaged[rng.randrange(len(damaged))] = rng.choice(PRINTABLE) if rng.random() < 0.5 else rng.randrange(256)
    return bytes(damaged)


def _swapped(content: bytes, rng: random.Random) -> bytes:
    """One delimiter becomes another character, in all of the file or from somewhere on."""
    old, new = rng.choice(_delimiters(content)), bytes([rng.choice(MARKS)])
    start = rng.choice((0, rng.randrange(len(content))))
    return content[:start] + content[start:].replace(old, new)


def _shortened(content: bytes, rng: random.Random) -> bytes:
    end = _delimiters(content)[-1]
    segments = content.split(end)
    for _ in range(min(rng.randint(1, 5), len(segments) - 1)):
        del segments[rng.randrange(len(segments))]
    return end.join(segments)


def _delimiters(content: bytes) -> list[bytes]:
    at = content.find(b"ISA")
    return [content[at + place : at + place + 1] or b"~" for place in (3, 104, 105)]


DAMAGE: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "cut off": _cut, "overwritten": _overwritten, "delimiters swapped": _swapped, "segments deleted": _shortened,
}  # fmt: skip


# Checks


def faults_of(content: bytes, settings: Settings) -> list[str]:
    """What is wrong with the reading of one file; nothing, as a rule. An unreadable file is read right."""
    try:
        reading = read(content, settings)
    except UNEXPECTED as error:
        return [f"{type(error).__name__} at {_place(error)}"]
    faults = []
    if reading.accepted + reading.rejected != reading.delivered:
        faults.append(f"{reading.delivered} claims, {reading.accepted} accepted + {reading.rejected} rejected")
    if reading.claims > reading.delivered and not (reading.error or reading.flags.keys() - HARMLESS):
        faults.append(f"{reading.claims} claims stand in the text, {reading.delivered} were read, and no flag says why")
    plain = plainly_read(content)
    if plain is not None and plain != (reading.segments, reading.delivered):
        faults.append(f"(segments, claims) should be {plain}, not {(reading.segments, reading.delivered)}")
    return faults


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"


def plainly_read(content: bytes) -> tuple[int, int] | None:
    """Segments, and claims between ST and the next segment of an envelope, by nothing but splitting the text.

    None where that could not be right: no ISA or several, or one that is not regular.
    """
    text = content.decode("latin-1")
    for never in ("\x00", "\x1a", "ï»¿"):
        text = text.replace(never, "")
    at = text.find("ISA")
    if text.count("ISA") != 1 or not _is_regular(text[at : at + 106]):
        return None
    separator, end, text = text[at + 3], text[at + 105], text[at + 106 :]
    body = text.replace("\r", end) if end == "\n" else text.replace("\r", "").replace("\n", "")
    *segments, rest = body.split(end)
    segments = [segment.strip() for segment in segments if segment.strip()]
    if rest.strip().split(separator)[0] in UNENDED:
        segments.append(rest.strip())
    return 1 + len(segments), _claims([segment.split(separator) for segment in segments])


def _claims(segments: list[list[str]]) -> int:
    count, opens = 0, None
    for segment in segments:
        if segment[0] in ENVELOPE:
            opens = CLAIMS.get(segment[1]) if segment[0] == "ST" and len(segment) > 1 else None
        count += segment[0] == opens
    return count


def _is_regular(header: str) -> bool:
    if len(header) < 106 or "\r" in header or "\n" in header[:105]:
        return False
    marks = {header[3], header[104], header[105]}
    if len(marks) != 3 or not all(mark in string.punctuation + "\n" for mark in marks):
        return False
    return tuple(map(len, header[:104].split(header[3])[:-1])) == WIDTHS and header[:104].count(header[3]) == 16


# Cases


def sources(reference: Path | None, folder: Path) -> dict[str, bytes]:
    """The files to damage by name: written by the synthetic world into `folder`, and the samples of the reference."""
    generate(load_world("small"), 30).write(folder, "x12")
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.name: path.read_bytes() for path in [*paths, *(samples(reference) if reference else [])]}


def case(number: int, files: dict[str, bytes]) -> tuple[str, bytes]:
    """What is done to which file, and the damaged bytes."""
    rng = random.Random(f"{SEED} {number}")
    name, kind = rng.choice(sorted(files)), rng.choice(sorted(DAMAGE))
    return f"{name}, {kind}", DAMAGE[kind](files[name], rng)


def run(numbers: range, files: dict[str, bytes], settings: Settings) -> Iterator[tuple[int, str, list[str]]]:
    """Each case: its number, what was done, its faults."""
    for number in numbers:
        words, content = case(number, files)
        yield number, words, faults_of(content, settings)


def main() -> None:
    """Run the cases; exit code 1 when one has a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=int, nargs="?", default=CASES)
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="NUMBER")
    asked = parser.parse_args()
    reference = os.environ.get("DENIALS_REFERENCE")
    if not reference:
        print("x12_endurance: DENIALS_REFERENCE is not set, so only files of the synthetic world are damaged")
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as home:
        files = sources(Path(reference) if reference else None, Path(home, "world"))
        numbers = range(asked.first, asked.first + asked.cases)
        for done, (number, words, faults) in enumerate(run(numbers, files, Settings(home=Path(home))), 1):
            for fault in faults:
                print(f"\rcase {number} ({words}): {fault}")
            found["cases with a fault"] += bool(faults)
            if done % 100 == 0 or done == asked.cases:
                print(f"\r{done:,} of {asked.cases:,} cases, {found.total()} with a fault", end="", flush=True)
    print()
    sys.exit(1 if found.total() else 0)


if __name__ == "__main__":
    main()
