"""From encounters to service lines: codes, modifiers, units and charges as the practice's billers write them.

Slips happen here (a missing 25, imaging that the code includes, another bilateral format than the payer's).
Modifiers are a set of bits in the order of world.FLAGS.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from data.synthetic.authorizations import families_of
from data.synthetic.encounters import Encounters, Texts
from data.synthetic.practice import Practice, slip
from data.synthetic.world import Bools, Ints, World, bits

RT, LT, FIFTY, M25, M59 = bits(["RT"]), bits(["LT"]), bits(["50"]), bits(["25"]), bits(["59"])
MARKUP = 3.1  # charge over the Medicare fee: the practice's own list, invented
ADD_ONS = (  # main code, add-on, chance
    ("64483", "64484", 0.4), ("64479", "64480", 0.25), ("64493", "64494", 0.75), ("64490", "64491", 0.7),
    ("64493", "64495", 0.14), ("64490", "64492", 0.1), ("64635", "64636", 0.8), ("64633", "64634", 0.75),
    ("63685", "63650", 0.9), ("63685", "95972", 0.4), ("63650", "95972", 0.3),
)  # fmt: skip
DRUG_KINDS = ("62323", "62321", "64483", "64479", "27096", "20610", "20611", "64405", "64454")
IMAGED = ("62323", "62321", "64483", "64479", "64493", "64490", "64635", "64633", "27096", "64454", "20611")


@dataclass
class Writer:
    """Lines written so far, as lists of arrays: claim (row of the encounters), rank, code, units, mods, pointer."""

    parts: list[tuple[np.ndarray, ...]] = field(default_factory=list)

    def write(self, claim: Ints, rank: int, code: Texts | str, units: Ints | int = 1, mods: Ints | int = 0,
              pointer: Texts | str = "1") -> None:  # fmt: skip
        """Add one line to each of these claims; single values hold for all of them."""
        n = len(claim)
        self.parts.append((
            claim, np.full(n, rank), np.broadcast_to(np.asarray(code, dtype="<U5"), n),
            np.broadcast_to(np.asarray(units, dtype=np.int64), n), np.broadcast_to(np.asarray(mods, dtype=np.int64), n),
            np.broadcast_to(np.asarray(pointer, dtype="<U5"), n),
        ))  # fmt: skip

    def columns(self) -> list[np.ndarray]:
        """All lines, by claim and rank."""
        claim, rank, *rest = (np.concatenate([p[i] for p in self.parts]) for i in range(6))
        order = np.lexsort((rank, claim))
        return [claim[order]] + [c[order] for c in rest]


@dataclass(frozen=True)
class Bills:
    """Arrays of one entry a line. number: 1, 2 ... in the claim; charge: cents."""

    claim: Ints
    number: Ints
    code: Texts
    units: Ints
    mods: Ints
    pointer: Texts
    charge: Ints


def bills_of(world: World, practice: Practice, e: Encounters, seed: int) -> Bills:
    """The lines of every encounter."""
    rng = world.stream(seed, "billing")
    writer = Writer()
    procedure = np.array([world.codes[c].procedure for c in world.codes])
    known = np.array(list(world.codes))
    order = np.argsort(known)
    is_procedure = procedure[order][np.searchsorted(known[order], e.code)]
    _procedures(world, practice, e, writer, rng)
    _companions(world, practice, e, writer, is_procedure, rng)
    _visits(world, practice, e, writer, is_procedure, rng)
    _reporting(world, e, writer, rng)
    claim, code, units, mods, pointer = writer.columns()
    units = _slipped_units(world, practice, e, claim, code, units, rng)
    return Bills(claim, _numbers(claim), code, units, mods, pointer, _charges(world, code, units, mods))


def _numbers(claim: Ints) -> Ints:
    starts = np.r_[True, claim[1:] != claim[:-1]]
    return np.arange(len(claim)) - np.maximum.accumulate(np.where(starts, np.arange(len(claim)), 0)) + 1


def _charges(world: World, code: Texts, units: Ints, mods: Ints) -> Ints:
    known, where = np.unique(code, return_inverse=True)
    fee = np.array([world.codes[c].fee for c in known])
    listed = np.where(fee <= 0.011, 1, np.ceil(fee * MARKUP) * 100).astype(np.int64)
    twice = ((mods & FIFTY) > 0) & (units == 1)
    return np.asarray(listed[where] * units * np.where(twice, 2, 1))


def _procedures(world: World, practice: Practice, e: Encounters, w: Writer, rng: np.random.Generator) -> None:
    """Main lines and add-ons, sided as the payer wants it, or as the practice always writes it."""
    sided = np.isin(e.code, [c.code for c in world.codes.values() if c.bilateral])
    wants = np.array([p.bilateral for p in world.payers])[e.payer]
    knows = practice.knows_formats[e.provider] | (rng.random(len(e.day)) < 0.3)
    written = np.where(knows, wants, "50")
    careless = rng.random(len(e.day)) < 0.12
    written = np.where(careless, np.array(["50", "RTLT", "50x2"])[rng.integers(0, 3, len(e.day))], written)
    unsided = rng.random(len(e.day)) < slip(world, practice, e.provider, "laterality_missing")
    extra = _extra_modifiers(world, practice, e, rng)
    pointer = np.where(e.pointer_wrong & (e.second != ""), "2", "1")
    orphan = rng.random(len(e.day)) < slip(world, practice, e.provider, "addon_alone")
    has_addon = np.isin(e.code, [a[0] for a in ADD_ONS]) & (e.code != "63685")
    addon = [(rows, c) for rows, c in _add_ons(e, rng)]
    any_addon = np.zeros(len(e.day), dtype=bool)
    for rows, c in addon:
        any_addon[rows] |= c != "95972"
    keeps_main = ~(orphan & has_addon & any_addon)
    drawn = [(np.flatnonzero(keeps_main), None), *addon]
    for rank, (rows, fixed) in enumerate(drawn):
        code = e.code[rows] if fixed is None else np.full(len(rows), fixed)
        side_ok = np.isin(code, [c.code for c in world.codes.values() if c.bilateral]) & sided[rows]
        more = extra[rows] if fixed is None else np.zeros(len(rows), dtype=np.int64)
        _sided(
            w,
            rows,
            rank * 2,
            code,
            np.where(side_ok, e.side[rows], 0),
            written[rows],
            unsided[rows],
            more,
            pointer[rows],
        )


def _add_ons(e: Encounters, rng: np.random.Generator) -> list[tuple[Ints, str]]:
    return [
        (np.flatnonzero((e.code == main) & (rng.random(len(e.day)) < chance)), code) for main, code, chance in ADD_ONS
    ]


def _sided(
    w: Writer,
    rows: Ints,
    rank: int,
    code: Texts,
    side: Ints,
    written: Texts,
    unsided: Bools,
    extra: Ints,
    pointer: Texts,
) -> None:
    """One line with RT, LT or 50, or two lines. Modifiers beyond the side come with each."""
    one_side = np.where(unsided, 0, np.where(side == 1, RT, np.where(side == 2, LT, 0)))
    two_lines = (side == 3) & (written == "RTLT")
    mods = np.where(side == 3, np.where(two_lines, RT, FIFTY), one_side) | extra
    units = np.where((side == 3) & (written == "50x2"), 2, 1)
    trial = code == "63650"
    w.write(rows, rank, code, np.where(trial, 2, units), mods, pointer)
    second = two_lines
    w.write(rows[second], rank + 1, code[second], 1, LT | extra[second], pointer[second])


def _extra_modifiers(world: World, practice: Practice, e: Encounters, rng: np.random.Generator) -> Ints:
    """KX on diagnostic facet blocks of the Medicare kinds; a stray 59 now and then."""
    medicare = np.array([p.filing in ("MB", "16", "HM") for p in world.payers])[e.payer]
    facet = np.isin(e.code, ["64493", "64490"])
    kx = medicare & facet & (rng.random(len(e.day)) >= slip(world, practice, e.provider, "omit_kx"))
    stray = (rng.random(len(e.day)) < 0.05) & ~np.char.startswith(e.code, "99")
    return np.asarray(np.where(kx, bits(["KX"]), 0) | np.where(stray, M59, 0))


def _companions(
    world: World, practice: Practice, e: Encounters, w: Writer, is_procedure: Bools, rng: np.random.Generator
) -> None:
    """Imaging, drugs, sedation and trigger points beside the main procedure."""
    n = len(e.day)
    sloppy = rng.random(n) < slip(world, practice, e.provider, "bundled_imaging")
    w.write(np.flatnonzero(sloppy & np.isin(e.code, IMAGED)), 40, "77003")
    w.write(np.flatnonzero(np.isin(e.code, ["64510", "64520"]) & (rng.random(n) < 0.85)), 40, "77003")
    w.write(np.flatnonzero(np.isin(e.code, ["20610", "64405", "64450"]) & (rng.random(n) < 0.4)), 40, "77002")
    w.write(
        np.flatnonzero((np.isin(e.code, ["64405", "64450"]) | ((e.code == "20611") & sloppy)) & (rng.random(n) < 0.4)),
        41,
        "76942",
    )
    drug = np.flatnonzero(np.isin(e.code, DRUG_KINDS) & (rng.random(n) < 0.88))
    code = np.array(["J3301", "J1100", "J1010"])[rng.choice(3, len(drug), p=[0.45, 0.35, 0.2])]
    code = np.where(rng.random(len(drug)) < slip(world, practice, e.provider[drug], "old_drug_code"), "J1030", code)
    units = np.select([code == "J3301", code == "J1100", code == "J1010"], [4, 10, 40], 1)
    jz = np.array([p.filing in ("MB", "16") for p in world.payers])[e.payer[drug]]
    jz &= rng.random(len(drug)) >= slip(world, practice, e.provider[drug], "omit_jz")
    w.write(drug, 42, code, units, np.where(jz, bits(["JZ"]), 0))
    w.write(
        np.flatnonzero(
            is_procedure & np.isin(families_of(world, e.code), ["ESI", "RFA", "SCS"]) & (rng.random(n) < 0.05)
        ),
        43,
        "99152",
    )
    spine = np.isin(families_of(world, e.code), ["ESI", "FACET"])
    tpi = spine & (rng.random(n) < slip(world, practice, e.provider, "tpi_with_other"))
    separate = rng.random(n) >= slip(world, practice, e.provider, "omit_59")
    rows = np.flatnonzero(tpi)
    w.write(rows, 44, "20553", 1, np.where(separate[rows], M59, 0))


def _visits(
    world: World, practice: Practice, e: Encounters, w: Writer, is_procedure: Bools, rng: np.random.Generator
) -> None:
    """Visits on the day of a procedure, tests at visits."""
    n = len(e.day)
    same = np.flatnonzero(is_procedure & (rng.random(n) < 0.46))
    omitted = rng.random(len(same)) < slip(world, practice, e.provider[same], "omit_25")
    other = (rng.random(len(same)) < 0.4) & (e.second[same] != "")
    code = np.array(["99213", "99214"])[(rng.random(len(same)) < 0.45).astype(int)]
    w.write(same, 60, code, 1, np.where(omitted, 0, M25), np.where(other, "2", "1"))
    visit = np.char.startswith(e.code, "992")
    w.write(np.flatnonzero(visit & (rng.random(n) < 0.52)), 61, "80307")
    w.write(np.flatnonzero(visit & (rng.random(n) < 0.42)), 62, "G0480")
    w.write(np.flatnonzero(visit & (rng.random(n) < 0.04)), 63, "80305")
    w.write(np.flatnonzero(visit & (rng.random(n) < 0.03)), 65, "96130", 1, 0)


def _reporting(world: World, e: Encounters, w: Writer, rng: np.random.Generator) -> None:
    """Quality codes at one cent and services never covered (GY, GX): denied by design, out of every target."""
    medicare = np.array([p.filing == "MB" for p in world.payers])[e.payer]
    visit = np.char.startswith(e.code, "992")
    w.write(np.flatnonzero(medicare & visit & (rng.random(len(e.day)) < 0.06)), 80, "1125F")
    massage = np.flatnonzero(medicare & np.isin(e.code, ["20552", "20553"]) & (rng.random(len(e.day)) < 0.12))
    waiver = rng.random(len(massage)) < 0.3
    w.write(massage, 81, "97124", 1, np.where(waiver, bits(["GY", "GX"]), bits(["GY"])))


def _slipped_units(
    world: World, practice: Practice, e: Encounters, claim: Ints, code: Texts, units: Ints, rng: np.random.Generator
) -> Ints:
    wrong = rng.random(len(code)) < slip(world, practice, e.provider[claim], "unit_slip")
    open_codes = ~np.isin(code, ["1125F", "97124", "63650"]) & ~np.char.startswith(code, "99")
    tenfold = np.char.startswith(code, "J")
    return np.asarray(
        np.where(wrong & open_codes, np.where(tenfold, units * 10, units + rng.integers(1, 4, len(code))), units)
    )
