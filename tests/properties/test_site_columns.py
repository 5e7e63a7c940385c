"""Columns of the site: a claim alone = in a batch = its training rows = after a JSON round trip, to the last bit."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from practices import CLAIMS, Practice, read
from test_parity import nested

from claims.read import read_claims
from claims.settings import load_settings
from claims.store import Store
from data.synthetic import Generated, generate, load_world
from features import History, build
from training.matrix import Encoder

LEVELS = {"x_clinic": ("North", "south"), "x_code": ("1", "2.5"), "x_flag": ("false", "true")}
NAMES = ("x_measure", *LEVELS, "x_nowhere")
SAMPLE = 300


def carrying(made: Generated) -> Generated:
    """The practice's files with columns of the site: texts, numbers as numbers and as texts, flags, empty cells."""
    random, count = np.random.default_rng(1), len(made.lines)
    columns = {
        "x_clinic": random.choice(["North", "south", "unheard of", ""], count),
        "x_code": random.choice(["1", "2.5", "x"], count),
        "x_measure": random.choice(["", "0.1", "12", "-3.75", "1450.1"], count),
    }
    flag = pl.Series("x_flag", random.choice([True, False], count))
    return replace(made, lines=made.lines.with_columns(flag, **{k: pl.Series(v) for k, v in columns.items()}))


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Practice:
    settings = load_settings(tmp_path_factory.mktemp("site"))
    made = carrying(generate(load_world("small"), CLAIMS))
    snapshot = read(made, settings)
    return Practice(settings, made, Store.open(settings), snapshot, History.of(snapshot))


def test_alone_in_a_batch_and_after_a_json_round_trip(practice: Practice) -> None:
    encoder = Encoder(NAMES, LEVELS)
    lines = practice.snapshot.lines.with_row_index("at")
    whole = encoder.matrix(build(practice.snapshot.lines, practice.history))
    assert np.isnan(whole[:, -1]).all() and not np.isnan(whole[:, :-1]).all(axis=0).any()
    assert {0.0, 1.0, 2.0} == set(whole[~np.isnan(whole[:, 1]), 1]) and set(whole[:, 3]) == {0.0, 1.0}
    by_claim = lines.partition_by("submission_id", as_dict=True)
    place = {
        (row["submission_id"], row["claim_line_number"]): row["at"]
        for row in lines.select("submission_id", "claim_line_number", "at").iter_rows(named=True)
    }
    raw = practice.made.lines.partition_by(
        "claim_id", "submitted_date", "payer_id", "claim_frequency_code", "payer_responsibility_code"
    )
    compared = 0
    for rows in raw[:SAMPLE]:
        claim = json.loads(json.dumps(nested(rows), default=str))
        for line in claim["lines"]:
            line["extra"] = {name: line.pop(name) for name in list(line) if name.startswith("x_")}
        asked = read_claims([claim], practice.settings).lines
        at = [place.get((row["submission_id"], row["claim_line_number"])) for row in asked.iter_rows(named=True)]
        if None in at:  # the store took another submission's content under this key first
            continue
        again = encoder.matrix(build(asked, practice.history))
        np.testing.assert_array_equal(again, whole[np.array(at)])
        alone = by_claim[asked["submission_id"][0],]
        mine = encoder.matrix(build(alone.drop("at"), practice.history))
        np.testing.assert_array_equal(mine, whole[alone["at"].to_numpy()])
        compared += len(asked)
    assert compared > SAMPLE
    taken = build(practice.snapshot.lines, practice.history).take(np.arange(len(lines))[::-3])
    np.testing.assert_array_equal(encoder.matrix(taken), whole[::-3])
