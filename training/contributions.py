"""How much each feature moved a line's raw score: exact path-dependent Shapley values, in log-odds.

The values of a line and the base value add up to its raw score, to within 1e-9. Decision 13 has the arithmetic:
quadrature along the trees, compiled; models of other sorts go through LightGBM's own, several times slower.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING

import lightgbm as lgb
import numpy as np

from training.trees import UnsupportedModelError, read_trees

if TYPE_CHECKING:
    from training.contribution_tables import Tables

FEW = 32  # up to this many lines one thread is quicker than waking the others
BLOCK = 64  # lines worked on together
SINGLY = 12  # up to this many lines are quicker one at a time
BROAD = 1000  # splits of a tree from which a block would leave the processor's cache


def threads(lines: int) -> int:
    """Threads for this many lines: LightGBM's 0 means all. The numbers do not depend on it."""
    return 1 if lines <= FEW else 0


class Contributions:
    """Explains lines with one booster. Safe to use from several threads; what it needs is built at its first use."""

    def __init__(self, booster: lgb.Booster) -> None:
        self._booster = booster

    @cached_property
    def _tables(self) -> tuple[Tables, float] | None:
        """Tables and base value; None for a model that is left to LightGBM."""
        from training.contribution_tables import tables_of  # imports numba: half a second that scoring does not need

        try:
            trees = read_trees(self._booster.model_to_string())
            return tables_of(trees), sum(tree.expected for tree in trees.trees)
        except UnsupportedModelError:
            return None

    @property
    def nbytes(self) -> int:
        """Memory of the tables; 0 for a model that is left to LightGBM."""
        return self._tables[0].nbytes if self._tables else 0

    def warm(self) -> None:
        """Build the tables, and compile or load the kernels, so that no request waits for them."""
        width = self._booster.num_feature()
        for lines in (1, SINGLY + 1):
            self.of(np.zeros((lines, width)))

    def of(self, X: np.ndarray, most_threads: int | None = None) -> np.ndarray:
        """(lines, features + 1) float64: a column a feature of X (lines, features), the last one the base value.

        ValueError where X has not the model's columns. The numbers do not depend on the threads, nor on other lines.
        """
        X = np.ascontiguousarray(X, dtype=np.float64)
        if X.ndim != 2 or X.shape[1] != self._booster.num_feature():
            raise ValueError(f"the model takes {self._booster.num_feature()} columns, not {X.shape[1:]}")
        wanted = threads(len(X)) if most_threads is None else most_threads
        if not len(X):
            return np.zeros((0, X.shape[1] + 1))
        if self._tables is None:
            return np.asarray(self._booster.predict(X, pred_contrib=True, num_threads=wanted), dtype=np.float64)
        tables, base = self._tables
        out = np.zeros((len(X), X.shape[1] + 1))
        out[:, -1] = base
        starts = range(0, len(X), BLOCK)
        if (wanted or os.cpu_count() or 1) == 1:
            for start in starts:
                _explain(tables, X[start : start + BLOCK], out[start : start + BLOCK])
            return out
        with ThreadPoolExecutor(min(wanted or os.cpu_count() or 1, len(starts))) as pool:
            jobs = [pool.submit(_explain, tables, X[i : i + BLOCK], out[i : i + BLOCK]) for i in starts]
            for job in jobs:
                job.result()
        return out


def _explain(tables: Tables, X: np.ndarray, out: np.ndarray) -> None:
    from training import contribution_kernels  # as above

    if len(X) <= SINGLY or tables.room > BROAD:
        contribution_kernels.explain_lines(*tables, X, out)
    else:
        contribution_kernels.explain_block(*tables, X, out)
