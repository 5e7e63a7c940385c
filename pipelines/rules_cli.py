"""`denials rules`: what rules there are, one of them in words, whether books are valid, and newer tables."""

from __future__ import annotations

import typer

rules = typer.Typer(help="The rules of payers: list, show, lint, refresh.", no_args_is_help=True, rich_markup_mode=None)
