"""Why FHIR says that a payer paid less: adjudications to `GROUP-CARC` codes with amounts, and to remark codes.

The group (CO, PR, OA, PI, CR) is looked for among the codings of reason and category, then in extensions of the
adjudication, of these concepts and of their codings, whatever their URL, then before the reason itself (CO-45, CO45).
Where it stands nowhere (flag group_code_missing) it is PR for a share of the patient, else CO.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from claims.adjustments import load_classes
from claims.fhir_elements import Json, amount_in, children, codings, money, text
from claims.unit import Flag

GROUPS = frozenset({"CO", "PR", "OA", "PI", "CR"})
CARC = re.compile(r"claim.?adjustment.?reason|carc|ansi.?rsn", re.IGNORECASE)
RARC = re.compile(r"remittance.?advice.?remark|rarc", re.IGNORECASE)
CARC_CODE = re.compile(r"(?:(CO|PR|OA|PI|CR)[- ]?)?([ABDPWY]?[0-9]{1,3})")
RARC_CODE = re.compile(r"(?:M|MA|N)[0-9]{1,4}")
SHARES = {"deductible": "1", "coinsurance": "2", "copay": "3"}  # category -> the CARC that means the same
OWN_AMOUNT = frozenset({  # categories whose amount is not the adjustment that their reason explains
    "submitted", "eligible", "allowed", "benefit", "paidtoprovider", "paidtopatient", "paidbypatient",
    "memberliability", "priorpayerpaid", "eligpercent", "paid", "payment",
})  # fmt: skip
EXPLAINS_NONCOVERED = frozenset({"denialreason", "adjustmentreason", "rejectreason"})
ZERO = re.compile(r"-?0*\.?0*")


def reasons_of(node: Json, found: dict[str, Json], flag: Flag) -> tuple[list[tuple[str, str]], list[str]]:
    """(CO-45, amount or "") of an item or a claim in order, and its remark codes, each once. found: `by_category`.

    A share of the patient that is told by its category alone gets its CARC. A lone reason without an amount explains
    the noncovered amount (CARIN Blue Button).
    """
    told: list[tuple[str, str]] = []
    remarks: dict[str, None] = {}
    explaining: list[int] = []
    for one in children(node, "adjudication"):
        group, carcs, rarcs = _codes(one, flag)
        remarks |= dict.fromkeys(rarcs)
        amount = "" if code_in_any(one, OWN_AMOUNT) else money(one, "amount", flag)
        for place, (own, carc) in enumerate(carcs):
            if not amount and code_in_any(one, EXPLAINS_NONCOVERED):
                explaining.append(len(told))
            told.append((f"{own or group or _usual_group(carc, flag)}-{carc}", "" if place else amount))
    if len(explaining) == 1:
        code, _ = told[explaining[0]]
        noncovered = amount_in(found, flag, "noncovered")
        told[explaining[0]] = (code, "" if ZERO.fullmatch(noncovered) else noncovered)
    return told + list(_shares(found, {code.partition("-")[2] for code, _ in told}, flag)), list(remarks)


def code_in_any(adjudication: Json, known: frozenset[str]) -> bool:
    """Whether its category is one of these."""
    return any(code.lower() in known for _, code, _ in codings(adjudication, "category"))


def turned(amount: str) -> str:
    """The amount with the other sign."""
    if ZERO.fullmatch(amount):
        return amount
    return amount[1:] if amount.startswith("-") else f"-{amount}"


def _codes(adjudication: Json, flag: Flag) -> tuple[str, list[tuple[str, str]], list[str]]:
    """The group, (group before the code, CARC) and remark codes of one adjudication; others are flagged."""
    carcs, rarcs = [], []
    for system, code, _ in codings(adjudication, "reason"):
        shouted = code.upper()
        carc = CARC_CODE.fullmatch(shouted)
        if shouted in GROUPS:
            continue
        if RARC_CODE.fullmatch(shouted) and (not system or RARC.search(system)):
            rarcs.append(shouted)
        elif carc and (not system or CARC.search(system)):
            carcs.append((carc[1] or "", carc[2].lstrip("0") or "0"))
        else:
            flag("unknown_reason_code")
    return _group(adjudication), carcs, rarcs


def _group(adjudication: Json) -> str:
    return next((told.upper() for told in _stated(adjudication) if told.upper() in GROUPS), "")


def _stated(adjudication: Json) -> Iterator[str]:
    """Every code where a group may stand, in the order in which it is looked for."""
    told = list(codings(adjudication, "reason", "category"))
    yield from (code for _, code, _ in told)
    holders = [adjudication, *children(adjudication, "reason"), *children(adjudication, "category")]
    for holder in [*holders, *(coding for _, _, coding in told)]:
        for extension in children(holder, "extension"):
            for one in (extension, *children(extension, "extension")):
                yield from (text(one.get("valueCode")), text(one.get("valueString")))
                yield from (code for _, code, _ in codings(one, "valueCoding", "valueCodeableConcept"))


def _shares(found: dict[str, Json], told: set[str], flag: Flag) -> Iterator[tuple[str, str]]:
    for category, carc in SHARES.items():
        amount = "" if carc in told else amount_in(found, flag, category)
        if not ZERO.fullmatch(amount):
            yield f"PR-{carc}", amount


def _usual_group(carc: str, flag: Flag) -> str:
    flag("group_code_missing")
    return "PR" if carc in _cost_shares() else "CO"


@cache
def _cost_shares() -> frozenset[str]:
    classes = load_classes()
    return frozenset(classes.filter(classes["class"] == "cost_share")["carc"].to_list())
