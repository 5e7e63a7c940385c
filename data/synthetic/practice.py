"""The practice of one generated world: its providers, how careful each is, and where each works.

A larger number of claims means a larger practice. Everything here is a true parameter: p_reachable knows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from data.synthetic.world import Bools, Floats, Ints, World

TAXONOMIES = ("208VP0014X", "208VP0000X", "207LP2900X", "363L00000X")
FACILITY, BILLING = "9900000001", {"OH": "9800000001", "KY": "9800000002"}


@dataclass(frozen=True)
class Practice:
    """Arrays of one entry a provider (P). care: standard normal, more is better; joined: day number."""

    npi: list[str]
    care: Floats
    documentation: Floats  # log of the hazard factor, all families
    by_family: Floats  # (P, families), log of the hazard factor
    joined: Ints
    place: list[str]
    taxonomy: list[str]
    state: list[str]
    lag: Floats  # median days from service to submission
    knows_formats: Bools  # knows which payers want other bilateral formats than 50

    @property
    def size(self) -> int:
        """Number of providers."""
        return len(self.npi)


def practice_of(world: World, claims: int, seed: int) -> Practice:
    """The providers of a world with that many claims and that seed: the same for the same three."""
    size = max(4, round(world.providers * (claims / 20_000) ** 0.7))
    rng = world.stream(seed, "practice")
    states, weights = list(world.states), list(world.states.values())
    late = rng.permutation(np.arange(size) < 0.35 * size)
    joined = np.where(late, rng.integers(world.start + 60, world.end - 150, size), world.start - 400)
    return Practice(
        npi=[f"97{i:08d}" for i in range(1, size + 1)],
        care=_spread(size, rng),
        documentation=0.7 * _spread(size, rng),
        by_family=rng.normal(0, 0.4, (size, len(world.families))),
        joined=np.where(np.arange(size) == 0, world.start - 400, joined),
        place=_shared(size, ["11", "24", "22"], [0.6, 0.28, 0.12], rng),
        taxonomy=[str(t) for t in rng.choice(TAXONOMIES, size, p=[0.5, 0.2, 0.2, 0.1])],
        state=_shared(size, states, weights, rng),
        lag=np.exp(1.5 + 0.35 * _spread(size, rng)),
        knows_formats=rng.permutation(np.arange(size) >= world.practice["wrong_bilateral"] * size),
    )


def _spread(size: int, rng: np.random.Generator) -> Floats:
    """Standard normal quantiles in random order: no practice is luckier than another in its providers."""
    return rng.permutation([NormalDist().inv_cdf((i + 0.5) / size) for i in range(size)])


def _shared(size: int, values: list[str], shares: list[float], rng: np.random.Generator) -> list[str]:
    """Values in about the shares given, in random order."""
    at = np.searchsorted(np.cumsum(shares)[:-1] / sum(shares), (np.arange(size) + 0.5) / size)
    return [values[i] for i in rng.permutation(at).tolist()]


def slip(world: World, practice: Practice, provider: Ints, habit: str) -> Floats:
    """The chance of a slip of that kind for each provider index given: the habit's rate, moved by the care."""
    rate = world.practice[habit]
    centre = np.log(rate / (1 - rate)) - world.practice["care_slope"] * practice.care
    return np.asarray(1 / (1 + np.exp(-centre)))[provider]
