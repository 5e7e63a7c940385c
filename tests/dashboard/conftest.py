"""Small snapshots, and one small site with a store and a quick model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import ascii_table
import pytest

from claims.read import read_frame
from claims.settings import Settings
from claims.snapshot import Snapshot, snapshot_of, take_snapshot
from claims.store import Store
from claims.table import Authorization, Line, Outcome
from data.synthetic.generate import generate
from data.synthetic.world import load_world
from training.evaluate import Report, learn_as_of
from training.evaluation import Evaluation, evaluation_of
from training.fit import Recipe
from training.gate import answer, not_applicable
from training.metrics import Bin

QUICK = Recipe(max_rounds=30, learning_rate=0.2, num_leaves=7, min_data_in_leaf=20)
METRICS = {"auroc": 0.8, "auroc_low": 0.75, "auroc_high": 0.85, "brier": 0.1, "ece": None, "lines": 400, "claims": 250}
TABLE = {"auroc": 0.7, "auroc_low": None, "auroc_high": None, "brier": 0.12}
BINS: list[Bin] = [
    {"lines": 100, "mean_risk": risk, "denied_share": share}
    for risk, share in ((0.4, 0.6), (0.2, 0.21), (0.1, 0.09), (0.02, 0.03))
]


def measured() -> Evaluation:
    """What a replay might have measured."""
    gate = [answer("DEN001", True, "x: y"), not_applicable("DEN002", "there is no champion")]
    rivals = {"logistic_regression": {"auroc": 0.75}, "payer_cpt": TABLE, "a_new_one": {"ece": 0.5}}
    return evaluation_of(date(2026, 1, 1), Report(METRICS, rivals, {}, BINS), gate)


@pytest.fixture
def evaluation() -> Evaluation:
    """The one that the site's champion keeps."""
    return measured()


@pytest.fixture
def nothing() -> Snapshot:
    """A snapshot of an empty store."""
    return snapshot_of(*(schema.create_empty() for schema in (Line, Outcome, Authorization)))


@pytest.fixture
def snapshot() -> Callable[..., Snapshot]:
    """Makes a snapshot of `claims` claims of a line each; line i is denied where denied(i) is true, waits where None."""

    def made(claims: int, denied: Callable[[int], bool | None], payer_name: str = "Payer One") -> Snapshot:
        days = [date(2026, 1, 1) + timedelta(days=i % 60) for i in range(claims)]
        lines = [
            {"claim_id": f"C{i}", "submission_id": f"S{i}", "submitted_date": day, "payer_name": payer_name,
             "patient_id": f"PATIENT{i}", "rendering_npi": "9000000001", "charge_amount": "100.00",
             "diagnosis_code_1": "M5416", "claim_line_start_date": day, "claim_line_number": 1, "version": 1}
            for i, day in enumerate(days)
        ]  # fmt: skip
        told = [
            {"outcome_id": f"O{i}", "claim_id": f"C{i}", "claim_line_number": 1, "payer_id": "P1",
             "known_date": day + timedelta(days=10), "charge_amount": "100.00", "paid_amount": "0" if denied(i) else "80",
             "adjustments": "CO-197:100.00" if denied(i) else "CO-45:20.00"}
            for i, day in enumerate(days) if denied(i) is not None
        ]  # fmt: skip
        return snapshot_of(
            ascii_table.frame([ascii_table.LINE | line for line in lines], Line),
            ascii_table.frame([ascii_table.OUTCOME | one for one in told], Outcome),
            Authorization.create_empty(),
        )

    return made


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with a synthetic practice in its store and a champion, version 3, with figures of a replay."""
    settings = Settings(home=tmp_path_factory.mktemp("dashboard"))
    store = Store.open(settings)
    world = generate(load_world("small"), 1_200, seed=7)
    for table in (world.lines, world.outcomes, world.authorizations):
        store.add(read_frame(table, settings))
    last = store.outcomes()["known_date"].max()
    assert isinstance(last, date)
    learned = learn_as_of(lambda day: take_snapshot(store, day), last + timedelta(days=1), settings, QUICK)
    learned.model.with_version("3").with_evaluation(measured()).save(settings.models / "champion")
    return settings
