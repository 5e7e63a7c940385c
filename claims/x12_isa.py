"""Bytes to text, and the ISA in it: where an interchange begins and which delimiters it says it uses.

An ISA has 16 elements at fixed places. One with elements of other lengths is found by counting them, or by the GS.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from claims.errors import UnreadableFileError
from claims.unit import Flag

LONGEST_ISA = 256  # characters from ISA to its terminator; a regular one has 106
NEWLINES = "\r\n"
_SEPARATORS = (3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103)
_NEVER = ("\ufeff", "\0", "\x1a")  # a byte order mark, padding, the end-of-file mark of DOS
_FOREIGN = {
    "UTF-16": (b"\xff\xfe", b"\xfe\xff", b"I\0S\0A\0", b"\0I\0S\0A"),
    "EBCDIC": (b"\xc9\xe2\xc1",),
}


@dataclass(frozen=True)
class Delimiters:
    """An ISA and what it tells. start, end: its place in the text; regular: all its elements have their lengths."""

    segment: list[str]
    element: str
    component: str
    repetition: str
    terminator: str
    start: int
    end: int
    regular: bool


def looks_like_x12(head: bytes) -> bool:
    """Whether the first bytes of a file are those of an X12 interchange, be it one in UTF-16 or EBCDIC."""
    if _encoding(head) and _isa_in_utf16(head):
        return True
    text = _cleaned(head.decode("latin-1").removeprefix("\xef\xbb\xbf"))
    return find_isa(text, None, True)[0] is not None


def decoded(stream: BinaryIO, size: int, flag: Flag) -> Iterator[str]:
    """The text of a stream, `size` bytes at a time: UTF-8, or Latin-1 where a chunk is none.

    UnreadableFileError: UTF-16 or EBCDIC.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    chunk = _filled(stream, size)
    if encoding := _encoding(chunk):
        raise UnreadableFileError(
            f"the text is encoded in {encoding}; save it as UTF-8 or plain ASCII and send it again"
        )
    while chunk:
        held = decoder.getstate()[0]
        try:
            text = decoder.decode(chunk)
        except UnicodeDecodeError:
            decoder.reset()
            flag("not_utf8")
            text = (held + chunk).decode("latin-1")
        yield _cleaned(text)
        chunk = _filled(stream, size)
    if held := decoder.getstate()[0]:
        flag("not_utf8")
        yield held.decode("latin-1")


def find_isa(text: str, terminator: str | None, ended: bool) -> tuple[Delimiters | None, int]:
    """The first ISA and where it begins; without one, up to where the text is surely free of its beginning.

    A regular ISA counts wherever it stands. Another one must follow the terminator of the interchange before it, the
    end of a line or (terminator None: before any interchange) a blank. ended: no more text will come.
    """
    at = text.find("ISA")
    while at >= 0:
        if not ended and len(text) - at < LONGEST_ISA:
            return None, at
        found = _regular(text, at) or (_irregular(text, at) if _begins(text, at, terminator) else None)
        if found:
            return found, at
        at = text.find("ISA", at + 3)
    return None, len(text)


def _encoding(head: bytes) -> str:
    return next((name for name, starts in _FOREIGN.items() if head.startswith(starts)), "")


def _isa_in_utf16(head: bytes) -> bool:
    return any(mark in head[:64] for mark in (b"I\0S\0A", b"\xc9\xe2\xc1"))


def _cleaned(text: str) -> str:
    for mark in _NEVER:
        if mark in text:
            text = text.replace(mark, "")
    return text


def _filled(stream: BinaryIO, size: int) -> bytes:
    """`size` bytes, fewer at the end only, so that chunks do not depend on how a stream hands its bytes out."""
    chunk = stream.read(size)
    while chunk and len(chunk) < size:
        more = stream.read(size - len(chunk))
        if not more:
            break
        chunk += more
    return chunk


def _begins(text: str, at: int, terminator: str | None) -> bool:
    before = text[:at].rstrip(" ")
    if not before or before[-1] in NEWLINES:
        return True
    return before[-1].isspace() or at > len(before) if terminator is None else before[-1] == terminator


def _regular(text: str, at: int) -> Delimiters | None:
    separator = text[at + 3 : at + 4]
    if not _is_mark(separator) or any(text[at + place : at + place + 1] != separator for place in _SEPARATORS):
        return None
    return _ending(text, at, at + 104, separator, True)


def _irregular(text: str, at: int) -> Delimiters | None:
    separator = text[at + 3 : at + 4]
    if not _is_mark(separator):
        return None
    parts = text[at : at + LONGEST_ISA].split(separator, 16)
    if len(parts) == 17:
        found = _ending(text, at, at + sum(map(len, parts[:16])) + 16, separator, False)
        if found:
            return found
    group = text.find(f"GS{separator}", at, at + LONGEST_ISA)
    return _ending(text, at, text.rfind(separator, at, group) + 1, separator, False) if group > 0 else None


def _ending(text: str, at: int, place: int, separator: str, regular: bool) -> Delimiters | None:
    """ISA16 (left out in some files) and the terminator, from `place` on; None where neither can be."""
    component, after = text[place : place + 1], place + 1
    if component in NEWLINES or (not regular and text[after : after + 2] == "GS"):
        component, after = "", place
    while text[after : after + 1] == " ":
        after += 1
    terminator = text[after : after + 1]
    if not _is_mark(terminator) or terminator == separator or component in (separator, terminator):
        return None
    if component and not _is_mark(component):
        return None
    whole = text[at : place - 1].replace("\n", "").replace("\r", "")  # a wrapped file wraps its ISA, too
    segment = [*whole.split(separator), component]
    repetition = segment[11] if len(segment) == 17 and len(segment[11]) == 1 and _is_mark(segment[11]) else ""
    return Delimiters(segment, separator, component, repetition, terminator, at, after + 1, regular)


def _is_mark(character: str) -> bool:
    """Whether a character can be a delimiter."""
    return bool(character) and not character.isalnum() and character != " "
