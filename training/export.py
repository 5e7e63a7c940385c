"""Models where the service looks for them: DENIALS_HOME/models/denial-N, and the link `champion` to one of them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from claims.errors import NoModelError, UsageError
from claims.settings import Settings
from training.model import DenialModel

DRAFTS = (".denial-*", ".champion*")


def export(settings: Settings, source: Path, version: str) -> Path:
    """Copy a version out, whole or not at all, byte for byte; the folder as it is exported.

    Errors before anything changes: NoModelError for a damaged model, ModelMismatchError for one that this code cannot
    run, UsageError where models/champion is not our link.
    """
    champion = settings.models / "champion"
    if champion.exists() and not champion.is_symlink():
        raise UsageError(f"{champion} is a folder of its own, not our link: move it away and promote again")
    DenialModel.load(source)
    folder = _free(settings.models / f"denial-{version}", source)
    if not folder.exists():
        _copy(source, folder)
    return folder


def _free(folder: Path, source: Path) -> Path:
    """The first folder of that name that holds the very same model, or nothing yet.

    What is out is never written again: another model of the same number (MLflow's store was begun anew) or a damaged
    one may be what the service has open.
    """
    tried, at = folder, 1
    while tried.exists() and not _same(source, tried):
        at += 1
        tried = folder.with_name(f"{folder.name}.{at}")
    return tried


def _same(source: Path, folder: Path) -> bool:
    """Whether the very same model is out already, and whole; versions.json holds the checksums of the other files."""
    try:
        DenialModel.load(folder)
    except NoModelError:
        return False
    return (source / "versions.json").read_bytes() == (folder / "versions.json").read_bytes()


def _copy(source: Path, folder: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    shutil.copytree(source, draft, dirs_exist_ok=True)
    draft.chmod(0o755)
    os.replace(draft, folder)


def link(settings: Settings, folder: Path) -> None:
    """Point models/champion at a folder in one step, so that a reader sees the old model or the new one."""
    draft = settings.models / ".champion"
    draft.unlink(missing_ok=True)
    draft.symlink_to(folder.name)
    os.replace(draft, settings.models / "champion")


def sweep(settings: Settings) -> None:
    """Remove drafts that a process left which ended in the midst of it; nobody else may be exporting."""
    for draft in (path for pattern in DRAFTS for path in settings.models.glob(pattern)):
        if draft.is_symlink():
            draft.unlink()
        else:
            shutil.rmtree(draft)
