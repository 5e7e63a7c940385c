"""The X12 that a world writes: envelopes and balances that hold, contexts that must not leak, read here by splitting
alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from data.synthetic import Generated, generate, load_world
from data.synthetic.x12_835_write import Ledger

Segments = list[list[str]]
CLAIMS = 1_500


@pytest.fixture(scope="module")
def made() -> Generated:
    return generate(load_world("base"), CLAIMS, seed=7)


@pytest.fixture(scope="module")
def folder(made: Generated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("x12")
    made.write(folder, "x12")
    return folder


def interchanges(path: Path) -> Iterator[tuple[Segments, str]]:
    """Segments of each interchange and its component separator, by the delimiters that its ISA states."""
    text = path.read_bytes().decode("utf-8-sig")
    while text.strip():
        text = text.lstrip()
        element, component, terminator = text[3], text[104], text[105]
        end = text.index(terminator, text.index(f"IEA{element}"))
        whole, text = text[: end + 1], text[end + 1 :]
        yield [part.strip("\r\n").split(element) for part in whole.split(terminator) if part.strip()], component


def transactions(folder: Path, suffix: str) -> Iterator[tuple[Segments, str]]:
    """Segments of each transaction of all files of a kind, ST to SE, with the component separator."""
    for path in sorted(folder.rglob(f"*.{suffix}")):
        for segments, component in interchanges(path):
            starts = [at for at, segment in enumerate(segments) if segment[0] == "ST"]
            ends = [at for at, segment in enumerate(segments) if segment[0] == "SE"]
            for start, end in zip(starts, ends, strict=True):
                yield segments[start : end + 1], component


def of(segments: Segments, *names: str) -> Segments:
    return [segment for segment in segments if "*".join(segment).startswith(names)]


def cents(text: str) -> int:
    return int(Decimal(text or 0) * 100)


def test_the_same_world_writes_the_same_files(made: Generated, folder: Path, tmp_path: Path) -> None:
    made.write(tmp_path, "x12")
    files = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files == {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert Path("authorizations.csv") in files and len(files) > 100


@pytest.mark.parametrize("suffix", ["837", "835", "277", "999"])
def test_envelopes_count_what_they_hold(folder: Path, suffix: str) -> None:
    for path in folder.rglob(f"*.{suffix}"):
        for segments, _ in interchanges(path):
            first, last = segments[0], segments[-1]
            assert sum(map(len, first)) + len(first) == 106 and first[13] == last[2] and last[1] == "1"
            group, end = of(segments, "GS")[0], of(segments, "GE")[0]
            assert group[6] == end[2] and int(end[1]) == len(of(segments, "ST*"))
            assert len({st[2] for st in of(segments, "ST*")}) == len(of(segments, "ST*"))
    for segments, _ in transactions(folder, suffix):
        assert segments[-1] == ["SE", str(len(segments)), segments[0][2]]


def test_files_are_written_in_several_dialects(folder: Path) -> None:
    heads = [path.read_bytes()[:120] for path in folder.rglob("*.83?")]
    assert any(head.startswith(b"\xef\xbb\xbf") for head in heads)
    told = Counter(head.removeprefix(b"\xef\xbb\xbf").decode()[i] for head in heads for i in (3, 104, 105))
    assert set(told) == {"*", "|", ":", ">", "^", "~", "\n"}
    assert any(b"~\r\nGS" in head for head in heads) and any(b"~GS" in head for head in heads)


def test_every_submission_is_one_claim_with_its_lines(made: Generated, folder: Path) -> None:
    sent = Counter(
        made.lines.select("claim_id", pl.col("submitted_date").dt.strftime("%Y%m%d"), "claim_frequency_code").rows()
    )
    found: Counter[tuple[str, str, str]] = Counter()
    for segments, component in transactions(folder, "837"):
        claim, day = ["", "", ""], of(segments, "BHT")[0][4]
        for segment in segments:
            if segment[0] == "CLM":
                claim = segment
            elif segment[0] == "SV1":
                found[claim[1], day, claim[5].split(component)[2]] += 1
    assert found == sent


def test_a_claims_charge_is_that_of_its_lines_and_levels_point_to_their_parents(folder: Path) -> None:
    dependents = 0
    for segments, _ in transactions(folder, "837"):
        charges, lines, levels = [], [], {}
        for segment in segments:
            if segment[0] == "CLM":
                charges.append(cents(segment[2]))
                lines.append(0)
            elif segment[0] == "SV1":
                lines[-1] += cents(segment[2])
            elif segment[0] == "HL":
                assert int(segment[1]) == len(levels) + 1
                levels[segment[1]] = segment[3]
                assert levels.get(segment[2]) == {"20": None, "22": "20", "23": "22"}[segment[3]]
                dependents += segment[3] == "23"
        assert charges == lines
        children = {segment[2] for segment in of(segments, "HL")}
        assert all((segment[4] == "1") == (segment[1] in children) for segment in of(segments, "HL"))
    assert dependents > 50


def test_other_payers_stand_in_their_own_loops_of_secondary_claims_alone(made: Generated, folder: Path) -> None:
    secondary = 0
    for segments, _ in transactions(folder, "837"):
        own = ""
        for before, segment in pairwise(segments):
            if segment[0] == "SBR":
                own, other = segment[1], before[0] != "HL"
                assert not other or segment[1] == "P"
                secondary += other
            assert "PLACEHOLDER778" not in segment or segment[0] in ("SBR", "NM1", "REF")
        assert own
    assert secondary == made.lines.filter(payer_responsibility_code="S").n_unique(["claim_id", "submitted_date"])


def test_replacements_name_the_earlier_claim_and_part_b_has_none(folder: Path) -> None:
    seen: Counter[str] = Counter()
    for segments, component in transactions(folder, "837"):
        filing = frequency = ""
        for before, segment in pairwise([*segments, ["CLM", "", "", "", "", f"{component}{component}1"]]):
            if segment[0] == "SBR" and before[0] == "HL":
                filing = segment[9]
            elif segment[0] == "CLM":
                assert frequency != "7" or seen["named"] == seen["replaced"]
                frequency = segment[5].split(component)[2]
                seen["replaced"] += frequency == "7"
                assert frequency != "7" or filing != "MB"
            elif segment[:2] == ["REF", "F8"] and frequency == "7":
                seen["named"] += 1
    assert seen["named"] == seen["replaced"] > 20


def events(segments: Segments) -> Iterator[Segments]:
    """CLP loops of a transaction."""
    starts = [at for at, segment in enumerate(segments) if segment[0] == "CLP"]
    end = next(at for at, segment in enumerate(segments) if segment[0] in ("PLB", "SE"))
    return (segments[a:b] for a, b in pairwise([*starts, end]))


def test_remittances_balance_at_every_level(made: Generated, folder: Path) -> None:
    lines = 0
    for segments, _ in transactions(folder, "835"):
        paid = 0
        for event in events(segments):
            charge, whole = 0, 0
            for at, segment in enumerate(event):
                if segment[0] == "SVC":
                    rest = event[at + 1 :]
                    own = rest[: next((i for i, s in enumerate(rest) if s[0] == "SVC"), len(rest))]
                    cut = sum(cents(amount) for cas in of(own, "CAS") for amount in cas[3::3])
                    assert cents(segment[2]) - cut == cents(segment[3])
                    charge, whole, lines = charge + cents(segment[2]), whole + cents(segment[3]), lines + 1
            assert (cents(event[0][3]), cents(event[0][4])) == (charge, whole)
            paid += whole
        taken = sum(cents(amount) for plb in of(segments, "PLB") for amount in plb[4::2])
        assert cents(of(segments, "BPR")[0][2]) == paid - taken >= 0
    assert lines == made.outcomes.height


def test_a_reversal_stands_before_the_correction_of_its_day(folder: Path) -> None:
    several = 0
    for segments, _ in transactions(folder, "835"):
        statuses: dict[str, list[str]] = {}
        for clp in of(segments, "CLP"):
            statuses.setdefault(clp[7], []).append(clp[2])
        for told in statuses.values():
            assert "22" not in told[1:]
            several += len(told) > 1
    assert several > 2


def test_what_is_owed_goes_to_the_claims_that_were_taken_back() -> None:
    ledger = Ledger()
    assert ledger.adjustments("P", "1", -500, [("A", 300), ("B", 900)]) == [("FB", "SYNT0000001", -500)]
    assert ledger.adjustments("P", "2", 900, []) == []
    assert ledger.adjustments("P", "1", 499, []) == []
    assert ledger.adjustments("P", "1", 700, []) == [("WO", "A", 300), ("WO", "B", 200)]


def test_remittances_differ_by_payer(made: Generated, folder: Path) -> None:
    seen: Counter[str] = Counter()
    numbered: dict[str, bool] = {}
    for segments, _ in transactions(folder, "835"):
        payer = of(segments, "REF*2U")[0][2]
        named = bool(of(segments, "REF*6R"))
        assert numbered.setdefault(payer, named) == named
        seen["recoded"] += any(len(svc) > 6 for svc in of(segments, "SVC"))
        seen["of the claim"] += len(of(segments, "MOA"))
        seen["of a line"] += len(of(segments, "LQ"))
        seen["22"] += len([clp for clp in of(segments, "CLP") if clp[2] == "22"])
        seen["no N104"] += len(of(segments, "N1*PR")[0]) < 5
        seen["later"] += of(segments, "DTM*405")[0][2] > of(segments, "BPR")[0][16]
    assert set(numbered.values()) == {True, False} and set(numbered) == set(made.outcomes["payer_id"])
    assert min(seen.values()) > 3 and len(seen) == 6


def test_what_a_payer_took_back_is_carried_forward_and_then_recovered_from_a_named_claim(folder: Path) -> None:
    owed: Counter[tuple[str, str]] = Counter()
    reasons: Counter[str] = Counter()
    for segments, component in transactions(folder, "835"):
        payer, npi = of(segments, "REF*2U")[0][2], of(segments, "N1*PE")[0][4]
        for plb in of(segments, "PLB"):
            for reason, amount in zip(plb[3::2], plb[4::2], strict=True):
                kind, _, reference = reason.partition(component)
                reasons[kind] += 1
                owed[payer, npi] += cents(amount) if kind != "L6" else 0
                assert kind != "WO" or reference.startswith("SYNC")
                assert owed[payer, npi] <= 0
    assert set(reasons) == {"FB", "WO", "L6"}


def test_what_was_turned_away_was_sent_and_gets_no_remittance(folder: Path) -> None:
    sent: dict[tuple[str, str], list[str]] = {}
    for path in folder.rglob("*.837"):
        for segments, _ in interchanges(path):
            group = of(segments, "GS")[0][6]
            for segment in segments:
                if segment[0] == "ST":
                    batch = sent.setdefault((group, segment[2]), [])
                elif segment[0] == "CLM":
                    batch.append(segment[1])
    rejected = [trn[2] for segments, _ in transactions(folder, "277") for trn in of(segments, "TRN*2*SYN")]
    refused = [
        claim
        for segments, _ in transactions(folder, "999")
        for claim in sent[of(segments, "AK1")[0][2], of(segments, "AK2")[0][2]]
    ]
    told = {clp[1] for segments, _ in transactions(folder, "835") for clp in of(segments, "CLP")}
    assert rejected and refused
    assert not {*rejected, *refused} & told
    assert set(rejected) <= {claim for batch in sent.values() for claim in batch}


def test_a_delimiter_in_a_name_breaks_no_segment(made: Generated, tmp_path: Path) -> None:
    lines = made.lines.with_columns(payer_name=pl.lit("A*B:C~D^E|F>G"))
    replace(made, lines=lines).write(tmp_path, "x12")
    names = {segment[3] for segments, _ in transactions(tmp_path, "837") for segment in of(segments, "NM1*PR")}
    assert "A B C D E F G" in names and len(names) == 1


def test_one_file_of_claims_holds_those_since_a_day(made: Generated, tmp_path: Path) -> None:
    day = made.lines["submitted_date"].sort()[-400]
    late, early = made.lines.filter(pl.col("submitted_date") >= day), made.until(day)
    made.write_claims(tmp_path / "new.837", day)
    told = [segment for segments, _ in interchanges(tmp_path / "new.837") for segment in segments]
    assert {clm[1] for clm in of(told, "CLM")} == set(late["claim_id"])
    secondary = late.filter(payer_responsibility_code="S")
    assert len(of(told, "SVD")) == secondary.height > 0
    assert early.lines.height + late.height == made.lines.height
    assert early.outcomes["known_date"].max() < day
