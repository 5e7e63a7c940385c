"""One rule told whole: as JSON for programs, in words for people. Values stand under the days from which they hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rules.book import Book, Rule
from rules.parameters import KINDS
from rules.words import listed

CORRECTIONS = {
    "format": "write what was done in the payer's way", "attach": "give what is on file",
    "obtain": "get what is missing, before the service", "review": "check the record",
}  # fmt: skip
_PAYERS = {"payer_id": "payer id", "payer_name": "names with", "claim_filing_indicator_code": "kinds of plan",
           "service_state": "services in"}  # fmt: skip
_WHEN = {
    "place_of_service_code": "in place of service", "service_state": "for services in",
    "claim_filing_indicator_code": "for kinds of plan", "modifiers": "where the line has one of",
    "no_modifiers": "where the line has none of",
}  # fmt: skip


def rule_json(book: Book, rule: Rule) -> dict[str, Any]:
    """A rule with its book; values oldest first, published: when one could know a value."""
    told = rule.model_dump(mode="json", exclude={"values", "published", "when", "parameters"})
    values = [
        {"from": day.isoformat(), "value": value, "published": rule.known_on(day).isoformat()}
        for day, value in sorted(rule.values.items())
    ]
    return {
        **told,
        "values": values,
        "when": rule.when.model_dump(mode="json", exclude_defaults=True),
        "parameters": rule.parameters.model_dump(mode="json", exclude_defaults=True),
        "citation": rule.citation,
        "book": {
            "id": book.id, "payer": book.payer, "within": book.within,
            "applies_to": book.applies_to.model_dump(mode="json", exclude_defaults=True),
        },
    }  # fmt: skip


def rule_words(book: Book, rule: Rule) -> Iterator[str]:
    """The lines of `denials rules show`."""
    yield f"{rule.id}: {rule.title}"
    yield f"Book: {book.id}, {book.payer}{f' (within {book.within})' if book.within else ''}; {payers_of(book)}."
    yield f"Kind: {rule.kind.replace('_', ' ')}. {summary(rule.kind)}"
    yield f"Codes: {listed(rule.codes) if rule.codes else 'every code'}."
    for condition in _conditions(rule):
        yield f"Only {condition}."
    for name, value in rule.parameters.model_dump(exclude_defaults=True).items():
        yield f"{name}: {in_words(value)}."
    for day, value in sorted(rule.values.items()):
        known = rule.known_on(day)
        later = f" (published on {known})" if known != day else ""
        yield f"From {day}: {'repealed' if value is None else in_words(value)}{later}."
    yield f"Message: {rule.message}"
    yield f"Remedy ({rule.correction}: {CORRECTIONS[rule.correction]}): {rule.remedy or 'none'}"
    yield f"Field: {rule.field or 'none'}. CARC: {rule.carc or 'none'}."
    yield f"A review after payment {'looks' if rule.audit else 'does not look'} at it."
    for reference in rule.reference:
        yield f"Source: {reference.title}{f', {reference.href}' if reference.href else ''}"
    yield f"Checked on {rule.checked_on}; {rule.standing}: {STANDINGS[rule.standing]}."


STANDINGS = {
    "stated": "the payer says so", "observed": "seen in remittances",
    "assumed": "not verified, or not the payer's own word",
}  # fmt: skip


def payers_of(book: Book) -> str:
    """Which claims a book is for."""
    told = [
        f"{words} {listed((str(one).strip() for one in values), 'or')}"
        for name, words in _PAYERS.items()
        if (values := getattr(book.applies_to, name))
    ]
    return f"for {', '.join(told)}" if told else "for every payer"


def summary(kind: str) -> str:
    """The first sentences of what a kind's parameters say of it."""
    return " ".join((KINDS[kind].__doc__ or "").partition("\n")[0].split())


def in_words(value: Any) -> str:
    """A value or a parameter."""
    if value is True:
        return "it holds"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {in_words(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return listed(in_words(one) for one in value) if value else "none at all"
    return str(value)


def _conditions(rule: Rule) -> Iterator[str]:
    for name, words in _WHEN.items():
        if values := getattr(rule.when, name):
            yield f"{words} {listed(values, 'or')}"
    if rule.when.in_network_flag is not None:
        yield f"where the provider is {'in' if rule.when.in_network_flag else 'out of'} the payer's network"
