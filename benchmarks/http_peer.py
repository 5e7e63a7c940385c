"""The peer of benchmarks/http_speed.py: `mlflow models serve` of the same booster, with one worker.

It gets its features ready made; ours reads claims, asks rules, makes features, tells reasons and sentences, and keeps
each score before it answers.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM

from benchmarks.http_site import free_port, wait_for

SCRIPT = Path(__file__).with_name("http_peer_model.py")


def save(folder: Path, booster: str) -> Path:
    """The booster as a model of MLflow."""
    import mlflow

    text = folder / "booster.txt"
    text.write_text(booster, encoding="utf-8")
    named = {"booster": str(text)}
    mlflow.pyfunc.save_model(folder / "peer", python_model=str(SCRIPT), artifacts=named, pip_requirements=[])
    return folder / "peer"


@contextmanager
def served(model: Path, log: Path) -> Iterator[int]:
    """The port of MLflow's server."""
    port, tools = free_port(), Path(sys.executable).parent
    command = [str(tools / "mlflow"), "models", "serve", "-m", str(model), "-p", str(port), "--env-manager", "local"]
    command += ["--workers", "1", "--host", "127.0.0.1"]
    given = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": f"{tools}:{os.environ['PATH']}"}
    with log.open("ab") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=given, start_new_session=True)
        try:
            wait_for(f"http://127.0.0.1:{port}/ping", process, log)
            yield port
        finally:
            os.killpg(process.pid, SIGTERM)  # its own group: the command begins the server as another process
            process.wait(60)
