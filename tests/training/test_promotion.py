"""Promotion and rollback cut off at every step: the service always has a whole model, and the next command heals."""

import itertools
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from made_up import SMALL

from claims.errors import GateFailedError, NoModelError, OutOfReachError
from claims.settings import Settings, TrainingSettings
from features import catalog
from training import export, promotion, registry
from training.model import DenialModel


class Killed(BaseException):
    """The process ends here: no handler of an error runs."""


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """The small catalog in place of the real one, for the whole module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog, "CATALOG", SMALL)
        patch.setattr(catalog, "BY_NAME", {f.name: f for f in SMALL})
        yield


@pytest.fixture(scope="module")
def registered(made_model: DenialModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with versions 1 (champion) and 2 (challenger); the gate of both passed."""
    settings = Settings(home=tmp_path_factory.mktemp("registered"))
    for seed in (1, 2):
        versions = made_model.versions | {"seed": seed, "libraries": {"numpy": "2"}}
        run = registry.Run({}, {}, {"gate": "passed"}, {}, {})
        registry.log_run(settings, replace(made_model, versions=versions), run)
        if seed == 1:
            promotion.promote(settings)
    return settings.home


@pytest.fixture
def settings(registered: Path, tmp_path: Path) -> Settings:
    shutil.copytree(registered, tmp_path / "home", symlinks=True)
    return Settings(home=tmp_path / "home")


def serving(settings: Settings) -> str:
    """The version that the service would load; fails where that is not whole."""
    return DenialModel.load(settings.models / "champion").version


def standing(settings: Settings) -> dict[str, str]:
    return registry.aliases(settings)


def whole(settings: Settings) -> None:
    """Nothing half done is left, and what serves is what is registered, byte for byte."""
    assert [path.name for path in settings.models.iterdir() if path.name.startswith(".")] == []
    source, out = registry.resolve(settings, "champion"), settings.models / "champion"
    names = sorted(path.name for path in source.iterdir())
    assert names == sorted(path.name for path in out.iterdir())
    assert all((source / name).read_bytes() == (out / name).read_bytes() for name in names)
    assert not promotion.unfinished(settings)


STEPS = ("copy", "rename", "journal", "previous", "champion", "draft of the link", "link", "strike out")


def cut_at(step: str, patch: pytest.MonkeyPatch, *, after: bool) -> None:
    """Let the process end before or after one step of a promotion."""

    def ending(act: Callable[..., object], wanted: Callable[..., bool]) -> Callable[..., object]:
        def acted(*given: object, **named: object) -> object:
            if not wanted(*given):
                return act(*given, **named)
            if after:
                act(*given, **named)
            raise Killed

        return acted

    if step == "copy":
        patch.setattr(shutil, "copytree", ending(shutil.copytree, lambda *given: True))
    elif step in ("previous", "champion"):
        from mlflow import MlflowClient

        setter = MlflowClient.set_registered_model_alias
        patch.setattr(
            MlflowClient, "set_registered_model_alias", ending(setter, lambda client, name, alias, at: alias == step)
        )
    elif step == "draft of the link":
        patch.setattr(Path, "symlink_to", ending(Path.symlink_to, lambda *given: True))
    elif step == "strike out":
        patch.setattr(Path, "unlink", ending(Path.unlink, lambda path: path.name == promotion.JOURNAL))
    else:
        names = {"journal": promotion.JOURNAL, "link": "champion"}
        wanted = names.get(step)
        patch.setattr(
            os, "replace", ending(os.replace, lambda one, two: Path(two).name.startswith(wanted or "denial-"))
        )


