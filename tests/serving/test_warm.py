"""What is kept of the store answers to the last bit as what is worked out; nothing old or damaged is ever trusted."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from claims.packed import ARRAYS, PLAN
from claims.read import read_frame
from claims.settings import Settings
from claims.snapshot import take_snapshot
from claims.store import Store
from data.synthetic.generate import Generated
from features import History
from rules.ruleset import rules_of
from serving import warm
from serving.current import Current
from serving.score import Scorer
from serving.warm import Known, make_apart, takes_long
from serving.worth import Prices

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]


@pytest.fixture
def home(site: Settings, tmp_path: Path) -> Settings:
    """A copy of the site, of which nothing is kept."""
    shutil.copytree(site.home, tmp_path / "home", ignore=shutil.ignore_patterns("history"))
    return Settings(home=tmp_path / "home")


def kept_in(settings: Settings) -> list[Path]:
    """Folders of what is kept."""
    return sorted(path for path in settings.kept.iterdir() if path.is_dir())


def cannot(*given: object, **named: object) -> None:
    """In place of reading the store."""
    raise AssertionError("the store is read")


def without_ids(told: Json) -> Json:
    """An answer but for the ids that every answer gives anew."""
    return json.loads(json.dumps(told), object_hook=lambda one: {k: v for k, v in one.items() if k != "score_id"})


@pytest.fixture
def worked_out(home: Settings) -> Scorer:
    """A scorer whose history was never kept."""
    snapshot = take_snapshot(Store.open(home))
    model = Scorer.load(settings=home).model
    return Scorer(model, History.of(snapshot, rules_of(home)), home, Prices.of(snapshot))


def test_kept_is_worked_out_to_the_last_bit(
    home: Settings, worked_out: Scorer, world: Generated, claim: Json, tmp_path: Path
) -> None:
    scorer = Scorer.load(settings=home)
    mapped = scorer.history.outcomes.ledgers["payer_id"].stamp
    assert not mapped.flags.owndata and not mapped.flags.writeable
    assert without_ids(scorer.score_claims([claim])) == without_ids(worked_out.score_claims([claim]))
    lines = read_frame(world.lines.tail(800), home).lines
    later = read_frame(world.lines.tail(60).with_columns(submitted_date=pl.lit("2027-01-05")), home).lines
    for part in (lines, pl.concat([lines, later])):  # with a request's own earlier lines too
        mine, theirs = scorer.assess(part), worked_out.assess(part)
        assert mine.table.numbers.tobytes() == theirs.table.numbers.tobytes()
        assert mine.raw.tobytes() == theirs.raw.tobytes()
        assert np.array_equal(mine.loss, theirs.loss)
        assert scorer.findings(mine) == worked_out.findings(theirs)
    assert scorer.history.through == worked_out.history.through
    assert scorer.history.snapshot.lines.equals(worked_out.history.snapshot.lines)


def test_is_made_once_and_read_after(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    Known.load(home)
    (folder,) = kept_in(home)
    assert folder.stat().st_mode & 0o777 == home.kept.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr("serving.warm.take_snapshot", cannot)  # now nothing can be worked out
    assert Known.load(home).history.through is not None


def test_a_store_that_grew_is_seen_and_the_old_is_removed(home: Settings, world: Generated) -> None:
    old = Known.load(home)
    (before,) = kept_in(home)
    assert len(old.history.past.services) > 0
    grown = world.lines.tail(1).with_columns(claim_id=pl.lit("T-GREW"))
    Store.open(home).add(read_frame(grown, home))
    new = Known.load(home)
    (after,) = kept_in(home)
    assert before != after
    assert len(new.history.past.services) == len(old.history.past.services) + 1
    assert old.history.outcomes.ledgers["all"].totals[-1] > 0  # what was removed is still mapped


@pytest.mark.parametrize("name", [ARRAYS, PLAN])
def test_what_is_damaged_is_made_anew(home: Settings, name: str, caplog: pytest.LogCaptureFixture) -> None:
    first = Known.load(home)
    (folder,) = kept_in(home)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2] + b"?" + content[len(content) // 2 + 1 :])
    again = Known.load(home)
    assert "made anew" in caplog.text
    assert (folder / name).read_bytes() == content
    assert again.history.through == first.history.through


@pytest.mark.parametrize("what", ["code", "polars", "classes"])
def test_what_another_code_made_is_not_read(home: Settings, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Known.load(home)
    (before,) = kept_in(home)
    if what == "classes":
        own = 'group,carc,class,category\n"",197,contractual,""\n'
        (home.home / "own.csv").write_text(own)
        home.ingest.carc_classes = home.home / "own.csv"
    else:
        told = dict(warm._code())
        monkeypatch.setattr("serving.warm._code", lambda: told | {what: "another"})
    Known.load(home)
    (after,) = kept_in(home)
    assert before != after


def test_every_table_and_module_below_decides() -> None:
    names = {str(path.relative_to(ROOT)) for path in warm._sources()}
    assert {"features/history.py", "rules/encode.py", "claims/carc_classes.csv", "serving/worth.py"} <= names


def test_where_nothing_can_be_kept_it_is_worked_out(home: Settings, caplog: pytest.LogCaptureFixture) -> None:
    home.kept.write_text("a file where the folder should be")
    assert Known.load(home).history.through is not None
    assert "cannot be kept" in caplog.text


def test_a_draft_that_was_left_is_removed(home: Settings) -> None:
    (home.kept / ".draft-left").mkdir(parents=True)
    Known.load(home)
    assert not list(home.kept.glob(".draft-*"))


def test_a_full_disk_leaves_no_draft(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(value: object, folder: Path, about: object) -> None:
        (folder / ARRAYS).write_bytes(b"half")
        assert len(list(home.kept.glob(".draft-*"))) == 1  # what a killed process left is gone before room is needed
        raise OSError(errno.ENOSPC, "No space left on device")

    (home.kept / ".draft-left").mkdir(parents=True)
    monkeypatch.setattr("serving.warm.pack", full)
    for _ in range(2):
        assert Known.load(home).history.through is not None
        assert not list(home.kept.glob(".draft-*"))


def test_several_at_once_make_it_once(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    of = History.of
    monkeypatch.setattr(History, "of", lambda *given: made.append(1) or of(*given))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: Known.load(home), range(4)))
    assert len(made) == 1
    assert len({known.history.through for known in found}) == 1


def test_a_lock_that_is_never_let_go_is_waited_for_no_longer(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.warm.WAIT", 0.1)
    home.kept.mkdir(parents=True)
    current = Current(home)
    with open(home.kept / warm.LOCK, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with ThreadPoolExecutor(1) as pool:
            making = pool.submit(current.get)
            try:
                assert making.result(timeout=60).history.through is not None
            finally:
                fcntl.flock(held, fcntl.LOCK_UN)  # also of who would wait for ever
    assert not kept_in(home)
    assert "cannot be kept: another process" in current.status()["notice"]


def test_made_apart_no_longer_than_its_time(
    home: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("serving.warm.MAKING", 0.1)
    make_apart(home)
    assert "was not made within" in caplog.text and not home.kept.exists()


def test_made_apart(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not takes_long(home)  # it is small
    monkeypatch.setattr("serving.warm.LARGE", 1)
    assert takes_long(home)
    make_apart(home)
    assert not takes_long(home)
    monkeypatch.setattr("serving.warm.take_snapshot", cannot)
    assert Known.load(home).history.through is not None


def test_a_warm_start_needs_neither_mlflow_nor_prefect(home: Settings) -> None:
    Known.load(home)
    code = (
        "import sys; from serving import Scorer, warm; warm.take_snapshot = lambda *given, **named: 1 / 0;"
        "scorer = Scorer.load(); print(scorer.history.through, scorer.model.version,"
        "sorted({'mlflow', 'prefect', 'fastapi', 'shap'} & sys.modules.keys()))"
    )
    environment = os.environ | {"DENIALS_HOME": str(home.home), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    through = Known.load(home).history.through
    assert done.stdout.strip() == f"{through} 3 []"


def test_without_a_store_nothing_is_kept(tmp_path: Path) -> None:
    assert Known.load(Settings(home=tmp_path)).history.through is None
    assert not list(tmp_path.iterdir())
