"""A service billed again: the same code, day, modifiers and provider, on a line before or in a claim sent before.

A claim is never a duplicate of itself: what stands under its own claim_id, with the same payer, is the claim as it was
taken in before (sent anew after it was turned away, or scored again), and what others sent since came after it.
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

UNITS_APART = 1e-3  # services keep units in single precision
Found = tuple[np.ndarray, np.ndarray]


def duplicate(asked: Asked) -> Verdict:
    """Broken on the later of two lines that are alike, but for modifiers that say it was done again.

    Unknown where a modifier or provider that is not known decides, the practice's past holds nothing of the day, or the
    claim was sent before under its own number with other units. None of the business of a claim that says that it
    replaces one, where nothing else is alike.
    """
    said: Duplicate = asked.said
    sheet, rows = asked.sheet, asked.rows
    others, before, itself = _in_past(asked)
    looks = (_on_claim(asked), _alike(asked, others))
    again, unsure = (mine | theirs for mine, theirs in zip(*looks, strict=True))
    sent, perhaps = _alike(asked, before)
    known, changed = any_of(itself[0], np.ones(len(itself[0]), bool), len(rows)), _with_other_units(asked, itself)
    replaces = sheet.replaces[rows]
    replaced = replaces & (sent | perhaps | known) & ~again & ~unsure
    again, unsure = again | (sent & ~replaces), unsure | (perhaps & ~replaces)
    excused = sheet.modified(frozenset(said.unless))[rows] == YES
    broken = again & ~excused
    looked, changed = sheet.reaches_back(rows, 0), changed & ~replaces & ~excused
    unknown = ~broken & ((unsure & ~excused) | changed | ~looked)

    def why(i: int) -> str:
        if changed[i]:
            return (
                "It was sent before under its own number, with other units; whether the payer took it in is not told."
            )
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


def _in_past(asked: Asked) -> tuple[Pairs, Pairs, Pairs]:
    """Pairs (place in rows, past service) of the line's day: of other claims, of other claims of its own chain, and of
    the line's own claim; of others those that were sent before the claim was sent first.
    """
    sheet, services = asked.sheet, asked.sheet.past.services
    at, past = (
        np.append(*both) for both in zip(sheet.same_day(asked.rows), sheet.sent_before(asked.rows), strict=True)
    )
    own = sheet.under_its_number(asked.rows, (at, past))
    first = sheet.submitted[asked.rows]
    np.minimum.at(first, at[own], services.sent[past[own]])
    chain = sheet.chain[asked.rows[at]]
    # lines of one file see each other: of two claims the later is told
    linked = services.chain[past] == chain
    of_file = (services.submitted[past] == BEFORE_ALL) & ~linked
    earlier = np.where(of_file, services.chain[past] < chain, services.sent[past] < first[at]) & ~own
    others, before = earlier & ~linked, earlier & linked
    return (at[others], past[others]), (at[before], past[before]), (at[own], past[own])


def _with_other_units(asked: Asked, itself: Pairs) -> np.ndarray:
    """(rows,) whether the line stood on its own claim with the same code and modifiers, and other units."""
    at, past = itself
    services, sheet = asked.sheet.past.services, asked.sheet
    mine = asked.rows[at]
    blank = sheet.lines.modifiers.each(lambda level: level or "")
    same = services.code[past] == sheet.encoded("code", sheet.lines.code)[mine]
    same &= services.modifiers[past] == sheet.encoded("modifiers", blank)[mine]
    units, theirs = sheet.lines.units[mine], services.units[past]
    equal = any_of(at, same & ~(np.abs(units - theirs) > UNITS_APART), len(asked.rows))
    changed: np.ndarray = any_of(at, same, len(asked.rows)) & ~equal
    return changed


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
