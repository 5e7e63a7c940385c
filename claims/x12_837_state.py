"""Where the reading of an 837 stands: the hierarchy above the claim, the claim, its current line; and its elements.

What each segment means at each level is in claims/x12_837.py.
"""

from __future__ import annotations

from collections.abc import Callable

from claims.fields import PARSERS
from claims.table import DOCUMENTATION
from claims.unit import Flag, Row, Unit
from claims.x12 import Transaction, element, iso_date
from claims.x12_cells import Few, service, split
from claims.x12_segments import Segment

CARRIED = tuple(n for n in PARSERS["lines"] if n not in {"in_network_flag", "patient_age", *DOCUMENTATION})
CODE_TYPES = {"ABK": "icd-10-cm", "ABF": "icd-10-cm", "BK": "icd-9-cm", "BF": "icd-9-cm"}  # qualifiers of HI that count
NO_PERSON = {"patient_birth_date": "", "patient_sex": ""}
NO_BILLER = {"billing_npi": "", "rendering_npi": "", "rendering_taxonomy": "", "service_state": ""}
EMPTY = dict.fromkeys(CARRIED, "")


class Reading:
    """Where in the hierarchy of a transaction the reading stands, and what holds there."""

    def __init__(self, transaction: Transaction, flag: Flag, level: Level) -> None:
        self.reader, self.flag = transaction.reader, flag
        self.component = component = transaction.reader.component
        self.services = Few(lambda composite: service(composite, component))
        self.diagnoses = Few(lambda composite: diagnosis(split(composite, component)))
        self.dates = Few(dates)
        self.institutional = transaction.kind == "837I"
        self.submitted = transaction.group_date
        self.biller, self.subscriber, self.person = NO_BILLER, dict[str, str](), NO_PERSON
        self.unit: Unit | None = None
        self.claim: Row = {}  # the columns of the claim; each line begins as a copy
        self.target: Row = {}  # the claim's columns or those of its current line
        self.level = level
        self.entity = ""  # NM101 of the current loop, "" when it is not used
        self.roles: set[str] = set()  # providers that the claim, or the line, has named
        self.served = False  # whether the current line has its SV1 or SV2
        self.charge = ""  # CLM02
        self.codes = 0  # diagnoses of the claim

    def finish(self) -> Unit | None:
        """The claim that was open, checked as a whole."""
        unit, self.unit = self.unit, None
        if unit is None:
            return None
        if not unit.rows:
            unit.add(self.claim, unit.place)  # rejected with its claim_id, which tells the sender which one it is
            unit.blame(-1, "claim_line_number", "is missing: the claim has no service line")
            return unit
        numbers = [row["claim_line_number"] for row in unit.rows]
        if len(set(numbers)) < len(numbers) or not all(map(str.isdecimal, numbers)):
            self.flag("line_number")
            for number, row in enumerate(unit.rows, 1):
                row["claim_line_number"] = str(number)
        charged = sum([amount(row["charge_amount"]) for row in unit.rows])
        if not abs(charged - amount(self.charge)) < 0.005:
            self.flag("unbalanced_claim")
        return unit


Handler = Callable[[Reading, Segment], Unit | None]
Level = dict[str, Handler]


def amount(raw: str) -> float:
    """An amount; nan for what is none, which balances with nothing."""
    try:
        return float(raw or "0")
    except ValueError:
        return float("nan")


def dates(raw: str) -> Row:
    """First and last day of D8 (one day) or RD8 (two, joined by '-')."""
    first, last = (raw[:8], raw[9:]) if len(raw) == 17 and raw[8] == "-" else (raw, raw)
    return {"claim_line_start_date": iso_date(first), "claim_line_end_date": iso_date(last)}


def diagnosis(parts: list[str]) -> tuple[str, str]:
    """Code type and code of a composite of HI; ("", "") for conditions, procedures and the like."""
    kind = CODE_TYPES.get(parts[0], "")
    return (kind, parts[1] if len(parts) > 1 else "") if kind else ("", "")


def npi_of(segment: Segment) -> str:
    """NM109 where NM108 says that it is an NPI: other numbers there may be those of a person."""
    return segment[9] if len(segment) > 9 and segment[8] == "XX" else ""


def state_of(segment: Segment) -> str:
    """N402, where it is a state: two letters."""
    state = element(segment, 2)
    return state if len(state) == 2 and state.isalpha() else ""
