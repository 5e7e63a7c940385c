"""The history features again, from their definitions: plain loops over rows, one line at a time, slow and obvious.

Nothing here comes from features.outcomes, sessions, usual or authorization; only the names of the columns are shared.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from claims.label import CATEGORIES
from features.catalog import ALL_TIME, COUNTED_FAMILIES, KINDS, Kind
from rules.reference import base_rate, family

Row = dict[str, Any]
NAN = float("nan")


class Practice:
    """The rows of a snapshot, with each line's keys spelt out."""

    def __init__(self, lines: list[Row], outcomes: list[Row], authorizations: list[Row]) -> None:
        self.lines = [line for line in lines if line["submitted_date"] is not None]
        self.authorizations = authorizations
        for line in self.lines:
            line["keys"] = keys(line)
        for line in self.lines:
            line["keys"]["authorization_state"] = self.authorization(line)["authorization_match"]
        by_key = {(line["submission_id"], line["claim_line_number"]): line for line in self.lines}
        self.events = []
        for outcome in outcomes:
            line = by_key.get((outcome["submission_id"], outcome["claim_line_number"]))
            if line is not None and line["is_original"] and outcome["y"] is not None:
                self.events.append((line, outcome))

    def history(self, line: Row) -> Row:
        """Every history feature of one line."""
        visible = [
            (other, outcome)
            for other, outcome in self.events
            if outcome["known_date"] < line["submitted_date"] and other["chain_id"] != line["chain_id"]
        ]
        found: Row = {}
        for kind in KINDS:
            found |= self.rates(kind, line, visible, found)
        return found | self.categories(line, visible) | self.patient(line) | self.usual(line) | self.authorization(line)

    def rates(self, kind: Kind, line: Row, visible: list[tuple[Row, Row]], found: Row) -> Row:
        """Rates, counts and days since the last denial of one kind of key."""
        mine = list(same_key(kind.columns, line, visible))
        parent = found[f"denied_rate__{kind.parent}__all"] if kind.parent else base_rate("initial_denial_rate")
        answer: Row = {}
        for days in sorted(kind.windows, reverse=True):
            start = date.min if days == ALL_TIME else line["submitted_date"] - timedelta(days=days)
            inside = [outcome for _, outcome in mine if outcome["known_date"] >= start]
            name = "all" if days == ALL_TIME else f"{days}d"
            answer[f"outcomes__{kind.name}__{name}"] = len(inside)
            parent = (sum(o["y"] for o in inside) + 20 * parent) / (len(inside) + 20)
            answer[f"denied_rate__{kind.name}__{name}"] = parent
        denials = [outcome["known_date"] for _, outcome in mine if outcome["y"] == 1]
        answer[f"days_since_denial__{kind.name}"] = (line["submitted_date"] - max(denials)).days if denials else NAN
        return answer

    def categories(self, line: Row, visible: list[tuple[Row, Row]]) -> Row:
        """Share of the payer's lines of this code denied for each category, over a year."""
        start = line["submitted_date"] - timedelta(days=365)
        answer = {}
        for category in CATEGORIES:
            rate = base_rate("initial_denial_rate") / len(CATEGORIES)
            for columns in ((), ("payer",), ("payer", "code")):
                inside = [o for _, o in same_key(columns, line, visible) if o["known_date"] >= start]
                rate = (sum(o["category"] == category for o in inside) + 20 * rate) / (len(inside) + 20)
            answer[f"{category}_rate__payer_id_hcpcs_code__365d"] = rate
        return answer

    def patient(self, line: Row) -> Row:
        """Earlier sessions of the patient: days of service in the year before, submitted before this line was."""
        earlier = [
            other for other in self.lines
            if line["patient_id"] is not None and other["patient_id"] == line["patient_id"]
            and other["submitted_date"] < line["submitted_date"] and other["chain_id"] != line["chain_id"]
            and 1 <= (line["claim_line_start_date"] - other["claim_line_start_date"]).days <= 365
        ]  # fmt: skip
        ago = [((line["claim_line_start_date"] - o["claim_line_start_date"]).days, o["keys"]) for o in earlier]
        mine = line["keys"]
        same = [days for days, other in ago if other["family"] == mine["family"]]
        return {
            "same_code_sessions__365d": len({days for days, other in ago if other["code"] == mine["code"]}),
            "same_family_sessions__365d": len(set(same)),
            "same_family_sessions__180d": len({days for days in same if days <= 180}),
            "days_since_same_family": min(same, default=NAN),
            "days_since_any_service": min((days for days, _ in ago), default=NAN),
            **{f"{f}_sessions__365d": len({d for d, o in ago if o["family"] == f}) for f in COUNTED_FAMILIES},
        }

    def usual(self, line: Row) -> Row:
        """Charge and units against the mean of the code over the year before."""
        start = line["submitted_date"] - timedelta(days=365)
        like = [
            other for other in self.lines
            if other["is_original"] and other["hcpcs_code"] == line["hcpcs_code"]
            and start <= other["submitted_date"] < line["submitted_date"] and other["chain_id"] != line["chain_id"]
        ]  # fmt: skip
        cents = [int(other["charge_amount"] * 100) for other in like if other["charge_amount"] is not None]
        units = [round(o["service_unit_quantity"] * 1000) for o in like if o["service_unit_quantity"] is not None]
        charge, quantity = line["charge_amount"], line["service_unit_quantity"]
        return {
            "charge_against_usual": int(charge * 100) / (sum(cents) / len(cents)) if cents and charge is not None else NAN,
            "units_against_usual": quantity / (sum(units) / len(units) / 1000.0) if units and quantity is not None else NAN,
        }  # fmt: skip

    def authorization(self, line: Row) -> Row:
        """The state of the line's authorization, and what was left of it."""
        number = line["prior_authorization_number"]
        if not number:
            return fit("not_known" if number is None else "none")
        held = [
            a for a in self.authorizations
            if a["prior_authorization_number"] == number and a["payer_id"] in (None, "", line["payer_id"])
            and (a["known_date"] is None or a["known_date"] < line["submitted_date"])
        ]  # fmt: skip
        if not held:
            return fit("number_only")
        best = max(held, key=lambda a: a["known_date"] or date.min)
        codes = set(filter(None, (best["hcpcs_codes"] or "").split(";")))
        left = NAN
        if best["units_authorized"] is not None:
            left = best["units_authorized"] - sum(
                1.0 if other["service_unit_quantity"] is None else other["service_unit_quantity"]
                for other in self.lines
                if other["prior_authorization_number"] == number and other["is_original"]
                and other["submitted_date"] < line["submitted_date"] and other["chain_id"] != line["chain_id"]
                and (not codes or other["hcpcs_code"] in codes)
            )  # fmt: skip
        days = (best["valid_to"] - line["claim_line_start_date"]).days if best["valid_to"] else NAN
        return fit(self.state(line, best, codes, left), days, left, float(best["known_date"] is None))

    def state(self, line: Row, held: Row, codes: set[str], left: float) -> str:
        """The first fault, gravest first."""
        service = line["claim_line_start_date"]
        wanted = sum(
            1.0 if other["service_unit_quantity"] is None else other["service_unit_quantity"]
            for other in self.lines
            if other["submission_id"] == line["submission_id"]
            and other["prior_authorization_number"] == line["prior_authorization_number"]
            and (not codes or other["hcpcs_code"] in codes)
        )
        covered = not codes or line["hcpcs_code"] in codes
        faults = {
            "not_approved": held["status"] in {"denied", "pending"},
            "other_patient": differ(held["member_key"], line["member_key"]),
            "expired": bool(held["valid_from"] and service < held["valid_from"])
            or bool(held["valid_to"] and (line["claim_line_end_date"] or service) > held["valid_to"]),
            "same_family": not covered and family(line["hcpcs_code"]) in {family(c) for c in codes},
            "other_code": not covered,
            "units_exceeded": wanted > left,
            "other_place": differ(held["place_of_service_code"], line["place_of_service_code"]),
            "other_provider": differ(held["rendering_npi"], line["rendering_npi"]),
            "number_only": held["status"] not in {"approved", None},
        }
        return next((name for name, wrong in faults.items() if wrong), "exact")


