"""Text of X12 to segments, under the delimiters of the ISA that came last, in constant memory.

A segment without a terminator for LONGEST characters is dropped up to the next one; so is one that the source's end
cut off. Blanks and line ends around a segment are no part of it, nor are line ends inside one (wrapped files).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import methodcaller
from typing import BinaryIO

from claims.errors import UnreadableFileError
from claims.unit import Flag
from claims.x12_isa import LONGEST_ISA, NEWLINES, Delimiters, decoded, find_isa

LONGEST = 65_536  # characters of one segment; bytes of one chunk, so that a longer one spans two
CLOSING = frozenset({"SE", "GE", "IEA"})  # believed without a terminator: they carry nothing of a claim

Segment = list[str]


class Segments:
    """Iterating gives the segments some at a time, an ISA always alone. component, repetition: those in force.

    Each is split only when it is asked for: thousands of lists alive at once would keep the garbage collector busy.
    """

    def __init__(self, stream: BinaryIO, flag: Flag) -> None:
        """UnreadableFileError: no ISA, or UTF-16 or EBCDIC."""
        self.flag = flag
        self.component = self.repetition = ""
        self._element, self._terminator = "*", "~"
        self._chunks = decoded(stream, LONGEST, flag)
        self._text = ""  # read and not yet cut
        self._ended = False
        self._dropping = False  # the text begins inside a segment that is too long
        self._outside = False  # after an IEA
        self._first = self._first_isa()

    def __iter__(self) -> Iterator[Iterable[Segment]]:
        found: Delimiters | None = self._first
        while True:
            if found:
                yield [self._begin(found)]
            found, stop = find_isa(self._text, self._terminator, self._ended)
            final = found is not None or self._ended
            texts, rest = self._taken(stop, final)
            if texts:
                self._outside = texts[-1].split(self._element, 1)[0] == "IEA"
                yield map(methodcaller("split", self._element), texts)
            if final:
                yield self._unended(rest)
            if not found:
                if self._ended:
                    return
                self._read()

    def _read(self) -> None:
        chunk = next(self._chunks, None)
        self._ended = chunk is None
        self._text += self._lined(chunk or "")

    def _lined(self, text: str) -> str:
        """Where a line end ends segments, any line end does."""
        return text.replace("\r", "\n") if self._terminator == "\n" else text

    def _first_isa(self) -> Delimiters:
        junk = False
        while not self._ended:
            self._read()
            found, stop = find_isa(self._text, None, self._ended)
            junk = junk or bool(self._text[:stop].strip())
            self._text = self._text[stop if found else max(stop - LONGEST_ISA, 0) :]
            if found:
                if junk:
                    self.flag("junk")
                return found
        raise UnreadableFileError("no readable ISA segment was found: this is no X12 file, or a damaged one")

    def _begin(self, found: Delimiters) -> Segment:
        """Take over the delimiters of the ISA with which the text begins."""
        self.component, self.repetition = found.component, found.repetition
        self._element = found.element
        self._terminator = "\n" if found.terminator in NEWLINES else found.terminator
        self._text = self._lined(self._text[found.end - found.start :])
        self._dropping = self._outside = False
        if not found.regular:
            self.flag("isa_length")
        return found.segment

    def _taken(self, stop: int, final: bool) -> tuple[list[str], str]:
        """The text of segments that are whole before `stop`, and finally what no terminator ends."""
        end = stop if final else self._text.rfind(self._terminator, 0, stop) + 1
        body, self._text = self._text[:end], self._text[end:]
        if self._terminator != "\n":
            body = body.replace("\n", "").replace("\r", "")
        *texts, rest = body.split(self._terminator)
        if texts:
            self._check_first(texts)
        if len(self._text) > LONGEST + LONGEST_ISA:
            self._drop()
        return list(filter(None, map(str.strip, texts))), rest.strip()

    def _check_first(self, texts: list[str]) -> None:
        """The first text alone can be too long, or the end of one that was dropped."""
        if self._dropping:
            texts[0] = ""
        elif len(texts[0]) > LONGEST:
            self.flag("oversized_segment")
            texts[0] = ""
        self._dropping = False

    def _drop(self) -> None:
        if not self._dropping:
            self.flag("junk" if self._outside else "oversized_segment")
        self._dropping = True
        self._text = self._text[-LONGEST_ISA:]

    def _unended(self, rest: str) -> list[Segment]:
        segment = rest.split(self._element)
        if segment[0] in CLOSING:
            return [segment]
        if rest and not self._dropping:
            self.flag("junk" if self._outside else "truncated")
        return []
