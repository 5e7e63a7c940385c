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


def test_what_passed_is_promoted_where_the_site_says_so(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ended between registering and promoting is made good by the next; what was rolled back stays so."""
    from pipelines.train import train_flow

    monkeypatch.setenv("DENIALS_TRAINING__PROMOTE", "auto")
    assert [train_flow(str(site), AS_OF)["promoted"] for _ in range(2)] == [True, False]
    assert (site / "models" / "champion").exists()


def test_a_registry_out_of_reach_fails_the_run_and_keeps_the_model(site: Path, tmp_path: Path) -> None:
    from claims.errors import OutOfReachError
    from pipelines.train import train_flow

    shutil.copytree(site / "store", tmp_path / "store")
    shutil.copy(site / "secret.key", tmp_path)
    (tmp_path / "mlruns").write_text("in the way")
    with pytest.raises(OutOfReachError, match="not registered"):
        train_flow(str(tmp_path), AS_OF)
    assert (tmp_path / "models" / f"unregistered-{AS_OF}" / "booster.txt").exists()


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
