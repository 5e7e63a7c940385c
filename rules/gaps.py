"""How far a claim's payer is covered by books, and what is said where it is not: such a claim is never clean."""

from __future__ import annotations

from typing import NamedTuple


class Gap(NamedTuple):
    """word: in the answer of POST /v1/check; short: in a table; the rest as in a finding."""

    word: str
    short: str
    rule_id: str
    field: str
    message: str
    remedy: str


COVERED, NO_BOOK, TWO_BOOKS, NO_PLAN, NO_STATE, NO_CONTRACTOR = range(6)  # the gravest first
GAPS = {
    NO_BOOK: Gap(
        "no_book", "no rule book for the payer", "NO-BOOK", "payer_id",
        "No rule book is for this payer: only what holds for every payer was checked.",
        "Name the payer's book in denials.toml (rules.payers), or write one: denials rules --help.",
    ),
    TWO_BOOKS: Gap(
        "two_books", "two rule books for the payer", "TWO-BOOKS", "payer_id",
        "Two rule books fit this payer equally, and neither is guessed: only what holds for every payer was checked.",
        "Name the payer's book in denials.toml (rules.payers).",
    ),
    NO_PLAN: Gap(
        "no_plan", "no kind of plan, so no book", "NO-PLAN", "claim_filing_indicator_code",
        "The claim does not say the kind of plan, on which this payer's book depends: only what holds for every "
        "payer was checked.",
        "Give the claim filing indicator, or name the payer's book in denials.toml (rules.payers).",
    ),
    NO_STATE: Gap(
        "no_state", "no state, so no local book", "NO-STATE", "service_state",
        "The claim does not say in which state the service was given: the rules of the state's book were not checked.",
        "Give the state of the service.",
    ),
    NO_CONTRACTOR: Gap(
        "no_contractor", "no book for the state", "NO-CONTRACTOR", "service_state",
        "No book is for this payer in this state: only the rules that hold in every state were checked.",
        "Write the book of the state or its contractor: denials rules --help.",
    ),
}  # fmt: skip
WORDS = {COVERED: "covered", **{gap: told.word for gap, told in GAPS.items()}}
