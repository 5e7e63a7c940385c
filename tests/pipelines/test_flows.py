"""The Prefect flows on a real (temporary) Prefect server: they do the work, and doing it twice changes nothing."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from claims.settings import load_settings
from claims.store import Store
from pipelines.schedule import QUIET, deployments
from training.promotion import promote

AS_OF = "2026-11-01"


@pytest.fixture(scope="module", autouse=True)
def prefect() -> Iterator[None]:
    os.environ.update(QUIET)
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, files: Path) -> Path:
    home = tmp_path_factory.mktemp("flows")
    shutil.copytree(files, home / "inbox")
    return home


def test_ingest_twice_changes_nothing(site: Path) -> None:
    from pipelines.ingest import ingest_flow

    first = ingest_flow(str(site / "inbox"), str(site))
    version = Store.open(load_settings(site)).data_version()
    again = ingest_flow(str(site / "inbox"), str(site))
    assert first["new"] == first["accepted"] > 0
    assert (again["new"], again["accepted"]) == (0, first["accepted"])
    assert Store.open(load_settings(site)).data_version() == version


def test_training_twice_for_one_day_makes_one_version(site: Path) -> None:
    from pipelines.train import train_flow

    first, again = train_flow(str(site), AS_OF), train_flow(str(site), AS_OF)
    assert first["trained"] and not again["trained"]
    assert first["model_version"] == again["model_version"]


def test_scoring_twice_writes_the_same_risks(site: Path, files: Path) -> None:
    from pipelines.score_batch import score_batch_flow

    promote(load_settings(site))
    pl.read_csv(files / "lines.csv", infer_schema=False).tail(30).write_csv(site / "new.csv")
    answers = []
    for name in ("one.csv", "two.csv"):
        assert score_batch_flow(str(site / "new.csv"), str(site / name), str(site)) == 30
        answers.append(pl.read_csv(site / name).drop("score_id"))
    assert answers[0].equals(answers[1])


def test_a_missing_inbox_fails_the_run_with_the_reason(site: Path) -> None:
    from claims.errors import UnreadableFileError
    from pipelines.ingest import ingest_flow

    with pytest.raises(UnreadableFileError, match="there is no"):
        ingest_flow(str(site / "nowhere"), str(site))


def test_the_deployments_carry_the_sites_cron(site: Path) -> None:
    settings = load_settings(site)
    assert [d.name for d in deployments(settings)] == ["retrain"]
    settings.schedule.inbox = site / "inbox"
    found = {d.name: d for d in deployments(settings)}
    assert set(found) == {"retrain", "inbox"}
    cron = found["retrain"].schedules[0].schedule
    assert (cron.cron, cron.timezone) == (settings.schedule.train, settings.timezone)
