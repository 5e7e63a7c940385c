"""The kinds of rules: for each its one function, from what it is asked to its verdict."""

from __future__ import annotations

from collections.abc import Callable

from rules.kinds.frequency import frequency
from rules.verdict import Asked, Verdict

JUDGES: dict[str, Callable[[Asked], Verdict]] = {
    "frequency": frequency,
}
