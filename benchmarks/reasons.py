"""Whether the likeliest reason of a denied line is right, beside what a table says, and how shares hold by category.

Synthetic, world base: it says that the machinery works, nothing about any real payer. Trained as of the start of the
replay, judged on the lines submitted since; the table is the most frequent category by payer and code among the lines
learned from. `python -m benchmarks.reasons 60000 1` asks for other claims and seeds than the default.
"""

from __future__ import annotations

import sys
from datetime import timedelta

import numpy as np

from benchmarks.results import record
from benchmarks.world_gap import stored
from data.synthetic import generate, load_world
from training.evaluate import Replay, gather, replay, replay_start
from training.evaluation import CategoryShare
from training.fit import Recipe
from training.metrics import Metrics
from training.reason_report import category_shares, measure_reasons

CLAIMS, SEEDS = 20_000, (101, 102, 103)  # seeds that had no part in any choice
TOLD = ("reason_top1", "reason_top1_low", "reason_top1_high", "reason_top1_gain", "reason_top1_gain_low",
        "reason_top1_gain_high", "reason_top1_majority", "reason_log_loss")  # fmt: skip


def main(claims: int = CLAIMS, seeds: tuple[int, ...] = SEEDS) -> None:
    """Print and record the accuracy for each seed, then means over several seeds; by category the last of these."""
    told = [_of_seed(claims, seed) for seed in seeds]
    for seed, (metrics, shares) in zip(seeds, told, strict=True):
        _record(f"{claims} claims, seed {seed}", metrics, shares if len(seeds) == 1 else {})
    if len(seeds) == 1:
        return
    points = [name for name in told[0][0] if "_low" not in name and "_high" not in name]
    means: Metrics = {name: float(np.mean([metrics[name] for metrics, _ in told])) for name in points}
    _record(f"{claims} claims, mean of {len(seeds)} seeds", means, _mean_shares([shares for _, shares in told]))


def _of_seed(claims: int, seed: int) -> tuple[Metrics, dict[str, CategoryShare]]:
    done = _replayed(claims, seed)
    own, table = measure_reasons(done.later, done.shares, done.learned.material.found, seed)
    metrics: Metrics = {f"{name} of payer and code": value for name, value in table.items()}
    metrics |= {name: own[name] for name in TOLD}
    metrics["denied lines"] = float(done.later.y.sum())
    return metrics, category_shares(done.later, done.risk[:, None] * done.shares)


def _replayed(claims: int, seed: int) -> Replay:
    cut, last, settings = stored(generate(load_world("base"), claims, seed=seed))
    today = gather(cut, last + timedelta(days=1), settings)
    return replay(cut, today, replay_start(today.found), settings, Recipe(seed=settings.training.seed))


def _mean_shares(told: list[dict[str, CategoryShare]]) -> dict[str, CategoryShare]:
    """Means over seeds of equal weight; the numbers of denied lines added up."""
    return {
        name: {
            "denied": sum(one[name]["denied"] for one in told),
            "mean_probability": float(np.mean([one[name]["mean_probability"] for one in told])),
            "share": float(np.mean([one[name]["share"] for one in told])),
            "ece": float(np.mean([one[name]["ece"] for one in told])),
        }
        for name in told[0]
    }


def _record(title: str, metrics: Metrics, shares: dict[str, CategoryShare]) -> None:
    measures = {f"{title}: {name}": (value, "") for name, value in metrics.items() if value is not None}
    for name, one in shares.items():
        measures |= {
            f"{title}: {name}, denied": (float(one["denied"]), "lines"),
            f"{title}: {name}, mean probability": (one["mean_probability"], ""),
            f"{title}: {name}, share": (one["share"], ""),
            f"{title}: {name}, ece": (one["ece"], ""),
        }
    record("reasons", measures)


if __name__ == "__main__":
    asked = [int(argument) for argument in sys.argv[1:]]
    main(asked[0] if asked else CLAIMS, tuple(asked[1:]) or SEEDS)
