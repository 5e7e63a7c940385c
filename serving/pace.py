"""How often each key may ask: a bucket of tokens a key, shared by all processes of a site's service.

A bucket is one number, the time at which it is full again (generic cell rate algorithm), in a small file in memory
that the processes share. Two of them asking at the same instant let one request more through at most.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

from claims.errors import OutOfReachError
from serving.keys import MOST

FILE = "keys.pace"
NUMBER = struct.Struct("<d")


class Pace:
    """Buckets of `burst` requests that fill at `rate` requests a second; a rate of 0 lets all pass."""

    def __init__(self, home: Path, rate: float, burst: int, clock: Callable[[], float] = time.time) -> None:
        self._each = 1 / rate if rate else 0.0
        self._most = self._each * burst
        self._clock = clock
        self._home = home
        self._full: mmap.mmap | None = None

    def wait(self, place: int) -> float:
        """Takes a token from the bucket of the key at this place: 0, or the seconds until there will be one.

        OutOfReachError where the file cannot be had.
        """
        if not self._each:
            return 0.0
        held, now, at = self._held(), self._clock(), NUMBER.size * (place % MOST)
        full = min(max(NUMBER.unpack_from(held, at)[0], now), now + self._most)  # min: a clock that was set back
        over = max(full + self._each - (now + self._most), 0.0)
        wait = over if over > 1e-9 else 0.0
        NUMBER.pack_into(held, at, full if wait else full + self._each)
        return wait

    def _held(self) -> mmap.mmap:
        if self._full is None:
            try:
                self._full = self._mapped()
            except OSError as error:
                raise OutOfReachError(f"{FILE} cannot be used ({error.strerror}); remove it, or make it ours") from None
        return self._full

    def _mapped(self) -> mmap.mmap:
        size = NUMBER.size * MOST
        file = os.open(self._home / FILE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(file).st_size < size:
                os.truncate(file, size)
            return mmap.mmap(file, size)
        finally:
            os.close(file)
