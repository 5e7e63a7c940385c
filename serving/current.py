"""The scorer in service: made when it is first needed, and made anew when the champion, store or rules have changed.

A new champion takes over once it has given its golden claims their risks; while one is made, or when that fails, the
old one goes on serving. Changes are looked for at most every 2 s; what failed without a change is tried again every
30 s: a file may have been caught half written. When a history took long, the next waits REST times as long, so that
outcomes that trickle in do not keep the machine busy.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from claims.errors import DenialsError, NoModelError
from claims.settings import Settings
from serving.score import Scorer
from serving.warm import Known, make_apart, takes_long

log = logging.getLogger(__name__)
EVERY = 2.0  # seconds
PAUSE = 30.0  # seconds before a failed load is tried again
REST = 3  # times as long as the last history took
Stamp = tuple[object, ...]


class Stamps(NamedTuple):
    """model changes when another one is promoted (without any: every day), known with what `known_stamp` tells.

    folder: that of the champion itself, and not the link to it, which may move while the model is read.
    """

    model: Stamp
    known: Stamp
    folder: Path | None


class Current:
    """Hands out the scorer; safe to use from several threads."""

    def __init__(self, settings: Settings, scorer: Scorer | None = None) -> None:
        """With a `scorer` that one serves for good."""
        self.settings = settings
        self._scorer = scorer
        self._fixed = scorer is not None
        self._error: DenialsError | None = None
        self._stamp: Stamps | None = None
        self._failed: float | None = None  # when the last load failed
        self._looked = -EVERY
        self._since = time.monotonic()  # when the scorer came into service
        self._known: tuple[Known, Stamp] | None = None
        self._rested = self._since  # from when on the history may be made anew
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
            self._load(_now(self.settings))
        return self.get()

    def status(self) -> Mapping[str, Any]:
        """What serves, without making it: model_version, history_through (None: none serves, nothing is known).

        notice: why the latest champion, store or rules did not take over, or why what the store knows is not kept;
        None: all is well. age: seconds in service.
        """
        scorer, error, known = self._scorer, self._error, self._known
        through = scorer.history.through if scorer else None
        return {
            "model_version": scorer.model.version if scorer else None,
            "history_through": through and through.isoformat(),
            "notice": str(error) if error else known and known[0].notice,
            "age": time.monotonic() - self._since if scorer else None,
        }

    def _renew(self) -> None:
        stamp = _now(self.settings)
        if self._known and time.monotonic() < self._rested:
            stamp = stamp._replace(known=self._known[1])
        if self._done(stamp):
            return
        if self._scorer is None:
            self._load(stamp)
        elif not self._loading.locked():
            threading.Thread(target=self._load_apart, args=(stamp,), daemon=True).start()

    def _done(self, stamp: Stamps) -> bool:
        """Whether there is nothing to load: it is in service, or failed a moment ago."""
        waited = self._failed is None or time.monotonic() - self._failed < PAUSE
        return stamp == self._stamp and waited

    def _load_apart(self, stamp: Stamps) -> None:
        """In a thread of its own, which would print an error that nobody foresaw with all its words."""
        try:
            self._load(stamp)
        except Exception as error:  # a thread's own traceback could hold content
            log.error("no new scorer: unforeseen %s", type(error).__name__)

    def _load(self, stamp: Stamps) -> None:
        with self._loading:
            if self._done(stamp):
                return
            loaded = False
            try:
                known = self._history(stamp.known)
                scorer = Scorer.load(stamp.folder, settings=self.settings, known=known)
                self._error = None  # before the scorer: nobody sees it beside its predecessor's trouble
                self._scorer, loaded = scorer, True
                self._since = time.monotonic()
            except DenialsError as error:
                self._error = error
                log.warning("no new scorer: %s", error)
            except Exception as error:  # told by /ready; who loads in the foreground gets it as it is
                self._error = NoModelError(f"the model could not be loaded ({type(error).__name__})")
                raise
            finally:  # also after an error that nobody foresaw
                self._stamp, self._failed = stamp, None if loaded else time.monotonic()

    def _history(self, stamp: Stamp) -> Known:
        """What the store knows, made apart where that takes long and somebody is served meanwhile."""
        if self._known and self._known[1] == stamp:
            return self._known[0]
        started = time.monotonic()
        if self._scorer and takes_long(self.settings):
            make_apart(self.settings)
        known = Known.load(self.settings)
        self._known, self._rested = (known, stamp), time.monotonic() + REST * (time.monotonic() - started)
        return known


def _now(settings: Settings) -> Stamps:
    champion = settings.models / "champion"
    folder = champion.resolve() if os.path.lexists(champion) else None
    found = folder and _changed(folder / "versions.json")
    return Stamps((found, None if found else settings.today()), known_stamp(settings), folder)


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
