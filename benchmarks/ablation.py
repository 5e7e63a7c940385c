"""What each family of features is worth: the AUROC of the model minus that without it, base world.

Synthetic: the world's payers decide by what its file says; a real payer may not. Positive = the family helps. Rounds
are chosen anew each time, as in training. `python -m benchmarks.ablation 60000 101` asks for other claims and seeds.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta

import lightgbm as lgb
import numpy as np
from rich.console import Console
from rich.progress import track
from sklearn.metrics import roc_auc_score

from benchmarks.results import record
from benchmarks.world_gap import stored
from data.synthetic import generate, load_world
from features import catalog
from features.catalog import Feature
from training.evaluate import Replay, gather, replay, replay_start
from training.examples import halves
from training.fit import Later, Recipe, fit, split, stop_early
from training.matrix import usable
from training.metrics import difference

CLAIMS, SEEDS = 20_000, (101, 102, 103)  # seeds that had no part in any choice
RECENT = ("__30d", "__180d")


def main(claims: int = CLAIMS, seeds: Sequence[int] = SEEDS) -> None:
    """Print and record the difference in AUROC without each family, for each seed and on average."""
    told = [_of_seed(claims, seed) for seed in track(seeds, "worlds", console=Console(stderr=True))]
    for seed, one in zip(seeds, told, strict=True):
        record("ablation", {f"{claims} claims, seed {seed}: {name}": (value, "") for name, value in one.items()})
    points = [name for name in told[0] if not name.endswith((" low", " high"))]
    means = {name: float(np.mean([one[name] for one in told])) for name in points}
    record("ablation", {f"{claims} claims, mean: {name}": (value, "") for name, value in means.items()})


def families() -> dict[str, frozenset[str]]:
    """The names of the features of each family that is left out; families may overlap."""
    told = {
        "the line": catalog.LINE, "the claim's other lines": catalog.CLAIM,
        "authorization match": catalog.AUTHORIZATION, "the patient's own procedures": catalog.PATIENT,
        "rule findings": catalog.FINDINGS, "histories": catalog.HISTORY,
    }  # fmt: skip
    histories = [f.name for f in catalog.HISTORY]
    found = {name: frozenset(f.name for f in features) for name, features in told.items()}
    for kind in catalog.KINDS[1:]:
        found[f"history by {kind.name}"] = frozenset(name for name in histories if f"__{kind.name}__" in f"{name}__")
    found["histories by category"] = frozenset(n for n in histories if n.endswith(f"__{catalog.CATEGORY_WINDOW}d"))
    found["recent windows"] = frozenset(n for n in histories if n.endswith(RECENT))
    found["counts as evidence"] = frozenset(n for n in histories if n.startswith("outcomes__"))
    return found


def _of_seed(claims: int, seed: int) -> dict[str, float]:
    cut, last, settings = stored(generate(load_world("base"), claims, seed=seed))
    today = gather(cut, last + timedelta(days=1), settings)
    done = replay(cut, today, replay_start(today.found), settings, Recipe(seed=settings.training.seed))
    features = usable(catalog.CATALOG)
    whole = done.later.scored(_scores(done, list(range(len(features))), features))
    told = {"auroc": float(roc_auc_score(whole.y, whole.p))}
    for name, gone in families().items():
        kept = [i for i, f in enumerate(features) if f.name not in gone]
        gap = difference(whole, _scores(done, kept, features), seed)
        for end, value in zip(("", " low", " high"), gap.values(), strict=True):
            assert value is not None  # the later lines hold both classes
            told[f"{name}{end}"] = value
    return told


def _scores(done: Replay, kept: list[int], features: Sequence[Feature]) -> np.ndarray:
    """(lines,) raw scores of the later lines by a model of these features alone."""
    found, model, recipe = done.learned.material.found, done.learned.model, Recipe()
    X, own, cut = model.matrix(found.table)[:, kept], [features[i] for i in kept], split(found.days, 0.2)
    unseen = Later(X[cut:], found.y[cut:], halves(found.claims[cut:]))
    rounds = stop_early(X[:cut], found.y[:cut], own, recipe, unseen).rounds
    booster = lgb.Booster(model_str=fit(X, found.y, own, recipe, rounds).text)
    return np.asarray(booster.predict(done.X[:, kept], raw_score=True))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(int(sys.argv[1]), tuple(int(seed) for seed in sys.argv[2:]) or SEEDS[:1])
    else:
        main()
