"""The answers of `denials check` for people: counts first, then claims, worst first; and what stands beside JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipelines.terminal import aside, counted, say, table
from rules.findings import ASSUMED, Finding
from rules.gaps import GAPS, NO_BOOK
from rules.readiness import NOT_KNOWN, NOT_READY, READY, Readiness, Reviews
from rules.tally import Tally, Worst
from rules.verdict import BROKEN, MET, UNKNOWN

if TYPE_CHECKING:
    import polars as pl

    from claims.batch import Batch
    from rules.check import Checker
    from rules.ruleset import RuleSet

SHOWN = 20  # reasons, payers, rules
STATES = {
    "broken": "something is broken", "unknown": "nothing broken, but not all is known",
    "met": "all rules in the books are met",
    "unasked": "no rule asks about them",
}  # fmt: skip
ANSWERS = (READY, NOT_READY, NOT_KNOWN)
OUTCOMES = ("broken", "unknown", "met")


def checked(tally: Tally, lines: pl.DataFrame, checker: Checker, batch: Batch) -> None:
    """Counts, kinds, payers without a book, and the worst claims with what a biller may do."""
    _left_out(batch)
    rows = [(words, tally.states[state]) for state, words in STATES.items()]
    table(f"{counted(tally.claims, 'claim')}, {counted(tally.lines, 'line')}", ("", "claims"), rows)
    gaps = [(told.short, tally.coverage[gap]) for gap, told in GAPS.items() if tally.coverage[gap]]
    if gaps:
        table("Not asked the payer's own rules", ("", "claims"), gaps)
    kinds = [(kind, told) for kind, told in tally.kinds.items() if told["claims"] or told["unknown"]]
    kinds.sort(key=lambda one: (-one[1]["claims"], -one[1]["unknown"]))
    names = ("claims", "stated", ASSUMED, "unknown")
    told_kinds = [(kind.replace("_", " "), *(told[name] for name in names)) for kind, told in kinds]
    if kinds:
        table("By kind of rule", ("", "claims", "broken: stated", "assumed", "not known"), told_kinds)
    _payers(tally)
    if tally.worst:
        say("Worst first: what a payer states before what is assumed, then the charges of the lines concerned.")
        say()
    for worst in tally.worst:
        _claim(worst, lines, checker, tally.every)
    if tally.told > len(tally.worst):
        say(f"... and {counted(tally.told - len(tally.worst), 'more claim')}: --claims {tally.told} shows them all, "
            "--json tells them to a program.")  # fmt: skip


def _payers(tally: Tally) -> None:
    rows = [(payer, name, claims) for (payer, name), claims in tally.payers.most_common(SHOWN)]
    if rows:
        table("Payers without a rule book", ("payer_id", "payer_name", "claims"), rows, left=2)
        say(f"Their claims were asked only what holds for every payer. {GAPS[NO_BOOK].remedy}")
        say()


def _claim(worst: Worst, lines: pl.DataFrame, checker: Checker, every: bool) -> None:
    """One claim: its lines' findings, broken before unknown before met, stated before assumed."""
    own = lines[worst.rows]
    found = checker.judge(own)
    stake = f": {worst.stake / 100:,.2f} USD in lines with something broken" if worst.stake else ""
    payer = own["payer_name"][0] or own["payer_id"][0]
    say(f"Claim {own['claim_id'][0]}, {payer}, service of {own['claim_line_start_date'][0]}{stake}")
    for code in sorted(set(found.coverage.tolist()) & GAPS.keys()):
        say(f"  {GAPS[code].message}")
    told = found.told((BROKEN, UNKNOWN, MET) if every else (BROKEN,))
    for number, code, findings in zip(own["claim_line_number"], own["hcpcs_code"], told, strict=True):
        _line(f"  line {number}, {code}:", sorted(filter(_of_a_rule, findings), key=_gravity))
    say()


def _line(line: str, findings: list[Finding]) -> None:
    """What is broken or not known in words, what is met by name."""
    for told in (one for one in findings if one["outcome"] != "met"):
        finding(line, told)
    met = [finding["rule_id"] for finding in findings if finding["outcome"] == "met"]
    if met:
        say(f"{line} met: {', '.join(met)}")


def finding(head: str, told: Finding) -> None:
    """One finding under its head: the rule, what is wrong, what a biller may do."""
    say(f"{head} {told['rule_id']}{f' [{ASSUMED}]' if told['standing'] == ASSUMED else ''}")
    say(f"    {told['message']}")
    if told["remedy"]:
        say(f"    > {told['remedy']}")


def _of_a_rule(finding: Finding) -> bool:
    return finding["checked_on"] is not None


def _gravity(finding: Finding) -> tuple[int, bool, str]:
    return OUTCOMES.index(finding["outcome"]), finding["standing"] == ASSUMED, finding["rule_id"]


def reviewed(reviews: Reviews, rules: RuleSet, batch: Batch) -> None:
    """How many claims a review would leave alone, what it would find, and the claims with the most of it."""
    _left_out(batch)
    titles = {rule.id: rule.title for _, rule in rules.rules()}
    titles |= {gap.rule_id: gap.short for gap in GAPS.values()}
    table(
        "Ready for a review after payment",
        ("", "claims"),
        [(w, reviews.answers[w]) for w in (READY, NOT_READY, NOT_KNOWN)],
    )
    for words, counts in (("What a review would find", reviews.broken), ("What cannot be told", reviews.unknown)):
        rows = [(one, titles.get(one), claims) for one, claims in counts.most_common(SHOWN)]
        if rows:
            table(words, ("rule", "what it asks", "claims"), rows, left=2)
    for name, one in reviews.worst:
        say(f"Claim {name}: {one.audit}. {' '.join(_review(one))}")
    left = reviews.answers.total() - reviews.answers[READY] - len(reviews.worst)
    if left:
        say(f"... and {counted(left, 'more claim')}: --claims {left + len(reviews.worst)} shows them all.")


def _review(one: Readiness) -> Iterator[str]:
    if one.broken:
        yield f"Broken: {', '.join(one.broken)}."
    if one.unknown:
        yield f"Not known: {', '.join(one.unknown)}."
    if not one.broken and not one.unknown:
        yield "No rule asks what a review would look at."


def aside_of(told: Tally | Reviews, batch: Batch) -> None:
    """Beside JSON Lines, on stderr: what they do not tell."""
    for line in _rejects(batch):
        aside(line)
    if isinstance(told, Reviews):
        counts = [(told.answers[word], word) for word in ANSWERS]
    else:
        counts = [(told.states[state], words) for state, words in STATES.items()]
        counts += [(told.coverage[code], gap.short) for code, gap in GAPS.items()]
    aside("Claims: " + "; ".join(f"{words}: {claims:,}" for claims, words in counts if claims) + ".")


def _left_out(batch: Batch) -> None:
    for line in _rejects(batch):
        say(line)


def _rejects(batch: Batch) -> Iterator[str]:
    """How many rows of claims could not be read, and why."""
    refused = batch.rejects.filter(table="lines")
    if len(refused):
        yield f"{counted(len(refused), 'row')} could not be read and were not checked:"
        counts: Any = refused["reason"].value_counts(sort=True)
        for reason, rows in counts.head(SHOWN).iter_rows():
            yield f"  {rows:,}: {reason}"
