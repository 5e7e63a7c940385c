"""A service billed again: the same code, day, modifiers and provider, on a line before or in a claim sent before.

The claim sent before may be another, or the same one: sent once more without saying that it replaces the first.
"""

from __future__ import annotations

import numpy as np

from rules.beside import any_of
from rules.encode import MISS
from rules.parameters import Duplicate
from rules.past import BEFORE_ALL
from rules.sheet import YES, Pairs
from rules.verdict import Asked, Verdict, three
from rules.words import code

Found = tuple[np.ndarray, np.ndarray]


def duplicate(asked: Asked) -> Verdict:
    """Broken on the later of two lines that are alike, but for modifiers that say it was done again.

    Unknown where a modifier or provider that is not known decides, or the practice's past holds nothing of the day.
    None of the business of a claim that says that it replaces one, where nothing else is alike.
    """
    said: Duplicate = asked.said
    sheet, rows = asked.sheet, asked.rows
    looks = (_on_claim(asked), _in_past(asked))
    again, unsure = (mine | theirs for mine, theirs in zip(*looks, strict=True))
    sent, perhaps = _sent_before(asked)
    replaced = sheet.replaces[rows] & (sent | perhaps) & ~again & ~unsure
    again, unsure = again | (sent & ~sheet.replaces[rows]), unsure | (perhaps & ~sheet.replaces[rows])
    excused = sheet.modified(frozenset(said.unless))[rows] == YES
    broken = again & ~excused
    looked = sheet.reaches_back(rows, 0)
    unknown = ~broken & ((unsure & ~excused) | ~looked)

    def why(i: int) -> str:
        if looked[i] or unsure[i]:
            return "A like line is there, and its modifiers or its provider are not known."
        return sheet.why_not_back(int(rows[i]))

    return Verdict(three(broken, unknown, ~replaced), told={"code": code(asked)}, why=why)


def _on_claim(asked: Asked) -> Found:
    """(rows,) whether a line of the claim with a lower number is alike; whether that depends on what is not known."""
    sheet, rows = asked.sheet, asked.rows
    at, line = sheet.beside(rows)
    mine, number = rows[at], sheet.number("claim_line_number")
    alike = (sheet.lines.code.at[line] == sheet.lines.code.at[mine]) & (number[line] < number[mine])
    at, line, mine = at[alike], line[alike], mine[alike]
    if not len(at):
        return np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    provider, modifiers = sheet.lines.provider, sheet.lines.modifiers
    same = (provider.at[line] == provider.at[mine]) & (modifiers.at[line] == modifiers.at[mine])
    told = modifiers.flags(lambda level: level is not None)
    unsure = (provider.at[line] == provider.at[mine]) & ~(told[line] & told[mine])
    return any_of(at, same & ~unsure, len(rows)), any_of(at, unsure, len(rows))


def _in_past(asked: Asked) -> Found:
    """(rows,) the same of first submissions of other claims to the same payer."""
    sheet, services = asked.sheet, asked.sheet.past.services
    at, past = sheet.same_day(asked.rows)
    # lines of one file see each other: of two claims the later is told
    earlier = (services.submitted[past] != BEFORE_ALL) | (services.chain[past] < sheet.chain[asked.rows[at]])
    return _alike(asked, (at[earlier], past[earlier]))


def _sent_before(asked: Asked) -> Found:
    """(rows,) the same of the claim's own first submission, where it was sent before."""
    return _alike(asked, asked.sheet.sent_before(asked.rows))


def _alike(asked: Asked, pairs: Pairs) -> Found:
    """(rows,) whether one of the past services is alike; whether that depends on what is not known."""
    sheet, rows, past_of = asked.sheet, asked.rows, asked.sheet.past.services
    at, past = pairs
    alike = past_of.original[past] & (past_of.code[past] == sheet.encoded("code", sheet.lines.code)[rows[at]])
    alike &= past_of.payer[past] == sheet.encoded("payer", sheet.lines.text("payer_id"))[rows[at]]
    at, past = at[alike], past[alike]
    if not len(at):
        return np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    mine, modifiers = rows[at], sheet.lines.modifiers
    blank = modifiers.each(lambda level: level or "")
    same = past_of.modifiers[past] == sheet.encoded("modifiers", blank)[mine]
    provider, theirs = sheet.encoded("provider", sheet.lines.provider)[mine], past_of.provider[past]
    named = sheet.lines.provider.flags(bool)[mine] & (theirs != MISS["provider"])
    told = modifiers.flags(lambda level: level is not None)[mine]
    fits = (provider == theirs) | ~named
    return any_of(at, same & fits & named & told, len(rows)), any_of(at, fits & (~told | (same & ~named)), len(rows))
