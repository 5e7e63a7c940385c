"""The body of POST /v1/score: what each type of content is read as, and how much of it is taken in one request."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from serving.problem import ProblemError
from serving.wire import ScoreRequest

JSON = "application/json"
MOST_BYTES = 10 * 1024 * 1024
MOST_CLAIMS = 1_000
MOST_LINES = 5_000
KINDS = (JSON,)


def kind_of(header: str) -> str:
    """The one of KINDS that a Content-Type names. Raises ProblemError (415) for any other."""
    kind = header.partition(";")[0].strip().lower()
    if kind not in KINDS:
        raise ProblemError(415, f"send {' or '.join(KINDS)}")
    return kind


def check_size(length: int) -> None:
    """Raises ProblemError (413) for more bytes than are taken."""
    if length > MOST_BYTES:
        raise ProblemError(413, f"the body is larger than {MOST_BYTES:,} bytes; send fewer claims at a time")


def claims_of(body: bytes) -> list[Any]:
    """The claims of a JSON request. Raises ProblemError: 400 no JSON, 422 no request, 413 too many."""
    try:
        request = ScoreRequest.model_validate(from_json(body))
    except ValidationError as error:
        raise ProblemError(422, 'expected an object with a list of claims: {"claims": [...]}') from error
    except ValueError as error:
        raise ProblemError(400, "the body is not valid JSON in UTF-8") from error
    _check_number(len(request.claims), sum(map(_lines, request.claims)))
    return request.claims


def _check_number(claims: int, lines: int) -> None:
    if claims > MOST_CLAIMS:
        raise ProblemError(413, f"more than {MOST_CLAIMS:,} claims in one request; send fewer at a time")
    if lines > MOST_LINES:
        raise ProblemError(413, f"more than {MOST_LINES:,} lines in one request; send fewer claims at a time")


def _lines(claim: Any) -> int:
    """How many lines an entry of the request holds; one without a list of them stands for one."""
    lines = claim.get("lines") if isinstance(claim, dict) else None
    return len(lines) if isinstance(lines, list) else 1
