"""What people see in a terminal of 80 columns: tables, progress on long work, errors with their remedy."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import fill
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

Report = Callable[[str, float], None]
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Report]:
    """A bar on stderr while work goes on; the callback takes what is being done and the share that is done."""
    if quiet:
        yield lambda message, share: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda message, share: bar.update(task, description=f"{title}: {message}"[:46], completed=share)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, left: int = 1) -> None:
    """A table; the first `left` columns are text, the others stand to the right."""
    shown = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for at, name in enumerate(columns):
        shown.add_column(name, justify="left" if at < left else "right", overflow="fold")
    for row in rows:
        shown.add_row(*(escape(_cell(value)) for value in row))
    out.print(shown)
    out.print()


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 10 else f"{value:,.0f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def say(text: str = "", *, whole: bool = False) -> None:
    """A line for people, wrapped between words in a terminal; whole: a command or a path, to be copied as it is.

    Square brackets stay as they are.
    """
    out.print(text if whole else _wrapped(text, out), markup=False, soft_wrap=True)


def aside(text: str) -> None:
    """A line beside the answer, on stderr."""
    err.print(_wrapped(text, err), markup=False, soft_wrap=True)


def _wrapped(text: str, console: Console) -> str:
    """Lines no wider than the terminal, a longer word (a path) on a line of its own; in a file the text stays whole."""
    if not console.is_terminal:
        return text
    return "\n".join(_filled(line, console.width) for line in text.split("\n"))


def _filled(line: str, width: int) -> str:
    indent = " " * (len(line) - len(line.lstrip()))
    return fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def counted(count: int, noun: str) -> str:
    """1 claim, 1,234 claims"""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def dump(answer: Mapping[str, Any]) -> None:
    """One JSON document on stdout, for machines."""
    sys.stdout.write(json.dumps(answer, default=str) + "\n")


def fail(message: str) -> None:
    """An error with its remedy, on stderr."""
    err.print(_wrapped(f"Error: {message}", err), style="red", markup=False, soft_wrap=True)
