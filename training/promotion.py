"""Which registered model serves: promote and rollback, whole or not at all, one at a time.

A move is written down (models/.move.json) before MLflow's aliases and the link that the service follows are changed,
and struck out after. A process that ends between leaves the service with the old model or the new one, each whole;
the next promote or rollback carries the move out to its end first.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from claims.errors import GateFailedError, NoModelError, OutOfReachError
from claims.settings import Settings
from training import registry
from training.champion import champion_of
from training.export import export, link, sweep
from training.model import DenialModel

JOURNAL = ".move.json"
PATIENCE = 60.0  # seconds to wait for another promote or rollback


@dataclass(frozen=True)
class Move:
    """Versions that `champion` and `previous` point at once it is done."""

    verb: Literal["promote", "rollback"]
    champion: str
    previous: str | None


def promote(settings: Settings) -> dict[str, str | None]:
    """Challenger to champion, champion to previous, and the folder out to where the service looks.

    Returns {model_version, previous, folder}. GateFailedError when the challenger's gate failed or was never held,
    NoModelError when there is none. Doing it again changes nothing.
    """
    registry.require_runs(settings)
    with _alone(settings):
        _settle(settings)
        challenger, gate = registry.gate_of(settings, "challenger")
        if gate != "passed":
            raise GateFailedError(
                f"model {challenger} is not promoted, its gate: {gate}. The champion stays; see gate.json"
            )
        now = registry.aliases(settings)
        champion = now.get("champion")
        previous = champion if champion not in (None, challenger) else now.get("previous")
        return _carry_out(settings, Move("promote", challenger, previous))


def rollback(settings: Settings) -> dict[str, str | None]:
    """Previous and champion change places: twice, and all is as before. NoModelError when there is no previous one.

    A rollback that was cut off is carried out to its end, and not taken back by being asked for again.
    """
    registry.require_runs(settings)
    with _alone(settings):
        settled = _settle(settings)
        if settled and settled["verb"] == "rollback":
            return {name: value for name, value in settled.items() if name != "verb"}
        previous, champion = (registry.gate_of(settings, alias)[0] for alias in ("previous", "champion"))
        return _carry_out(settings, Move("rollback", previous, champion))


def promote_unasked(settings: Settings, version: str, as_of: date) -> bool:
    """What `promote = "auto"` does with a version as of a day; whether it serves now.

    Only the challenger whose gate passed, that has not served yet (what a person rolled back stays so), and that is not
    older than the champion: where the clock was set back, nobody chose the older model.
    """
    standing, champion = registry.aliases(settings), champion_of(settings)
    fresh = [alias for alias, at in standing.items() if at == version] == ["challenger"]
    older = isinstance(champion, DenialModel) and as_of < champion.as_of
    if settings.training.promote != "auto" or not fresh or older or registry.gate_of(settings, version)[1] != "passed":
        return False
    promote(settings)
    return True


def unfinished(settings: Settings) -> bool:
    """Whether a promote or rollback was cut off and waits to be carried out to its end."""
    return (settings.models / JOURNAL).exists()


def _carry_out(settings: Settings, move: Move) -> dict[str, str | None]:
    """Every step may be done again; the model is copied out first, so that what cannot serve changes nothing."""
    folder = export(settings, registry.resolve(settings, move.champion), move.champion)
    _write(settings.models / JOURNAL, json.dumps(asdict(move)))
    registry.point(settings, {"previous": move.previous, "champion": move.champion})
    link(settings, folder)
    (settings.models / JOURNAL).unlink()
    return {"model_version": move.champion, "previous": move.previous, "folder": str(folder)}


def _settle(settings: Settings) -> dict[str, str | None] | None:
    """Carry out what was cut off: its answer and its verb. A move to a model that is no longer there is dropped."""
    sweep(settings)
    journal = settings.models / JOURNAL
    if not journal.exists():
        return None
    move = Move(**json.loads(journal.read_text(encoding="utf-8")))
    try:
        return {**_carry_out(settings, move), "verb": move.verb}
    except NoModelError:
        journal.unlink()
        return None


def _write(path: Path, text: str) -> None:
    """In one step, and on the disk before the next one."""
    draft = path.with_name(f"{path.name}.draft")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Hold models/ for oneself; the system lets go of it when the process ends. OutOfReachError after PATIENCE."""
    settings.models.mkdir(parents=True, exist_ok=True)
    held = os.open(settings.models, os.O_RDONLY)
    try:
        _lock(held, settings.models)
        yield
    finally:
        os.close(held)


def _lock(held: int, folder: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() > until:
                raise OutOfReachError(f"another promote or rollback holds {folder}: wait for it, or end it") from error
            time.sleep(0.05)
