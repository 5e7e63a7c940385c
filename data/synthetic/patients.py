"""Patients and their sessions in order of time: courses of care as they run in a pain practice.

A course is a list of sessions (kind, day): epidural series, diagnostic blocks before an ablation, a stimulator
trial before the implant, long medication management. Shares and intervals are invented. Days are day numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data.synthetic.practice import Practice
from data.synthetic.world import Bools, Floats, Ints, World

KINDS = (
    "EM_NEW", "EM", "ESI_L", "ESI_C", "FACET_L", "FACET_C", "RFA_L", "RFA_C", "SIJ", "SIJRFA", "KNEE", "KNEERFA",
    "TPI", "JOINT", "NERVE", "SYMP_L", "SYMP_C", "PSYCH", "TRIAL", "IMPLANT", "PROGRAM",
)  # fmt: skip
KIND = {k: i for i, k in enumerate(KINDS)}
COURSES = {
    "ESI_L": 0.26, "ESI_C": 0.09, "FACET_L": 0.17, "FACET_C": 0.07, "SIJ": 0.06, "KNEE": 0.04, "TPI": 0.07,
    "JOINT": 0.05, "NERVE": 0.04, "SYMP": 0.02, "SCS": 0.02, "VISITS": 0.11,
}  # fmt: skip
COURSE = {k: i for i, k in enumerate(COURSES)}


@dataclass(frozen=True)
class Patients:
    """Arrays of one entry a patient: payer (index) before and from `switch`, own provider, birth (day number)."""

    payer: Ints
    payer_after: Ints
    switch: Ints
    provider: Ints
    birth: Ints
    female: Bools


@dataclass(frozen=True)
class Sessions:
    """Arrays of one entry a session (one claim each), by patient and day. episode numbers courses of care."""

    patient: Ints
    episode: Ints
    course: Ints
    kind: Ints
    day: Ints

    def take(self, rows: Ints | Bools) -> Sessions:
        """The sessions of those rows."""
        return Sessions(*(getattr(self, n)[rows] for n in ("patient", "episode", "course", "kind", "day")))


def patients_and_sessions(world: World, practice: Practice, claims: int, seed: int) -> tuple[Patients, Sessions]:
    """Patients and exactly `claims` sessions between the world's start and end."""
    rng = world.stream(seed, "patients")
    number = max(60, claims // 5)
    while True:
        patients = _patients(world, practice, number, rng)
        sessions = _sessions(world, patients, rng)
        if len(sessions.day) >= claims:
            break
        number *= 2
    return patients, sessions.take(np.arange(claims))


def _patients(world: World, practice: Practice, number: int, rng: np.random.Generator) -> Patients:
    share = np.array([p.share for p in world.payers])
    payer = rng.choice(len(share), number, p=share / share.sum())
    after = np.where(rng.random(number) < 0.08, rng.choice(len(share), number, p=share / share.sum()), payer)
    old = np.array([p.filing in ("MB", "16", "HM") for p in world.payers])[payer]
    age = np.where(old, rng.integers(65, 93, number), rng.integers(24, 65, number))
    new_year = world.start + 61 + 365 * rng.integers(0, 2, number)
    return Patients(
        payer, after, new_year, rng.integers(0, practice.size, number),
        world.start - (age * 365.25).astype(np.int64) - rng.integers(0, 365, number), rng.random(number) < 0.58,
    )  # fmt: skip


def _sessions(world: World, patients: Patients, rng: np.random.Generator) -> Sessions:
    number = len(patients.payer)
    courses = 1 + (rng.random(number) < 0.45) + (rng.random(number) < 0.15)
    owner = np.repeat(np.arange(number), courses)
    course = rng.choice(len(COURSES), len(owner), p=np.array(list(COURSES.values())))
    often = (rng.random(number) < world.practice["frequent"])[owner]
    parts: list[tuple[Ints, Ints, Ints]] = []  # episode, kind, day
    for name, index in COURSE.items():
        mine = np.flatnonzero(course == index)
        parts += [
            (mine[rows], kind, day) for rows, kind, day in (_BUILD.get(name) or _series(name))(world, often[mine], rng)
        ]
    episode, kind, day = (np.concatenate([p[i] for p in parts]) for i in range(3))
    day = day + np.where((day + 3) % 7 == 5, 2, np.where((day + 3) % 7 == 6, 1, 0))  # Saturdays, Sundays: to Monday
    keep = np.flatnonzero((day >= world.start) & (day <= world.end))
    found = Sessions(owner[episode], episode, course[episode], kind, day).take(keep)
    found = found.take(np.lexsort((found.kind, found.day, found.patient)))
    first = np.ones(len(found.day), dtype=bool)
    first[1:] = (np.diff(found.day) != 0) | (np.diff(found.patient) != 0)
    return found.take(first)  # one session a patient and day


Part = tuple[Ints, Ints, Ints]  # rows of the course, kind, day
Build = Callable[[World, Bools, np.random.Generator], list[Part]]


def _starts(world: World, size: int, before: int, rng: np.random.Generator) -> Ints:
    return rng.integers(world.start - before, world.end, size)


def _step(start: Ints, rows: Bools, kind: str, rng: np.random.Generator, same_day: float = 0.5) -> list[Part]:
    """One session of the rows that have it, and a visit some weeks later for most of the others."""
    here = np.flatnonzero(rows)
    visit = here[rng.random(len(here)) < 1 - same_day]
    after = start[visit] + rng.integers(12, 30, len(visit))
    return [
        (here, np.full(len(here), KIND[kind]), start[here]),
        (visit, np.full(len(visit), KIND["EM"]), after),
    ]


def _first_visit(start: Ints, rng: np.random.Generator) -> tuple[list[Part], Ints]:
    rows = np.arange(len(start))
    return [(rows, np.full(len(rows), KIND["EM_NEW"]), start)], start + rng.integers(7, 35, len(start))


SERIES: dict[str, tuple[float, float, float]] = {  # mean of further sessions, usual gap, gap of those who come often
    "ESI_L": (3.0, 112, 55), "ESI_C": (2.5, 112, 58), "SIJ": (2.4, 112, 62), "TPI": (3.0, 140, 55),
    "JOINT": (2.2, 120, 70), "NERVE": (3.6, 90, 50), "SYMP": (4.0, 60, 14),
}  # fmt: skip


def _series(name: str) -> Build:
    def build(world: World, often: Bools, rng: np.random.Generator) -> list[Part]:
        mean, usual, close = SERIES[name]
        day0 = _starts(world, len(often), 240, rng)
        parts, day = _first_visit(day0, rng)
        number = 1 + rng.poisson(mean + 1.8 * often)
        low = rng.random(len(often)) < 0.6
        for i in range(int(number.max(initial=0))):
            kind = name if name != "SYMP" else "SYMP_L"
            parts += _step(day, (number > i) & (low | (name != "SYMP")), kind, rng)
            if name == "SYMP":
                parts += _step(day, (number > i) & ~low, "SYMP_C", rng)
            gap = np.where(often, close, usual) * rng.gamma(6.0, 1 / 6.0, len(often))
            day = day + np.maximum(gap, 7).astype(np.int64)
        if name == "SIJ":
            parts += _step(day, rng.random(len(often)) < 0.12, "SIJRFA", rng)
        return parts

    return build


def _ladder(block: str, ablation: str) -> Build:
    """Diagnostic blocks, then the ablation, then repeats; some skip the second block (or both)."""

    def build(world: World, often: Bools, rng: np.random.Generator) -> list[Part]:
        parts, day = _first_visit(_starts(world, len(often), 30, rng), rng)
        skip = rng.random(len(often)) < world.practice["skip_block"]
        none = skip & (rng.random(len(often)) < 0.35)
        parts += _step(day, ~none, block, rng)
        day = day + rng.integers(12, 45, len(often))
        parts += _step(day, ~skip, block, rng)
        goes = rng.random(len(often)) < 0.72
        day = day + rng.integers(14, 60, len(often))
        for _ in range(3):
            parts += _step(day, goes, ablation, rng)
            gap = np.where(often, 150, 275) * rng.gamma(14.0, 1 / 14.0, len(often))
            day, goes = day + gap.astype(np.int64), goes & (rng.random(len(often)) < 0.62)
        return parts

    return build


def _stimulator(world: World, often: Bools, rng: np.random.Generator) -> list[Part]:
    parts, day = _first_visit(_starts(world, len(often), 30, rng), rng)
    everyone = np.ones(len(often), dtype=bool)
    parts += _step(day, rng.random(len(often)) < 0.85, "PSYCH", rng, 1.0)
    day = day + rng.integers(14, 50, len(often))
    parts += _step(day, rng.random(len(often)) < 0.93, "TRIAL", rng)
    day = day + rng.integers(20, 70, len(often))
    implanted = everyone & (rng.random(len(often)) < 0.7)
    parts += _step(day, implanted, "IMPLANT", rng)
    for _ in range(3):
        day = day + rng.integers(25, 90, len(often))
        parts += _step(day, implanted, "PROGRAM", rng, 1.0)
    return parts


def _visits(world: World, often: Bools, rng: np.random.Generator) -> list[Part]:
    day = _starts(world, len(often), 300, rng)
    parts: list[Part] = []
    number = 3 + rng.poisson(5, len(often))
    for i in range(int(number.max(initial=0))):
        here = np.flatnonzero(number > i)
        parts.append((here, np.full(len(here), KIND["EM"]), day[here]))
        day = day + rng.integers(28, 92, len(often))
    return parts


_BUILD: dict[str, Build] = {
    "FACET_L": _ladder("FACET_L", "RFA_L"),
    "FACET_C": _ladder("FACET_C", "RFA_C"),
    "KNEE": _ladder("KNEE", "KNEERFA"),
    "SCS": _stimulator,
    "VISITS": _visits,
}


def ages(patients: Patients, rows: Ints, day: Ints) -> Floats:
    """Age in years on that day."""
    return np.asarray((day - patients.birth[rows]) / 365.25)
