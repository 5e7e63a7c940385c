"""A world: payers with their habits, codes, diagnoses and the practice's habits, read from worlds/*.yaml.

Rates in the file are chances (0 to 1) that a payer acts on what it sees; inside, a rate r is the hazard -log(1 - r),
so that several reasons on one line add up. Dates are days since 1970-01-01 inside, calendar days in the file.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from claims.errors import UsageError

FOLDER = Path(__file__).parent / "worlds"
NAMES = ("small", "base", "drift", "policy_change", "new_payer")
FLAGS = ("25", "26", "50", "59", "RT", "LT", "KX", "JZ", "JW", "XS", "51", "GY", "GX", "GA")
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def day_number(day: date | None, default: int) -> int:
    """Days since 1970-01-01; the default where no date is given."""
    return default if day is None else day.toordinal() - date(1970, 1, 1).toordinal()


def bits(modifiers: list[str]) -> int:
    """Modifiers as a set of bits, in the order of FLAGS; unknown ones are left out."""
    return sum(1 << FLAGS.index(m) for m in modifiers if m in FLAGS)


@dataclass(frozen=True)
class Code:
    """One procedure or supply code. fee: USD."""

    code: str
    family: str
    region: str
    fee: float
    bilateral: bool
    imaging: str
    procedure: bool
    unit_limit: int
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Habit:
    """Something a payer dislikes between two days: all conditions that are given must hold on a line."""

    mechanism: str
    hazard: float
    families: frozenset[str]
    codes: frozenset[str]
    diagnoses: frozenset[str]
    places: frozenset[str]
    modifiers: int
    lacks: int
    first: int
    last: int


@dataclass(frozen=True)
class Change:
    """From a day on, a payer's rate for a mechanism is multiplied."""

    mechanism: str
    first: int
    factor: float


@dataclass(frozen=True)
class Authorize:
    """A family needs an authorization from a day on, in some states or in all (empty)."""

    first: int
    states: frozenset[str]


@dataclass(frozen=True)
class Payer:
    """One payer with its habits. lag: median days and spread of the logarithm; rates and shares 0 to 1.

    begins: the day of service before which its members still stand with the payer `instead`.
    """

    id: str
    name: str
    filing: str
    share: float
    lag: tuple[float, float]
    filing_days: int
    bilateral: str
    price: float
    referral: bool
    capitated: frozenset[str]
    sequestration: bool
    contract_code: str
    lapse: float
    other_insurance: float
    noise: float
    auth: dict[str, Authorize]
    limits: dict[str, int]
    conservative_weeks: int
    documentation: float
    new_provider_days: int
    enforce: dict[str, float]
    habits: tuple[Habit, ...]
    changes: tuple[Change, ...]
    begins: int = 0
    instead: str = ""


@dataclass(frozen=True)
class World:
    """A world as its file says. start and end: day numbers, both included."""

    name: str
    seed: int
    start: int
    end: int
    providers: float
    states: dict[str, float]
    hidden: dict[str, dict[str, Any]]
    practice: dict[str, float]
    diagnoses: dict[str, list[str]]
    covered: dict[str, frozenset[str]]
    payers: tuple[Payer, ...]
    codes: dict[str, Code] = field(repr=False)

    @cached_property
    def families(self) -> tuple[str, ...]:
        """Families of codes, sorted."""
        return tuple(sorted({c.family for c in self.codes.values()}))

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Groups of diagnoses, in the order of the file."""
        return tuple(self.diagnoses)

    def stream(self, seed: int, label: str) -> np.random.Generator:
        """A random stream of its own for each purpose, so that a change in one leaves the others as they were."""
        return np.random.default_rng([self.seed, seed, zlib.crc32(label.encode())])


def load_world(name_or_path: str | Path) -> World:
    """The world of that name in worlds/, or in a file of the user's.

    Raises UsageError where there is no such world, KeyError where a file of the user's lacks an entry.
    """
    raw = _raw(name_or_path)
    codes = yaml.safe_load((FOLDER / "codes.yaml").read_text())["codes"]
    everyone = raw["payers"] + raw.get("more_payers", [])
    kept = raw.get("keep_payers", [p["id"] for p in everyone])
    payers = [p for p in everyone if p["id"] in kept]
    return World(
        name=raw["name"],
        seed=raw["seed"],
        start=day_number(raw["start"], 0),
        end=day_number(raw["end"], 0),
        providers=raw["providers_per_20000_claims"],
        states=raw["states"],
        hidden=raw["hidden"],
        practice=raw["practice"],
        diagnoses=raw["diagnoses"],
        covered={k: frozenset(v) for k, v in raw["covered"].items()},
        payers=tuple(_payer(p, raw) for p in payers),
        codes={k: Code(k, **{**v, "parents": tuple(v.get("parents", ()))}) for k, v in codes.items()},
    )


def _raw(name_or_path: str | Path) -> dict[str, Any]:
    path = Path(name_or_path)
    if path.suffix != ".yaml":
        path = FOLDER / f"{name_or_path}.yaml"
    if not path.exists():
        raise UsageError(f"there is no world {name_or_path}; there are {', '.join(NAMES)}, or a YAML file of your own")
    raw: dict[str, Any] = yaml.safe_load(path.read_text())
    if "extends" not in raw:
        return raw
    merged = {**_raw(FOLDER / f"{raw['extends']}.yaml"), **raw}
    for block in ("practice", "hidden", "defaults"):
        merged[block] = {**_raw(FOLDER / f"{raw['extends']}.yaml")[block], **raw.get(block, {})}
    return merged


def _payer(own: dict[str, Any], raw: dict[str, Any]) -> Payer:
    p = {**raw["defaults"], **own}
    for block in ("enforce", "limits"):
        p[block] = {**raw["defaults"][block], **own.get(block, {})}
    habits = p["habits"] + raw.get("more_habits", {}).get(p["id"], [])
    changes = p["changes"] + raw.get("more_changes", {}).get(p["id"], [])
    return Payer(
        **{
            **p,
            "lag": tuple(p["lag"]),
            "capitated": frozenset(p["capitated"]),
            "begins": day_number(p.get("begins"), 0),
            "auth": {
                f: Authorize(day_number(a["from"], 0), frozenset(a.get("states", ()))) for f, a in p["auth"].items()
            },
            "habits": tuple(_habit(h) for h in habits),
            "changes": tuple(Change(c["mechanism"], day_number(c["from"], 0), c["factor"]) for c in changes),
        }
    )


def _habit(h: dict[str, Any]) -> Habit:
    sets = {k: frozenset(str(v) for v in h.get(k, ())) for k in ("families", "codes", "diagnoses", "places")}
    return Habit(
        mechanism=h["mechanism"],
        hazard=float(-np.log1p(-h["rate"])),
        modifiers=bits(h.get("modifiers", [])),
        lacks=bits([h["lacks"]] if "lacks" in h else []),
        first=day_number(h.get("from"), 0),
        last=day_number(h.get("to"), 10**6),
        **sets,
    )
