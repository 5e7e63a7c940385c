"""837P and 837I to claim lines: one Unit a CLM, one row an LX. Which segment speaks for what, its loop tells.

Loops are levels here: a level is what each segment id means in it, so that another payer's loops (2320, 2330, 2430)
cannot speak for the claim. Names, streets, cities and ZIP codes are never read.
Flags: unbalanced_claim, pointer_out_of_range, diagnoses_beyond_12, missing_lx, line_number.
"""

from __future__ import annotations

from collections.abc import Iterator

from claims.cells import LONGEST_TEXT
from claims.table import DIAGNOSES
from claims.unit import MOST_LINES, Flag, Row, Unit
from claims.x12 import Transaction, element, iso_date
from claims.x12_837_providers import BILLING, PROVIDERS
from claims.x12_837_state import EMPTY, NO_BILLER, NO_PERSON, Level, Reading
from claims.x12_cells import split
from claims.x12_segments import Segment

OF_CLAIM = {"F8": "original_reference_number", "G1": "prior_authorization_number", "9F": "referral_number"}
OF_LINE = {"6R": "line_item_control_no", "G1": "prior_authorization_number", "9F": "referral_number"}
ABSENT = [""] * 10
PLACES = tuple(str(place) for place in range(1, len(DIAGNOSES) + 1))


def claims_of(transaction: Transaction, flag: Flag) -> Iterator[Unit]:
    """Each claim of an 837 as it ends: table "lines", every column of CARRIED, "" where the claim leaves it out.

    A claim without lines, with more than MOST_LINES, or cut off by the end of its source has a fault of its own.
    """
    reading = Reading(transaction, flag, OUTSIDE)
    for segment in transaction:
        handle = reading.level.get(segment[0])
        if handle is not None:
            unit = handle(reading, segment)
            if unit is not None:
                yield unit
    last = reading.finish()
    if last is not None:
        if transaction.cut:
            last.blame(-1, "", "the file ends before the claim does")
        yield last


# Levels above the claim


def _header(reading: Reading, segment: Segment) -> None:
    reading.submitted = iso_date(element(segment, 4)) or reading.submitted


def _hierarchy(reading: Reading, segment: Segment) -> Unit | None:
    """HL: 20 billing provider, 22 subscriber, 23 patient; each forgets what stood below it."""
    unit = reading.finish()
    kind = element(segment, 3)
    reading.entity = ""
    if kind == "20":
        reading.biller = NO_BILLER.copy()
    if kind in ("20", "22"):
        reading.subscriber = {}
    reading.person = NO_PERSON.copy()
    reading.level = {"20": BILLER, "22": SUBSCRIBER, "23": PATIENT}.get(kind, OUTSIDE)
    return unit


def _insurance(reading: Reading, segment: Segment) -> None:
    _, order, _, plan, _, _, _, _, _, filing = (segment + ABSENT)[:10]
    reading.subscriber |= {
        "payer_responsibility_code": order, "plan_id": plan, "claim_filing_indicator_code": filing,
    }  # fmt: skip


def _subscriber_name(reading: Reading, segment: Segment) -> None:
    subscriber = reading.subscriber
    match segment[1:3]:
        case ["IL", _]:
            subscriber["member_id"] = element(segment, 9)
        case ["PR", kind]:
            subscriber["payer_id"] = element(segment, 9)
            subscriber["payer_name"] = element(segment, 3) if kind != "1" else ""  # 1: a person


def _birth_and_sex(reading: Reading, segment: Segment) -> None:
    reading.person = {"patient_birth_date": iso_date(element(segment, 2)), "patient_sex": element(segment, 3)}


# The claim


def _open_claim(reading: Reading, segment: Segment) -> Unit | None:
    finished = reading.finish()
    place, qualifier, frequency = (split(element(segment, 5), reading.component) + ABSENT)[:3]
    institutional = reading.institutional or qualifier == "A"  # A: the place is the start of a UB type of bill
    reading.claim = reading.target = claim = EMPTY | reading.biller | reading.subscriber | reading.person
    claim["claim_id"] = element(segment, 1)
    claim["submitted_date"] = reading.submitted
    claim["claim_type"] = "institutional" if institutional else "professional"
    claim["place_of_service_code"] = "" if institutional else place
    claim["claim_frequency_code"] = frequency
    reading.charge = element(segment, 2)
    reading.codes = 0
    reading.roles, reading.entity = set(), ""
    reading.level = CLAIM
    reading.unit = Unit("lines", reading.reader.position)
    return finished


def _claim_dates(reading: Reading, segment: Segment) -> None:
    """DTP*434 (the statement) or 472, for lines without a date of their own."""
    kind = element(segment, 1)
    if kind == "472" or (kind == "434" and "472" not in reading.roles):
        reading.roles.add(kind)
        reading.claim |= reading.dates[element(segment, 3)]


