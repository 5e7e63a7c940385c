"""MLflow: what a training run leaves behind, the registered versions and their aliases.

All of it lies under DENIALS_HOME/mlruns (mlflow.db and artifacts/). Aliases: challenger, champion, previous. Nothing
of a claim goes in: parameters, metrics, figures, the card, the model folder. Serving never imports this module.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claims.errors import NoModelError, OutOfReachError
from claims.settings import Settings
from training.fit import Recipe
from training.model import DenialModel
from training.shape import shape_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param
    from mlflow.entities.model_registry import ModelVersion

EXPERIMENT = "denials"
NAME = "denial"
ALIASES = ("challenger", "champion", "previous")
FOLDER = "denial"  # of the model folder among the artifacts of the pyfunc
ABSENT = (
    "RESOURCE_DOES_NOT_EXIST",
    "INVALID_PARAMETER_VALUE",
)  # what MLflow says of a version or alias that is not there
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


@dataclass(frozen=True)
class Run:
    """What a training run says about itself. Figures by file name; texts (card, gate) by file name."""

    parameters: Mapping[str, Any]
    metrics: Mapping[str, float | None]
    tags: Mapping[str, str]
    texts: Mapping[str, str]
    figures: Mapping[str, Figure]


@contextmanager
def _mlflow(settings: Settings) -> Iterator[MlflowClient]:
    """A client of the site's store, telemetry off. OutOfReachError when it cannot be reached."""
    os.environ.update(QUIET)
    import mlflow  # 3 s of import, and it reads the variables above when it is imported
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    uri = f"sqlite:///{settings.mlruns / 'mlflow.db'}"
    try:
        _probe(settings.mlruns / "mlflow.db")
        (settings.mlruns / "artifacts").mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(uri)
        yield mlflow.MlflowClient(uri)
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise OutOfReachError(
            f"the MLflow store in {settings.mlruns} cannot be used ({type(error).__name__}): see that the folder "
            "can be written and that mlflow.db is not of another version"
        ) from error


def _probe(database: Path) -> None:
    """Read the database where there is one. MLflow itself would try again for 90 s before it gives up."""
    if database.exists():
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            connection.execute("pragma schema_version")


def log_run(settings: Settings, model: DenialModel, run: Run) -> tuple[str, DenialModel]:
    """Log a run and register its model as the challenger. Returns the run's id and the model under its number."""
    with _mlflow(settings) as client:
        record = client.create_run(_experiment(client, settings), tags=dict(run.tags))
        run_id = record.info.run_id
        client.log_batch(run_id, *_entities(run))
        for name, text in run.texts.items():
            client.log_text(run_id, text, name)
        for name, figure in run.figures.items():
            client.log_figure(run_id, figure, name)
        numbered = _register(client, settings, model, run_id, run.tags)
        client.set_terminated(run_id)
    return run_id, numbered


def _entities(run: Run) -> tuple[list[Metric], list[Param]]:
    """Metrics that are defined, and parameters, for one write."""
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    metrics = [Metric(name, float(value), now, 0) for name, value in run.metrics.items() if value is not None]
    return metrics, [Param(name, str(value)) for name, value in run.parameters.items()]


def _experiment(client: MlflowClient, settings: Settings) -> str:
    found, here = client.get_experiment_by_name(EXPERIMENT), (settings.mlruns / "artifacts").resolve().as_uri()
    if found is None:
        return client.create_experiment(EXPERIMENT, artifact_location=here)
    if found.artifact_location != here:
        raise OutOfReachError(
            f"{settings.mlruns} was made in another place and keeps writing there: move it back, or set it aside"
        )
    return str(found.experiment_id)


def _register(
    client: MlflowClient, settings: Settings, model: DenialModel, run_id: str, tags: Mapping[str, str]
) -> DenialModel:
    """Log the folder as a pyfunc, register it, and write its number into the folder."""
    uri, model_id = _log_pyfunc(model, run_id)
    if not client.search_registered_models(filter_string=f"name = '{NAME}'"):
        client.create_registered_model(NAME)
    version = client.create_model_version(NAME, uri, run_id, tags=dict(tags), model_id=model_id)
    numbered = model.with_version(str(version.version))
    numbered.save(_folder(settings, version))
    client.set_registered_model_alias(NAME, "challenger", version.version)
    return numbered


