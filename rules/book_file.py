"""Books as files: YAML read strictly, every fault with its file, its line, its rule and what was expected."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from claims.errors import RuleBookError
from rules.book import Book
from rules.parameters import KINDS

Place = Sequence[object]
_CODE = re.compile(r"0[0-9]+")
_DATE = re.compile(r"datetime\.date\((\d+), (\d+), (\d+)\)")


class Fault(NamedTuple):
    """What is wrong in a book; line: 1 = the first, 0 where it is the file itself."""

    file: str
    line: int
    rule_id: str | None
    message: str

    def told(self) -> str:
        """The fault in one line of text."""
        line = f", line {self.line}" if self.line else ""
        rule = f"{self.rule_id}: " if self.rule_id else ""
        return f"{self.file}{line}: {rule}{self.message}"


@dataclass(frozen=True)
class BookFile:
    """raw: as YAML gave it, {} when it is no book; book: None where anything was refused, `faults` say what."""

    path: Path
    raw: Mapping[str, Any]
    node: yaml.Node | None
    book: Book | None
    faults: tuple[Fault, ...]

    def line(self, place: Place) -> int:
        """The line of the deepest part of a place, such as ("rules", 0, "values"), that the file has."""
        line, node = 1, self.node
        for part in place:
            if node is None:
                break
            line = node.start_mark.line + 1
            node = _inner(node, part)
        return node.start_mark.line + 1 if node is not None else line

    def rules(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Position and keys of every rule, those that were refused among them."""
        told = self.raw.get("rules")
        for position, rule in enumerate(told if isinstance(told, list) else ()):
            if isinstance(rule, dict):
                yield position, rule

    def fault(self, place: Place, message: str) -> Fault:
        """A fault at a place; of a rule where the place is in one."""
        rule = dict(self.rules()).get(place[1]) if len(place) > 1 and isinstance(place[1], int) else None
        rule_id = rule.get("id") if rule else None
        return Fault(self.path.name, self.line(place), rule_id if isinstance(rule_id, str) else None, message)


class _Loader(yaml.CSafeLoader):
    """Notes the keys that stand twice: of two values for one date, YAML would silently keep the last."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.repeated: list[tuple[int, str]] = []


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: dict[Any, int] = {}
    for key, _ in node.value:
        name, line = loader.construct_object(key, deep=True), key.start_mark.line + 1
        if not isinstance(name, Hashable):
            break  # construct_mapping says so, with its line
        if name in seen:
            loader.repeated.append((line, f"{name} stands twice (first in line {seen[name]}); keep one"))
        seen.setdefault(name, line)
    return loader.construct_mapping(node, deep=True)


def _day(loader: _Loader, node: yaml.ScalarNode) -> Any:
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        problem = f"{node.value} is no day of the calendar"
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from None


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _number(loader: _Loader, node: yaml.ScalarNode) -> Any:
    """A number; a code that begins with 0, which YAML would read as octal, stays what is written."""
    return node.value if _CODE.fullmatch(node.value) else loader.construct_yaml_int(node)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _day)
_Loader.add_constructor("tag:yaml.org,2002:int", _number)


class Yaml(NamedTuple):
    """A file as YAML: what it says, its nodes, and what is wrong with it."""

    raw: Any
    node: yaml.Node | None
    faults: tuple[Fault, ...]


def read_yaml(path: Path) -> Yaml:
    """A file read strictly; with faults and without raw where it could not be. Never raises."""
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        raw = loader.construct_document(node) if node else None
        return Yaml(raw, node, tuple(Fault(path.name, line, None, words) for line, words in loader.repeated))
    except UnicodeDecodeError:
        line, words = 0, "is not written in UTF-8"
    except OSError as error:
        line, words = 0, f"cannot be read: {error.strerror}"
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        words = f"no YAML: {error.problem or error.context}"
    except yaml.YAMLError as error:
        line, words = 0, f"no YAML: {error}"
    return Yaml(None, None, (Fault(path.name, line, None, words),))


def read_book(path: Path) -> BookFile:
    """A book's file as far as it can be read. Never raises for what stands in it."""
    raw, node, faults = read_yaml(path)
    if not isinstance(raw, dict):
        expected = Fault(path.name, 1, None, "expected a book: payer, applies_to, rules")
        return BookFile(path, {}, None, None, faults or (expected,))
    told = {str(key): value for key, value in raw.items()}
    file = BookFile(path, told, node, None, faults)
    try:
        book = Book(**({"id": path.stem} | told))
    except ValidationError as error:
        return replace(file, faults=(*faults, *_faults(file, error)))
    return file if faults else replace(file, book=book)


def _faults(file: BookFile, error: ValidationError) -> Iterator[Fault]:
    for fault in error.errors():
        place = [_iso(part) for part in fault["loc"] if part != "parameters"]
        words = _words(file, fault["type"], place, fault["msg"])
        shown = place[2:4] if len(place) > 1 and place[0] == "rules" else place[:2]  # deeper is pydantic's own
        named = ".".join(str(part) for part in shown if not isinstance(part, int) and part is not None)
        yield file.fault(place, f"{named}: {words}" if named else words)


def _iso(part: int | str) -> int | str:
    """A key as the file has it: pydantic tells a date as Python writes it."""
    day = _DATE.fullmatch(part) if isinstance(part, str) else None
    return date(*(int(number) for number in day.groups())).isoformat() if day else part


def _words(file: BookFile, kind: str, place: Place, message: str) -> str:
    """What was expected."""
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        rule = dict(file.rules()).get(place[1]) if len(place) == 3 and isinstance(place[1], int) else None
        of_kind = KINDS[rule["kind"]].model_fields if rule else ()
        return (
            f"is no field here; beside the common ones: {', '.join(of_kind) or 'none'}" if rule else "is no field here"
        )
    if place[-1] == "[key]":
        return "a value without a date: expected {YYYY-MM-DD: value}"
    return message.removeprefix("Value error, ").replace("valid tuple", "list")


def _inner(node: yaml.Node, part: object) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        inner: yaml.Node = node.value[part]
        return inner
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(part)), None)
    return None


def raise_faults(faults: Iterable[Fault]) -> None:
    """Raises RuleBookError (exit code 12) with all the faults, one a line, if there are any."""
    told = [fault.told() for fault in faults]
    if told:
        raise RuleBookError("\n".join(told))


def load_book(path: Path) -> Book:
    """The book in a file. Raises RuleBookError with all that is wrong in it."""
    return _loaded([read_book(path)])[0]


def load_books(folder: Path) -> Mapping[str, Book]:
    """id -> book, of all *.yaml in a folder, in order of their names. Raises RuleBookError with all that is wrong."""
    return {book.id: book for book in _loaded([read_book(path) for path in sorted(folder.glob("*.yaml"))])}


def _loaded(files: Sequence[BookFile]) -> list[Book]:
    raise_faults(fault for file in files for fault in file.faults)
    return [file.book for file in files if file.book]
