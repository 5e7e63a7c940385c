"""What people type: options that several verbs share, a day or a model turned into one."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claims.errors import UsageError
from claims.settings import Settings
from pipelines.terminal import aside

if TYPE_CHECKING:
    from claims.mapping import Mapping
    from serving import Scorer

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for machines.")]
Map = Annotated[
    Path | None, typer.Option("--map", help="TOML file that renames a foreign export's columns and values.")
]
Model = Annotated[
    str | None,
    typer.Option("--model", help="Alias, version or folder (default: the exported champion, else the starting model)."),
]
Tune = Annotated[
    int | None, typer.Option(min=0, help="Recipes tried on the days before the replay (default: training.tune).")
]


def day_of(text: str | None, settings: Settings) -> date:
    """A day such as 2026-01-31; without one, today where the practice is. UsageError for anything else."""
    if text is None:
        return settings.today()
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as error:
        raise UsageError(f"a day is written like 2026-01-31, not {text!r}") from error


def scorer_of(model: str | None, settings: Settings) -> Scorer:
    """The scorer of a folder, of a registered version or alias; without one, of the exported champion.

    Where none was ever promoted the starting model answers, and stderr says so.
    """
    from serving import Scorer

    scorer = Scorer.load(_folder_of(model, settings), settings)
    if scorer.notice:
        aside(scorer.notice)
    return scorer


def _folder_of(model: str | None, settings: Settings) -> Path | None:
    if model is None or Path(model).is_dir():
        return Path(model) if model else None
    from training.registry import resolve

    return resolve(settings, model)


def mapping_of(map_file: Path | None) -> Mapping | None:
    """The mapping of --map, where one is given."""
    from claims.mapping import load_mapping

    return load_mapping(map_file) if map_file else None
