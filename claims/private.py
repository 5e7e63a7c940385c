"""Folders that hold what claims say: nobody but their owner reads them."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

OTHERS = 0o077


def private_folder(folder: Path) -> None:
    """Make the folder, of mode 0700, where there is none; narrow it where it is ours and wider. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    narrow(folder, 0o700)


def narrow(path: Path, mode: int) -> None:
    """Give this mode to what others may read, where it is ours; `denials doctor` tells what stays wider."""
    found = path.stat()
    if found.st_uid == os.geteuid() and found.st_mode & OTHERS:
        with suppress(OSError):  # a disk without modes
            path.chmod(mode)


def others_may(path: Path) -> int | None:
    """The mode of what others than the owner may read or enter, None of what they may not."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return mode if mode & OTHERS else None
