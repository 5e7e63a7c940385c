"""What the rule books are worth in the base world: broken rules on lines that were paid, by kind, and AUROC.

Synthetic: the hidden payers have habits of their own, and the books were not written for them. A kind whose broken
rules are mostly paid cries wolf there; what a real payer does is not measured here.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.results import record
from benchmarks.world_gap import CLAIMS, stored
from data.synthetic import generate, load_world
from features.findings import broken_name
from rules.parameters import KINDS
from rules.ruleset import RuleSet
from training.evaluate import Replay, gather, replay, replay_start
from training.examples import Examples
from training.fit import Recipe
from training.metrics import difference

Counts = dict[str, tuple[int, int]]


def main() -> None:
    """Print and record both."""
    cut, last, settings = stored(generate(load_world("base"), CLAIMS))
    day, recipe = last + timedelta(days=1), Recipe(seed=settings.training.seed)
    today, bare = (gather(cut, day, settings, rules) for rules in (None, RuleSet.empty()))
    counted = broken(today.found)
    _show(counted, today.found)
    start = replay_start(today.found)
    with_rules, without = (replay(cut, one, start, settings, recipe) for one in (today, bare))
    record("rule_value", {f"{kind}: broken on a paid line": (_paid(counted[kind]), "") for kind in counted}
           | {f"{kind}: lines broken": (counted[kind][0], "lines") for kind in counted}
           | _gain(with_rules, without, settings.training.seed))  # fmt: skip


def broken(found: Examples) -> Counts:
    """Of each kind (lines on which a rule was broken, as far as it could be known; how many of them were denied)."""
    stood = {kind: found.table.column(broken_name(kind)) > 0 for kind in KINDS}
    return {kind: (int(held.sum()), int(found.y[held].sum())) for kind, held in stood.items() if held.any()}


def _paid(counted: tuple[int, int]) -> float:
    lines, denied = counted
    return 1 - denied / lines


def _show(counted: Counts, found: Examples) -> None:
    table = Table(title=f"Broken rules in the base world; of all {len(found):,} lines "
                  f"{np.mean(found.y):.1%} were denied")  # fmt: skip
    for column in ("kind", "lines broken", "denied", "paid all the same"):
        table.add_column(column, justify="left" if column == "kind" else "right")
    for kind in KINDS:
        lines, denied = counted.get(kind, (0, 0))
        shares = (f"{denied / lines:.1%}", f"{1 - denied / lines:.1%}") if lines else ("-", "-")
        table.add_row(kind, f"{lines:,}", *shares)
    Console(width=80).print(table)


def _gain(with_rules: Replay, without: Replay, seed: int) -> dict[str, tuple[float, str]]:
    told = difference(with_rules.scored, without.risk, seed)
    return {f"findings as features: auroc, {name}": (value, "") for name, value in told.items() if value is not None}


if __name__ == "__main__":
    main()
