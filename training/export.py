"""Models where the service looks for them: DENIALS_HOME/models/denial-N, and the link `champion` to one of them."""

from __future__ import annotations

import os
from pathlib import Path

from claims.errors import NoModelError, UsageError
from claims.settings import Settings
from training.model import DenialModel


def export(settings: Settings, source: Path, version: str) -> Path:
    """Copy a version out, whole or not at all; the folder as it is exported.

    Errors before anything changes: NoModelError for a damaged model, ModelMismatchError for one that this code cannot
    run, UsageError where models/champion is not our link.
    """
    champion, folder = settings.models / "champion", settings.models / f"denial-{version}"
    if champion.exists() and not champion.is_symlink():
        raise UsageError(f"{champion} is a folder of its own, not our link: move it away and promote again")
    model = DenialModel.load(source)
    if not _same(source, folder):
        model.save(folder)
    return folder


def _same(source: Path, folder: Path) -> bool:
    """Whether the very same model is out already, and whole: it may be being served, and is left alone."""
    try:
        DenialModel.load(folder)
    except NoModelError:
        return False
    return (source / "versions.json").read_bytes() == (folder / "versions.json").read_bytes()


def link(settings: Settings, folder: Path) -> None:
    """Point models/champion at a folder in one step, so that a reader sees the old model or the new one."""
    draft = settings.models / f".champion-{os.getpid()}"
    draft.unlink(missing_ok=True)
    draft.symlink_to(folder.name)
    os.replace(draft, settings.models / "champion")
