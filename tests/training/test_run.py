"""Training as a whole on a small synthetic practice: replay, gate, final fit, MLflow, promotion and back."""

import json
import os
import shutil
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from small_practice import Practice

from claims.errors import GateFailedError, ModelMismatchError, NoModelError, OutOfReachError, UsageError
from claims.settings import (
    GateSettings,
    IngestSettings,
    MaturitySettings,
    MoneySettings,
    RulesSettings,
    Settings,
    TrainingSettings,
)
from features import catalog
from features.history import History
from serving.score import Scorer
from training import exactness, promotion, registry
from training.card import UNKNOWN, number
from training.champion import Duel, meet
from training.cohort import cohort_of
from training.evaluate import gather, learn_as_of, replay, replay_start
from training.examples import examples
from training.export import export
from training.fit import Recipe
from training.golden import check_golden, make_golden, read_golden
from training.judgement import judge
from training.matrix import usable
from training.model import DenialModel
from training.run import TrainResult, evaluate, train
from training.shape import shape_of

TOO_EARLY = date(2025, 1, 20)  # for a replay: too little was mature by then
FEW = TrainingSettings(min_lines=100)  # so that a young practice, too, trains
YOUNG = date(2025, 3, 1)  # enough to learn from, too little for a replay
QUICK = Recipe(max_rounds=25, learning_rate=0.15, num_leaves=15)
CLAIM = {
    "claim_id": "GOLDEN-1", "payer_id": "SYN01", "claim_filing_indicator_code": "CI", "billing_npi": "1234567893",
    "member_id": "M1", "patient_birth_date": "1969-04-02", "diagnosis_codes": ["M5416"],
    "claim_line_start_date": "2026-05-01",
    "lines": [
        {"claim_line_number": 1, "hcpcs_code": "64483", "charge_amount": "1450.00"},
        {"claim_line_number": 2, "hcpcs_code": "99214", "charge_amount": "240.00"},
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Site:
    """A home in which one model was trained."""

    settings: Settings
    result: TrainResult
    told: list[tuple[str, float]]


@pytest.fixture(scope="session")
def site(practice: Practice, tmp_path_factory: pytest.TempPathFactory) -> Site:
    settings = Settings(home=tmp_path_factory.mktemp("a site"), training=FEW)
    golden = settings.home / "golden.json"
    golden.write_text(json.dumps({"claims": [CLAIM, {"claim_id": "NO-CODE", "payer_id": "P", "lines": []}]}))
    told: list[tuple[str, float]] = []
    result = train(
        practice.cut, settings, as_of=practice.today, recipe=QUICK, golden=golden,
        progress=lambda message, share: told.append((message, share)),
    )  # fmt: skip
    return Site(settings, result, told)


def test_the_answer_is_the_contract(site: Site, practice: Practice) -> None:
    told = json.loads(json.dumps(site.result.json()))
    assert list(told) == [
        "run_id", "model_version", "as_of", "trained_through", "lines_used", "lines_immature",
        "metrics", "baselines", "gate",
    ]  # fmt: skip
    assert told["as_of"] == str(practice.today) and told["trained_through"] < told["as_of"]
    assert told["model_version"] == "1"
    assert {"auroc", "auprc", "brier", "ece", "recall_at_p95", "auroc_low", "auroc_high"} <= set(told["metrics"])
    assert set(told["baselines"]) == {"payer_cpt", "logistic_regression"}
    assert [a["code"] for a in told["gate"]] == [f"DEN{i:03}" for i in range(1, 14)]
    assert all(set(a) == {"code", "outcome", "detail"} for a in told["gate"])


def test_the_folder_keeps_what_the_replay_measured(site: Site) -> None:
    model = DenialModel.load(site.result.folder)
    found, result = model.evaluation, site.result
    assert found is not None and result.replayed is not None
    assert set(found) == {"replay_from", "metrics", "baselines", "by_payer", "gate", "reliability", "reasons"}
    assert found["replay_from"] == str(result.replayed.start)
    assert (found["metrics"], found["baselines"]) == (result.metrics, result.baselines)
    assert (found["by_payer"], found["gate"]) == (result.by_payer, result.gate)
    assert sum(one["lines"] for one in found["reliability"]) == found["metrics"]["lines"] == len(result.replayed.later)
    ece = sum(one["lines"] * abs(one["mean_risk"] - one["denied_share"]) for one in found["reliability"])
    assert ece / len(result.replayed.later) == pytest.approx(found["metrics"]["ece"], abs=1e-12)


def test_card_and_folder_tell_the_same_figures(site: Site) -> None:
    model = DenialModel.load(site.result.folder)
    found = model.evaluation
    assert found is not None
    assert f"| AUROC (a denied line ranks above a paid one) | {number(found['metrics'], 'auroc')} |" in model.card
    for one in found["reliability"]:
        assert f"| {one['lines']} | {one['mean_risk']:.3f} | {one['denied_share']:.3f} |" in model.card
    for answer in found["gate"]:
        assert f"- {answer['code']} {answer['outcome'].replace('_', ' ')}: {answer['detail']}\n" in model.card


def test_progress_only_rises_to_the_end(site: Site) -> None:
    shares = [share for _, share in site.told]
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_the_model_learned_something_and_the_exact_checks_pass(site: Site) -> None:
    auroc, table = site.result.metrics["auroc"], site.result.baselines["payer_cpt"]["auroc"]
    assert auroc is not None and table is not None and auroc > 0.6
    outcomes = {a["code"]: a["outcome"] for a in site.result.gate}
    assert outcomes["DEN004"] == outcomes["DEN005"] == outcomes["DEN006"] == "passed"


def test_lines_used_are_the_mature_ones(site: Site, practice: Practice) -> None:
    counts = cohort_of(practice.cut(practice.today), practice.today, site.settings.maturity).counts
    assert (site.result.lines_used, site.result.lines_immature) == (counts["mature"], counts["immature"])


def test_the_order_of_the_store_does_not_change_the_model(practice: Practice) -> None:
    settings = Settings(home=Path("unused"))
    mixed = replace(
        practice,
        lines=practice.lines.sample(fraction=1, shuffle=True, seed=3),
        outcomes=practice.outcomes.sample(fraction=1, shuffle=True, seed=4),
    )
    start = date(2026, 1, 1)
    one, other = (learn_as_of(p.cut, start, settings, QUICK) for p in (practice, mixed))
    assert one.model.booster_text == other.model.booster_text
    assert one.model.calibration == other.model.calibration and one.model.levels == other.model.levels


def test_what_became_known_later_does_not_reach_the_model_of_the_replay(practice: Practice) -> None:
    start = date(2026, 1, 1)
    late = pl.col("known_date") >= start
    scrambled = replace(
        practice,
        lines=practice.lines.with_columns(
            hcpcs_code=pl.when(pl.col("submitted_date") >= start).then(pl.lit("99213")).otherwise("hcpcs_code")
        ),
        outcomes=practice.outcomes.with_columns(
            paid_amount=pl.when(late).then(pl.lit(0)).otherwise("paid_amount").cast(pl.Decimal(12, 2)),
            adjustments=pl.when(late).then(pl.lit("CO-197:100.00")).otherwise("adjustments"),
        ),
        authorizations=practice.authorizations.filter(~late | pl.col("known_date").is_null()),
    )
    settings = Settings(home=Path("unused"))
    one, other = (learn_as_of(p.cut, start, settings, QUICK).model for p in (practice, scrambled))
    assert one.booster_text == other.booster_text and one.calibration == other.calibration
    today = practice.today
    changed = gather(scrambled.cut, today, settings).found.y
    assert not np.array_equal(
        changed, gather(practice.cut, today, settings).found.y
    )  # the scrambling was felt elsewhere


def test_the_replay_scores_only_mature_lines_from_its_first_day_on(practice: Practice) -> None:
    settings = Settings(home=Path("unused"))
    today = gather(practice.cut, practice.today, settings)
    start = replay_start(today.found)
    done = replay(practice.cut, today, start, settings, QUICK)
    days = today.found.days
    assert (np.datetime64(start).astype(int) - days[0]) / (days[-1] - days[0]) == pytest.approx(0.75, abs=0.01)
    submitted = done.later.lines["submitted_date"]
    assert submitted.min() >= start > done.learned.model.trained_through
    mature = set(today.cohort.mature.select("submission_id", "claim_line_number").iter_rows())
    assert set(done.later.lines.select("submission_id", "claim_line_number").iter_rows()) <= mature


def test_features_are_built_over_whole_claims(practice: Practice) -> None:
    snapshot = practice.cut(practice.today)
    mature = cohort_of(snapshot, practice.today, Settings(home=Path("unused")).maturity).mature
    parted = mature.filter(pl.col("claim_line_number") == 1)
    history = History.of(snapshot)
    one, all_ = examples(snapshot, parted, history), examples(snapshot, mature, history)
    rows = np.flatnonzero(all_.lines["claim_line_number"].to_numpy() == 1)
    np.testing.assert_array_equal(one.table.numbers, all_.take(rows).table.numbers)


def test_no_feature_of_the_model_is_the_same_for_all_lines_of_every_day(practice: Practice) -> None:
    found = gather(practice.cut, practice.today, Settings(home=Path("unused"))).found
    numbers, days = np.nan_to_num(found.table.numbers, nan=-1.0), found.days
    same_as_before = (numbers[1:] == numbers[:-1])[days[1:] == days[:-1]].all(axis=0)
    moving = (numbers != numbers[0]).any(axis=0)
    clocks = {n for n, c in zip(found.table.number_names, same_as_before & moving, strict=True) if c}
    assert "denied_rate__all__30d" in clocks
    assert not clocks & {f.name for f in usable(catalog.CATALOG)}


def test_denied_dollars_are_those_of_the_labels(practice: Practice) -> None:
    today = gather(practice.cut, practice.today, Settings(home=Path("unused")))
    found, outcomes = today.found, today.snapshot.outcomes
    partial = outcomes.filter(pl.col("outcome") == "partial_denied").select("submission_id", "claim_line_number")
    assert len(partial.join(found.lines, on=partial.columns, how="semi")) > 0
    stated = found.lines.select(partial.columns).join(outcomes, on=partial.columns, how="left", maintain_order="left")
    np.testing.assert_allclose(found.denied, stated["denied_cents"].to_numpy() / 100)
    scored = found.scored(found.y)
    assert scored.denied is not None and scored.denied.sum() < (scored.charge * found.y).sum()
    nulled = replace(today.snapshot, outcomes=outcomes.with_columns(denied_cents=pl.lit(None, pl.Int64)))
    unknown = examples(nulled, today.cohort.mature, today.history)
    np.testing.assert_array_equal(unknown.denied, scored.charge * found.y)


def test_without_a_replay_and_without_mlflow_there_is_still_a_model_on_disk(practice: Practice, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, training=FEW)
    settings.mlruns.write_text("in the way")
    result = train(practice.cut, settings, as_of=YOUNG, recipe=QUICK, golden=None)
    assert result.metrics == {} and result.passed
    assert [(a["code"], a["outcome"]) for a in result.gate] == [
        ("DEN001", "not_applicable"), ("DEN002", "not_applicable"), ("DEN003", "not_applicable"),
        ("DEN004", "passed"), ("DEN005", "passed"), ("DEN006", "not_applicable"), ("DEN007", "not_applicable"),
        ("DEN008", "not_applicable"), ("DEN009", "not_applicable"), ("DEN010", "not_applicable"),
        ("DEN011", "passed"), ("DEN012", "passed"), ("DEN013", "not_applicable"),
    ]  # fmt: skip
    assert "too little" in result.notes[0]
    assert result.run_id is None and result.model_version == "unregistered"
    assert result.trouble and "not registered" in result.trouble and str(result.folder) in result.trouble
    assert f"the same command with --as-of {YOUNG}" in result.trouble
    model = DenialModel.load(result.folder)
    assert model.evaluation is None and "evaluation" in model.versions
    assert f"## How good\n\n{UNKNOWN}" in model.card
    for answer in result.gate:
        assert f"- {answer['code']} {answer['outcome'].replace('_', ' ')}: {answer['detail']}\n" in model.card
    with pytest.raises(OutOfReachError):
        registry.aliases(settings)


def test_nothing_to_learn_from_is_a_usage_error(practice: Practice, tmp_path: Path) -> None:
    silent = replace(practice, outcomes=practice.outcomes.clear())
    with pytest.raises(UsageError, match=r"load their remittances"):
        train(silent.cut, Settings(home=tmp_path), as_of=practice.today)


# golden claims


def test_golden_claims_are_kept_and_checked(site: Site) -> None:
    model = DenialModel.load(site.result.folder)
    assert [row["claim"]["claim_id"] for row in model.golden] == ["GOLDEN-1"]
    assert model.golden[0]["claim"]["submitted_date"] == str(model.as_of)
    assert model.check_golden() == 1


def test_a_model_that_no_longer_gives_its_golden_risks_is_refused(site: Site) -> None:
    model = DenialModel.load(site.result.folder)
    risks = model.golden[0]["risks"]
    moved = replace(model, golden=({**model.golden[0], "risks": [risks[0] + 1e-6, *risks[1:]]},))
    with pytest.raises(ModelMismatchError, match=r"1 of its 1 golden claims"):
        check_golden(moved)


def test_golden_claims_do_not_depend_on_the_site(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model = DenialModel.load(site.result.folder)
    monkeypatch.chdir(tmp_path)
    assert make_golden(model, [CLAIM]) == model.golden
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"claims": 3}'])
def test_a_file_without_golden_claims_is_a_usage_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "golden.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"golden\.json holds no golden claims"):
        read_golden(path)


# MLflow


def test_the_pyfunc_equals_the_model_to_the_last_bit(site: Site, practice: Practice) -> None:
    import mlflow
    import pandas as pd

    model = DenialModel.load(site.result.folder)
    mlflow.set_tracking_uri(f"sqlite:///{site.settings.mlruns / 'mlflow.db'}")
    known = gather(practice.cut, practice.today, site.settings)
    X = model.matrix(known.found.table)[:300]
    raw = model.raw_score(X)
    served = mlflow.pyfunc.load_model("models:/denial@challenger")
    for given in (X, pd.DataFrame(X, columns=model.features)):
        answer = served.predict(given)
        np.testing.assert_array_equal(answer["raw_score"], raw)
        np.testing.assert_array_equal(answer["denial_risk"], model.risk(raw, X))
    np.testing.assert_array_equal(served.predict(X[:1])["denial_risk"], model.risk(raw, X)[:1])
    scored = Scorer(model, known.history, site.settings).assess(known.snapshot.lines.head(300))
    answer = served.predict(model.matrix(scored.table))
    np.testing.assert_array_equal(answer["raw_score"], scored.raw)
    np.testing.assert_array_equal(answer["denial_risk"], scored.risk)


def test_the_run_holds_figures_card_metrics_and_no_pickle(site: Site) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{site.settings.mlruns / 'mlflow.db'}")
    run = client.get_run(site.result.run_id)
    assert run.data.metrics["auroc"] == site.result.metrics["auroc"]
    assert run.data.metrics["payer_cpt.auroc"] == site.result.baselines["payer_cpt"]["auroc"]
    assert run.data.tags["data_version"] == "lines@1"
    names = {path.name for path in site.settings.mlruns.rglob("*") if path.is_file()}
    assert {"roc.png", "precision_recall.png", "calibration.png", "payers.png", "contributions.png"} <= names
    assert {"card.md", "gate.json", "by_payer.json", "booster.txt", "pyfunc.py"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib", ".cloudpickle"))]


def test_mlflow_and_the_model_hold_nothing_of_a_claim(site: Site, practice: Practice) -> None:
    columns = ("claim_id", "patient_id", "member_key", "submission_id", "rendering_npi", "referring_npi", "billing_npi")
    secrets = {v for c in columns for v in practice.lines[c].drop_nulls().unique() if len(v) >= 6}
    assert len(secrets) > 1000
    files = [path for path in site.settings.mlruns.rglob("*") if path.is_file() and path.suffix != ".png"]
    written = b"".join(path.read_bytes() for path in files).decode("utf-8", errors="replace")
    assert len(written) > 100_000
    assert [secret for secret in secrets if secret in written] == []


def test_the_run_of_a_day_and_a_state_of_the_store_is_found(site: Site, practice: Practice) -> None:
    assert registry.find_run(site.settings, practice.today, "lines@1", QUICK) == "1"
    assert registry.find_run(site.settings, practice.today, "lines@2", QUICK) is None
    assert registry.find_run(site.settings, practice.today, "lines@1") is None  # of the usual recipe there is none
    waits = site.settings.model_copy(update={"maturity": MaturitySettings(max_days=91)})
    assert registry.find_run(waits, practice.today, "lines@1", QUICK) is None


@pytest.mark.parametrize("what", ["maturity", "classes", "rules", "seed", "tune", "recipe", "features", "code"])
def test_whatever_shapes_a_model_changes_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    before, settings, recipe = shape_of(Settings(home=tmp_path)), Settings(home=tmp_path), None
    assert before == shape_of(settings) == shape_of(settings, Recipe(seed=settings.training.seed))
    assert before == shape_of(Settings(home=tmp_path / "moved", money=MoneySettings(review_cost=9)))
    if what == "maturity":
        settings.maturity = MaturitySettings(no_response_days=200)
    elif what == "classes":
        settings.ingest = IngestSettings(carc_classes=tmp_path / "own.csv")
        (tmp_path / "own.csv").write_text("group,carc,class,category\nCO,45,denial,other\n")
    elif what == "rules":
        settings.rules = RulesSettings(payers={"60054": "aetna"})
    elif what == "seed":
        settings.training = TrainingSettings(seed=8)
    elif what == "tune":
        settings.training = TrainingSettings(tune=9)
    elif what == "recipe":
        recipe = Recipe(seed=settings.training.seed, num_leaves=47)
    elif what == "features":
        first, *others = catalog.CATALOG
        monkeypatch.setattr(catalog, "CATALOG", (replace(first, revision=99), *others))
    else:
        monkeypatch.setattr("training.shape.version", lambda name: "99.0")
    assert shape_of(settings, recipe) != before


def test_promotion_and_rollback(site: Site, practice: Practice) -> None:
    settings = site.settings
    registry.set_gate(settings, "1", "failed", [])
    with pytest.raises(GateFailedError, match="model 1 is not promoted"):
        promotion.promote(settings)
    assert not (settings.models / "champion").exists()
    with pytest.raises(NoModelError, match="previous"):
        promotion.rollback(settings)

    registry.set_gate(settings, "1", "passed", [])
    assert promotion.promote(settings) == {
        "model_version": "1", "previous": None, "folder": str(settings.models / "denial-1"),
    }  # fmt: skip
    exported = DenialModel.load(settings.models / "champion")
    assert exported.version == "1" and exported.evaluation == DenialModel.load(site.result.folder).evaluation
    assert exported.evaluation is not None and exported.evaluation["metrics"] == site.result.metrics
    assert os.readlink(settings.models / "champion") == "denial-1"

    second = train(practice.cut, settings, as_of=YOUNG, recipe=replace(QUICK, seed=7), golden=None)
    assert second.model_version == "2"
    assert second.gate[1]["code"] == "DEN002" and second.gate[1]["outcome"] == "not_applicable"
    registry.set_gate(settings, "2", "passed", [])
    assert promotion.promote(settings)["previous"] == "1"
    assert promotion.promote(settings)["previous"] == "1"  # again: nothing moves
    assert registry.aliases(settings) == {"challenger": "2", "champion": "2", "previous": "1"}
    assert promotion.rollback(settings)["model_version"] == "1"
    assert registry.aliases(settings) == {"challenger": "2", "champion": "1", "previous": "2"}
    assert DenialModel.load(settings.models / "champion").version == "1"
    assert sorted(path.name for path in settings.models.iterdir()) == ["champion", "denial-1", "denial-2"]


def test_a_home_that_has_moved_still_finds_its_models_and_refuses_to_train(
    site: Site, practice: Practice, tmp_path: Path
) -> None:
    home = tmp_path / "moved"
    shutil.copytree(site.settings.home, home, symlinks=True)
    settings = Settings(home=home, training=FEW)
    assert registry.resolve(settings, "1").is_relative_to(home)
    assert DenialModel.load(registry.resolve(settings, "1")).version == "1"
    result = train(practice.cut, settings, as_of=YOUNG, recipe=QUICK, golden=None)
    assert result.run_id is None and result.trouble and "made in another place" in result.trouble


def test_a_damaged_challenger_is_not_promoted(site: Site, tmp_path: Path) -> None:
    home = tmp_path / "damaged"
    shutil.copytree(site.settings.home, home, symlinks=True)
    settings = Settings(home=home)
    before = registry.aliases(settings)
    registry.set_gate(settings, "challenger", "passed", [])
    (registry.resolve(settings, "challenger") / "booster.txt").write_text("tree")
    with pytest.raises(NoModelError, match=r"booster\.txt"):
        promotion.promote(settings)
    assert registry.aliases(settings) == before


def test_a_folder_in_place_of_the_link_is_not_overwritten(site: Site, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    (settings.models / "champion").mkdir(parents=True)
    with pytest.raises(UsageError, match="not our link"):
        export(settings, site.result.folder, "1")


def test_another_model_of_the_same_number_replaces_the_exported_one(site: Site, tmp_path: Path) -> None:
    settings, model = Settings(home=tmp_path), DenialModel.load(site.result.folder)
    replace(model, card="another").save(settings.models / "denial-1")
    folder = export(settings, site.result.folder, "1")
    assert DenialModel.load(folder).card == model.card
    written = (folder / "booster.txt").stat().st_ino
    assert export(settings, site.result.folder, "1") == folder
    assert (folder / "booster.txt").stat().st_ino == written  # the same one is left alone


@pytest.mark.parametrize("age", ["older than the replay", "younger than the replay"])
def test_the_challenger_meets_the_champion_on_lines_that_neither_has_seen(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: str
) -> None:
    settings = Settings(home=tmp_path, gate=GateSettings(min_lines=100, min_claims=50, min_denials=10))
    today = gather(practice.cut, practice.today, settings)
    start = replay_start(today.found)
    day = start - timedelta(days=60) if age == "older than the replay" else start + timedelta(days=45)
    made = learn_as_of(practice.cut, day, settings, QUICK).model
    made.save(settings.models / "champion")
    met: list[Duel | str] = []
    monkeypatch.setattr("training.judgement.meet", lambda *given: met.append(meet(*given)) or met[-1])
    judged = judge(practice.cut, today, settings, QUICK, None, lambda message, share: None)
    days = today.found.lines["submitted_date"]
    assert (days == made.trained_through).any()  # the last day that the champion learned from is left out
    assert isinstance(met[0], Duel) and not met[0].how
    assert len(met[0].later) == ((days >= start) & (days > made.trained_through)).sum()
    answers = {a["code"]: a for a in judged.answers}
    assert answers["DEN002"]["outcome"] == answers["DEN007"]["outcome"] == "passed"
    if age == "younger than the replay":  # trained on the same day, the two are the same model
        for code in ("DEN002", "DEN007"):
            assert "+0.0000 (95 % interval +0.0000 to +0.0000)" in answers[code]["detail"]


@pytest.mark.parametrize("same", [True, False])
def test_a_champion_too_young_to_meet_is_met_by_its_recipe(
    practice: Practice, tmp_path: Path, same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path)
    today = gather(practice.cut, practice.today, settings)
    theirs = QUICK if same else replace(QUICK, max_rounds=2)
    champion = learn_as_of(practice.cut, practice.today - timedelta(days=7), settings, theirs).model
    champion.save(settings.models / "champion")
    judged = judge(practice.cut, today, settings, QUICK, None, lambda message, share: None)
    found = next(a for a in judged.answers if a["code"] == "DEN002")
    assert found["outcome"] == ("not_applicable" if same else "passed")
    assert ("its recipe is this model's" in found["detail"]) == same
    assert ("learned anew as of the replay" in found["detail"]) == (not same)


def test_lines_that_only_the_rival_knew_are_no_part_of_the_duel(practice: Practice, tmp_path: Path) -> None:
    """Claims that were loaded after the champion was trained: the challenger's side would have seen their outcomes."""
    settings = Settings(home=tmp_path, gate=GateSettings(min_lines=100, min_claims=50, min_denials=10))
    today = gather(practice.cut, practice.today, settings)
    start = replay_start(today.found)
    day = start + timedelta(days=45)
    known = practice.cut(day)
    late = known.lines.filter(pl.col("submitted_date") >= start - timedelta(days=20))["submission_id"]
    missing = pl.col("submission_id").is_in(late.implode())
    before = replace(practice, lines=practice.lines.filter(~missing))
    champion = learn_as_of(before.cut, day, settings, QUICK).model
    done = replay(practice.cut, today, start, settings, QUICK)
    duel = meet(champion, practice.cut, today, done, settings, QUICK)
    assert isinstance(duel, Duel) and champion.trained_through < start
    rival = learn_as_of(practice.cut, day, settings, QUICK).model
    assert duel.later.lines["submitted_date"].min() > rival.trained_through >= start


def test_a_champion_that_this_code_cannot_run_is_said_to_be_so(practice: Practice, site: Site, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    model = DenialModel.load(site.result.folder)
    changed = replace(model, columns=(replace(model.columns[0], digest="other"), *model.columns[1:]))
    changed.save(settings.models / "champion")
    today = gather(practice.cut, practice.today, settings)
    judged = judge(practice.cut, today, settings, QUICK, None, lambda message, share: None)
    found = {a["code"]: a for a in judged.answers}
    for code in ("DEN002", "DEN007", "DEN008"):
        assert found[code]["outcome"] == "not_applicable"
        assert "can no longer run the champion" in found[code]["detail"]


def test_evaluate_holds_the_gate_again_and_records_it(site: Site, practice: Practice) -> None:
    registry.set_gate(site.settings, "1", "failed", [])
    before = (registry.resolve(site.settings, "1") / "versions.json").read_bytes()
    again = evaluate(practice.cut, site.settings, which="1")
    assert (registry.resolve(site.settings, "1") / "versions.json").read_bytes() == before
    assert again.model_version == "1" and again.metrics["lines"] == site.result.metrics["lines"]
    assert {a["code"] for a in again.gate} == {a["code"] for a in site.result.gate}


def recorded(settings: Settings, version: str) -> str:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{settings.mlruns / 'mlflow.db'}")
    return str(client.get_model_version("denial", version).tags["gate"])


@pytest.mark.parametrize(
    ("start", "why"),
    [(TOO_EARLY, "too little to learn from"), (date(2026, 9, 20), "500 with 50 are needed")],
    ids=["too early", "too late"],
)
@pytest.mark.parametrize("verb", ["train", "evaluate"])
def test_a_replay_of_choice_that_cannot_be_is_an_error_and_a_failure_stays(
    site: Site, practice: Practice, start: date, why: str, verb: str
) -> None:
    registry.set_gate(site.settings, "1", "failed", [])
    with pytest.raises(UsageError, match=f"no replay can start on {start}: .*{why}"):
        if verb == "train":
            train(practice.cut, site.settings, as_of=practice.today, recipe=QUICK, replay_from=start)
        else:
            evaluate(practice.cut, site.settings, which="1", replay_from=start)
    assert recorded(site.settings, "1") == "failed"


@pytest.mark.parametrize("missing", ["replay", "support"])
def test_a_judgement_that_judges_nothing_leaves_a_failure_on_record(
    site: Site, practice: Practice, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    if missing == "replay":
        monkeypatch.setattr("training.judgement.replay_start", lambda found: TOO_EARLY)
    else:
        monkeypatch.setattr(site.settings, "gate", GateSettings(min_lines=100_000))
    registry.set_gate(site.settings, "1", "failed", [])
    again = evaluate(practice.cut, site.settings, which="1")
    assert not again.passed and recorded(site.settings, "1") == "failed"
    assert "failure that is on record stays" in again.notes[-1]
    assert ("not evaluated: " in again.notes[0]) == (missing == "replay")
    outcomes = {a["code"]: a["outcome"] for a in again.gate}
    assert len(outcomes) == 13 and outcomes["DEN004"] == outcomes["DEN005"] == "passed"


def test_a_judgement_without_a_replay_still_fails_a_model_whose_reasons_do_not_add_up(
    site: Site, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.judgement.replay_start", lambda found: TOO_EARLY)
    monkeypatch.setattr(exactness, "ADDITIVE", -1.0)
    registry.set_gate(site.settings, "1", "passed", [])
    assert not evaluate(practice.cut, site.settings, which="1").passed
    assert recorded(site.settings, "1") == "failed"


def test_a_missing_model_says_what_to_do(site: Site, tmp_path: Path) -> None:
    with pytest.raises(NoModelError, match="denials train"):
        registry.resolve(Settings(home=tmp_path), "champion")
    with pytest.raises(NoModelError, match="called 99"):
        registry.resolve(site.settings, "99")


def test_serving_a_model_imports_neither_mlflow_nor_shap_nor_matplotlib() -> None:
    import subprocess
    import sys

    code = "import sys, training.golden; print({'mlflow', 'shap', 'matplotlib', 'prefect'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