@pytest.mark.parametrize(("step", "after"), [*itertools.product(STEPS, (False, True))])
def test_a_promotion_cut_off_anywhere_is_healed_by_the_next(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    with monkeypatch.context() as patch, pytest.raises(Killed):
        cut_at(step, patch, after=after)
        promotion.promote(settings)
    linked = STEPS.index(step) > STEPS.index("link") or (step == "link" and after)
    assert serving(settings) == ("2" if linked else "1")
    assert promotion.promote(settings)["previous"] == "1"
    assert standing(settings) == {"challenger": "2", "champion": "2", "previous": "1"}
    assert serving(settings) == "2"
    whole(settings)


@pytest.mark.parametrize(("step", "after"), [*itertools.product(STEPS[2:], (False, True))])
def test_a_rollback_cut_off_anywhere_is_carried_out_once_by_the_next(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    promotion.promote(settings)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        cut_at(step, patch, after=after)
        promotion.rollback(settings)
    assert serving(settings) in ("1", "2")
    done = promotion.rollback(settings)
    struck = step == "strike out" and after  # it had come to its end: this is the second one
    champion, previous = ("2", "1") if struck else ("1", "2")
    assert (done["model_version"], done["previous"]) == (champion, previous)
    assert standing(settings) == {"challenger": "2", "champion": champion, "previous": previous}
    assert serving(settings) == champion
    whole(settings)


def test_a_promotion_that_was_cut_off_is_finished_before_it_is_rolled_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(Killed):
        cut_at("champion", patch, after=True)
        promotion.promote(settings)
    assert promotion.rollback(settings)["model_version"] == "1"
    assert standing(settings) == {"challenger": "2", "champion": "1", "previous": "2"}
    whole(settings)


def test_a_store_that_fails_between_the_aliases_leaves_the_champion_serving(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    setter = MlflowClient.set_registered_model_alias

    def failing(client: MlflowClient, name: str, alias: str, version: str) -> None:
        if alias == "champion":
            raise MlflowException("disk I/O error")
        setter(client, name, alias, version)

    with monkeypatch.context() as patch, pytest.raises(OutOfReachError):
        patch.setattr(MlflowClient, "set_registered_model_alias", failing)
        promotion.promote(settings)
    assert serving(settings) == "1" and promotion.unfinished(settings)
    promotion.promote(settings)
    assert serving(settings) == "2"
    whole(settings)


def test_a_move_to_a_model_that_is_gone_is_dropped(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(Killed):
        cut_at("previous", patch, after=False)
        promotion.promote(settings)
    shutil.rmtree(registry.resolve(settings, "2"))
    with pytest.raises(NoModelError):
        promotion.promote(settings)
    assert serving(settings) == "1" and not promotion.unfinished(settings)


def test_rolling_back_twice_is_as_if_nothing_had_been(settings: Settings) -> None:
    promotion.promote(settings)
    before = standing(settings)
    assert promotion.rollback(settings)["model_version"] == "1"
    assert promotion.rollback(settings)["model_version"] == "2"
    assert standing(settings) == before and serving(settings) == "2"
    whole(settings)


@pytest.mark.parametrize("gate", ["failed", "unknown"])
def test_without_a_passed_gate_the_champion_stays(settings: Settings, gate: str) -> None:
    registry.set_gate(settings, "2", gate, [])
    with pytest.raises(GateFailedError, match=f"its gate: {gate}"):
        promotion.promote(settings)
    assert GateFailedError.exit_code == 13
    assert serving(settings) == "1" and standing(settings) == {"challenger": "2", "champion": "1"}
    whole(settings)


def test_two_promotions_at_once_come_one_after_the_other(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most, copy = [0], [0], export.shutil.copytree

    def slow(*given: object, **named: object) -> object:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        threading.Event().wait(0.2)
        done = copy(*given, **named)
        inside[0] -= 1
        return done

    monkeypatch.setattr(export.shutil, "copytree", slow)
    answers: list[dict[str, str | None]] = []
    both = [threading.Thread(target=lambda: answers.append(promotion.promote(settings))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert most == [1] and answers[0] == answers[1] and answers[0]["previous"] == "1"
    whole(settings)


def test_who_waits_too_long_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promotion, "PATIENCE", 0.1)
    with promotion._alone(settings), pytest.raises(OutOfReachError, match="another promote or rollback holds"):
        promotion.promote(settings)
    assert promotion.promote(settings)["model_version"] == "2"


@pytest.mark.parametrize("harm", ["truncated", "of another store"])
def test_what_is_out_and_not_the_same_is_left_where_it_is(settings: Settings, harm: str) -> None:
    other = DenialModel.load(registry.resolve(settings, "1"))
    if harm == "truncated":
        (settings.models / "denial-2").mkdir()
        (settings.models / "denial-2" / "booster.txt").write_text("tree")
    else:
        other.save(settings.models / "denial-2")
    assert promotion.promote(settings)["folder"] == str(settings.models / "denial-2.2")
    assert serving(settings) == "2"
    whole(settings)


@pytest.mark.parametrize(
    ("promote", "as_of", "rolled_back", "gate", "serves"),
    [
        ("auto", date(2026, 7, 1), False, "passed", True),
        ("manual", date(2026, 7, 1), False, "passed", False),
        ("auto", date(2026, 7, 1), False, "failed", False),
        ("auto", date(2026, 7, 1), True, "passed", False),
        ("auto", date(2026, 6, 30), False, "passed", False),
    ],
    ids=["due", "a person promotes", "failed", "a person rolled it back", "the clock was set back"],
)
def test_what_nobody_is_asked_about(
    settings: Settings, promote: str, as_of: date, rolled_back: bool, gate: str, serves: bool
) -> None:
    if rolled_back:
        promotion.promote(settings)
        promotion.rollback(settings)
    registry.set_gate(settings, "2", gate, [])
    settings.training = TrainingSettings(promote=promote)
    assert promotion.promote_unasked(settings, "2", as_of) is serves
    assert not promotion.promote_unasked(settings, "1", as_of)  # not the challenger
    assert serving(settings) == ("2" if serves else "1")
