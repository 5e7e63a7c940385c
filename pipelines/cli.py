"""The command line: parses, calls one plain function a verb, prints. `denials VERB --help` teaches each.

Exit codes: 0 done, 2 usage, 10 unreadable file, 11 rejects above the limit, 12 rule book invalid, 13 gate failed,
14 no model or a mismatched one, 15 a service or database out of reach.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from claims.errors import DenialsError, GateFailedError, OutOfReachError
from claims.settings import load_settings
from pipelines import show
from pipelines.arguments import Json, Map, Model, Tune, day_of, mapping_of, scorer_of
from pipelines.check import check
from pipelines.keys_cli import keys
from pipelines.migrate import migrate
from pipelines.rules_cli import rules
from pipelines.service import serve
from pipelines.terminal import counted, dump, fail, out, progress, say

app = typer.Typer(
    help="Denial risk of a claim before it is sent, learned from the practice's own remittances.",
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    epilog="State lives under DENIALS_HOME (default: the repository); settings in its denials.toml.",
)  # fmt: skip


def main() -> None:
    """Entry point of `denials`: user errors become one line and an exit code."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # else GNU OpenMP's threads spin: slow on busy cores
    try:
        app()
    except DenialsError as error:
        fail(str(error))
        sys.exit(error.exit_code)
    except OSError as error:  # of the machine, not of the program: a full disk, a folder that may not be written
        fail(f"{error.filename or 'the machine'}: {error.strerror or type(error).__name__}")
        sys.exit(OutOfReachError.exit_code)


@app.command()
def demo(
    claims: Annotated[int, typer.Option(min=1_000, help="Claims of the synthetic practice.")] = 20_000,
    home: Annotated[Path, typer.Option(help="Folder for all that the demo makes.")] = Path("demo"),
) -> None:
    """Run the whole job on a synthetic practice.

    Files, store, model, promotion, scores with reasons, report: all of it in a folder of its own.
    """
    from pipelines.demo import run_demo

    run_demo(home, claims)


@app.command()
def generate(
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the practice's files.")],
    world: Annotated[str, typer.Option(help="base, small, drift, policy_change, new_payer, or a YAML file.")] = "base",
    claims: Annotated[int, typer.Option(min=1)] = 20_000,
    seed: Annotated[int | None, typer.Option(help="Default: the world's own.")] = None,
    form: Annotated[
        Literal["csv", "x12", "fhir"],
        typer.Option(help="csv: three tables; x12: 837, 835, 277CA, 999; fhir: NDJSON and a Bundle."),
    ] = "csv",
    truth: Annotated[Path | None, typer.Option(help="Another file: what decided each line. Not for ingest.")] = None,
) -> None:
    """Write the files of a synthetic practice.

    Its answers are known (--truth). What is measured on it shows that the machinery works, no more.
    """
    from data.synthetic import generate as generate_world
    from data.synthetic import load_world

    with progress("generate") as tell:
        tell(f"{claims:,} claims of world {world}", 0.1)
        made = generate_world(load_world(world), claims, seed)
        tell("writing files", 0.8)
        made.write(out_folder, form)
        if truth:
            made.write_truth(truth)
    say(f"{counted(made.lines.height, 'line')}, {counted(made.outcomes.height, 'outcome')}: {out_folder}")


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders; folders are walked, .gz and .zip opened.")],
    map_file: Map = None,
    as_json: Json = False,
) -> None:
    """Take files into the store.

    837, 835, 277CA, 999, 278, FHIR (JSON, NDJSON), CSV and Parquet: the content says which. The same file twice
    changes nothing; what is rejected is told with its reason.
    """
    from claims.ingest import ingest as ingest_files

    settings = load_settings()
    mapping = mapping_of(map_file)
    with progress("ingest", quiet=as_json) as tell:
        report = ingest_files(paths, settings, mapping, tell)
    if as_json:
        dump(report.as_json())
    else:
        show.ingested(report)
    report.raise_for_faults(settings)


app.command()(check)
app.command()(migrate)


@app.command()
def train(
    as_of: Annotated[str | None, typer.Option(help="Use only what was known before this day (default: today).")] = None,
    tune: Tune = None,
    seed: Annotated[int | None, typer.Option(help="Default: training.seed of denials.toml.")] = None,
    as_json: Json = False,
) -> None:
    """Learn from the store; register the challenger.

    Replays the last fourth of the data's days and holds the gate on it; the model itself learns from all of it.
    """
    from claims.store import Store
    from training.run import train as train_model

    settings = load_settings()
    given = {name: value for name, value in {"seed": seed, "tune": tune}.items() if value is not None}
    settings.training = settings.training.model_copy(update=given)
    with progress("train", quiet=as_json) as tell:
        result = train_model(Store.open(settings), settings, as_of=day_of(as_of, settings), progress=tell)
    if as_json:
        dump(result.json())
    else:
        show.trained(result, settings)
    if result.trouble:
        raise OutOfReachError(result.trouble)


