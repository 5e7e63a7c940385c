"""The folder: what is saved is what is loaded, damage is noticed, changed features are named."""

import dataclasses
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from made_up import made_table

from claims.errors import ModelMismatchError, NoModelError
from claims.texts import Texts
from features import catalog
from training.evaluate import Report
from training.evaluation import evaluation_of
from training.gate import answer
from training.metrics import Bin
from training.model import FILES, DenialModel

pytestmark = pytest.mark.usefixtures("small_catalog")


@pytest.fixture
def folder(made_model: DenialModel, tmp_path: Path) -> Path:
    made_model.save(tmp_path / "model")
    return tmp_path / "model"


def test_a_saved_model_scores_as_before(made_model: DenialModel, folder: Path) -> None:
    loaded = DenialModel.load(folder)
    table, _ = made_table(300, seed=4)
    X = made_model.matrix(table)
    np.testing.assert_array_equal(loaded.matrix(table), X)
    np.testing.assert_array_equal(loaded.raw_score(X), made_model.raw_score(X))
    np.testing.assert_array_equal(loaded.contributions(X), made_model.contributions(X))
    np.testing.assert_array_equal(loaded.risk(loaded.raw_score(X), X), made_model.risk(made_model.raw_score(X), X))
    assert (loaded.card, loaded.versions, loaded.catalog_digest) == (
        made_model.card,
        made_model.versions,
        made_model.catalog_digest,
    )


def test_what_was_measured_stays_with_the_model_and_is_plain_json(made_model: DenialModel, tmp_path: Path) -> None:
    metrics = {"auroc": 0.8, "calibration_slope": float("nan"), "lines": 10}
    bins: list[Bin] = [{"lines": 10, "mean_risk": 0.2, "denied_share": 0.1}]
    report = Report(metrics, {"payer_cpt": {"auroc": float("inf")}}, {"P1": {"ece": None}}, bins)
    found = evaluation_of(date(2026, 1, 1), report, [answer("DEN001", True, "better")])
    made_model.with_evaluation(found).with_version("4").save(tmp_path / "model")
    text = (tmp_path / "model" / "versions.json").read_text()
    assert "NaN" not in text and "Infinity" not in text
    kept = DenialModel.load(tmp_path / "model").evaluation
    assert kept == found and kept["replay_from"] == "2026-01-01" and kept["reliability"] == bins
    assert kept["metrics"] == {"auroc": 0.8, "calibration_slope": None, "lines": 10}
    assert kept["baselines"] == {"payer_cpt": {"auroc": None}}


def test_a_folder_of_before_has_no_evaluation(folder: Path) -> None:
    assert DenialModel.load(folder).evaluation is None


def test_the_folder_holds_plain_files_and_nothing_else(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "versions.json"])
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_one_line_scores_as_among_many(made_model: DenialModel) -> None:
    table, _ = made_table(400, seed=8)
    X = made_model.matrix(table)
    together = made_model.risk(made_model.raw_score(X), X)
    for i in range(400):
        one = made_model.matrix(table.take(np.array([i])))
        assert made_model.risk(made_model.raw_score(one), one)[0] == together[i]


def test_saving_again_replaces_the_folder(made_model: DenialModel, folder: Path) -> None:
    made_model.with_version("8").save(folder)
    assert DenialModel.load(folder).version == "8"


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_or_missing_file_is_noticed(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes() + b" "
    (folder / name).write_bytes(whole)
    with pytest.raises(NoModelError, match=f"{name}.*truncated or changed.*denials train"):
        DenialModel.load(folder)
    (folder / name).unlink()
    with pytest.raises(NoModelError, match=f"lacks {name}"):
        DenialModel.load(folder)


def test_a_missing_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoModelError, match="denials train"):
        DenialModel.load(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoModelError, match=r"versions\.json"):
        DenialModel.load(tmp_path / "empty")


def test_changed_and_missing_features_are_named_and_others_are_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = {f.name: f for f in catalog.CATALOG if f.name != "age"}
    changed["rate"] = dataclasses.replace(changed["rate"], revision=2)
    monkeypatch.setattr(catalog, "BY_NAME", changed)
    with pytest.raises(ModelMismatchError, match=r"same way: rate, age\. Train anew"):
        DenialModel.load(folder)


def test_a_feature_that_the_model_does_not_use_may_change(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = dict(catalog.BY_NAME) | {"new": dataclasses.replace(catalog.BY_NAME["age"], name="new")}
    monkeypatch.setattr(catalog, "BY_NAME", more)
    assert DenialModel.load(folder).features == ("payer_id", "charge", "rate", "code", "age")


def test_unseen_levels_score_as_other(made_model: DenialModel) -> None:
    table, _ = made_table(1)
    one = dataclasses.replace(
        table, categories={"payer_id": Texts.of(["never seen"]), "code": Texts.of(["never seen"])}
    )
    two = dataclasses.replace(table, categories={"payer_id": Texts.of(["another"]), "code": Texts.of(["another"])})
    X = made_model.matrix(one)
    assert X[0, 0] == len(made_model.levels["payer_id"])
    assert made_model.raw_score(X) == made_model.raw_score(made_model.matrix(two))


def test_no_lines_no_scores(made_model: DenialModel) -> None:
    assert made_model.raw_score(np.zeros((0, 5))).shape == (0,)
