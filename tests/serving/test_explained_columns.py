"""Claims with columns of the site: scored with what a model has frozen, explained in a sentence, never by a rare word."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from starlette.testclient import TestClient

from claims.read import read_frame
from claims.settings import Settings
from claims.snapshot import take_snapshot
from claims.store import Store
from data.synthetic.generate import Generated
from serving.api import create_app
from serving.score import Scorer
from training.evaluate import learn_as_of
from training.fit import Recipe

QUICK = Recipe(max_rounds=60, learning_rate=0.15, num_leaves=15, min_data_in_leaf=20)


@pytest.fixture(scope="module")
def scorer(world: Generated, tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    """A site whose files carry two columns of its own; the second decides much of what is denied."""
    settings = Settings(home=tmp_path_factory.mktemp("columns"))
    random, key = np.random.default_rng(2), ["claim_id", "claim_line_number"]
    clinic = random.choice(["north", "south"], len(world.lines))
    wait = random.integers(0, 60, len(world.lines))
    lines = world.lines.with_columns(x_clinic=pl.Series(clinic), x_days_waited=pl.Series(wait))
    late = lines.filter(pl.col("x_days_waited") > 45).select(key).unique().with_columns(late=True)
    told = world.outcomes.join(late, on=key, how="left", maintain_order="left")
    adjusted = pl.when(pl.col("late")).then(pl.lit("CO-197:50.00")).otherwise("adjustments")
    outcomes = told.with_columns(adjustments=adjusted).drop("late")
    store = Store.open(settings)
    for table in (lines, outcomes, world.authorizations):
        store.add(read_frame(table, settings))
    last = store.outcomes()["known_date"].max()
    assert isinstance(last, date)
    learned = learn_as_of(lambda day: take_snapshot(store, day), last + timedelta(days=1), settings, QUICK)
    model = learned.model.with_version("4")
    model.save(settings.models / "champion")
    return Scorer.load(settings=settings)


def told(scorer: Scorer, claim: dict[str, Any], extra: dict[str, Any] | None) -> dict[str, Any]:
    """The first line of the answer to a claim with these columns."""
    bare = {name: value for name, value in claim.items() if name != "extra"}
    asked = bare if extra is None else bare | {"extra": extra}
    return dict(scorer.score_claims([asked])["claims"][0]["lines"][0])


def driver(line: dict[str, Any]) -> dict[str, Any] | None:
    return next((one for one in line["drivers"] if one["concept"] == "columns of the site"), None)


def test_a_driver_says_what_the_column_is(scorer: Scorer, claim: dict[str, Any]) -> None:
    line = told(scorer, claim, {"x_clinic": "north", "x_days_waited": 55})
    found = driver(line)
    assert found is not None and found["feature"] == "x_days_waited" and found["value"] == 55.0
    assert found["sentence"].startswith("The site's column 'days waited' is 55. This raises the risk")
    total = line["base_value"] + sum(one["shap"] for one in line["drivers"])
    assert total == pytest.approx(line["raw_score"], abs=1e-9)
    assert told(scorer, claim, {"x_clinic": "north", "x_days_waited": "55"})["denial_risk"] == line["denial_risk"]


def test_a_column_that_is_absent_is_not_known(scorer: Scorer, claim: dict[str, Any]) -> None:
    risks = {told(scorer, claim, extra)["denial_risk"] for extra in (None, {}, {"x_clinic": "", "x_days_waited": ""})}
    assert len(risks) == 1
    assert risks.pop() < told(scorer, claim, {"x_days_waited": 55})["denial_risk"]


def test_a_word_that_the_model_does_not_know_is_not_repeated(scorer: Scorer) -> None:
    assessed = scorer.assess(
        read_frame(pl.DataFrame([flat({"x_clinic": "QXNEW", "x_days_waited": None})]), scorer.settings).lines
    )
    drivers = scorer.explainer.drivers(
        scorer.model.contributions(scorer.model.matrix(assessed.table)), assessed.table, assessed.lines, "full"
    )
    assert "QXNEW" not in repr(drivers)
    mine = [one for one in drivers[0] if one["feature"] == "x_clinic"]
    assert all(one["value"] == "another value" for one in mine)


def flat(extra: dict[str, Any]) -> dict[str, Any]:
    return {
        "claim_id": "T-7", "claim_line_number": 1, "claim_line_start_date": "2026-10-20", "payer_id": "SYN01",
        "hcpcs_code": "64493", "submitted_date": "2026-10-22",
    } | extra  # fmt: skip


def test_the_same_claim_twice_in_one_request(scorer: Scorer, claim: dict[str, Any]) -> None:
    one = claim | {"extra": {"x_days_waited": 55}}
    other = claim | {"extra": {"x_days_waited": 1}}
    answers = scorer.score_claims([one, other, one])["claims"]
    alone = [scorer.score_claims([sent])["claims"][0] for sent in (one, other, one)]
    risks = [[line["denial_risk"] for line in scored["lines"]] for scored in answers]
    assert risks == [[line["denial_risk"] for line in scored["lines"]] for scored in alone]
    assert risks[0] == risks[2] != risks[1]


def test_the_service_names_the_columns_that_it_takes(scorer: Scorer) -> None:
    with TestClient(create_app(scorer.settings, scorer)) as client:
        features = {one["name"]: one for one in client.get("/v1/model").json()["features"]}
    assert features["x_days_waited"]["dtype"] == "number" and features["x_clinic"]["dtype"] == "category"
    assert features["x_clinic"]["concept"] == "columns of the site" and features["x_clinic"]["digest"]
