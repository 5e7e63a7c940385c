"""Modifiers of which one must stand on the line."""

from __future__ import annotations

from rules.beside import stands_beside
from rules.parameters import ModifierRequired
from rules.sheet import NO, NOT_KNOWN
from rules.verdict import Asked, Verdict, three
from rules.words import NO_MODIFIERS, code, listed, modifiers


def modifier_required(asked: Asked) -> Verdict:
    """Broken when none of the modifiers stands on the line; unknown where that hangs on what no claim tells (if_so)."""
    said: ModifierRequired = asked.said
    held = asked.sheet.modified(frozenset(asked.value))[asked.rows]
    required = listed(asked.value, "or")
    beside = stands_beside(asked.sheet, asked.rows, frozenset(said.beside)) if said.beside else None

    def why(i: int) -> str:
        return NO_MODIFIERS if held[i] == NOT_KNOWN else said.if_so or ""

    return Verdict(
        three(held == NO, held <= NO if said.if_so else held == NOT_KNOWN, beside),
        told={"code": code(asked), "required": lambda i: required, "found": modifiers(asked)},
        why=why,
    )
