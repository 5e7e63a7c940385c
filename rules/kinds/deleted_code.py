"""Codes that are not valid yet, or no longer, on the day of service."""

from __future__ import annotations

import numpy as np

from rules.parameters import DeletedCode
from rules.verdict import Asked, Verdict, three
from rules.words import code, listed


def deleted_code(asked: Asked) -> Verdict:
    """Broken while the value is deleted or not_yet, met while it is valid.

    Unknown on a line whose days go beyond those of the value: it does not tell on which of them the service was.
    """
    said: DeletedCode = asked.said
    replacement = listed(said.replaced_by, "or", none="no other code")
    beyond = asked.sheet.last_service[asked.rows] >= asked.period.end
    return Verdict(
        three(np.full(len(asked), asked.value != "valid"), beyond),
        told={"code": code(asked), "replacement": lambda i: replacement},
        why="The days of the line lie on both sides of a change of the code.",
    )