def differ(theirs: str | None, ours: str | None) -> bool:
    """Both said, and not the same."""
    return bool(theirs and ours and theirs != ours)


def fit(state: str, days: float = NAN, left: float = NAN, assumed: float = NAN) -> Row:
    """The four authorization features."""
    return {
        "authorization_match": state,
        "authorization_days_left": days,
        "authorization_units_left": left,
        "authorization_date_assumed": assumed,
    }


def keys(line: Row) -> Row:
    """The values under which a line's outcome is remembered; None: no history is kept."""
    pointer = (line["diagnosis_pointers"] or "1").split(",")[0]
    dx = line[f"diagnosis_code_{pointer}"] or line["diagnosis_code_1"] or ""
    return {
        "payer": line["payer_id"],
        "code": line["hcpcs_code"],
        "family": family(line["hcpcs_code"]),
        "dx": dx,
        "modifiers": "-".join(sorted(m for m in (line[f"hcpcs_modifier_{i}"] for i in range(1, 5)) if m)),
        "provider": line["rendering_npi"] or line["billing_npi"] or None,
        "patient": line["patient_id"] or None,
    }


def same_key(columns: tuple[str, ...], line: Row, visible: list[tuple[Row, Row]]) -> Iterator[tuple[Row, Row]]:
    """The visible outcomes of lines with the same known values."""
    wanted = [line["keys"][c] for c in columns]
    if None in wanted:
        return
    for other, outcome in visible:
        if [other["keys"][c] for c in columns] == wanted:
            yield other, outcome
