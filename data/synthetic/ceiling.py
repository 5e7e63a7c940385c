"""How well anyone could do on lines of a world: the AUROC of the true probabilities.

oracle: everything that decides. reachable: what the columns can tell, hidden variables averaged out.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from data.synthetic.generate import Generated

KEY = ("claim_id", "claim_line_number", "submitted_date", "payer_id")


def true_risks(generated: Generated, lines: pl.DataFrame) -> dict[str, np.ndarray]:
    """(lines,) true probabilities by name. lines: rows with KEY. ValueError for a line that the world does not know."""
    truth = generated.truth.select(*KEY, "p_oracle", "p_reachable").unique(KEY, keep="first")
    found = lines.select(KEY).join(truth, on=KEY, how="left", maintain_order="left")
    if found.get_column("p_oracle").null_count():
        raise ValueError("some lines are not of this world")
    return {name: found.get_column(f"p_{name}").to_numpy() for name in ("oracle", "reachable")}


def ceilings(generated: Generated, lines: pl.DataFrame, y: np.ndarray) -> dict[str, float]:
    """AUROC by name. lines, errors: as true_risks; y: (lines,) 0 or 1."""
    return {name: _auroc(risk, y) for name, risk in true_risks(generated, lines).items()}


def _auroc(score: np.ndarray, y: np.ndarray) -> float:
    """The share of pairs (denied, paid) that the score puts in order, ties counting half."""
    rank = pl.Series(score).rank("average").to_numpy()
    denied = float(y.sum())
    return float((rank[y > 0].sum() - denied * (denied + 1) / 2) / (denied * (len(y) - denied)))
