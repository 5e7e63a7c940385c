"""The whole main job on a synthetic practice, in a folder of its own: files, store, model, scores, report.

The claims of the last week are held back and scored as claims about to be sent.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl

from claims.ingest import ingest
from claims.settings import Settings, load_settings
from claims.store import Store
from dashboard.report import write_report
from data.synthetic import Generated, ceilings, generate, load_world
from pipelines import show
from pipelines.terminal import progress, say
from serving import Scorer
from serving.batch import score_file
from training.registry import promote
from training.run import TrainResult, train

WORLD = "base"
HELD_BACK = timedelta(days=7)
NOTICE = (
    "The practice is synthetic: its payers' habits are written down in data/synthetic/worlds/base.yaml. These results "
    "show that the machinery works; they do not say how well it predicts any real payer."
)


def run_demo(home: Path, claims: int) -> None:
    """Run everything and say how to look at it. Running it again starts from the same files."""
    home.mkdir(parents=True, exist_ok=True)
    settings = load_settings(home)
    with progress("demo") as tell:
        tell(f"a synthetic practice of {claims:,} claims", 0.02)
        made = generate(load_world(WORLD), claims)
        new = _write(made, home / "data")
        tell("files into the store", 0.15)
        taken = ingest([home / "data" / "history"], settings)
        tell("learning", 0.25)
        result = train(
            Store.open(settings), settings, as_of=_today(made),
            progress=lambda message, share: tell(message, 0.25 + 0.55 * share),
        )  # fmt: skip
        tell("promoting", 0.82)
        serving = promote(settings) if result.passed and result.run_id else None
        tell("scoring last week's claims", 0.85)
        scorer = Scorer.load(result.folder, settings)
        scored = score_file(scorer, new, home / "scored.csv", explain="top")
        explained = scorer.explain_file(new)
        tell("writing the report", 0.95)
        report = write_report(settings, home / "report.html", notice=NOTICE)
    show.ingested(taken)
    show.trained(result, settings)
    show.measured(result, ceilings(made, *_replayed(result)))
    show.scored(scored, home / "scored.csv")
    show.explained(explained, 3)
    _farewell(settings, report, serving is not None)


def _today(made: Generated) -> "date":
    ...


def _write(made: Generated, folder: Path) -> Path:
    """The history's files, and apart from them the claims of the last week, not sent yet."""
    ...


def _farewell(settings: Settings, report: Path, promoted: bool) -> None:
    say(NOTICE)
    say()
    if not promoted:
        say("The gate did not let this model in; nothing serves yet.")
    say(f"Report:   {report}")
    say(f"Service:  DENIALS_HOME={settings.home} .venv/bin/denials serve")
    say(f"MLflow:   {show.mlflow_command(settings)}")
