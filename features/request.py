"""The lines of a call that were submitted before others of it: history of those, and of nothing else.

They count as submissions (sessions, usual amounts, units of authorizations, chains); they have no outcomes, and what
the store says of its own lines stays as it is. Claims of one day never see each other.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from features.history import History


def with_request(history: History, lines: pl.DataFrame) -> History:
    """The history with the lines that it does not hold, where some were submitted before others; else as it is."""
    past, more = history.past.with_request(lines)
    if more is None:
        return history
    rows = np.flatnonzero(more.original)
    first, day, mine = more.codes["code"][rows], more.lines.submitted[rows], more.chain[rows]
    units = np.rint(more.lines.units[rows] * 1000)
    return replace(
        history,
        past=past,
        charges=history.charges.plus(first, day, more.lines.cents[rows], mine, more.chains),
        units=history.units.plus(first, day, units, mine, more.chains),
    )
