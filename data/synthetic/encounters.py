"""One encounter a session: who rendered it, where, for which diagnosis, which main code, when it was submitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.synthetic.patients import COURSE, COURSES, KIND, KINDS, Patients, Sessions
from data.synthetic.practice import Practice, slip
from data.synthetic.world import Bools, Floats, Ints, World

Texts = npt.NDArray[np.str_]
MAIN: dict[str, tuple[list[str], list[float]]] = {  # kind -> main codes and shares
    "EM_NEW": (["99203", "99204"], [0.55, 0.45]),
    "EM": (["99213", "99214", "99212", "99215"], [0.45, 0.45, 0.06, 0.04]),
    "ESI_L": (["62323", "64483"], [0.52, 0.48]), "ESI_C": (["62321", "64479"], [0.8, 0.2]),
    "FACET_L": (["64493"], [1]), "FACET_C": (["64490"], [1]), "RFA_L": (["64635"], [1]), "RFA_C": (["64633"], [1]),
    "SIJ": (["27096", "64451"], [0.8, 0.2]), "SIJRFA": (["64625"], [1]), "KNEE": (["64454"], [1]),
    "KNEERFA": (["64624"], [1]), "TPI": (["20552", "20553"], [0.45, 0.55]), "JOINT": (["20610", "20611"], [0.6, 0.4]),
    "NERVE": (["64405", "64450"], [0.7, 0.3]), "SYMP_L": (["64520"], [1]), "SYMP_C": (["64510"], [1]),
    "PSYCH": (["96130"], [1]), "TRIAL": (["63650"], [1]), "IMPLANT": (["63685"], [1]), "PROGRAM": (["95972"], [1]),
}  # fmt: skip
GROUPS: dict[str, tuple[list[str], list[float]]] = {  # course -> diagnosis groups and shares
    "ESI_L": (["RAD_L", "STEN", "FBSS"], [0.6, 0.3, 0.1]), "ESI_C": (["RAD_C"], [1]), "FACET_L": (["SPOND_L"], [1]),
    "FACET_C": (["SPOND_C"], [1]), "SIJ": (["SI"], [1]), "KNEE": (["KNEE"], [1]), "TPI": (["MYO"], [1]),
    "JOINT": (["KNEE"], [1]), "NERVE": (["HEAD", "CRPS", "CHRONIC"], [0.6, 0.2, 0.2]), "SYMP": (["CRPS"], [1]),
    "SCS": (["FBSS", "CRPS", "RAD_L"], [0.6, 0.2, 0.2]), "VISITS": (["CHRONIC", "OPIOID", "LBP"], [0.5, 0.2, 0.3]),
}  # fmt: skip
WEAK = ("LBP", "NECK", "CHRONIC")


@dataclass(frozen=True)
class Encounters:
    """Arrays of one entry a claim. Days are day numbers; side: 0 none, 1 right, 2 left, 3 both."""

    patient: Ints
    episode: Ints
    kind: Ints
    day: Ints
    submitted: Ints
    payer: Ints
    provider: Ints
    place: Texts
    code: Texts
    first: Texts  # diagnosis codes
    second: Texts
    third: Texts
    side: Ints
    pointer_wrong: Bools
    state: Texts
    care: Floats

    def take(self, rows: Ints) -> Encounters:
        """The encounters of those rows."""
        return Encounters(**{name: getattr(self, name)[rows] for name in Encounters.__dataclass_fields__})


def encounters_of(world: World, practice: Practice, patients: Patients, s: Sessions, seed: int) -> Encounters:
    """An encounter for every session, in the same order."""
    rng = world.stream(seed, "encounters")
    provider = _providers(world, practice, patients, s, rng)
    first, second, third = _diagnoses(world, practice, s, provider, rng)
    return Encounters(
        patient=s.patient,
        episode=s.episode,
        kind=s.kind,
        day=s.day,
        submitted=_submitted(world, practice, s, provider, rng),
        payer=_payers(world, patients, s),
        provider=provider,
        place=_places(world, practice, s, provider, rng),
        code=_seen_before(world, practice, s, provider, _codes(s, rng), rng),
        first=first,
        second=second,
        third=third,
        side=_sides(s, rng),
        pointer_wrong=rng.random(len(s.day)) < slip(world, practice, provider, "wrong_pointer"),
        state=np.array(practice.state)[provider],
        care=practice.care[provider],
    )


def _payers(world: World, p: Patients, s: Sessions) -> Ints:
    """The payer of each session; members of a payer that has not begun yet stand with another."""
    payer = np.where(s.day >= p.switch[s.patient], p.payer_after[s.patient], p.payer[s.patient])
    ids = [one.id for one in world.payers]
    for i, one in enumerate(world.payers):
        payer = np.where((payer == i) & (s.day < one.begins), ids.index(one.instead) if one.instead else i, payer)
    return payer


def _providers(world: World, practice: Practice, p: Patients, s: Sessions, rng: np.random.Generator) -> Ints:
    own = p.provider[s.patient]
    other = rng.integers(0, practice.size, len(own))
    chosen = np.where(rng.random(len(own)) < slip(world, practice, own, "other_provider"), other, own)
    return np.where(practice.joined[chosen] > s.day, 0, chosen)


def _submitted(world: World, practice: Practice, s: Sessions, provider: Ints, rng: np.random.Generator) -> Ints:
    lag = practice.lag[provider] * np.exp(rng.normal(0, 0.5, len(s.day)))
    drawer = rng.random(len(s.day)) < slip(world, practice, provider, "late")
    return s.day + np.where(drawer, rng.integers(60, 420, len(s.day)), np.maximum(lag, 1)).astype(np.int64)


def _places(world: World, practice: Practice, s: Sessions, provider: Ints, rng: np.random.Generator) -> Texts:
    usual = np.array(practice.place)[provider]
    moved = rng.random(len(usual)) < slip(world, practice, provider, "other_place")
    place = np.where(moved, np.where(usual == "11", "24", "11"), usual)
    office = np.isin(s.kind, [KIND[k] for k in ("EM_NEW", "EM", "PSYCH", "PROGRAM", "TPI", "NERVE", "JOINT")])
    surgical = np.isin(s.kind, [KIND["IMPLANT"]])
    return np.where(office & ~moved, "11", np.where(surgical, "24", place))


def _codes(s: Sessions, rng: np.random.Generator) -> Texts:
    """The main code: mostly the one usual in that course of care."""
    own = rng.random(int(s.episode.max(initial=0)) + 1)[s.episode]
    draw = np.where(rng.random(len(own)) < 0.92, own, rng.random(len(own)))
    code = np.empty(len(own), dtype="<U5")
    for kind, (codes, shares) in MAIN.items():
        rows = s.kind == KIND[kind]
        code[rows] = np.array(codes)[np.searchsorted(np.cumsum(shares)[:-1], draw[rows])]
    return code


def _seen_before(
    world: World, practice: Practice, s: Sessions, provider: Ints, code: Texts, rng: np.random.Generator
) -> Texts:
    """A patient known to the practice gets an established-patient code, but for slips."""
    known = np.r_[False, s.patient[1:] == s.patient[:-1]] if len(code) else np.empty(0, dtype=bool)
    slips = rng.random(len(code)) < slip(world, practice, provider, "new_for_known")
    return np.where((s.kind == KIND["EM_NEW"]) & known & ~slips, "99214", code)


def _diagnoses(
    world: World, practice: Practice, s: Sessions, provider: Ints, rng: np.random.Generator
) -> tuple[Texts, Texts, Texts]:
    draw = rng.random(int(s.episode.max(initial=0)) + 1)[s.episode]
    group = np.empty(len(draw), dtype="<U8")
    for name in COURSES:
        rows = s.course == COURSE[name]
        names, shares = GROUPS[name]
        group[rows] = np.array(names)[np.searchsorted(np.cumsum(shares)[:-1], draw[rows])]
    weak = rng.random(len(draw)) < slip(world, practice, provider, "weak_diagnosis")
    vague = np.array(WEAK)[rng.integers(0, len(WEAK), len(draw))]
    first = _one_of(world, np.where(weak, vague, group), rng)
    second = np.where(rng.random(len(draw)) < 0.7, _one_of(world, np.where(weak, group, vague), rng), "")
    third = np.where((second != "") & (rng.random(len(draw)) < 0.3), "Z79891", "")
    return first, np.where(second == first, "", second), np.where(third == second, "", third)


def _one_of(world: World, group: Texts, rng: np.random.Generator) -> Texts:
    draw = rng.random(len(group))
    code = np.empty(len(group), dtype="<U7")
    for name, codes in world.diagnoses.items():
        rows = group == name
        code[rows] = np.array(codes)[np.minimum((draw[rows] ** 1.6 * len(codes)).astype(int), len(codes) - 1)]
    return code


def _sides(s: Sessions, rng: np.random.Generator) -> Ints:
    both = {"ESI_L": 0.3, "ESI_C": 0.15, "FACET_L": 0.5, "FACET_C": 0.45, "RFA_L": 0.35, "RFA_C": 0.3, "SIJ": 0.35,
            "SIJRFA": 0.2, "KNEE": 0.2, "KNEERFA": 0.15, "JOINT": 0.2, "NERVE": 0.4, "SYMP_L": 0.1}  # fmt: skip
    chance = np.array([both.get(k, 0.0) for k in KINDS])[s.kind]
    own = rng.random(int(s.episode.max(initial=0)) + 1)[s.episode]
    keeps = rng.random(len(own)) < 0.8
    draw = np.where(keeps, own, rng.random(len(own)))
    return np.where(draw < chance, 3, np.where(rng.random(len(own)) < 0.5, 1, 2))
