"""A site for the benchmarks of the service: a synthetic practice in a store, a champion, its service as a process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx

from claims.read import read_frame
from claims.settings import Settings
from claims.snapshot import take_snapshot
from claims.store import Store
from data.synthetic import generate, load_world
from training.evaluate import learn_as_of
from training.fit import Recipe
from training.golden import SAMPLE, make_golden, read_golden

QUICK = Recipe(max_rounds=60, learning_rate=0.15, num_leaves=15, min_data_in_leaf=20)


def make_site(home: Path, world: str, claims: int, recipe: Recipe | None = None) -> Settings:
    """A home with a store of so many claims and a champion learned from it."""
    settings = Settings(home=home)
    made, store = generate(load_world(world), claims), Store.open(settings)
    for table in (made.lines, made.outcomes, made.authorizations):
        store.add(read_frame(table, settings))
    last: Any = store.outcomes()["known_date"].max()
    assert isinstance(last, date)
    day = last + timedelta(days=1)
    learned = learn_as_of(lambda as_of: take_snapshot(store, as_of), day, settings, recipe or Recipe())
    model = learned.model.with_version("1")
    replace(model, golden=make_golden(model, read_golden(SAMPLE))).save(settings.models / "champion")
    return settings


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as place:
        return int(place.getsockname()[1])


@contextmanager
def serving(home: Path, log: Path, *options: str, **environment: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The service of a home as `denials serve` starts it: port and process. Its log goes to a file."""
    port = free_port()
    code = "from pipelines.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", "--port", str(port), *options]
    given = os.environ | {"DENIALS_HOME": str(home)} | environment
    with log.open("ab") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=given, cwd=home)
        try:
            wait_for(f"http://127.0.0.1:{port}/health", process, log)
            yield port, process
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 180) -> None:
    """Until somebody answers there with 200; RuntimeError with the log when the process ends before."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(address, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"no service at {address}:\n{log.read_text(encoding='utf-8')[-2000:]}")
