"""The words of rules as claims hold them, read strictly: codes, modifiers, places, elements of documentation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from claims import codes
from claims.cells import CellError, Parser
from claims.table import DOCUMENTATION, Line


def _written(raw: object) -> str:
    """What stands in the book; YAML reads NO and ON as no and yes, and 2026-01-01 as a day."""
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        raise ValueError(f"is read as {raw}, not as a text; write it in quotes")
    return str(raw)


def _read_with(parser: Parser) -> BeforeValidator:
    """A code as claims hold it, in whatever case, with dots, or as the number that YAML takes it for."""

    def read(raw: object) -> str:
        try:
            value = str(parser(_written(raw)))
        except CellError as error:
            raise ValueError(str(error)) from error
        if not value:
            raise ValueError("is empty")
        return value

    return BeforeValidator(read)


def _element(name: str) -> str:
    if name not in DOCUMENTATION:
        raise ValueError(f"{name} is no element of documentation; one of {', '.join(DOCUMENTATION)}")
    return name


def _yes(raw: object) -> object:
    if raw is not True:  # 1 is a number, though Python holds the two for equal
        raise ValueError("expected true")
    return raw


def _column(name: str) -> str:
    if name not in Line.column_names():
        raise ValueError(f"{name} is no column of the lines table")
    return name


Code = Annotated[str, _read_with(codes.procedure)]
Modifier = Annotated[str, _read_with(codes.modifier)]
Place = Annotated[str, _read_with(codes.place)]
State = Annotated[str, _read_with(codes.tight_code)]
KnownAs = Annotated[str, _read_with(codes.code)]  # of a payer or a kind of plan, as claims hold it
Word = Annotated[str, BeforeValidator(_written), Field(min_length=1)]
Indicator = Annotated[Literal["0", "1", "2", "3", "9"], BeforeValidator(str)]
Element = Annotated[str, AfterValidator(_element)]
Column = Annotated[str, AfterValidator(_column)]
Yes = Annotated[Literal[True], BeforeValidator(_yes)]
