"""300 random lines, every history feature, recomputed from its definition by plain loops."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from practices import Practice

from features import FeatureTable, build

sys.path.insert(0, str(Path(__file__).parent.parent / "features"))
import definitions

LINES = 300


@pytest.fixture(scope="module")
def table(practice: Practice) -> FeatureTable:
    return build(practice.snapshot.lines, practice.history)


def test_every_history_feature_of_300_lines(practice: Practice, table: FeatureTable) -> None:
    snapshot = practice.snapshot
    rows = snapshot.lines.to_dicts()
    slow = definitions.Practice(rows, snapshot.outcomes.to_dicts(), snapshot.authorizations.to_dicts())
    chosen = snapshot.lines.with_row_index("at").sample(LINES, seed=4)["at"].to_list()
    compared = 0
    for at in chosen:
        for name, expected in slow.history(rows[at]).items():
            assert same(table.column(name)[at], expected), name
            compared += 1
    assert compared >= LINES * 100


def same(found: object, expected: object) -> bool:
    if isinstance(expected, str):
        return found == expected
    assert isinstance(found, float) and isinstance(expected, int | float)
    kept = float(np.float32(expected))  # a table keeps single precision
    return (math.isnan(found) and math.isnan(kept)) or math.isclose(found, kept, rel_tol=2**-23)