def _log_pyfunc(model: DenialModel, run_id: str) -> tuple[str, str]:
    """Models from code: MLflow keeps the script training/pyfunc.py and the folder, no pickle."""
    import mlflow
    import numpy as np

    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings(), mlflow.start_run(run_id=run_id):
        warnings.simplefilter("ignore", UserWarning)  # about type hints: ours is a plain matrix
        model.save(Path(scratch) / FOLDER)
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("pyfunc.py")),
            artifacts={"denial": str(Path(scratch) / FOLDER)},
            input_example=np.zeros((1, len(model.features))),
            signature=_signature(len(model.features)),
            metadata={"features": list(model.features)},
            pip_requirements=[f"{name}=={at}" for name, at in model.versions["libraries"].items() if name != "python"],
        )
    return str(logged.model_uri), str(logged.model_id)


def _signature(columns: int) -> Any:
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    return ModelSignature(inputs=Schema([TensorSpec(np.dtype(np.float64), (-1, columns))]))


def _folder(settings: Settings, version: ModelVersion) -> Path:
    """Where the model folder of a version lies: as MLflow lays it out, but under this home, which may have moved."""
    model_id = str(version.source).removeprefix("models:/")
    return settings.mlruns / "artifacts" / "models" / model_id / "artifacts" / "artifacts" / FOLDER


def _find(client: MlflowClient, which: str) -> ModelVersion:
    """A version by its number or alias. NoModelError when there is none."""
    from mlflow.exceptions import MlflowException

    try:
        if which.isdigit():
            return client.get_model_version(NAME, which)
        return client.get_model_version_by_alias(NAME, which)
    except MlflowException as error:
        if error.error_code not in ABSENT:
            raise
        raise NoModelError(_missing(which)) from error


def _missing(which: str) -> str:
    if which == "previous":
        return "there is no previous model to go back to: it is there once a second one was promoted"
    if which in ALIASES or which.isdigit():
        return f"no registered model is called {which}: train one (denials train)"
    return f"no folder and no registered model is called {which}: give a folder, a version, or {', '.join(ALIASES)}"


def require_runs(settings: Settings) -> None:
    """NoModelError where nothing was ever registered."""
    if not (settings.mlruns / "mlflow.db").exists() and not settings.mlruns.is_file():
        raise NoModelError(f"no model is registered under {settings.mlruns}: train one (denials train)")


def _found(client: MlflowClient, which: str) -> ModelVersion | None:
    try:
        return _find(client, which)
    except NoModelError:
        return None


def resolve(settings: Settings, which: str) -> Path:
    """The model folder of a version ("7") or alias (champion, challenger, previous). NoModelError: there is none."""
    require_runs(settings)
    with _mlflow(settings) as client:
        return _folder(settings, _find(client, which))


def aliases(settings: Settings) -> dict[str, str]:
    """The aliases that are set and the versions they point at."""
    with _mlflow(settings) as client:
        found = {alias: _found(client, alias) for alias in ALIASES}
        return {alias: str(version.version) for alias, version in found.items() if version is not None}


def find_run(settings: Settings, as_of: date, data_version: str, recipe: Recipe | None = None) -> str | None:
    """The latest version of that day, that state of the store, and the same shape; None where there is none.

    recipe: by default that of training. Shape: training.shape.
    """
    wanted = {"as_of": str(as_of), "data_version": data_version, "shape": shape_of(settings, recipe)}
    with _mlflow(settings) as client:
        versions = client.search_model_versions(f"name = '{NAME}'")
        same = [int(version.version) for version in versions if wanted.items() <= version.tags.items()]
        return str(max(same)) if same else None


def set_gate(settings: Settings, which: str, outcome: str, answers: list[Any], *, over_failed: bool = True) -> bool:
    """Record a later judgement of a version: the tag that promote reads, and gate.json of its run.

    Returns whether it was recorded: without `over_failed` a failure that is on record stays.
    """
    with _mlflow(settings) as client:
        version = _find(client, which)
        if not over_failed and version.tags.get("gate") == "failed":
            return False
        client.set_model_version_tag(NAME, version.version, "gate", outcome)
        client.log_text(str(version.run_id), json.dumps(answers, indent=1) + "\n", "gate.json")
        return True


def gate_of(settings: Settings, which: str) -> tuple[str, str]:
    """The number of a version and what its gate said last: passed, failed or unknown. NoModelError: there is none."""
    with _mlflow(settings) as client:
        version = _find(client, which)
        return str(version.version), str(version.tags.get("gate", "unknown"))


def point(settings: Settings, targets: Mapping[str, str | None]) -> None:
    """Point aliases at versions, one after the other in this order; None leaves an alias where it is."""
    with _mlflow(settings) as client:
        for alias, version in targets.items():
            if version is not None:
                client.set_registered_model_alias(NAME, alias, version)