@app.command()
def evaluate(
    model: Annotated[str, typer.Option("--model", help="Alias or version of a registered model.")] = "challenger",
    replay_from: Annotated[
        str | None, typer.Option("--from", help="First day of another replay; a pass there is told, not recorded.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hold the gate again; exit 13 when it fails.

    The challenger against the champion and the payer x CPT table, on lines that it did not learn from.
    """
    from claims.store import Store
    from training.run import evaluate as evaluate_model

    settings = load_settings()
    start = day_of(replay_from, settings) if replay_from else None
    with progress("evaluate", quiet=as_json) as tell:
        result = evaluate_model(Store.open(settings), settings, which=model, replay_from=start, progress=tell)
    if as_json:
        dump(result.json())
    else:
        show.trained(result, settings, chosen=start is not None)
    if not result.passed:
        raise GateFailedError("the gate failed; the champion stays. The checks above say where")


@app.command()
def promote(as_json: Json = False) -> None:
    """Let the challenger serve, if its gate passed. The champion becomes `previous`."""
    from training.promotion import promote as promote_model

    _changed(promote_model(load_settings()), "serves now", as_json)


@app.command()
def rollback(as_json: Json = False) -> None:
    """Let the previous champion serve again."""
    from training.promotion import rollback as roll_back

    _changed(roll_back(load_settings()), "serves again", as_json)


def _changed(answer: dict[str, str | None], verb: str, as_json: bool) -> None:
    if as_json:
        dump(answer)
    else:
        say(f"Model {answer['model_version']} {verb}; previous: {answer['previous'] or 'none'}.")
        say(f"Its folder: {answer['folder']}", whole=True)


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help="Claims to be sent: 837, FHIR, CSV, Parquet or JSON.")],
    out_file: Annotated[Path, typer.Option("--out", help="Answer: .csv, .parquet or .json.")],
    explain: Annotated[
        Literal["top", "full"] | None,
        typer.Option(help="A second file, OUT.drivers, with what drives each line."),
    ] = None,
    model: Model = None,
    map_file: Map = None,
) -> None:
    """Score a file of claims before they are sent.

    One row out for every line in, in the same order; a line that cannot be scored says why.
    """
    from serving.batch import score_file

    settings = load_settings()
    mapping = mapping_of(map_file)
    scorer = scorer_of(model, settings)
    with progress("score") as tell:
        scored = score_file(scorer, file, out_file, explain=explain, progress=tell, mapping=mapping)
    show.scored(scored)


@app.command()
def explain(
    file: Annotated[Path, typer.Argument(help="Claims: 837, FHIR, CSV, Parquet or JSON.")],
    claims: Annotated[int, typer.Option(min=1, help="How many, dearest first.")] = 3,
    model: Model = None,
    map_file: Map = None,
    as_json: Json = False,
) -> None:
    """Say why, for the claims that stand to lose most.

    Line by line, in a biller's words.
    """
    from serving import explain_file

    mapping = mapping_of(map_file)
    answer = explain_file(scorer_of(model, load_settings()), file, claims, mapping)
    if as_json:
        dump(answer)
    else:
        show.explained(answer)


@app.command()
def report(
    out_file: Annotated[Path, typer.Option("--out", help="An HTML page that needs nothing else.")] = Path(
        "report.html"
    ),
) -> None:
    """Write the manager's page as one file.

    Denials over time, by payer, code and category, what drives them, and how good the model is.
    """
    from dashboard.report import write_report

    with progress("report") as tell:
        tell("reading the store and drawing", 0.3)
        written = write_report(load_settings(), out_file)
    say(f"{written} is written ({written.stat().st_size / 1e6:.1f} MB); open it in a browser.")


app.add_typer(rules, name="rules")


app.command()(serve)
app.add_typer(keys, name="keys")


@app.command()
def schedule() -> None:
    """Retrain and ingest by the clock, with Prefect.

    Serves the deployments with the cron expressions of denials.toml until stopped.
    """
    from pipelines import schedule as clock

    settings = load_settings()
    taken = settings.schedule.ingest if settings.schedule.inbox else "no inbox is set (schedule.inbox)"
    say(f"retrain: {settings.schedule.train}; ingest: {taken} ({settings.timezone})")
    with clock.server(settings) as address:
        say(f"Prefect: {address.removesuffix('/api')}. Stop with Ctrl-C.")
        clock.serve(settings)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Look at the installation, with remedies."""
    from pipelines.doctor import examine

    checks = examine(load_settings())
    if as_json:
        dump({"checks": [check._asdict() for check in checks]})
    else:
        show.examined(checks)
    out.file.flush()
