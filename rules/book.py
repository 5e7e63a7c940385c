"""A rule book: one YAML file of a payer or a Medicare contractor, read strictly, with the line of every fault.

See rules/parameters.py for what each kind of rule may say, and docs/rules.md for a book explained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny, ValidationError, model_validator

from claims.errors import RuleBookError
from rules.parameters import KINDS, VALUES, Code, Modifier, Parameters, Place, State

Standing = Literal["stated", "observed", "assumed"]
Text = Annotated[str, Field(min_length=1)]
Word = Annotated[str, BeforeValidator(str), Field(min_length=1)]
ALWAYS = date(1970, 1, 1)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reference(_Part):
    """Where a rule can be read."""

    title: Text
    href: str | None = None


class AppliesTo(_Part):
    """Which claims a book is for; every field given must hold.

    payer_name: words of which the payer's name holds one, in any case.
    """

    payer_id: tuple[Word, ...] = ()
    payer_name: tuple[Text, ...] = ()
    claim_filing_indicator_code: tuple[Word, ...] = ()
    service_state: tuple[State, ...] = ()


class Covers(_Part):
    """How far a book goes."""

    verified_since: date | None = None
    not_modelled: tuple[Text, ...] = ()


class When(_Part):
    """Conditions of a rule: a line of another value is none of its business; a field that is not known: unknown."""

    place_of_service_code: tuple[Place, ...] = ()
    service_state: tuple[State, ...] = ()
    claim_filing_indicator_code: tuple[Word, ...] = ()
    in_network_flag: bool | None = None
    modifiers: tuple[Modifier, ...] = ()  # one of them stands on the line
    no_modifiers: tuple[Modifier, ...] = ()  # none of them does


class Rule(_Part):
    """One rule; `parameters` holds what only its kind says.

    values: day of service from which it holds -> value (rules/parameters.py), None = repealed. published: when one
    could have known that value; absent = on the effective date.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z0-9]+(-[A-Z0-9]+)*$")]
    kind: str
    title: Text
    codes: tuple[Code, ...] = ()
    when: When = When()
    values: dict[date, Any]
    published: dict[date, date | None] = Field(default_factory=dict)
    message: Text
    remedy: str | None = None
    correction: Literal["format", "attach", "obtain", "review"] = "review"
    field: Text | None = None
    carc: Word | None = None
    audit: bool = False
    reference: tuple[Reference, ...] = ()
    checked_on: date
    standing: Standing
    parameters: SerializeAsAny[Parameters]

    @model_validator(mode="before")
    @classmethod
    def _parameters_of_the_kind(cls, raw: Any) -> Any:
        """Sort a rule's keys into the common ones and those of its kind, and read its values as the kind means them."""
        if not isinstance(raw, dict):
            raise ValueError("expected a rule: a mapping with id, kind, ...")
        kind = raw.get("kind")
        if kind not in KINDS:
            raise ValueError(f"there is no kind {kind!r}; one of {', '.join(KINDS)}")
        own = {key: value for key, value in raw.items() if key not in cls.model_fields}
        values = raw.get("values")
        if isinstance(values, dict):
            read = VALUES[kind].validate_python
            values = {key: None if value is None else read(_lists(value)) for key, value in values.items()}
        common = {key: value for key, value in raw.items() if key in cls.model_fields}
        return common | {"values": values, "parameters": KINDS[kind](**own)}

    @property
    def citation(self) -> str | None:
        """The references in one line."""
        return "; ".join(one.title for one in self.reference) or None

    def known_on(self, effective: date) -> date:
        """When the value of an effective date could be known."""
        return self.published.get(effective) or effective


def _lists(value: Any) -> Any:
    return tuple(_lists(one) for one in value) if isinstance(value, list) else value


class Book(_Part):
    """All rules of one payer. id: the file's stem; within: the id of a book whose rules hold as well."""

    id: str
    payer: Text
    within: str | None = None
    applies_to: AppliesTo = AppliesTo()
    covers: Covers = Covers()
    rules: tuple[Rule, ...]


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: of two values for one date, YAML would silently keep the last."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: dict[Any, int] = {}
    for key, _ in node.value:
        name = loader.construct_object(key, deep=True)
        if name in seen:
            raise yaml.MarkedYAMLError(
                problem=f"{name} stands twice (first in line {seen[name]}); keep one", problem_mark=key.start_mark
            )
        seen[name] = key.start_mark.line + 1
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load_book(path: Path) -> Book:
    """The book in a file. Raises RuleBookError with file, line and what was expected."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = yaml.load(text, _Loader)
        node = yaml.compose(text, yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise RuleBookError(f"{path.name} is not written in UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise RuleBookError(f"{path.name}{line}: {error.problem or error.context}") from error
    if not isinstance(raw, dict):
        raise RuleBookError(f"{path.name}, line 1: expected a book: payer, applies_to, rules")
    try:
        return Book(**({"id": path.stem} | {str(key): value for key, value in raw.items()}))
    except ValidationError as error:
        raise RuleBookError("; ".join(_faults(path, node, error))) from error


def _faults(path: Path, node: yaml.Node | None, error: ValidationError) -> Iterator[str]:
    for fault in error.errors():
        place = [part for part in fault["loc"] if part != "parameters"]
        words = fault["msg"].removeprefix("Value error, ")
        named = ".".join(str(part) for part in place if not isinstance(part, int))
        yield f"{path.name}, line {_line(node, place)}: {named}: {words}" if named else f"{path.name}: {words}"


def _line(node: yaml.Node | None, place: Sequence[int | str]) -> int:
    """The line of the deepest part of the place that the file has."""
    line = 1
    for part in place:
        if node is None:
            break
        line = node.start_mark.line + 1
        node = _inner(node, part)
    return node.start_mark.line + 1 if node is not None else line


def _inner(node: yaml.Node, part: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        inner: yaml.Node = node.value[part]
        return inner
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(part)), None)
    return None


def load_books(folder: Path) -> Mapping[str, Book]:
    """id -> book, of all *.yaml in a folder, in order of their names."""
    return {path.stem: load_book(path) for path in sorted(folder.glob("*.yaml"))}
