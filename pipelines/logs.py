"""The service's log: a JSON object a line on stderr, of the project's own loggers and of uvicorn's warnings.

Messages of the project hold counts and ids only; of an exception the type alone is written, never its text or values.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

OWN = ("claims", "rules", "features", "training", "serving", "monitoring", "dashboard", "pipelines")


class Lines(logging.Formatter):
    """time (UTC), level, logger, message, what the record tells besides (`told`) and, of an exception, its type."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as one line of JSON."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage().strip(),
        }
        told |= getattr(record, "told", {})
        if record.exc_info and record.exc_info[0]:
            told["error"] = record.exc_info[0].__name__
        return json.dumps(told)


def to_stderr() -> None:
    """Send them there, from INFO up for the project, from WARNING up for uvicorn. Calling it again changes nothing."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    for name in (*OWN, "uvicorn"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING if name == "uvicorn" else logging.INFO)
        logger.handlers = [handler]
        logger.propagate = False
