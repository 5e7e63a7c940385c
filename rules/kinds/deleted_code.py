"""Codes that are not valid yet, or no longer, on the day of service."""

from __future__ import annotations

import numpy as np

from rules.parameters import DeletedCode
from rules.verdict import Asked, Verdict, three
from rules.words import code, listed


def deleted_code(asked: Asked) -> Verdict:
    """Broken while the value is deleted or not_yet, met while it is valid."""
    said: DeletedCode = asked.said
    replacement = listed(said.replaced_by, "or", none="no other code")
    return Verdict(
        three(np.full(len(asked), asked.value != "valid")),
        told={"code": code(asked), "replacement": lambda i: replacement},
    )
