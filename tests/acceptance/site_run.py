"""The whole job of a site in this process, with everything that it writes kept apart: home, answers, logs, what is left.

A `Site` runs the verbs of `denials` one after the other; its folder holds home/ (DENIALS_HOME), input/ (what a practice
gives), answers/ (what was asked for), logs/ (stdout, stderr and every log record) and left/ (temporary files).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import Answer, run

AS_OF = "2026-11-01"
FOLDERS = ("home", "input", "answers", "logs", "left")


class Site:
    """A fresh site in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.home, self.input, self.answers, self.logs, self.left = (folder / name for name in FOLDERS)

    def denials(self, *arguments: object, asked: bool = False) -> Answer:
        """Run a verb. asked: stdout is an answer with content of claims (explain), not a log."""
        name = f"{len(list(self.logs.glob('*.err'))):02d}-{arguments[0]}"
        out, err = (self.answers if asked else self.logs) / f"{name}.out", self.logs / f"{name}.err"
        with self.apart(), _to(1, out), _to(2, err):
            code = run(arguments)
        return Answer(code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))

    @contextmanager
    def apart(self) -> Iterator[None]:
        """DENIALS_HOME, the current folder and temporary files in this site's folder; log records of any level kept."""
        with pytest.MonkeyPatch.context() as patch, (self.logs / "records.log").open("a") as stream:
            patch.setenv("DENIALS_HOME", str(self.home))
            patch.setenv("COLUMNS", "80")
            patch.setattr("tempfile.tempdir", str(self.left))
            patch.chdir(self.left)
            handler = logging.StreamHandler(stream)
            handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
            handler.addFilter(lambda record: not record.name.startswith("httpx"))  # the client's log, not the service's
            root = logging.getLogger()
            level = root.level
            root.addHandler(handler)
            root.setLevel(logging.DEBUG)
            try:
                yield
            finally:
                root.setLevel(level)
                root.removeHandler(handler)


@contextmanager
def _to(descriptor: int, path: Path) -> Iterator[None]:
    """Both Python's stream and the descriptor, which libraries in C write to, go to a file."""
    with ExitStack() as stack:
        file = stack.enter_context(path.open("w", encoding="utf-8"))
        kept = os.dup(descriptor)
        stack.callback(os.close, kept)
        os.dup2(file.fileno(), descriptor)
        stack.callback(os.dup2, kept, descriptor)
        stack.callback(file.flush)
        stack.enter_context((redirect_stdout if descriptor == 1 else redirect_stderr)(file))
        yield


@dataclass(frozen=True)
class Done:
    """A site on which the whole job was done, and what each verb answered."""

    site: Site
    ingest: Answer
    refused: Answer
    train: Answer
    promote: Answer
    score: Answer
    explain: Answer
    report: Answer
    doctor: Answer
