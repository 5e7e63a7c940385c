"""Requests scored in one pass: each gets, to the last bit, what it would get alone, and no other's failure."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from claims.batch import Batch
from claims.errors import NoModelError
from claims.settings import Settings
from data.synthetic.generate import Generated
from serving.body import EDI, JSON
from serving.current import Current
from serving.problem import ProblemError
from serving.score import Scorer
from serving.together import Asked, answers

Json = dict[str, Any]
IDENTITY = ("payer_id", "member_id", "billing_npi", "rendering_npi", "service_state", "place_of_service_code",
            "claim_filing_indicator_code", "patient_birth_date", "prior_authorization_number")  # fmt: skip


def requests_of(lines: pl.DataFrame, day: date | None) -> list[Json]:
    """A request for each claim of the practice's file."""
    made = []
    for _, rows in lines.group_by("claim_id", maintain_order=True):
        told = [{name: str(value) for name, value in row.items() if value is not None} for row in rows.to_dicts()]
        claim = {name: told[0][name] for name in IDENTITY if name in told[0]}
        claim |= {"claim_id": f"{told[0]['claim_id']}-B", "submitted_date": day and day.isoformat(), "lines": [
            {"claim_line_number": int(row["claim_line_number"])} | {
                name: row[name] for name in ("claim_line_start_date", "hcpcs_code", "charge_amount") if name in row
            } | {"diagnosis_codes": [row["diagnosis_code_1"]], "modifiers": [row.get("hcpcs_modifier_1", "")]}
            for row in told
        ]}  # fmt: skip
        made.append({"claims": [claim]})
    return made


def asked(told: Any) -> Asked:
    return Asked(JSON, json.dumps(told).encode())


def numbers(answer: Any) -> Any:
    """An answer without the ids, which are given anew each time."""
    assert isinstance(answer, dict), answer
    return answer | {"claims": [claim | {"score_id": ""} for claim in answer["claims"]]}


def told(current: Current, requests: list[Asked]) -> list[Any]:
    return answers(current, requests, lambda answer: None)


@pytest.fixture
def current(site: Settings, scorer: Scorer) -> Current:
    return Current(site, scorer)


@pytest.mark.parametrize("day", [None, date(2026, 10, 30)])
def test_together_as_alone_to_the_last_bit(current: Current, world: Generated, day: date | None) -> None:
    requests = [asked(one) for one in requests_of(world.lines.tail(90), day)]
    assert len(requests) > 25
    alone = [told(current, [one])[0] for one in requests]
    together = told(current, requests)
    assert [numbers(one) for one in together] == [numbers(one) for one in alone]
    assert len({claim["score_id"] for answer in together for claim in answer["claims"]}) == len(requests)


def passes(current: Current, requests: list[Asked], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lines of each pass over the model."""
    seen: list[int] = []
    answer = Scorer.answer

    def counted(self: Scorer, batch: Batch, alone: Any = ()) -> Json:
        seen.append(batch.lines.height)
        return answer(self, batch, alone)

    monkeypatch.setattr(Scorer, "answer", counted)
    told(current, requests)
    return seen


def test_what_could_see_each_other_is_apart(current: Current, claim: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another day, or the same submission, which would each change a number."""
    today = current.settings.today()
    other = claim | {"claim_id": "T-101"}
    before = claim | {"claim_id": "T-102", "submitted_date": (today - timedelta(days=9)).isoformat()}
    mixed = [claim | {"claim_id": "T-103"}, before | {"claim_id": "T-104"}]
    requests = [asked({"claims": told}) for told in ([claim], [other], [claim], [before], mixed, [])]
    assert passes(current, requests, monkeypatch) == [4, 2, 2, 4, 0]
    same = [requests[0], requests[2], requests[3], requests[4]]
    assert [numbers(one) for one in told(current, same)] == [numbers(told(current, [one])[0]) for one in same]


def test_rejects_stay_with_their_request(current: Current, claim: Json) -> None:
    bad = claim | {"claim_id": "T-200", "lines": [claim["lines"][0], claim["lines"][1] | {"hcpcs_code": None}]}
    worse = {"claim_id": "T-201", "payer_id": "SYN01", "lines": [{"claim_line_number": 1}]}
    flat = {k: v for k, v in claim.items() if k != "lines"} | claim["lines"][0] | {"claim_id": "T-202"}
    requests = [
        asked({"claims": told}) for told in ([worse, bad], [claim], [flat, flat | {"claim_line_number": "x"}], [5])
    ]
    together = told(current, requests)
    assert [numbers(one) for one in together] == [numbers(told(current, [one])[0]) for one in requests]
    assert [[len(one["claims"]), len(one["rejected"])] for one in together] == [[1, 1], [1, 0], [1, 0], [0, 1]]
    assert together[0]["rejected"][0]["index"] == 0 and together[2]["claims"][0]["errors"]


def test_what_one_raises_is_its_own(current: Current, claim: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Scorer.answer

    def fails(self: Scorer, batch: Batch, alone: Any = ()) -> Json:
        if "T-666" in batch.lines["claim_id"]:
            raise ValueError("no")
        return answer(self, batch, alone)

    monkeypatch.setattr(Scorer, "answer", fails)
    cursed = asked({"claims": [claim | {"claim_id": "T-666"}]})
    together = told(current, [asked({"claims": [claim]}), cursed, Asked(JSON, b"{"), Asked(EDI, b"ISA")])
    assert isinstance(together[0], dict) and isinstance(together[1], ValueError)
    assert isinstance(together[2], ProblemError) and together[2].status == 400
    assert isinstance(together[3], Exception)


def test_what_is_not_kept_is_not_answered(current: Current, claim: Json) -> None:
    kept: list[Json] = []
    requests = [asked({"claims": [claim | {"claim_id": f"T-30{n}"}]}) for n in range(3)]
    answered = answers(current, requests, kept.append)
    ids = [one["claims"][0]["score_id"] for one in answered if isinstance(one, dict)]
    assert ids == [claim["score_id"] for one in kept for claim in one["claims"]] and len(ids) == 3

    def refuse(answer: Json) -> None:
        raise NoModelError("full")

    assert all(isinstance(one, NoModelError) for one in answers(current, requests, refuse))
