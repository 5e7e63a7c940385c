"""Files that were named, those in folders and those in archives (gzip, zip): each a stream that can be opened again.

What a file is, its bytes tell. A fault of an archive or of one of its members (damaged, protected, too large when
unpacked) is raised when that one is opened or read, so that it never hides the others. Sizes are bytes.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NoReturn, TypeVar, cast

from claims.errors import UnreadableFileError
from claims.identity import stream_digest
from claims.settings import IngestSettings

BUFFER = 65_536
ALWAYS = 1 << 20  # what may come out of an archive, however little went in: a few words repeated pack well
GZIP = b"\x1f\x8b"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
OFFICE = "[Content_Types].xml"  # a zip that holds it is a workbook, not an archive of files
PROTECTED = 0x1  # bit of a member's flags
DAMAGED = (zlib.error, zipfile.BadZipFile, gzip.BadGzipFile, EOFError)
TOO_LARGE = "unpacks to more than the site allows (ingest.max_unpacked_bytes and max_ratio in denials.toml)"
Answer = TypeVar("Answer")


class Entry:
    """One file, or one member of an archive. `weight`: its bytes as they lie on the disk, for progress."""

    def __init__(self, name: str, weight: int, opener: Callable[[], BinaryIO], most: int | None = None) -> None:
        """`most`: bytes after which reading ends with an error."""
        self.name = name
        self.weight = weight
        self.most = most
        self.position = 0  # bytes read since it was opened
        self.size = 0  # bytes in all, once `digest` has read them
        self._opener = opener

    def open(self) -> io.BufferedReader:
        """Its bytes, unpacked. Opening and reading raise UnreadableFileError."""
        self.position = 0
        return io.BufferedReader(_Guarded(self, self.safely(self._opener)), BUFFER)

    def digest(self) -> str:
        """Id of the bytes, all of which are read for it: what is damaged or too large shows before it is used."""
        with self.open() as stream:
            found = stream_digest(stream)
        self.size = self.position
        return found

    def safely(self, act: Callable[[], Answer]) -> Answer:
        """The answer of what opens or reads; its faults name the file."""
        try:
            return act()
        except DAMAGED as error:
            raise UnreadableFileError(f"{self.name} is damaged or cut short; fetch it anew") from error
        except OSError as error:
            raise UnreadableFileError(f"{self.name} cannot be opened: {error.strerror}") from error


class _Guarded(io.RawIOBase):
    """The stream of an entry, counted and limited."""

    def __init__(self, entry: Entry, stream: BinaryIO) -> None:
        super().__init__()
        self.entry = entry
        self.stream = stream

    def readable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def seekable(self) -> bool:
        """See io.RawIOBase."""
        return self.stream.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See io.RawIOBase."""
        self.entry.position = self.entry.safely(partial(self.stream.seek, offset, whence))
        return self.entry.position

    def readinto(self, buffer: Any) -> int:
        """See io.RawIOBase."""
        entry = self.entry
        content = entry.safely(partial(self.stream.read, len(buffer)))
        buffer[: len(content)] = content
        entry.position += len(content)
        if entry.most is not None and entry.position > entry.most:
            raise UnreadableFileError(f"{entry.name} {TOO_LARGE}")
        return len(content)

    def close(self) -> None:
        """See io.RawIOBase."""
        if not self.closed:
            self.stream.close()
        super().close()


class _Gunzipped(gzip.GzipFile):
    """What a gzip stream unpacks to; closed together with it."""

    def __init__(self, packed: BinaryIO) -> None:
        super().__init__(fileobj=packed, mode="rb")
        self.packed = packed

    def close(self) -> None:
        """See gzip.GzipFile."""
        super().close()
        self.packed.close()


