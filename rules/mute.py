"""Rules that could never say anything, or that cannot be asked: what their kind needs and they leave out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rules.parameters import Documentation, Frequency, Sequence, UnitCount

Codes = tuple[str, ...]
Check = Callable[[Any, Codes, list[Any]], Iterator[str]]


def mute(kind: str, said: Any, codes: Codes, values: Iterable[Any]) -> list[str]:
    """What a rule of a kind leaves out, in words. said: its parameters; values: those that hold, repeals among them."""
    return list(_CHECKS[kind](said, codes, [one for one in values if one is not None])) if kind in _CHECKS else []


def _one_of(*names: str) -> Check:
    def check(said: Any, codes: Codes, values: list[Any]) -> Iterator[str]:
        if not any(getattr(said, name) for name in names):
            yield f"nothing to look for; expected {' or '.join(names)}"

    return check


def _mue(said: Any, codes: Codes, values: list[Any]) -> Iterator[str]:
    if said.table is None and any(one is True for one in values):
        yield "the value true needs a table; expected table, or the limit as the value"


def _frequency(said: Frequency, codes: Codes, values: list[Any]) -> Iterator[str]:
    grouped = {code for group in said.groups.values() for code in group}
    if not (said.window_days or said.calendar_year):
        yield "no window to count in; expected window_days or calendar_year"
    if not (codes or grouped):
        yield "no sessions to count; expected codes or groups"
    elif codes and grouped and grouped.isdisjoint(codes):
        yield "no code of the rule stands in a group; expected the same in codes and groups"


def _sequence(said: Sequence, codes: Codes, values: list[Any]) -> Iterator[str]:
    if not said.after:
        yield "nothing that comes first; expected codes in after"


def _documentation(said: Documentation, codes: Codes, values: list[Any]) -> Iterator[str]:
    if any(one is False for one in values):
        yield "every record meets false; expected true or a number, or null to repeal it"


def _unit_count(said: UnitCount, codes: Codes, values: list[Any]) -> Iterator[str]:
    if said.measure != "levels" and said.element is None:
        yield f"{said.measure} needs the record; expected element"
    if said.measure in ("levels", "units_documented") and not codes:
        yield f"{said.measure} counts the rule's codes; expected codes"
    numbers = said.measure != "units_documented"
    if any((one is not True) != numbers for one in values):
        yield f"the value of {said.measure} is {'a number' if numbers else 'true'}"


def _diagnoses(said: Any, codes: Codes, values: list[Any]) -> Iterator[str]:
    for pattern in (one for value in values for one in value):
        low, dash, high = (part.strip().replace(".", "").upper() for part in pattern.partition("-"))
        if not low.rstrip("*"):
            yield f"{pattern!r} names no diagnosis"
        elif dash and (len(low) != len(high) or low > high):
            yield f"{pattern}: a range is of diagnoses of one length, the lower first; expected prefixes such as M54.1*"


_CHECKS: Mapping[str, Check] = {
    "ptp": _one_of("table", "not_with"), "mue": _mue, "add_on_without_primary": _one_of("table", "primaries"),
    "device_chain": _one_of("after", "element", "beside"), "frequency": _frequency, "sequence": _sequence,
    "documentation": _documentation, "unit_count": _unit_count, "covered_diagnosis": _diagnoses,
}  # fmt: skip
