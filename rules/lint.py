"""What is wrong with a folder of books: all that a book's file is refused for, and what only reading on shows.

Undated, uncited, without a remedy, in disorder, contradicting one another, or two for one payer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import combinations, pairwise
from pathlib import Path
from string import Formatter
from typing import Any, TypeGuard

from rules.book import Book
from rules.book_file import BookFile, Fault, raise_faults, read_book
from rules.parameters import PLACEHOLDERS

COMMON = "common"  # the one book that is for every payer


def lint(folder: Path, today: date | None = None, over: Path | None = None) -> list[Fault]:
    """All faults of the books (*.yaml) of a folder, by file and line.

    today: after it nobody can have checked a rule; None: not asked. over: a folder whose books hold as well, but for
    those that `folder` has itself; faults are told of both.
    """
    paths = {path.name: path for place in (over, folder) if place for path in sorted(place.glob("*.yaml"))}
    if not paths:
        return [Fault(folder.name, 0, None, "there is no book here: expected files named *.yaml")]
    files = [read_book(paths[name]) for name in sorted(paths)]
    alone = (fault for file in files for fault in _of_one(file, today))
    return sorted({*alone, *_reused(files), *_nowhere(files), *_two_for_one(files)}, key=lambda f: (f[0], f[1], f[3]))


def require_valid(folder: Path, today: date | None = None, over: Path | None = None) -> None:
    """Raises RuleBookError (exit code 12) with all that `lint` finds, one fault a line."""
    raise_faults(lint(folder, today, over))


def _of_one(file: BookFile, today: date | None) -> Iterator[Fault]:
    """What is wrong with a book whatever others there are."""
    yield from file.faults
    for position, rule in file.rules():
        for look in (_citation, _remedy, _placeholders, _order, _publication, partial(_checked, today=today)):
            for key, message in look(rule):
                yield file.fault(("rules", position, *key), message)


Told = Iterator[tuple[tuple[object, ...], str]]  # where in a rule, and what


def _citation(rule: Mapping[str, Any]) -> Told:
    if not rule.get("reference") and rule.get("standing") != "assumed":
        yield (), "there is no reference: cite where it can be read, or say standing: assumed"


def _remedy(rule: Mapping[str, Any]) -> Told:
    if rule.get("message") and not rule.get("remedy"):
        yield ("message",), "a message without a remedy: expected remedy: what the biller may properly do"


def _placeholders(rule: Mapping[str, Any]) -> Told:
    """What message and remedy name in braces is what the rule's kind can tell."""
    known = PLACEHOLDERS.get(str(rule.get("kind")), frozenset())
    for key in ("message", "remedy") if known else ():
        try:
            named = {
                _name(field) for _, field, _, _ in Formatter().parse(str(rule.get(key) or "")) if field is not None
            }
        except ValueError:
            yield (key,), f"{key}: braces that do not match; a brace that is meant is written twice"
            continue
        for name in sorted(named - known):
            yield (key,), f"{key}: a {rule['kind']} rule knows no {{{name}}}; one of {', '.join(sorted(known))}"


def _name(field: str) -> str:
    return field.split(".")[0].split("[")[0]


def _days(rule: Mapping[str, Any], key: str) -> list[date]:
    """The days of `values` or `published`, as written; one that is none is refused elsewhere."""
    told = rule.get(key)
    return [day for day in told if _is_day(day)] if isinstance(told, dict) else []


def _is_day(told: object) -> TypeGuard[date]:
    return type(told) is date  # YAML's times of a day are dates too, and cannot be compared with them


def _order(rule: Mapping[str, Any]) -> Told:
    for before, after in pairwise(_days(rule, "values")):
        if after < before:
            yield ("values", after), f"values: {after} stands after {before}; expected the older date first"


def _publication(rule: Mapping[str, Any]) -> Told:
    values, checked = _days(rule, "values"), rule.get("checked_on")
    for effective in _days(rule, "published"):
        if effective not in values:
            yield ("published", effective), f"published: there is no value of {effective}"
        known = rule["published"][effective]
        if _is_day(known) and _is_day(checked) and known > checked:
            yield ("published", effective), f"published: {known} is later than checked_on, {checked}"


def _checked(rule: Mapping[str, Any], today: date | None) -> Told:
    checked = rule.get("checked_on")
    if today and _is_day(checked) and checked > today:
        yield ("checked_on",), f"checked_on: {checked} is still to come"


def _reused(files: Sequence[BookFile]) -> Iterator[Fault]:
    """Ids that stand twice, in one book or in two."""
    seen: dict[str, str] = {}
    for file in files:
        for position, rule in file.rules():
            place = ("rules", position, "id")
            rule_id = str(rule.get("id"))
            if rule.get("id") and rule_id in seen:
                yield file.fault(place, f"id: stands already in {seen[rule_id]}; expected one that no other rule has")
            seen.setdefault(rule_id, f"{file.path.name}, line {file.line(place)}")


def _nowhere(files: Sequence[BookFile]) -> Iterator[Fault]:
    """Books within one that is not there or itself within another, or for no state."""
    within = {file.path.stem: file.raw.get("within") for file in files}
    for file in files:
        parent = within[file.path.stem]
        if isinstance(parent, str) and parent not in within:
            yield file.fault(("within",), f"within: there is no book {parent!r}; one of {', '.join(within)}")
        elif isinstance(parent, str) and within[parent] is not None:
            yield file.fault(("within",), f"within: {parent} is itself within a book; expected the payer's own")
        elif isinstance(parent, str) and file.book and not file.book.applies_to.service_state:
            yield file.fault(("applies_to",), "applies_to: a book within another is for states; expected service_state")


def _two_for_one(files: Sequence[BookFile]) -> Iterator[Fault]:
    """Books of which no claim could tell which is its payer's."""
    readable = [(file, file.book) for file in files if file.book]
    for file, book in readable:
        told = book.applies_to
        named = told.payer_id or told.payer_name or told.claim_filing_indicator_code
        if not (named or book.within or book.id == COMMON):
            yield file.fault(("applies_to",), "applies_to: names no payer; only the book common is for everyone")
    for (_, first), (file, second) in combinations(readable, 2):
        shared = _shared(first, second)
        if shared:
            yield file.fault(("applies_to",), f"applies_to: {shared} is {first.id}'s already: two books for one payer")


def _shared(first: Book, second: Book) -> str | None:
    """What two books both claim for themselves."""
    one, other = first.applies_to, second.applies_to
    if first.within != second.within:
        return None
    if first.within:
        return _common("state", one.service_state, other.service_state)
    same_id = _common("payer_id", one.payer_id, other.payer_id)
    kinds = _common("kind of plan", one.claim_filing_indicator_code, other.claim_filing_indicator_code)
    alike = bool(one.claim_filing_indicator_code) == bool(
        other.claim_filing_indicator_code
    )  # name and kind beat a name
    words = ((a, b) for a in one.payer_name for b in other.payer_name)
    both = next((max(a, b, key=len).strip().casefold() for a, b in words if _holds(a, b)), None)
    name = f"name {both}" if both and alike and (kinds or not one.claim_filing_indicator_code) else None
    unnamed = not (one.payer_id or one.payer_name or other.payer_id or other.payer_name)
    return same_id or name or (kinds if unnamed else None)


def _common(what: str, mine: Sequence[str], theirs: Sequence[str]) -> str | None:
    both = [one for one in mine if one in theirs]
    return f"{what} {', '.join(both)}" if both else None


def _holds(a: str, b: str) -> bool:
    """Whether every name with one of the words holds the other as well."""
    return a.casefold() in b.casefold() or b.casefold() in a.casefold()