def found(paths: Iterable[Path]) -> list[tuple[Path, str]]:
    """The files of the paths with their names, those of a folder told from it on; hidden ones are left out.

    Raises UnreadableFileError for a path that does not exist, and for a folder without a file.
    """
    files = []
    for path in paths:
        if path.is_dir():
            below = sorted(p for p in path.rglob("*") if p.is_file())
            shown = [(p, told) for p in below if not _is_hidden(told := p.relative_to(path).as_posix())]
            if not shown:
                raise UnreadableFileError(f"there is no file to read in {path}")
            files += shown
        elif path.exists():
            files.append((path, path.name))
        else:
            raise UnreadableFileError(f"there is no {path}")
    return files


def entries_of(path: Path, name: str, limits: IngestSettings) -> Iterator[Entry]:
    """The file itself, or the members of a zip. An entry can be opened until the next one is asked for."""
    entry = file_entry(path, name, limits)
    try:
        with entry.open() as file:
            is_zip = file.peek(4).startswith(ZIP)
        archive = zipfile.ZipFile(path) if is_zip else None
    except (UnreadableFileError, OSError):
        yield entry  # which says so itself when it is opened
        return
    except DAMAGED:
        yield Entry(name, entry.weight, _refusing(f"{name} is damaged or cut short; fetch it anew"))
        return
    if archive is None or OFFICE in archive.NameToInfo:
        yield entry
    else:
        with archive:
            yield from _members(archive, name, limits)


def file_entry(path: Path, name: str, limits: IngestSettings) -> Entry:
    """A file, unpacked where it is gzip."""
    if path.is_file():
        size = path.stat().st_size
        return Entry(name, size, partial(_unpacked, lambda: path.open("rb")), _most(size, size, limits))
    try:
        content = path.read_bytes()  # a pipe gives its bytes once
    except OSError as error:
        return Entry(name, 0, _refusing(f"{name} cannot be opened: {error.strerror}"))
    return Entry(name, len(content), partial(io.BytesIO, content))


def _unpacked(opener: Callable[[], BinaryIO]) -> BinaryIO:
    stream = opener()
    packed = stream.read(2) == GZIP
    stream.seek(0)
    return cast(BinaryIO, _Gunzipped(stream)) if packed else stream


def _most(size: int, packed: int, limits: IngestSettings) -> int:
    """Bytes that may come of a file or member of this size that lies `packed` on the disk."""
    return max(size, min(limits.max_unpacked_bytes, max(ALWAYS, limits.max_ratio * packed)))


def _members(archive: zipfile.ZipFile, name: str, limits: IngestSettings) -> Iterator[Entry]:
    """The files of a zip. It says beforehand what each unpacks to, and none gives more than that."""
    total, shown = 0, [info for info in archive.infolist() if not info.is_dir() and not _is_hidden(info.filename)]
    if not shown:
        yield Entry(name, 0, _refusing(f"{name} holds no file to read"))
    for info in shown:
        told = f"{name}/{''.join(c if c.isprintable() else '?' for c in info.filename)}"
        total += info.file_size
        words = _refusal(info, total, limits)
        opener = _refusing(f"{told} {words}") if words else partial(_unpacked, partial(_member, archive, info))
        yield Entry(told, info.compress_size, opener, _most(info.file_size, info.compress_size, limits))


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> BinaryIO:
    return cast(BinaryIO, archive.open(info))


def _refusal(info: zipfile.ZipInfo, total: int, limits: IngestSettings) -> str:
    """Why a member is not opened, or ""."""
    if info.flag_bits & PROTECTED:
        return "is protected by a password; unpack the archive first"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in a way that is not read here; unpack the archive first"
    if total > limits.max_unpacked_bytes or info.file_size > max(ALWAYS, limits.max_ratio * info.compress_size):
        return TOO_LARGE
    return ""


def _refusing(words: str) -> Callable[[], NoReturn]:
    def refuse() -> NoReturn:
        raise UnreadableFileError(words)

    return refuse


def _is_hidden(name: str) -> bool:
    """Whether a file, or a folder that it lies in, is one that systems keep for themselves."""
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)