def _claim_reference(reading: Reading, segment: Segment) -> None:
    column = OF_CLAIM.get(element(segment, 1))
    if column and not element(segment, 4):
        reading.claim[column] = element(segment, 2)


def _diagnosis_codes(reading: Reading, segment: Segment) -> None:
    for composite in segment[1:]:
        kind, code = reading.diagnoses[composite]
        if not kind:
            continue
        if reading.codes == len(DIAGNOSES):
            reading.flag("diagnoses_beyond_12")
            return
        reading.claim[DIAGNOSES[reading.codes]] = code
        reading.claim["diagnosis_code_type"] = reading.claim["diagnosis_code_type"] or kind
        reading.codes += 1


def _leave(reading: Reading, segment: Segment) -> None:
    """SBR (2320) and SVD (2430): what follows is another payer's, up to the next line or claim."""
    reading.level = OTHER_PAYER


# The line


def _open_line(reading: Reading, segment: Segment) -> None:
    unit = reading.unit
    if unit is None:
        return
    if len(unit.rows) == MOST_LINES:
        unit.blame(-1, "claim_line_number", f"has no place: the claim has more than {MOST_LINES:,} lines")
        reading.level = OUTSIDE
        return
    reading.target = row = reading.claim.copy()
    row["claim_line_number"] = element(segment, 1).lstrip("0")
    reading.roles, reading.entity, reading.served = set(), "", False
    reading.level = LINE
    unit.add(row, reading.reader.position)


def _served(reading: Reading, segment: Segment) -> Row:
    """The row for an SV1 or SV2: the current line, or one more where the LX is missing."""
    if reading.level is not LINE or reading.served:
        reading.flag("missing_lx")
        _open_line(reading, ["LX"])
    reading.served = True
    return reading.target


def _professional(reading: Reading, segment: Segment) -> None:
    row = _served(reading, segment)
    _, composite, charge, _, units, place, _, pointers = (segment + ABSENT)[:8]
    row.update(reading.services[composite])
    row["charge_amount"], row["service_unit_quantity"] = charge, units
    if place:
        row["place_of_service_code"] = place
    if pointers:
        row["diagnosis_pointers"] = _pointers(reading, pointers)


def _pointers(reading: Reading, composite: str) -> str:
    told = [pointer.lstrip("0") for pointer in split(composite, reading.component) if pointer]
    kept = [pointer for pointer in told if pointer in PLACES[: reading.codes]]
    if len(kept) < len(told):
        reading.flag("pointer_out_of_range")
    return ",".join(kept)


def _institutional(reading: Reading, segment: Segment) -> None:
    row = _served(reading, segment)
    _, _, composite, charge, _, units = (segment + ABSENT)[:6]
    row.update(reading.services[composite])
    row["charge_amount"], row["service_unit_quantity"] = charge, units
    row["claim_type"], row["place_of_service_code"] = "institutional", ""


def _line_dates(reading: Reading, segment: Segment) -> None:
    if element(segment, 1) == "472":
        reading.target.update(reading.dates[element(segment, 3)])


def _line_reference(reading: Reading, segment: Segment) -> None:
    """REF04 names another payer whose number it is; so does a loop of another payer (4010: 2420G)."""
    column = OF_LINE.get(element(segment, 1))
    if column and not element(segment, 4) and reading.entity != "PR":
        reading.target[column] = element(segment, 2)


def _note(reading: Reading, segment: Segment) -> None:
    if element(segment, 1) in ("ADD", "DCP") and len(reading.target["line_note"]) <= LONGEST_TEXT:
        reading.target["line_note"] = f"{reading.target['line_note']} {element(segment, 2)}".strip()


def _drug(reading: Reading, segment: Segment) -> None:
    if element(segment, 2) == "N4":
        reading.target["ndc_code"] = element(segment, 3)


# What a segment means at each level; what is not listed means nothing there

OUTSIDE: Level = {"BHT": _header, "HL": _hierarchy, "CLM": _open_claim}
BILLER = OUTSIDE | BILLING
PATIENT = OUTSIDE | {"DMG": _birth_and_sex}
SUBSCRIBER = PATIENT | {"SBR": _insurance, "NM1": _subscriber_name}
OTHER_PAYER = OUTSIDE | {"LX": _open_line, "SV1": _professional, "SV2": _institutional}
CLAIM = OTHER_PAYER | PROVIDERS | {
    "DTP": _claim_dates, "REF": _claim_reference, "HI": _diagnosis_codes, "SBR": _leave,
}  # fmt: skip
LINE = OTHER_PAYER | PROVIDERS | {
    "DTP": _line_dates, "REF": _line_reference, "NTE": _note, "LIN": _drug, "SVD": _leave,
}  # fmt: skip
