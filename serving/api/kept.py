"""The score log and the way in of outcomes, opened as the service starts, and again when that has failed.

An answer that cannot be kept is not given: as long as neither opens, who needs one is told 503 and why.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from claims.errors import DenialsError, OutOfReachError
from claims.settings import Settings
from serving.log import ScoreLog
from serving.outcomes import Outcomes

log = logging.getLogger(__name__)
Status = Mapping[str, Any]


class Closing(Protocol):
    """What is opened here."""

    def status(self) -> Status:
        """For /ready."""
        ...

    def close(self) -> None:
        """At the end."""
        ...


T = TypeVar("T", bound=Closing)


class Opened(Generic[T]):
    """Opened when first asked for; safe to use from several threads."""

    def __init__(self, open_it: Callable[[], T]) -> None:
        self._open = open_it
        self._lock = threading.Lock()
        self._held: T | None = None

    def get(self) -> T:
        """Raises OutOfReachError as long as it cannot be opened."""
        with self._lock:
            if self._held is None:
                try:
                    self._held = self._open()
                except DenialsError as error:
                    raise OutOfReachError(str(error)) from error
            return self._held

    def status(self) -> Status:
        """What it says of itself, or why it cannot be opened."""
        try:
            return self.get().status()
        except OutOfReachError as error:
            return {"reachable": False, "trouble": str(error)}

    def close(self) -> None:
        """Once nobody asks any more."""
        with self._lock:
            if self._held is not None:
                self._held.close()
                self._held = None


class Kept:
    """What a service keeps."""

    def __init__(self, settings: Settings) -> None:
        self.scores = Opened(lambda: ScoreLog.open(settings))
        self.outcomes = Opened(lambda: Outcomes.open(settings))

    def open(self) -> None:
        """Open both; what fails is logged, and tried again when it is needed."""
        for one in (self.scores, self.outcomes):
            try:
                one.get()
            except OutOfReachError as error:
                log.error("%s", error)

    def close(self) -> None:
        """Deliver what waits, or leave it for the next start."""
        self.scores.close()
        self.outcomes.close()
