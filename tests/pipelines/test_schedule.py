"""What `denials schedule` starts ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from pipelines.schedule import _running, _stopped_by_sigterm


def test_sigterm_ends_what_was_started() -> None:
    before = signal.getsignal(signal.SIGTERM)
    started: list[subprocess.Popen[bytes]] = []
    with (
        pytest.raises(SystemExit, match="143"),
        _stopped_by_sigterm(),
        _running([sys.executable, "-c", "import time; time.sleep(60)"]) as process,
    ):
        started.append(process)
        os.kill(os.getpid(), signal.SIGTERM)
        process.wait(10)  # the signal comes before
    assert started[0].poll() == -signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before
