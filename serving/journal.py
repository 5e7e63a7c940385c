"""An append-only journal on this disk: once `append` returns, what was given survives kill -9 and loss of power.

A journal is a folder of segments, a segment is frames: marker, length, number of records, CRC-32, payload. Threads that
append at the same time share one write and one fdatasync. A segment that is closed can be read, handed on and removed.
"""

from __future__ import annotations

import errno
import os
import struct
import threading
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from claims.errors import JournalError

HEAD = struct.Struct("<4sIII")  # marker, bytes of the payload, records, CRC-32 of the two numbers and the payload
MARKER = b"\xd5DJ1"
SEGMENT = 8 << 20  # bytes after which a segment is closed
ENDING = ".segment"


class Frame(NamedTuple):
    """What one `append` gave, and how many records it holds."""

    payload: bytes
    records: int


class Held(NamedTuple):
    """What lies in a segment; since: seconds of the clock when the first of it was written."""

    records: int
    bytes: int
    since: float


def framed(payload: bytes, records: int) -> bytes:
    """The frame as it lies on the disk."""
    return HEAD.pack(MARKER, len(payload), records, _checksum(payload, records)) + payload


def _checksum(payload: bytes, records: int) -> int:
    return zlib.crc32(payload, zlib.crc32(struct.pack("<II", len(payload), records)))


def frames_of(content: bytes) -> tuple[list[Frame], int]:
    """The whole frames of a segment, and how many of its bytes belong to none (cut short, or damaged)."""
    found, at, lost = [], 0, 0
    while at < len(content):
        frame = _frame_at(content, at)
        if frame:
            found.append(frame)
            at += HEAD.size + len(frame.payload)
        else:
            further = content.find(MARKER, at + 1)
            further = len(content) if further < 0 else further
            lost += further - at
            at = further
    return found, lost


def _frame_at(content: bytes, at: int) -> Frame | None:
    if len(content) - at < HEAD.size:
        return None
    marker, length, records, checksum = HEAD.unpack_from(content, at)
    payload = content[at + HEAD.size : at + HEAD.size + length] if marker == MARKER else b""
    whole = marker == MARKER and len(payload) == length and _checksum(payload, records) == checksum
    return Frame(payload, records) if whole else None


@dataclass
class _Group:
    """Frames that reach the disk together."""

    frames: list[bytes] = field(default_factory=list)
    records: int = 0
    done: bool = False
    error: OSError | None = None


class Journal:
    """The segments that one process writes. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._joining, self._writing = threading.Lock(), threading.Lock()
        self._group = _Group()
        self._file: int | None = None
        self._size = self._number = 0
        self._sealed = False
        self._held: dict[Path, Held] = {}  # segments in the order in which they were begun; the last may be open

    def append(self, payload: bytes, records: int = 1) -> None:
        """Returns when the payload is on the disk. Raises JournalError when it cannot be written."""
        frame = framed(payload, records)
        with self._joining:
            group = self._group
            group.frames.append(frame)
            group.records += records
        with self._writing:
            if not group.done:
                with self._joining:
                    self._group = _Group()
                self._commit(group)
        if group.error:
            reason = group.error.strerror or type(group.error).__name__
            raise JournalError(
                f"the journal in {self.folder.parent} cannot be written ({reason}): make room on its disk, and see "
                "that the service may write there"
            ) from group.error

    def close_segment(self) -> list[Path]:
        """Close the open segment; all segments that are closed then, in order."""
        with self._writing:
            self._close()
            return list(self._held)

    def seal(self) -> None:
        """Take nothing more."""
        with self._writing:
            self._close()
            self._sealed = True

    def remove(self, segment: Path) -> None:
        """Forget a closed segment, whose records are safe elsewhere or set aside."""
        segment.unlink(missing_ok=True)
        with self._writing:
            self._held.pop(segment, None)

    def closed(self) -> list[Path]:
        """The segments that are closed, in order."""
        with self._writing:
            return list(self._held)[: -1 if self._file is not None else None]

    def held(self) -> Held | None:
        """All that waits; None when nothing does."""
        parts = list(self._held.values())
        if not parts:
            return None
        return Held(sum(p.records for p in parts), sum(p.bytes for p in parts), min(p.since for p in parts))

    def _commit(self, group: _Group) -> None:
        content = b"".join(group.frames)
        try:
            file, segment = self._opened()
            _write(file, content, self._size)
            os.fdatasync(file)
        except OSError as error:
            group.error = error
            self._close()  # what is in it is read frame by frame: half a frame does no harm
        else:
            self._size += len(content)
            before = self._held.get(segment) or Held(0, 0, time.time())
            self._held[segment] = Held(before.records + group.records, self._size, before.since)
            if self._size >= SEGMENT:
                self._close()
        group.done = True

    def _opened(self) -> tuple[int, Path]:
        segment = self.folder / f"{self._number:010d}{ENDING}"
        if self._sealed:
            raise BrokenPipeError(errno.EPIPE, "it is closed")
        if self._file is None:
            self._file = os.open(segment, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._size = 0
            sync_folder(self.folder)
        return self._file, segment

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._number += 1


def _write(file: int, content: bytes, at: int) -> None:
    """All of it or, where the disk is full, nothing."""
    done = 0
    try:
        while done < len(content):
            done += os.write(file, memoryview(content)[done:])
    except OSError:
        os.ftruncate(file, at)
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a loss of power."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def segments_of(folder: Path) -> Sequence[Path]:
    """The segments in a journal's folder, in the order in which they were begun."""
    return sorted(folder.glob(f"*{ENDING}"))
