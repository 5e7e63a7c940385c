"""schemathesis over the OpenAPI document of a real service: python -m benchmarks.http_schema [EXAMPLES].

Without its phase `examples`: it cannot send those of a type that it was taught; tests/serving/test_document.py does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.http_site import QUICK, make_site, serving
from claims.settings import Settings
from serving.keys import add


def check(home: Path, folder: Path, examples: int) -> subprocess.CompletedProcess[str]:
    """Serve a home and let schemathesis try every operation with so many examples; it ends with 0 where all hold."""
    _, key = add(Settings(home=home), "admin", "schemathesis")
    tool = str(Path(sys.executable).with_name("schemathesis"))
    hooks = os.environ | {"SCHEMATHESIS_HOOKS": "benchmarks.http_hooks"}
    with serving(home, folder / "log", DENIALS_SERVING__REQUESTS_PER_SECOND="0") as (port, _):
        command = [tool, "run", f"http://127.0.0.1:{port}/openapi.json", "-H", f"Authorization: Bearer {key}"]
        command += ["--max-examples", str(examples), "--seed", "1", "--no-color"]
        command += ["--phases", "coverage,fuzzing,stateful"]
        return subprocess.run(
            command, env=hooks, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
        )


def main(examples: int = 200) -> int:
    """The exit code of schemathesis."""
    with tempfile.TemporaryDirectory() as folder:
        make_site(Path(folder) / "home", "small", 1_200, QUICK)
        done = check(Path(folder) / "home", Path(folder), examples)
    print(done.stdout + done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
