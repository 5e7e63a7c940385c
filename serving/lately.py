"""What is said where a payer lately answers a code otherwise than it used to, and the risk lies beside the score."""

from __future__ import annotations

import numpy as np
import polars as pl

from features.catalog import ALL_TIME, BY_NAME, rate_name
from serving.explain import LEAST, Driver
from serving.words import moves, said
from training.recent import KIND, LONG, SHORT, Seen
from training.starting import Model, StartingModel, log_odds

USUAL = BY_NAME[rate_name(KIND, ALL_TIME)]


def told_lately(
    drivers: list[list[Driver]], X: np.ndarray, raw: np.ndarray, lines: pl.DataFrame, model: Model
) -> list[list[Driver]]:
    """The drivers of lines, told of those whose risk recent outcomes have moved (training/recent.py).

    It stands on the last driver, `other`; a full list gets one, which adds nothing to the score. X: (lines, features);
    raw: (lines,) scores; lines: columns of Line.
    """
    seen = None if isinstance(model, StartingModel) else model.seen(X)
    if seen is None:
        return drivers
    unmoved = model.calibration.risk(raw)
    shift = log_odds(seen.moved(unmoved)) - log_odds(unmoved)
    codes = lines.get_column("hcpcs_code").to_list()
    for line in np.flatnonzero(seen.changed & (np.abs(shift) >= LEAST)).tolist():
        last = _other(drivers[line])
        words = sentence(seen, line, codes[line], float(shift[line]))
        last["sentence"] = f"{last['sentence']} {words}" if last["sentence"] else words
    return drivers


def _other(drivers: list[Driver]) -> Driver:
    if not drivers or drivers[-1]["feature"] != "other":
        drivers.append({"feature": "other", "concept": "other", "value": None, "shap": 0.0, "sentence": None})
    return drivers[-1]


def sentence(seen: Seen, line: int, code: str, shift: float) -> str:
    """So many of so many, since when, against what was usual, and which way the risk goes. shift: in log-odds."""
    at = int(seen.window[line])
    denied, known = (int(counts[at, line]) for counts in (seen.denied, seen.known))
    return (
        f"This payer lately answers {code} otherwise than it used to: it denied {denied} of {known} lines known in the "
        f"last {(SHORT, LONG)[at]} days, where {said(USUAL, float(seen.usual[line]))} was usual. "
        f"{moves(shift).removesuffix('.')}, beyond what the other drivers say."
    )
