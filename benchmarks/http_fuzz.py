"""Damaged bodies against a real service: none may end in a 5xx, and no error may hold a word of a claim.

    python -m benchmarks.http_fuzz [N]      # default 20,000; the seed is fixed, so a fault can be met again

Bodies are those of the API's examples and of every bad value that a claim was ever seen to hold, cut, joined, and
changed at random, as bytes and as JSON.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from benchmarks.http_site import QUICK, make_site, serving
from benchmarks.results import record
from serving.api.document import example
from serving.body import EDI, FHIR, JSON
from serving.wire import EXAMPLE

PLANTED = ("PLANTED-77", "PLANTED77", "MEMSECRET9", "19311224", "1931-12-24", "Quagmire")
ADDRESSES = ("/v1/score", "/v1/score", "/v1/score", "/v1/check", "/v1/outcomes", "/v1/scores/{}/decision")
CLAIM_ID = re.compile(rb'"claim_id":"(?:[^"\\]|\\.)*"')  # a damaged body may name a claim by any of the words
SCORE_ID = "01a20b73-a4dd-722f-b42b-dbb378a010f0"
VALUES: tuple[Any, ...] = (
    None, "", " ", 0, -1, 1.5, -0.0, 1e308, -1e308, 10**30, float("nan"), float("inf"), True, False, [], {}, [[]],
    "null", "NaN", "-980.00", "1e400", "99999999999999999999.99", "0.001", "٩٨٠", "\uff11\uff12", "é" * 300, "\x00",
    "\u202e", "\ud83e\udd22", "Ω≈ç√",
    "1931-12-24", "9999-12-31", "0000-00-00", "2026-02-30", "2099-01-01", "1500-01-01", "PLANTED-77", "MEMSECRET9",
    "'; --", "<b>",
    "x" * 5_000, ["MEMSECRET9"] * 30, {"PLANTED-77": "MEMSECRET9"}, 5, "5", "7", "RT", "64493", "64483",
)  # fmt: skip
TOKENS = (b"\x00", b"\xff\xfe", b"NaN", b"1e999", b"~", b"*", b":", b"ISA*", b"GS*", b"CLM*PLANTED-77*-1~", b"SV1*~",
          b"LX*1~",
          b"{", b"}", b"[" * 600, b'"', b"\\ud800", b"null", b"\r\n", b"HL*1**20*1~", b"9" * 400, "é".encode(),
          b"SE*1*1~")  # fmt: skip


class Sent(NamedTuple):
    """One request."""

    address: str
    kind: str
    body: bytes


def bodies(count: int, seed: int = 20261124) -> Iterator[Sent]:
    """Requests, damaged; the same ones for the same seed."""
    dice, whole = random.Random(seed), _whole()
    for _ in range(count):
        address = dice.choice(ADDRESSES).format(dice.choice((SCORE_ID, "PLANTED-77", "x" * 200)))
        kind, body = dice.choice(whole)
        for _ in range(dice.choice((1, 1, 2, 4, 9))):
            body = dice.choice(WAYS)(body, dice)
        if dice.random() < 0.03:
            kind = dice.choice((JSON, EDI, FHIR, "text/plain", "application/json; charset=utf-16", ""))
        yield Sent(address, kind, body)


def fault(sent: Sent, status: int, answer: bytes) -> str | None:
    """What is wrong with an answer; None where nothing is. Of claims only the id may come back, in a good answer."""
    if status >= 500:
        return f"status {status}"
    if any(word.encode() in (answer if status >= 400 else CLAIM_ID.sub(b"", answer)) for word in PLANTED):
        return f"content in an answer of status {status}"
    return None


def _whole() -> list[tuple[str, bytes]]:
    claim = json.loads(json.dumps(EXAMPLE["claims"][0]))
    claim |= {"claim_id": PLANTED[0], "member_id": PLANTED[2], "patient_birth_date": PLANTED[4]}
    claim |= {"documentation": {"doc_pain_score": 6}, "extra": {"x_clinic": "north"}, "patient_name": PLANTED[5]}
    line = claim["lines"][0] | {"claim_line_number": 2, "hcpcs_code": "64494", "diagnosis_pointers": [1]}
    two = claim | {"lines": [*claim["lines"], line]}
    flat = {name: value for name, value in claim.items() if name != "lines"} | line
    edi = (
        example("claims.837")
        .replace("A-1001", PLANTED[0])
        .replace("M000123", PLANTED[2])
        .replace("19580714", PLANTED[3])
    )
    edi = edi.replace("*LAST*", f"*{PLANTED[5]}*")
    fhir = example("claim.json").replace("A-1001", PLANTED[0]).replace("M000123", PLANTED[2])
    outcomes = example("outcomes.json").replace("A-1001", PLANTED[0])
    decided = {"action": "corrected", "reason": "on_file", "decided_at": "2026-11-24T10:00:00Z"}
    told = [{"claims": [claim, two]}, {"claims": [two, flat, claim]}, {"claims": [flat]}, json.loads(outcomes), decided]
    made = [(JSON, json.dumps(one).encode()) for one in told]
    return [*made, (EDI, edi.encode()), (EDI, edi.encode()), (FHIR, fhir.replace("1958-07-14", PLANTED[4]).encode())]


def _cut(body: bytes, dice: random.Random) -> bytes:
    return body[: dice.randrange(len(body) + 1)]


def _byte(body: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(body) + 1)
    return body[:at] + bytes([dice.randrange(256)]) + body[at + 1 :]


def _token(body: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(body) + 1)
    return body[:at] + dice.choice(TOKENS) + body[at + dice.randrange(9) :]


def _twice(body: bytes, dice: random.Random) -> bytes:
    first, last = sorted(dice.randrange(len(body) + 1) for _ in range(2))
    return body[:last] + body[first:]


def _segment(body: bytes, dice: random.Random) -> bytes:
    """Lines, which in an 837 are segments, left out, doubled or exchanged."""
    parts = body.split(b"~")
    one, other = dice.randrange(len(parts)), dice.randrange(len(parts))
    way = dice.randrange(3)
    parts[one:one] = [parts[other]] if way == 0 else []
    if way == 1:
        del parts[one]
    elif way == 2:
        parts[one], parts[other] = parts[other], parts[one]
    return b"~".join(parts)


def _element(body: bytes, dice: random.Random) -> bytes:
    parts = body.split(b"*")
    value = dice.choice(VALUES)
    parts[dice.randrange(len(parts))] = str(value).encode(errors="replace")[:300]
    return b"*".join(parts)


def _node(body: bytes, dice: random.Random) -> bytes:
    """Any value of a JSON body becomes another one."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return _token(body, dice)
    places = list(_places(told))
    if not places:
        return json.dumps(dice.choice(VALUES)).encode()
    holder, key = dice.choice(places)
    if dice.random() < 0.15:
        del holder[key]
    else:
        holder[key] = dice.choice(VALUES)
    return json.dumps(told).encode()


