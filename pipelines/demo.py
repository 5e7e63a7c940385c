"""The whole main job on a synthetic practice, in a folder of its own: files, store, model, scores, report.

The claims of the last week are held back and scored as claims about to be sent.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from claims.errors import GateFailedError, UsageError
from claims.ingest import IngestReport, ingest
from claims.settings import Settings, load_settings
from claims.store import Store
from dashboard.report import write_report
from data.synthetic import Generated, ceilings, generate, load_world
from pipelines import show
from pipelines.terminal import Report, progress, say
from serving import Scorer, explain_file, score_file
from serving.batch import Written
from training.promotion import promote
from training.run import TrainResult, train

WORLD = "base"
HELD_BACK = timedelta(days=7)
MARK = ".made-by-the-demo"  # only a folder that holds it is ever emptied
NOTICE = (
    "The practice is synthetic: its payers' habits are written down in data/synthetic/worlds. These results show that "
    "the machinery works; they do not say how well it predicts any real payer."
)


@dataclass(frozen=True)
class Done:
    """What the demo has to show."""

    made: Generated
    taken: IngestReport
    result: TrainResult
    promoted: bool
    scored: Written
    explained: dict[str, Any]
    report: Path


def run_demo(home: Path, claims: int) -> None:
    """Run everything and say how to look at it. Running it again starts anew.

    Raises GateFailedError, once all is shown, when the model did not pass.
    """
    started = time.monotonic()
    settings = load_settings(_emptied(home))
    with progress("demo") as tell:
        done = _work(settings, claims, tell)
    _tell(settings, done, time.monotonic() - started)
    if not done.result.passed:
        raise GateFailedError("the gate did not let this model in; nothing serves yet. The checks above say where")


def _emptied(home: Path) -> Path:
    """The demo's folder, empty. Raises UsageError for a folder with anything in it that no demo made."""
    if home.exists() and any(home.iterdir()):
        if not (home / MARK).exists():
            raise UsageError(f"{home} holds something that is not of a demo; name another folder with --home")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARK).touch()
    return home


def _work(settings: Settings, claims: int, tell: Report) -> Done:
    tell(f"a practice of {claims:,} claims", 0.02)
    made = generate(load_world(WORLD), claims)
    last = made.lines.get_column("submitted_date").max()
    assert isinstance(last, date)
    today = last - HELD_BACK  # the demo's own day: the world ends, whatever the clock says
    new = _write(made, settings.home / "data", today)
    tell("files into the store", 0.15)
    taken = ingest([settings.home / "data" / "history"], settings)
    result = train(
        Store.open(settings), settings, as_of=today,
        progress=lambda message, share: tell(message, 0.25 + 0.55 * share),
    )  # fmt: skip
    promoted = result.passed and result.run_id is not None
    if promoted:
        promote(settings)
    tell("scoring the claims of last week", 0.85)
    scorer = Scorer.load(result.folder, settings)
    scored = score_file(scorer, new, settings.home / "scored.csv", explain="top")
    explained = explain_file(scorer, new, most=3)
    tell("writing the report", 0.95)
    report = write_report(settings, settings.home / "report.html", synthetic=True, as_of=today)
    return Done(made, taken, result, promoted, scored, explained, report)


def _write(made: Generated, folder: Path, cut: date) -> Path:
    """What was known by `cut` as the history's files (837 and 835; authorizations as a table); the claims submitted
    since as one 837 file to be scored.
    """
    made.until(cut).write(folder / "history", "x12")
    new = folder / "new_claims.837"
    made.write_claims(new, cut)
    return new


def _tell(settings: Settings, done: Done, seconds: float) -> None:
    show.ingested(done.taken)
    replayed = done.result.replayed
    known = ceilings(done.made, replayed.later.lines, replayed.later.y) if replayed else {}
    show.trained(done.result, settings, known, onward=False)
    show.scored(done.scored)
    say()
    show.explained(done.explained)
    say(NOTICE)
    say()
    say(f"The work took {seconds:.0f} seconds. Look at it:")
    say(f"Report    {done.report}", whole=True)
    say(f"Service   DENIALS_HOME={settings.home} .venv/bin/denials serve", whole=True)
    say(f"MLflow    {show.mlflow_command(settings)}", whole=True)
