"""Journals on their way elsewhere: a thread hands on what was appended, and removes it when it has arrived.

A folder holds one journal a process, each locked by it. Journals of processes that died are adopted. What the receiver
refuses for good, and segments with damaged bytes, are set aside in `damaged/` and told, never dropped. A journal of
another process that cannot be opened is told, and keeps nothing else back.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from claims.errors import DenialsError, JournalError
from claims.private import private_folder
from serving.journal import ENDING, Frame, Held, Journal, framed, frames_of, segments_of, sync_folder

log = logging.getLogger(__name__)
Deliver = Callable[[Sequence[bytes]], None]  # payloads, all or nothing; none: is it there? DenialsError: try again
ASK = 15.0  # seconds without a delivery after which the receiver is asked whether it is there
LOCK, ASIDE = "lock", "damaged"


@dataclass(frozen=True)
class Waiting:
    """What has not arrived yet: records, bytes, since when (seconds of the clock); why, where it was tried in vain.

    reached: the receiver answered the last time; trouble may also be a journal that cannot be opened. damaged: files
    that were set aside, to be looked at by a person.
    """

    records: int
    bytes: int
    since: float | None
    reached: bool
    trouble: str | None
    damaged: int


class Spool:
    """Takes payloads and delivers them in the order of one process. Safe to use from several threads."""

    def __init__(self, folder: Path, deliver: Deliver, every: float, most_bytes: int) -> None:
        """`every`: seconds between deliveries. JournalError when the folder cannot be written.

        The folder and the one above it are made readable by their owner alone.
        """
        self.folder = folder
        self._deliver, self._every, self._most = deliver, every, most_bytes
        try:
            for place in (folder.parent, folder):
                private_folder(place)
            own, self._lock = _locked_folder(folder)
        except OSError as error:
            raise JournalError(
                f"no journal can be kept in {folder}: {error.strerror}; let the service write there"
            ) from error
        self._journal = Journal(own)
        self._adopted: dict[Path, int] = {}  # folders of the dead, with our lock on each
        self._left: dict[Path, Held] = {}  # their segments
        self._others = 0  # bytes of all other journals at the last look
        self._trouble: str | None = None
        self._shut: dict[Path, str] = {}  # journals that cannot be opened, and why
        self._asked = -ASK
        self._stop, self._delivering = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"spool {folder.name}", daemon=True)
        self._thread.start()

    def append(self, payload: bytes, records: int = 1) -> None:
        """Returns when the payload is safe on this disk. Raises JournalError when it cannot be, or too much waits."""
        held = self._journal.held()
        if self._others + (held.bytes if held else 0) >= self._most:
            raise JournalError(
                f"{self.folder} holds as much as it may (max_journal_bytes in denials.toml): what it waits for is out "
                f"of reach ({self._trouble or 'no error yet'})"
            )
        self._journal.append(payload, records)

    def drain(self) -> None:
        """Deliver all that waits, now. Raises what the receiver raised of DenialsError; it will be tried again."""
        with self._delivering:
            try:
                self._adopt()
                for segment in list(self._left):
                    try:
                        self._hand_on(segment)
                    except OSError as error:  # it stays where it is, and is adopted anew the next time
                        self._tell_shut(segment.parent, error)
                    del self._left[segment]
                self._bury()
                for waiting in (self._journal.closed, self._journal.close_segment):
                    for segment in waiting():
                        self._hand_on(segment)
                if time.monotonic() - self._asked >= ASK:
                    self._hand_over([])
                self._trouble = None
            except DenialsError as error:
                if not self._trouble:
                    log.warning("%s: waiting, %s", self.folder.name, error)
                self._trouble = str(error)
                raise

    def waiting(self) -> Waiting:
        """What waits in this process's journal and in those that it adopted."""
        parts = [held for held in (self._journal.held(), *self._left.values()) if held]
        since = min((part.since for part in parts), default=None)
        damaged = len(list(self.folder.glob(f"{ASIDE}/*")))
        records, size = sum(part.records for part in parts), sum(part.bytes for part in parts)
        trouble = self._trouble or next(iter(self._shut.values()), None)
        return Waiting(records, size, since, self._trouble is None, trouble, damaged)

    def find(self, needle: bytes) -> Iterator[bytes]:
        """Payloads that hold the needle and have not arrived, of all processes (some may have arrived meanwhile)."""
        for folder in (path for path in sorted(self.folder.iterdir()) if path.name != ASIDE):
            segments: Sequence[Path] = ()
            with suppress(OSError):  # its process has ended, or it is shut: drain() tells
                segments = segments_of(folder)
            for segment in segments:
                with suppress(OSError):  # it has arrived, or is shut
                    content = segment.read_bytes()
                    if needle in content:
                        yield from (frame.payload for frame in frames_of(content)[0] if needle in frame.payload)

    def close(self) -> None:
        """Stop; deliver what waits, or leave it for the next start where that is not possible now."""
        if self._lock is None:
            return
        self._stop.set()
        self._thread.join()
        self._journal.seal()
        with suppress(DenialsError):
            self.drain()
        self._release(self._journal.folder, self._lock)
        self._lock = None
        for folder, lock in self._adopted.items():
            self._release(folder, lock)

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self.drain()
            except DenialsError:
                pass  # told by waiting()
            except Exception as error:  # any: the thread must live on
                self._trouble = type(error).__name__
                log.error("%s: unforeseen %s", self.folder.name, type(error).__name__)

    def _hand_on(self, segment: Path) -> None:
        try:
            content = segment.read_bytes()
        except FileNotFoundError:
            log.error("%s: a segment is gone that nobody here removed", self.folder.name)
            content = b""
        frames, lost = frames_of(content)
        if lost:
            log.warning("%s: %d bytes of a segment are cut short or damaged", self.folder.name, lost)
            self._set_aside(segment.parent.name + "-" + segment.name, content)
        try:
            if frames:
                self._hand_over(frames)
        except DenialsError:
            raise
        except Exception:  # any: one bad payload must not keep back the others
            self._one_by_one(frames)
        self._journal.remove(segment)

    def _hand_over(self, frames: Sequence[Frame]) -> None:
        self._deliver([frame.payload for frame in frames])
        self._asked = time.monotonic()

    def _one_by_one(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            try:
                self._hand_over([frame])
            except DenialsError:
                raise
            except Exception as error:  # any, as above
                log.error("%s: %d records are refused: %s", self.folder.name, frame.records, type(error).__name__)
                self._set_aside(f"{secrets.token_hex(8)}{ENDING}", framed(frame.payload, frame.records))

    def _set_aside(self, name: str, content: bytes) -> None:
        place = self.folder / ASIDE
        place.mkdir(exist_ok=True, mode=0o700)
        with open(os.open(place / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(place)

    def _adopt(self) -> None:
        """Take over the journals of processes that are no more; measure those of the living."""
        others, shut = 0, {}
        for folder in self._journals():
            try:
                if folder not in self._adopted:
                    self._take_over(folder)
                with suppress(FileNotFoundError):
                    others += sum(segment.stat().st_size for segment in segments_of(folder))
            except OSError as error:
                shut[folder] = self._tell_shut(folder, error)
        self._others, self._shut = others, shut

    def _take_over(self, folder: Path) -> None:
        lock = _lock_of(folder)
        if lock is None:
            return
        try:
            left = {segment: _measured(segment) for segment in segments_of(folder)}
        except OSError:
            os.close(lock)
            raise
        self._adopted[folder] = lock
        self._left |= left

    def _tell_shut(self, folder: Path, error: OSError) -> str:
        """Log it once, for as long as the folder is shut."""
        told = (
            f"the journal {folder.name} cannot be opened ({error.strerror}): let the service read and write it, or "
            "move it away"
        )
        if folder not in self._shut:
            log.error("%s: %s", self.folder.name, told)
        self._shut[folder] = told
        return told

    def _journals(self) -> list[Path]:
        places = sorted(self.folder.iterdir())
        return [p for p in places if p.is_dir() and p.name != ASIDE and p.name[0] != "." and p != self._journal.folder]

    def _bury(self) -> None:
        """Remove the adopted folders, which are empty now."""
        while self._adopted:
            self._release(*self._adopted.popitem())

    @staticmethod
    def _release(folder: Path, lock: int) -> None:
        """Remove a folder whose segments have all arrived, and let go of it."""
        if not segments_of(folder):
            with suppress(OSError):
                (folder / LOCK).unlink()
                folder.rmdir()
        os.close(lock)


def _locked_folder(parent: Path) -> tuple[Path, int | None]:
    """A new folder, locked before others can see it."""
    name = f"{os.getpid()}-{secrets.token_hex(4)}"
    draft = parent / f".{name}"
    draft.mkdir(mode=0o700)
    lock = os.open(draft / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    draft.rename(parent / name)
    sync_folder(parent)
    return parent / name, lock


def _lock_of(folder: Path) -> int | None:
    """The lock of a folder whose process is dead; None while it lives, or when somebody else has it."""
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)  # its process may have died removing it
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return lock


def _measured(segment: Path) -> Held:
    found = segment.stat()
    frames, _ = frames_of(segment.read_bytes())
    return Held(sum(frame.records for frame in frames), found.st_size, min(found.st_mtime, time.time()))
