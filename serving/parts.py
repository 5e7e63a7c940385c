"""A batch of many lines as parts of whole claims, in the order in which they were read, each with its rejected rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from claims.batch import Batch
from rules.blocks import blocks
from rules.encode import Lines


def parted(batch: Batch) -> Iterator[Batch]:
    """The parts: their rows are those of the batch, in order. One part where claims do not stand together."""
    rows = batch.lines.get_column("row").to_numpy()
    cuts = [one for one in blocks(Lines(batch.lines)) if isinstance(one, slice)]
    if len(cuts) < 2 or (np.diff(rows) <= 0).any():
        yield batch
        return
    told = pl.col("row")
    begin = 0
    for cut in cuts:
        end = int(rows[cut.stop - 1]) if cut is not cuts[-1] else np.iinfo(np.int64).max
        rejects = batch.rejects.filter(told > begin, told <= end)
        yield replace(batch, lines=batch.lines[cut], rejects=rejects)
        begin = end
