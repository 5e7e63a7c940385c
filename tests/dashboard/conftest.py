"""Small snapshots, and one small site with a store and a quick model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
from training.card import make_card
from training.evaluate import learn_as_of
from training.fit import Recipe
from training.gate import Answer, answer, not_applicable

QUICK = Recipe(max_rounds=30, learning_rate=0.2, num_leaves=7, min_data_in_leaf=20)
GATE: list[Answer] = [answer("DEN001", True, "AUROC +0.1"), not_applicable("DEN002", "there is no champion")]


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
    """A home with a synthetic practice in its store and a champion, version 3."""
    settings = Settings(home=tmp_path_factory.mktemp("dashboard"))
    store = Store.open(settings)
    world = generate(load_world("small"), 1_200, seed=7)
    for table in (world.lines, world.outcomes, world.authorizations):
        store.add(read_frame(table, settings))
    last = store.outcomes()["known_date"].max()
    assert isinstance(last, date)
    learned = learn_as_of(lambda day: take_snapshot(store, day), last + timedelta(days=1), settings, QUICK)
    card = make_card(learned.model, learned.material.cohort, None, GATE, {})
    replace(learned.model.with_version("3"), card=card).save(settings.models / "champion")
    return settings
