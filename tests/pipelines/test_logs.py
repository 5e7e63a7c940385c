"""The service's log: one JSON object a line; of an exception its type alone."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from pipelines import logs


@pytest.fixture(autouse=True)
def kept() -> Iterator[None]:
    """Loggers as they were, for the other tests."""
    names = (*logs.OWN, "uvicorn")
    loggers = [logging.getLogger(name) for name in names]
    before = [(x.level, x.handlers[:], x.propagate) for x in loggers]
    yield
    for logger, (level, handlers, propagate) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers, logger.propagate = handlers, propagate


def test_a_line_a_record_with_counts_and_the_type_of_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    logs.to_stderr()
    logs.to_stderr()
    logging.getLogger("serving.api").info("scored claims=%d", 2)
    logging.getLogger("serving.api").debug("not told")
    try:
        raise ValueError("MEMBER-1")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("it failed\n")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["level"], first["logger"], first["message"]) == ("info", "serving.api", "scored claims=2")
    assert (second["message"], second["error"]) == ("it failed", "ValueError")
    assert first["time"].endswith("+00:00") and "MEMBER-1" not in json.dumps(second)