def _places(told: Any) -> Iterator[tuple[Any, Any]]:
    for key, value in list(
        told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    ):
        yield told, key
        yield from _places(value)


WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cut, _byte, _token, _twice, _segment, _element, _node, _node, _node, _node,
)  # fmt: skip


def main(count: int = 20_000) -> int:
    """Send them; the number of faults."""
    told: Counter[int] = Counter()
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        home, log = Path(folder) / "home", Path(folder) / "log"
        make_site(home, "small", 1_200, QUICK)
        with serving(home, log) as (port, _), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            for number, sent in enumerate(bodies(count)):
                answer = client.post(sent.address, content=sent.body, headers={"content-type": sent.kind})
                told[answer.status_code] += 1
                wrong = fault(sent, answer.status_code, answer.content)
                if wrong:
                    faults.append(f"{number} {sent.address} {sent.kind}: {wrong}")
        written = log.read_text(encoding="utf-8", errors="replace")
    faults += [f"the log holds {word}" for word in PLANTED if word in written]
    print("\n".join(faults[:50]))
    record("http_fuzz", {"bodies": (count, "requests"), "faults": (len(faults), "requests")} | {
        f"status {status}": (number, "requests") for status, number in sorted(told.items())
    })  # fmt: skip
    return len(faults)


if __name__ == "__main__":
    sys.exit(bool(main(*map(int, sys.argv[1:]))))
