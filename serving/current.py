"""The scorer in service: made when it is first needed, and made anew when the champion, store or rules have changed.

While a new one is made, or when that fails, the old one goes on serving. Changes are looked for at most every 2 s;
what failed without a change is tried again every 30 s, because a file may have been caught half written.
"""

from __future__ import annotations

import logging
import os
import threading
import time

from claims.errors import DenialsError, NoModelError
from claims.settings import Settings
from serving.score import Scorer

log = logging.getLogger(__name__)
EVERY = 2.0  # seconds
PAUSE = 30.0  # seconds before a failed load is tried again
Stamp = tuple[object, ...]


class Current:
    """Hands out the scorer; safe to use from several threads."""

    def __init__(self, settings: Settings, scorer: Scorer | None = None) -> None:
        """With a `scorer` that one serves for good."""
        self.settings = settings
        self._scorer = scorer
        self._fixed = scorer is not None
        self._error: DenialsError | None = None
        self._stamp: Stamp | None = None
        self._failed: float | None = None  # when the last load failed
        self._looked = -EVERY
        self._loading = threading.Lock()

    def get(self) -> Scorer:
        """The scorer. Raises NoModelError (or another DenialsError) as long as there is none."""
        if not self._fixed and time.monotonic() - self._looked >= EVERY:
            self._looked = time.monotonic()
            self._renew()
        if self._scorer is None:
            with self._loading:  # somebody else may be making the first one
                pass
        if self._scorer is not None:
            return self._scorer
        raise self._error or NoModelError("the model is being loaded; try again in a moment")

    def fresh(self) -> Scorer:
        """The scorer of the champion and the store as they are now, waited for; the old one where none can be made.

        Raises as `get` does. For whoever shows the store: who scores should not wait.
        """
        if not self._fixed:
            self._load(_stamp(self.settings))
        return self.get()

    def _renew(self) -> None:
        stamp = _stamp(self.settings)
        if self._done(stamp):
            return
        if self._scorer is None:
            self._load(stamp)
        elif not self._loading.locked():
            threading.Thread(target=self._load, args=(stamp,), daemon=True).start()

    def _done(self, stamp: Stamp) -> bool:
        """Whether there is nothing to load: it is in service, or failed a moment ago."""
        waited = self._failed is None or time.monotonic() - self._failed < PAUSE
        return stamp == self._stamp and waited

    def _load(self, stamp: Stamp) -> None:
        with self._loading:
            if self._done(stamp):
                return
            loaded = False
            try:
                self._scorer, self._error, loaded = Scorer.load(settings=self.settings), None, True
            except DenialsError as error:
                self._error = error
                log.warning("no new scorer: %s", error)
            finally:  # also after an error that nobody foresaw
                self._stamp, self._failed = stamp, None if loaded else time.monotonic()


def _stamp(settings: Settings) -> Stamp:
    """Changes when a model is promoted, and with what `known_stamp` tells."""
    champion = settings.models / "champion" / "versions.json"
    return _changed(champion), settings.today() if not champion.exists() else None, *known_stamp(settings)


def known_stamp(settings: Settings) -> Stamp:
    """Changes when rows are added to the store, and when a book or a table of the site is written."""
    tables = (_newest(settings, table) for table in ("lines", "outcomes", "authorizations"))
    books = ((path.name, _changed(path)) for path in sorted(settings.books.glob("*/*")))
    return *tables, *books


def _changed(path: os.PathLike[str]) -> Stamp | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _newest(settings: Settings, table: str) -> str | None:
    """The name of the last commit of a Delta table."""
    try:
        names = os.listdir(settings.store / table / "_delta_log")
    except OSError:
        return None
    return max((name for name in names if name.endswith(".json")), default=None)
