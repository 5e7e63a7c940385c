"""docs/rules.md, made from the books and the kinds: `python -m rules.page > docs/rules.md`; a test holds the two equal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from textwrap import dedent
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from claims.table import DOCUMENTATION
from rules.book import Book, Rule
from rules.bulk import TITLES
from rules.card import CORRECTIONS, STANDINGS, payers_of
from rules.parameters import KINDS, PLACEHOLDERS
from rules.ruleset import RuleSet, packaged

EXAMPLE = """\
payer: Example Health Plan
applies_to: {payer_name: [example health], claim_filing_indicator_code: [CI, HM]}
covers: {verified_since: 2026-01-01, not_modelled: [prior authorization]}
rules:
  - id: EXA-TPI-FREQ
    kind: frequency
    title: At most four trigger point sessions in a rolling year
    codes: [20552, 20553]
    window_days: 365
    values: {2025-01-01: 3, 2026-01-01: 4}
    published: {2026-01-01: 2025-11-15}
    message: "{count} trigger point sessions since {since}, this one included; the plan covers {limit}."
    remedy: Check the dates of the earlier sessions; move this one or document the exception.
    correction: review
    field: claim_line_start_date
    carc: "151"
    audit: true
    reference: [{title: "Example Health Plan, provider manual 2026, section 4"}]
    checked_on: 2026-01-10
    standing: stated
"""
BOOK = {
    "id": "the name of the file without `.yaml`; not written",
    "payer": "whose rules these are, as people say it",
    "within": "id of a book whose rules hold as well: a Medicare contractor's book is `within: medicare`",
    "applies_to": "which claims it is for, below",
    "covers": "how far it goes: `verified_since` (a date) and `not_modelled` (a list of what it leaves out)",
    "rules": "the list of its rules",
}
APPLIES_TO = {
    "payer_id": "payer ids as they stand on claims",
    "payer_name": "words of which the payer's name holds one, in any case; put blanks around a short one",
    "claim_filing_indicator_code": "kinds of plan: MB, MC, 16, CI, BL, HM, WC, ...",
    "service_state": "states; in a book that is `within` another, the states it is for",
}
RULE = {
    "id": "`BOOK-TOPIC-WHAT`: capitals, digits and hyphens; no two rules of all books share one",
    "kind": "what sort of rule it is, below",
    "title": "what the payer asks, in a few words; it stands in findings that are met or not known",
    "codes": "procedure codes it is asked of; without it every line of the payer is asked",
    "when": "conditions: `place_of_service_code`, `service_state`, `claim_filing_indicator_code` (lists), `in_network_flag`, "
            "`modifiers` (one stands on the line), `no_modifiers` (none does). A line of another value is not asked; one "
            "that does not carry the field gets *not known*",
    "values": "first day of service -> value, oldest first; it holds until the next one; null = repealed",
    "published": "first day of service -> the day from which one could know that value, where that is not the same day. "
                 "Models learn from a finding only from then on",
    "message": "what a biller reads when it is broken, in one sentence; `{names}` are filled in, below",
    "remedy": "what a biller may properly do; never a code because it pays",
    "correction": "; ".join(f"`{name}`: {words}" for name, words in CORRECTIONS.items()),
    "field": "the column of the lines table that it is about",
    "carc": "the code with which one expects it to be denied, in quotes",
    "audit": "`true` where a review after payment would look at it",
    "reference": "list of `title` and, where there is a page, `href`; may be left out only where it is assumed",
    "checked_on": "the day on which somebody read the source",
    "standing": "; ".join(f"`{name}`: {words}" for name, words in STANDINGS.items()),
}  # fmt: skip
TELLING = 200  # characters of an example
FURTHER = {
    "bilateral_format": [
        "", "Formats: `50x1` one line with 50 and one unit, `50x2` with two units, `RTLT` two lines, RT and LT.",
    ],
    "missing_field": ["", "The columns are those of claims/table.py."],
}  # fmt: skip
HEAD = f"""# Rules

What payers ask for is data: one book (YAML) a payer or Medicare contractor, and tables of CMS. `denials check FILE` says
what is wrong with claims, `denials rules list` and `denials rules show ID` what is asked and where it can be read. This
page is made from the books (`make docs`); [rules-coverage.md](rules-coverage.md) says which published rules stand in a
book and which do not.

## What an answer means

- **broken**: what the claim, the store and the file say is against the rule. The message says how, the remedy what a
  biller may do. `[assumed]`: the rule itself is not verified, or not the payer's own word.
- **met**: all that is needed to tell is there, and it fits.
- **not known** (`unknown`): something that is needed is not there, and the message says what: a column that the file does
  not carry, earlier claims that the store does not reach back to, a table that does not speak for that day.
- A rule is asked by the **day of service**: of its values the one that held then.
- A payer **without a book** is told (`NO-BOOK`), so is one that two books fit equally (`TWO-BOOKS`), a claim without the kind of plan where the payer's book depends on
  it (`NO-PLAN`), without the state of the service where states or contractors have books of their own (`NO-STATE`), or with
  a state that none of them is for (`NO-CONTRACTOR`). Such a claim is never "all met".
