"""Kernels whose compiled form numba keeps on disk, and which survive a kept form that is damaged.

numba does not sync its files: after a loss of power, or on a full disk, one may be empty or cut.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba import njit

log = logging.getLogger(__name__)


class Kept:
    """A compiled kernel, kept for the next process unless there is no folder that can be written to."""

    def __init__(self, function: Callable[..., None]) -> None:
        self._name = function.__name__
        try:
            self.compiled = njit(cache=True, nogil=True)(function)
        except RuntimeError:  # no folder: every process compiles anew
            self.compiled = njit(nogil=True)(function)

    def __call__(self, *given: Any) -> None:
        """Run it. What was kept and cannot be read is removed, and made anew; the kernel itself raises nothing."""
        for _ in range(2):  # the second failure is that the new one cannot be kept: it is compiled all the same
            try:
                self.compiled(*given)
                return
            except Exception as error:  # a cut or foreign file fails in whatever way it likes
                log.warning("a kept kernel is made anew (%s)", type(error).__name__)
                self._remove()
        self.compiled(*given)

    def _remove(self) -> None:
        if self.compiled.stats.cache_path:
            for path in Path(self.compiled.stats.cache_path).glob(f"*.{self._name}-*.nb[ic]"):
                with suppress(OSError):
                    path.unlink()
