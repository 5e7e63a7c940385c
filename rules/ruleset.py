"""All rules that hold for a site: books and bulk tables, and which of them a line is asked.

A claim has one payer's book at most, the books within it whose state fits, and the book `common`. A payer without a
book, or a state that is not known where the book asks for one, is said, never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from hashlib import sha256
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from claims.codes import code as known_as
from claims.errors import RuleBookError
from claims.settings import Settings
from claims.texts import Level
from rules.book import Book, Rule
from rules.book_file import load_books
from rules.bulk import BulkTables
from rules.gaps import COVERED, NO_BOOK, NO_CONTRACTOR, NO_PLAN, NO_STATE, TWO_BOOKS
from rules.lint import require_valid
from rules.verdict import Period

COMMON = "common"
FAR = np.iinfo(np.int32).max
MOST = 50_000  # payers and codes that are kept in mind: what requests name has no end
NOW = FAR - 1  # the day on which everything that is in the books is known


class Payer(NamedTuple):
    """What a line says of its payer: the fields by which a book is found."""

    payer_id: Level
    payer_name: Level
    filing: Level
    state: Level


@dataclass(frozen=True)
class Chosen:
    """The rules that one cell (payer, code) is asked: places of their periods, and how far the payer is covered."""

    periods: np.ndarray
    coverage: int


@dataclass(frozen=True)
class RuleSet:
    """books by id; payers: the site's payer ids -> book id; periods: every rule while one value holds."""

    books: Mapping[str, Book]
    tables: BulkTables
    payers: Mapping[str, str]
    periods: tuple[Period, ...]
    version: str
    _books_of: dict[Payer, tuple[tuple[str, ...], int]] = field(default_factory=dict)
    _chosen: dict[tuple[tuple[str, ...], int, Level], Chosen] = field(default_factory=dict)

    @classmethod
    def of(cls, books: Mapping[str, Book], tables: BulkTables, payers: Mapping[str, str] | None = None) -> RuleSet:
        """From books that lint clean. Raises RuleBookError when the site's payers name a book that is not there."""
        payers = {known_as(payer): book for payer, book in (payers or {}).items()}
        for payer, book in payers.items():
            if book not in books:
                raise RuleBookError(f"rules.payers: {payer} is said to be {book}, a book that is not there")
        periods = tuple(period for book in books.values() for rule in book.rules for period in periods_of(rule, book))
        told = "\n".join(
            [tables.digest, repr(sorted(payers.items())), *(book.model_dump_json() for book in books.values())]
        )
        return cls(books, tables, payers, periods, "sha256:" + sha256("\n".join(told).encode()).hexdigest())

    @classmethod
    def empty(cls) -> RuleSet:
        """No rules at all: of a golden claim, whose answer must not change with the books."""
        return cls.of({}, BulkTables.load())

    def rules(self) -> Iterator[tuple[Book, Rule]]:
        """Every rule with its book."""
        return ((book, rule) for book in self.books.values() for rule in book.rules)

    def chosen(self, payer: Payer, code: Level) -> Chosen:
        """The rules that a line of this payer and procedure code is asked, whatever its day."""
        if payer not in self._books_of:
            _bound(self._books_of)
            self._books_of[payer] = self._find(payer)
        books, coverage = self._books_of[payer]
        key = (books, coverage, code)
        known = self._chosen.get(key)
        if known is None:
            _bound(self._chosen)
            places = [
                place for place, period in enumerate(self.periods)
                if period.book.id in books and (not period.rule.codes or code in period.rule.codes)
            ]  # fmt: skip
            known = self._chosen[key] = Chosen(np.array(places, np.int64), coverage)
        return known

    def _find(self, payer: Payer) -> tuple[tuple[str, ...], int]:
        """The ids of the books of a payer, the common one first, and the coverage."""
        common = (COMMON,) if COMMON in self.books else ()
        mapped = self.payers.get(payer.payer_id or "")
        named = self.books[mapped] if mapped else None
        if named and named.within:
            return (*common, named.within, named.id), COVERED
        own = [named] if named else self._best(payer)
        if len(own) != 1:
            unknown = NO_PLAN if self._waits_for_the_plan(payer) else NO_BOOK
            return common, TWO_BOOKS if own else unknown
        root = own[0]
        within = [book for book in self.books.values() if book.within == root.id]
        if not within:
            return (*common, root.id), COVERED
        if not payer.state:
            return (*common, root.id), NO_STATE
        fitting = tuple(book.id for book in within if payer.state in book.applies_to.service_state)
        return (*common, root.id, *fitting), COVERED if fitting else NO_CONTRACTOR

    def _waits_for_the_plan(self, payer: Payer) -> bool:
        """Whether a book is the payer's by name, of some kinds of plan, and the claim does not say its kind."""
        return not payer.filing and any(_named(book, payer) for book in self._roots())

    def _roots(self) -> list[Book]:
        return [book for book in self.books.values() if book.within is None and book.id != COMMON]

    def _best(self, payer: Payer) -> list[Book]:
        """The books that fit best: by the payer's id, else its name, else the kind of plan; two = none is sure."""
        ranked = [(rank, book) for book in self._roots() if (rank := _fit(book, payer))]
        best = max((rank for rank, _ in ranked), default=0)
        return [book for rank, book in ranked if rank == best]


