"""One site for all acceptance tests: planted files taken in, a model trained, promoted and used, by the real verbs."""

from __future__ import annotations

from pathlib import Path

import planted
import polars as pl
import pytest
from site_run import AS_OF, Done, Site


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The whole job. Tests read it; one that changes something works on a copy of its home."""
    site = Site(tmp_path_factory.mktemp("acceptance"))
    practice, odd = site.input / "practice", site.input / "odd"
    for folder in (practice, odd):
        folder.mkdir()
    planted.write_practice(practice)
    for name, text in planted.UNREADABLE.items():
        (odd / name).write_text(text, encoding="utf-8")
    new = site.input / "new.csv"
    pl.read_csv(practice / "lines.csv", infer_schema=False).tail(60).write_csv(new)
    return Done(
        site,
        ingest=site.denials("ingest", practice, "--json"),
        refused=site.denials("ingest", odd),
        train=site.denials("train", "--as-of", AS_OF, "--json"),
        promote=site.denials("promote"),
        score=site.denials("score", new, "--out", site.answers / "scored.csv", "--explain", "full"),
        explain=site.denials("explain", new, "--claims", 20, asked=True),
        report=site.denials("report", "--out", site.home / "report.html"),
        doctor=site.denials("doctor"),
    )


@pytest.fixture(scope="session")
def home(done: Done) -> Path:
    """DENIALS_HOME of the finished site."""
    return done.site.home
