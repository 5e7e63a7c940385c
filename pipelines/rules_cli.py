"""`denials rules`: what rules there are, one of them in words, whether books are valid, and newer tables of CMS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claims.errors import UsageError
from claims.settings import load_settings
from pipelines.arguments import Json
from pipelines.terminal import counted, dump, progress, say, table

if TYPE_CHECKING:
    from rules.book import Book, Rule

    Found = list[tuple[Book, Rule]]

rules = typer.Typer(
    help="What payers ask for: list it, show a rule, check books, take in tables of CMS.", no_args_is_help=True,
    rich_markup_mode=None, epilog="docs/rules.md says how to write a book; yours lie in DENIALS_HOME/books/payers.",
)  # fmt: skip


@rules.command("list")
def list_rules(
    kind: Annotated[str | None, typer.Option(help="Only rules of this kind.")] = None,
    payer: Annotated[str | None, typer.Option(help="Only books whose name or payer holds this.")] = None,
    as_json: Json = False,
) -> None:
    """List the rules, book by book."""
    from rules.card import payers_of, rule_json
    from rules.ruleset import rules_of

    held = rules_of(load_settings())
    found = _chosen(list(held.rules()), kind, payer)
    if as_json:
        dump({"rules_version": held.version, "rules": [rule_json(book, rule) for book, rule in found]})
        return
    for book in dict.fromkeys(book.id for book, _ in found):
        own = [rule for other, rule in found if other.id == book]
        rows = [(r.id, min(r.values), r.standing, f"{r.kind.replace('_', ' ')}: {r.title}") for r in own]
        table(f"{held.books[book].payer}: {book}", ("id", "from", "standing", "kind: title"), rows, left=4)
        say(f"{payers_of(held.books[book])[0].upper()}{payers_of(held.books[book])[1:]}.")
        say()
    say(f"{counted(len(found), 'rule')} ({held.version[:19]}).")


def _chosen(found: Found, kind: str | None, payer: str | None) -> Found:
    """The rules of a kind and of the books whose id or payer holds some text."""
    from claims.fields import near
    from rules.parameters import KINDS

    kind = kind and kind.replace("-", "_").replace(" ", "_")
    if kind and kind not in KINDS:
        raise UsageError(f"there is no kind {kind}{near(kind, KINDS)}; one of {', '.join(KINDS)}")
    if payer:
        books = {book.id: book for book, _ in found}
        mine = {name for name, book in books.items() if payer.casefold() in f"{name} {book.payer}".casefold()}
        if not mine:
            raise UsageError(f"no book is for {payer}{near(payer, books)}; one of {', '.join(books)}")
        found = [one for one in found if one[0].id in mine]
    return [one for one in found if kind in (None, one[1].kind)]


@rules.command()
def show(
    rule_id: Annotated[str, typer.Argument(metavar="ID", help="As a finding names it, such as ALL-ADDON.")],
    as_json: Json = False,
) -> None:
    """Show one rule: its values by day, what it says, where it can be read."""
    from claims.fields import near
    from rules.card import rule_json, rule_words
    from rules.ruleset import rules_of

    found = {rule.id: (book, rule) for book, rule in rules_of(load_settings()).rules()}
    if rule_id.upper() not in found:
        raise UsageError(f"there is no rule {rule_id}{near(rule_id, found)}; denials rules list shows them all")
    book, rule = found[rule_id.upper()]
    if as_json:
        dump(rule_json(book, rule))
        return
    for line in rule_words(book, rule):
        say(line)


@rules.command()
def lint(
    folder: Annotated[Path | None, typer.Argument(help="Books (*.yaml). Default: the site's own and ours.")] = None,
) -> None:
    """Look for faults in rule books; exit 12 when there is one.

    All faults are told, each with its file and line.
    """
    from importlib.resources import as_file, files

    from rules.lint import require_valid

    settings = load_settings()
    own = settings.books / "payers"
    with as_file(files("rules") / "payers") as packaged:
        chosen = folder or (own if own.is_dir() else packaged)
        if not chosen.is_dir():
            raise UsageError(f"{chosen} is no folder; books are files named *.yaml in one")
        require_valid(chosen, settings.today(), over=None if chosen == packaged else packaged)
    say(f"{counted(len(list(chosen.glob('*.yaml'))), 'book')} in {chosen}: no fault.")


@rules.command()
def refresh(
    files: Annotated[list[Path], typer.Argument(help="Files of CMS as published, also zipped, or folders of them.")],
    release: Annotated[
        str | None, typer.Option(help="Such as 2026Q4 or RVU26D, where the files do not tell it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take quarterly files of CMS into the site's tables.

    Pairs (NCCI PTP), unit limits (MUE), add-on codes, the physician fee schedule. All files or none: one that is not
    understood leaves the tables as they were.
    """
    from rules.refresh import refresh as take_in

    settings = load_settings()
    with progress("refresh", quiet=as_json) as tell:
        taken = take_in(files, settings.books / "tables", settings.ingest, release, tell)
    if as_json:
        dump({"files": [one.__dict__ | {"rows": one.rows} for one in taken]})
        return
    rows = [
        (one.source, one.table, f"{one.release} {one.part}".strip(), one.what, one.accepted, one.rows - one.accepted)
        for one in taken
    ]
    table("Files", ("file", "table", "release", "what", "rows", "rejected"), rows, left=4)