def _bound(known: dict[Any, Any]) -> None:
    if len(known) >= MOST:
        known.clear()


def _fit(book: Book, payer: Payer) -> int:
    """How surely a book is the payer's: 4 by its id, 3 by name and kind of plan, 2 by name, 1 by kind, 0 not at all."""
    told = book.applies_to
    if told.payer_id and payer.payer_id in told.payer_id:
        return 4
    filing_fits = not told.claim_filing_indicator_code or payer.filing in told.claim_filing_indicator_code
    if filing_fits and _named(book, payer):
        return 3 if told.claim_filing_indicator_code else 2
    named = bool(told.payer_id or told.payer_name)
    return int(bool(told.claim_filing_indicator_code) and filing_fits and not named)


def _named(book: Book, payer: Payer) -> bool:
    """Whether the payer's name holds one of the book's words, or several in a row."""
    name = _words(payer.payer_name or "")
    return any(_words(words) in name for words in book.applies_to.payer_name)


def _words(name: str) -> str:
    return f" {' '.join(re.findall(r'[a-z0-9]+', name.casefold()))} "


def periods_of(rule: Rule, book: Book) -> Iterator[Period]:
    """One period a value; a value that was published after it took effect leaves the one before in force till then."""
    dated = sorted(rule.values.items())
    for place, (effective, value) in enumerate(dated):
        begin, end = _day(effective), _day(dated[place + 1][0]) if place + 1 < len(dated) else FAR
        known = min(_day(rule.known_on(effective)), NOW)
        if value is not None:
            yield Period(rule, book, value, begin, end, known, FAR)
        if place + 1 < len(dated) and value is not None:
            later = _day(rule.known_on(dated[place + 1][0]))
            until = _day(dated[place + 2][0]) if place + 2 < len(dated) else FAR
            if later > end:
                yield Period(rule, book, value, end, until, known, later)


def _day(day: date) -> int:
    return (day - date(1970, 1, 1)).days


@cache
def packaged() -> RuleSet:
    """The rules that come with the program."""
    return load_rules()


def rules_of(settings: Settings) -> RuleSet:
    """The rules of a site: those that come with the program, where it has none of its own."""
    own = settings.books.is_dir() or settings.rules.payers
    return load_rules(settings.books, settings.rules.payers) if own else packaged()


def load_rules(site: Path | None = None, payers: Mapping[str, str] | None = None) -> RuleSet:
    """The packaged rules and, over them, those of a site's folder (payers/*.yaml, tables/*.csv); one id, one book.

    Raises RuleBookError (exit code 12) with all that is wrong.
    """
    with as_file(files("rules") / "payers") as folder:
        books = dict(load_books(folder))
        if site and any((site / "payers").glob("*.yaml")):
            require_valid(site / "payers", over=folder)
            books |= load_books(site / "payers")
    return RuleSet.of(books, BulkTables.load(site / "tables" if site else None), payers)
