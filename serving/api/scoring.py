"""POST /v1/score: bodies in, answers out, several requests in one pass where they come at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI, Request
from pydantic_core import to_json
from starlette.responses import Response

from serving.answer import Json
from serving.api.document import OF_CLAIMS, claims_body, problems
from serving.api.intake import Intake
from serving.api.kept import Opened
from serving.api.metrics import Metrics
from serving.api.queue import Queue
from serving.api.trace import seen
from serving.body import kind_of
from serving.current import Current
from serving.log import ScoreLog
from serving.together import Asked, answers
from serving.wire import ScoreResponse


@dataclass(frozen=True)
class Told:
    """An answer in bytes, and how much it holds."""

    body: bytes
    counts: dict[str, int]


class Scoring:
    """Answers requests of the queue with the scorer in service, once the answers are in the score log."""

    def __init__(self, current: Current, scores: Opened[ScoreLog], metrics: Metrics) -> None:
        self._current = current
        self._scores = scores
        self._metrics = metrics
        self.queue = Queue(self._answers)

    def _answers(self, asked: Sequence[Asked]) -> Callable[[], list[Told | Exception]]:
        self._metrics.passed(len(asked))
        records: list[Json] = []
        told = answers(self._current, asked, records.append)
        return partial(self._kept, told, records)

    def _kept(self, told: Sequence[Json | Exception], records: Sequence[Json]) -> list[Told | Exception]:
        """The answers in bytes, once they are in the score log; what cannot be kept is raised, and nothing answered."""
        for record in records:
            self._scores.get().append(record)
        return [self._told(one) if isinstance(one, dict) else one for one in told]

    def _told(self, answer: Json) -> Told:
        claims, rejected = answer["claims"], len(answer["rejected"])
        lines = sum(len(claim["lines"]) for claim in claims)
        self._metrics.scored(len(claims), lines, rejected)
        return Told(to_json(answer), {"claims": len(claims), "lines": lines, "rejected": rejected})


def add_scoring(app: FastAPI, scoring: Scoring, intake: Intake) -> None:
    """The route."""
    told, extra = problems(*OF_CLAIMS), {"requestBody": claims_body()}

    @app.post("/v1/score", response_model=ScoreResponse, responses=told, openapi_extra=extra)
    async def score(request: Request) -> Response:
        """Risk of denial of each claim and line, what moved it, and what it would cost."""
        kind = kind_of(request.headers.get("content-type", ""))
        async with intake.body(request) as body:
            answer = await scoring.queue.ask(Asked(kind, body))
        seen(request).counts.update(answer.counts)
        return Response(answer.body, media_type="application/json")
