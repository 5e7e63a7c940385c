"""What the store knows, worked out once for each state of it and kept under DENIALS_HOME/store/history.

A start maps it into memory instead of working it out, and processes share its pages. What is kept is named by all that
it was made from (the store's state, classes of codes, this code, its libraries); anything else, and what is damaged,
is made anew and never trusted. It holds the keyed hashes that the store holds, readable by its owner alone.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl

from claims.label import load_classes
from claims.packed import DamagedError, about, pack, unpack
from claims.settings import Settings
from claims.snapshot import Snapshot, take_snapshot
from claims.store import Store
from features.history import CLASSES, History
from rules.ruleset import rules_of
from serving.worth import Prices

log = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[1]
MADE_BY = ("claims", "rules", "features", "serving/worth.py")  # code and tables that what is kept depends on
LOCK = "lock"
DRAFT = ".draft-"
LARGE = 2 << 20  # bytes of lines: some 40,000, which take a second
LOOK = 0.05  # seconds between two looks at the lock
MAKING = 3600.0  # seconds that a process of its own may take: a store of 40,000 lines takes one
WAIT = 600.0  # seconds to wait for another process that makes it
Recall = Callable[[], Snapshot]


@dataclass(frozen=True)
class Known:
    """What scoring asks of the past of a practice."""

    history: History
    prices: Prices
    notice: str | None = None  # why it could not be kept

    @classmethod
    def of(cls, history: History) -> Known:
        """With the prices of a history's snapshot."""
        return cls(history, Prices.of(history.snapshot))

    @classmethod
    def load(cls, settings: Settings) -> Known:
        """As of the site's store now; nothing where there is no store yet (scoring makes none)."""
        if not settings.store.exists():
            return cls.of(History.empty(rules_of(settings)))
        state = _State.of(settings)
        return state.read() or state.made()


def takes_long(settings: Settings) -> bool:
    """Whether what the store knows now is not kept yet, and the store is large."""
    size = sum(path.stat().st_size for path in (settings.store / "lines").glob("*.parquet"))
    return size >= LARGE and not _State.of(settings).is_kept()


def make_apart(settings: Settings) -> None:
    """Make it in a process of its own, with low priority: whoever serves meanwhile does not wait for it."""
    told = settings.model_dump_json().encode()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "serving.warm"], input=told, capture_output=True, check=False, timeout=MAKING,
            cwd=ROOT, env=os.environ | {"POLARS_MAX_THREADS": "1", "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        log.warning("the history was not made within %.0f s in a process of its own", MAKING)
        return
    if done.returncode:
        log.warning("the history could not be made in a process of its own (exit code %s)", done.returncode)


@dataclass(frozen=True)
class _State:
    """A state of the store, and where what it knows is kept."""

    settings: Settings
    recall: Recall
    key: dict[str, Any]

    @classmethod
    def of(cls, settings: Settings) -> _State:
        """As it is now."""
        store = Store.open(settings).as_it_is()
        classes = load_classes(settings.ingest.carc_classes)
        key = {"data": store.data_version(), "classes": _digest(repr(classes.rows()).encode()), **_code()}
        return cls(settings, partial(take_snapshot, store, classes=classes), key)

    @property
    def folder(self) -> Path:
        """Its place; of another state or code another one."""
        return self.settings.kept / _digest(json.dumps(self.key, sort_keys=True).encode())

    def is_kept(self) -> bool:
        """Whether it is there; its arrays are not looked at."""
        try:
            return bool(about(self.folder) == self.key)
        except DamagedError:
            return False

    def read(self) -> Known | None:
        """What is kept; None where there is nothing, or something damaged."""
        if not self.folder.exists():
            return None
        try:
            if about(self.folder) != self.key:
                return None
            told = unpack(self.folder, (*CLASSES, Prices))
            return Known(History.kept(told["history"], cache(self.recall), rules_of(self.settings)), told["prices"])
        except (DamagedError, KeyError, TypeError) as error:
            log.warning("what was kept of the history is made anew: %s", error)
            return None

    def made(self) -> Known:
        """Made, kept, and read again from there, unless another process did so meanwhile."""
        try:
            with _locked(self.settings.kept):
                return self.read() or self._keep() or self._work()
        except OSError as error:
            notice = f"the history cannot be kept: {error.strerror}"
            log.warning("%s", notice)
            return replace(self._work(), notice=notice)

    def _work(self) -> Known:
        return Known.of(History.of(self.recall(), rules_of(self.settings)))

    def _keep(self) -> Known | None:
        """The older ones are removed; processes that have mapped them keep their pages."""
        made = Known.of(History.of(self.recall(), rules_of(self.settings)))
        for left in self.settings.kept.glob(f"{DRAFT}*"):  # of a process that was killed: the lock is held here
            shutil.rmtree(left, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=self.settings.kept))
        try:
            pack({"history": made.history.parts, "prices": made.prices}, draft, self.key)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        del made
        for other in self.settings.kept.iterdir():
            if other.is_dir() and other != draft:
                shutil.rmtree(other, ignore_errors=True)
        os.replace(draft, self.folder)
        return self.read()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time makes it; the others wait and find it made. A process that ends lets go.

    Raises TimeoutError after WAIT seconds: who holds it may hang.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(folder / LOCK, "w") as held:
        until = time.monotonic() + WAIT
        while not _taken(held):
            if time.monotonic() >= until:
                raise TimeoutError(errno.ETIMEDOUT, f"another process has been at it for {WAIT:.0f} s")
            time.sleep(LOOK)
        yield


def _taken(held: IO[str]) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@cache
def _code() -> dict[str, str]:
    """What makes it: this code with its tables, and libraries whose hashes and types it holds."""
    found = hashlib.sha256()
    for path in _sources():
        found.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    probe = pl.Series(["probe"]).hash().to_list()[0]
    return {"code": found.hexdigest(), "polars": f"{pl.__version__} {probe}", "numpy": np.__version__}


def _sources() -> list[Path]:
    """Every file of MADE_BY that decides."""
    found = [
        path for name in MADE_BY for path in ((ROOT / name).rglob("*") if (ROOT / name).is_dir() else [ROOT / name])
    ]
    return sorted(path for path in found if path.suffix in {".py", ".csv"})


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def main() -> None:
    """Make what the store of the settings on standard input knows, where it is not kept."""
    os.nice(10)
    Known.load(Settings(**json.loads(sys.stdin.read())))


if __name__ == "__main__":
    main()