- **Audit readiness** (`--audit`): *ready* when every rule with `audit: true` that is asked is met, and each procedure
  and visit of the claim was asked one; *not ready* when one is broken; else *not known*, also where no book is for the
  payer. It says nothing of whether a claim is paid.

## Whose book

A payer id that denials.toml (`[rules] payers`) names goes to that book (to a contractor's in whatever state). Else a book fits by `payer_id`, before one by
`payer_name`, before one by kind of plan alone; two that fit equally are told. Books that are `within` it and for
the state of the service are asked as well, and so is `common`, which is for every payer.

## A book of your own

Files `payers/*.yaml` in the folder that denials.toml names (`[rules] books`; by default `books` under DENIALS_HOME). A
file with the name of one of ours takes its place. `denials rules lint` tells every fault with its line; a book with a fault
is not used: `check`, `score` and `train` end with exit code 12. A whole book, `example_health_plan.yaml`:

```yaml
{EXAMPLE}```
"""
TABLES = f"""## Tables of CMS

{len(TITLES)} tables come with the program, cut to the codes of pain management, each release for its own days:
{", ".join(f"{title} (`{name}`)" for name, title in TITLES.items())}. On a day that no release speaks for the answer is not
known. `denials rules refresh FILE...` takes the files that CMS publishes, as they are or zipped, into `tables/` of your own
folder, whole or not at all.
"""


def page(rules: RuleSet | None = None) -> str:
    """The whole page, of the rules that come with the program or others."""
    rules = rules or packaged()
    return "\n".join([HEAD, *_fields(), *_kinds(rules), TABLES, *_books(rules)]).rstrip("\n") + "\n"


def _fields() -> Iterator[str]:
    for title, words in (("Fields of a book", BOOK), ("`applies_to`", APPLIES_TO), ("Fields of a rule", RULE)):
        yield f"### {title}\n"
        yield from _table(("field", "what it holds"), ((f"`{name}`", told) for name, told in words.items()))
    yield f"Elements of documentation (`element`): {', '.join(f'`{name}`' for name in DOCUMENTATION)}.\n"


def _kinds(rules: RuleSet) -> Iterator[str]:
    yield "## Kinds\n\nBeside the fields of every rule a kind has its own, and its values have a meaning.\n"
    told = sorted(((rule, _written(rule)) for _, rule in rules.rules()), key=lambda one: len(one[1]))
    examples = {rule.kind: (rule, words) for rule, words in told if len(words) < TELLING}  # the longest such
    for kind, parameters in KINDS.items():
        first, _, rest = (parameters.__doc__ or "").partition("\n")
        yield f"### {kind}\n"
        yield "\n".join([first, *dedent(rest).rstrip().split("\n"), *FURTHER.get(kind, [])]).rstrip() + "\n"
        for name, field in parameters.model_fields.items():
            yield f"- `{name}`: {_form(field)}"
        if parameters.model_fields:
            yield ""
        if kind in examples:
            rule, words = examples[kind]
            yield f"As in `{rule.id}`: `{words}`.\n"
        yield f"A message may name {', '.join(f'`{{{name}}}`' for name in sorted(PLACEHOLDERS[kind]))}.\n"


def _written(rule: Rule) -> str:
    """What is the kind's own of a rule, as a book has it."""
    own = rule.parameters.model_dump(mode="json", exclude_defaults=True)
    told = own | {"values": dict(sorted(rule.values.items())[-1:])}
    return yaml.safe_dump(told, default_flow_style=True, width=10_000, sort_keys=False).strip()


def _form(field: FieldInfo) -> str:
    """What a parameter takes, and what it is when it is left out."""
    default = field.get_default(call_default_factory=True)
    left_out = (
        "needed" if field.is_required() else f"left out: {str(default).lower()}" if default else "may be left out"
    )
    return f"{_type(field.annotation)}; {left_out}"


def _type(told: Any) -> str:
    origin, inner = get_origin(told), [one for one in get_args(told) if one is not NoneType]
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in inner)
    if origin is Annotated or origin in (Union, UnionType):
        return _type(inner[0])
    if origin is tuple:
        return f"list of {_type(inner[0])}" if get_origin(inner[0]) is Literal else "list"
    if origin is dict:
        return "names, each with a list"
    return {bool: "true or false", int: "whole number", float: "number", str: "text"}[told]


def _books(rules: RuleSet) -> Iterator[str]:
    yield f"## All rules\n\n{sum(len(book.rules) for book in rules.books.values())} in {len(rules.books)} books.\n"
    for book in sorted(rules.books.values(), key=lambda one: (one.id != "common", one.within or one.id, one.id)):
        yield f"### {book.payer}\n"
        yield from _book(book)


def _book(book: Book) -> Iterator[str]:
    within = f" (within `{book.within}`)" if book.within else ""
    yield f"`{book.id}`{within}, {payers_of(book)}.\n"
    if book.covers.not_modelled:
        yield f"Left out: {'; '.join(book.covers.not_modelled)}.\n"
    rows = ((f"`{r.id}`", r.kind, min(r.values), r.standing, "yes" if r.audit else "", r.title) for r in book.rules)
    yield from _table(("rule", "kind", "from", "standing", "audit", "what is asked"), rows)


def _table(columns: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for row in rows:
        yield f"| {' | '.join(str(cell).replace('|', '/') for cell in row)} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
