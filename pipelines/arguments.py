"""What people type for a day or a model, turned into one."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from claims.errors import UsageError
from claims.settings import Settings

if TYPE_CHECKING:
    from serving import Scorer


def day_of(text: str | None, settings: Settings) -> date:
    """A day such as 2026-01-31; without one, today where the practice is. UsageError for anything else."""
    if text is None:
        return settings.today()
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as error:
        raise UsageError(f"a day is written like 2026-01-31, not {text!r}") from error


def scorer_of(model: str | None, settings: Settings) -> Scorer:
    """The scorer of a folder, of a registered version or alias; without one, of the exported champion."""
    from serving import Scorer

    if model is None or Path(model).is_dir():
        return Scorer.load(Path(model) if model else None, settings)
    from training.registry import resolve

    return Scorer.load(resolve(settings, model), settings)
