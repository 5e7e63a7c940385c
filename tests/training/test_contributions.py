"""Contributions add up, equal path-dependent Shapley values found by brute force, and LightGBM's on odd models."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from math import factorial
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from made_up import made_table

from claims.texts import Texts
from features.table import FeatureTable
from training import contribution_tables, contributions
from training.contributions import BLOCK, SINGLY, Contributions
from training.model import DenialModel
from training.trees import UnsupportedModelError, read_trees

ROOT = Path(__file__).parents[2]
TINY = 1e-35  # LightGBM's zero


def goes_left(node: dict[str, Any], value: float) -> bool:
    """LightGBM's decision at one split."""
    if node["decision_type"] == "==":
        return not np.isnan(value) and str(int(value)) in node["threshold"].split("||")
    missing = node["missing_type"]
    if np.isnan(value):
        if missing == "NaN":
            return bool(node["default_left"])
        value = 0.0
    if missing == "Zero" and abs(value) <= TINY:
        return bool(node["default_left"])
    return bool(value <= node["threshold"])


def cover(node: dict[str, Any]) -> float:
    return float(node.get("internal_count", node.get("leaf_count", 0)))


def expected(node: dict[str, Any], x: np.ndarray, known: frozenset[int]) -> float:
    """The tree's value when only `known` features are: elsewhere both branches count by their training lines."""
    if "leaf_value" in node:
        return float(node["leaf_value"])
    left, right = node["left_child"], node["right_child"]
    if node["split_feature"] in known:
        return expected(left if goes_left(node, x[node["split_feature"]]) else right, x, known)
    whole = cover(left) + cover(right)
    return (cover(left) * expected(left, x, known) + cover(right) * expected(right, x, known)) / whole


def shapley(trees: list[dict[str, Any]], x: np.ndarray) -> np.ndarray:
    """(features + 1,) by the definition: every subset of the other features."""
    count, found = len(x), np.zeros(len(x) + 1)
    for feature in range(count):
        others = [other for other in range(count) if other != feature]
        for size in range(count):
            weight = factorial(size) * factorial(count - size - 1) / factorial(count)
            for subset in combinations(others, size):
                known = frozenset(subset)
                gain = sum(expected(t, x, known | {feature}) - expected(t, x, known) for t in trees)
                found[feature] += weight * gain
    found[-1] = sum(expected(t, x, frozenset()) for t in trees)
    return found


def decisions(node: dict[str, Any]) -> set[str]:
    if "leaf_value" in node:
        return set()
    return {node["decision_type"]} | decisions(node["left_child"]) | decisions(node["right_child"])


SETTINGS: dict[str, Any] = {
    "objective": "binary", "num_leaves": 9, "min_data_in_leaf": 10, "min_data_per_group": 10, "cat_smooth": 1,
    "learning_rate": 0.4, "verbosity": -1, "seed": 1, "deterministic": True, "num_threads": 1,
}  # fmt: skip
MISSING: list[dict[str, Any]] = [{}, {"zero_as_missing": True}, {"use_missing": False}]
nan, inf = np.nan, np.inf


def trained(
    columns: int, rounds: int, lines: int = 1500, seed: int = 0, categories: tuple[int, ...] = (0, 4), **more: Any
) -> tuple[lgb.Booster, np.ndarray]:
    """A booster, and the lines it has learned from: gaps everywhere, zeros in plenty, categories where wanted."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(lines, columns))
    X[:, ::2] = np.round(X[:, ::2])
    for column in categories:
        X[:, column] = random.integers(0, 40 if column else 9, lines)
    X[random.random(X.shape) < 0.15] = nan
    known = np.nan_to_num(X)
    odds = np.isin(X[:, 0], [1, 4, 5]) + known[:, 1] * known[:, 2] - np.isnan(X[:, 2]) + 0.7 * (known[:, -1] > 1)
    y = (random.random(lines) < 1 / (1 + np.exp(1 - odds))).astype(float)
    settings = SETTINGS | more
    data = lgb.Dataset(X, y, categorical_feature=list(categories), params={"verbosity": -1} | settings)
    return lgb.train(settings, data, rounds), X


def odd_lines(X: np.ndarray, seed: int = 1) -> np.ndarray:
    """Lines of X in which values stand that training has not seen."""
    random = np.random.default_rng(seed)
    odd = X[random.integers(0, len(X), 300)].copy()
    values = [nan, 0.0, -0.0, inf, -inf, -1.0, -0.5, 0.5, 2.9, 31.0, 32.0, 1e9, -1e9, 2.0**31, 2.0**32 + 1, 1e300, 1e-36,
              -1e-36, 2e-35, -2e-35, 5e-324]  # fmt: skip
    at = random.random(odd.shape) < 0.3
    odd[at] = random.choice(values, at.sum())
    return odd


def structures(booster: lgb.Booster) -> list[dict[str, Any]]:
    return [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]


def lightgbm_of(booster: lgb.Booster, X: np.ndarray) -> np.ndarray:
    return np.asarray(booster.predict(X, pred_contrib=True, num_threads=1))


def same(booster: lgb.Booster, X: np.ndarray, within: float = 1e-9) -> None:
    """Equal to LightGBM's own, and additive."""
    found = Contributions(booster).of(X)
    np.testing.assert_allclose(found, lightgbm_of(booster, X), rtol=0, atol=within)
    np.testing.assert_allclose(found.sum(axis=1), booster.predict(X, raw_score=True), rtol=0, atol=within)


@pytest.mark.parametrize("missing", MISSING)
def test_contributions_are_shapley_values(missing: dict[str, Any]) -> None:
    booster, _ = trained(5, 4, **missing)
    trees = structures(booster)
    assert set.union(*map(decisions, trees)) == {"<=", "=="}
    lines = np.array([
        [1.0, 0.3, -1.0, 0.2, 2.0], [nan, nan, nan, nan, nan], [4.0, nan, 0.5, 1.5, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0],
        [8.0, -2.0, nan, -0.1, nan], [77.0, 0.0, 0.0, 1e-36, 99.0],
    ])  # fmt: skip
    explains = Contributions(booster)
    assert explains.nbytes
    np.testing.assert_allclose(explains.of(lines), [shapley(trees, x) for x in lines], rtol=0, atol=1e-12)


def test_splits_again_and_again_on_a_feature_are_one_condition() -> None:
    booster, X = trained(3, 3, categories=(), num_leaves=40, min_data_in_leaf=3)
    trees = structures(booster)
    lines = X[:8]
    assert len(tables_of(booster).repeats) > 40
    np.testing.assert_allclose(Contributions(booster).of(lines), [shapley(trees, x) for x in lines], rtol=0, atol=1e-12)


def tables_of(booster: lgb.Booster) -> contribution_tables.Tables:
    return contribution_tables.tables_of(read_trees(booster.model_to_string()))


@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize(
    "shape",
    [
        {"columns": 12, "num_leaves": 31},
        {"columns": 12, "num_leaves": 63, "max_depth": 8, "categories": ()},
        {"columns": 30, "num_leaves": 200, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0},
        {"columns": 3, "num_leaves": 300, "min_data_in_leaf": 1, "categories": (0, 1, 2)},
        {"columns": 5, "num_leaves": 1400, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0, "lines": 4000},
        {"columns": 6, "num_leaves": 2},
    ],
)
def test_odd_models_and_odd_lines_are_explained_as_by_lightgbm(shape: dict[str, Any], missing: dict[str, Any]) -> None:
    booster, X = trained(rounds=12, seed=shape["columns"], **shape, **missing)
    assert Contributions(booster).nbytes
    same(booster, odd_lines(X))


def test_models_of_paths_with_more_features_than_any_table_holds() -> None:
    """A chain of 40 splits on 40 features: LightGBM's own loses digits there, so the sum is the measure."""
    booster, X = trained(
        40, 5, categories=(), num_leaves=400, min_data_in_leaf=1, min_sum_hessian_in_leaf=0, extra_trees=True
    )
    explains = Contributions(booster)
    assert tables_of(booster).trees["rules"].max() >= 2
    found = explains.of(X)
    np.testing.assert_allclose(found.sum(axis=1), booster.predict(X, raw_score=True), rtol=0, atol=1e-9)
    np.testing.assert_allclose(found, lightgbm_of(booster, X), rtol=0, atol=1e-9)


def retold(booster: lgb.Booster, change: Callable[[str], str]) -> lgb.Booster:
    """The same model, each line of its text changed."""
    lines = booster.model_to_string().split("\n")
    return lgb.Booster(model_str="\n".join(change(line) for line in lines if not line.startswith("tree_sizes=")))


@pytest.mark.parametrize("threshold", ["0", "-1e-36", "1e-36", "9e-36"])
@pytest.mark.parametrize("missing", MISSING)
def test_thresholds_within_lightgbms_zero(missing: dict[str, Any], threshold: str) -> None:
    def change(line: str) -> str:
        return f"threshold={' '.join([threshold] * len(line.split()))}" if line.startswith("threshold=") else line

    booster, X = trained(5, 4, categories=(), **missing)
    same(retold(booster, change), odd_lines(X))


def test_a_tree_of_one_leaf_adds_to_the_base_value_alone() -> None:
    X = np.random.default_rng(0).normal(size=(200, 3))
    booster = lgb.train(SETTINGS | {"min_data_in_leaf": 150}, lgb.Dataset(X, X[:, 0] > 1, params={"verbosity": -1}), 3)
    same(booster, X)
    assert not Contributions(booster).of(X)[:, :-1].any()


OTHERS: dict[str, dict[str, Any]] = {
    "several scores": {"objective": "multiclass", "num_class": 3},
    "mean of its trees": {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
}


@pytest.mark.parametrize("reason", OTHERS)
def test_models_of_other_sorts_go_through_lightgbm(reason: str) -> None:
    booster, X = trained(5, 3, categories=(), **OTHERS[reason])
    with pytest.raises(UnsupportedModelError, match=reason):
        read_trees(booster.model_to_string())
    assert Contributions(booster).nbytes == 0
    wanted = np.asarray(booster.predict(X[:50], pred_contrib=True))
    np.testing.assert_array_equal(Contributions(booster).of(X[:50]), wanted)


def test_linear_trees_are_refused_as_lightgbm_refuses_them() -> None:
    booster, X = trained(5, 3, categories=(), linear_tree=True)
    with pytest.raises(lgb.basic.LightGBMError, match="not implemented for linear trees"):
        Contributions(booster).of(X[:5])


@pytest.mark.parametrize("name", ["internal_count", "leaf_count"])
def test_counts_that_do_not_add_up_or_are_not_there_go_through_lightgbm(name: str) -> None:
    def change(line: str) -> str:
        return f"{name}=1{line.removeprefix(name)[1:]}" if line.startswith(f"{name}=") else line

    booster, X = trained(5, 3)
    changed = retold(booster, change)
    with pytest.raises(UnsupportedModelError, match="do not add up"):
        read_trees(changed.model_to_string())
    np.testing.assert_array_equal(Contributions(changed).of(X[:9]), lightgbm_of(changed, X[:9]))


def test_tables_are_bounded_and_what_does_not_fit_goes_through_lightgbm(monkeypatch: pytest.MonkeyPatch) -> None:
    booster, X = trained(5, 20)
    size = Contributions(booster).nbytes
    assert 0 < size == tables_of(booster).nbytes
    monkeypatch.setattr(contribution_tables, "TABLE_BYTES", size // 2)
    tight = Contributions(booster)
    assert tight.nbytes == 0
    np.testing.assert_array_equal(tight.of(X[:40]), np.asarray(booster.predict(X[:40], pred_contrib=True)))


@pytest.fixture(scope="module")
def deep() -> tuple[Contributions, np.ndarray]:
    booster, X = trained(8, 20, num_leaves=63)
    return Contributions(booster), odd_lines(X)


def test_lines_alone_in_blocks_and_in_threads_agree_to_the_last_bit(deep: tuple[Contributions, np.ndarray]) -> None:
    explains, X = deep
    together = explains.of(X, 1)
    np.testing.assert_array_equal(explains.of(X, 2), together)
    np.testing.assert_array_equal(explains.of(X), together)
    for size in (1, 2, SINGLY, SINGLY + 1, BLOCK, BLOCK + 1):
        parts = [explains.of(X[i : i + size]) for i in range(0, len(X), size)]
        np.testing.assert_array_equal(np.concatenate(parts), together)


def test_several_callers_at_once(deep: tuple[Contributions, np.ndarray]) -> None:
    explains, X = deep
    together = explains.of(X)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: explains.of(X), range(20)):
            np.testing.assert_array_equal(found, together)


def test_the_first_callers_of_a_model_may_come_at_once() -> None:
    booster, X = trained(5, 3)
    explains = Contributions(booster)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: explains.of(X[:20]), range(4)))
    assert all((one == found[0]).all() for one in found)


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda X: X.astype(np.float32), lambda X: X[::-1]])
def test_any_layout_of_x(
    deep: tuple[Contributions, np.ndarray], layout: Callable[[np.ndarray], np.ndarray]
) -> None:  # fmt: skip
    explains, X = deep
    X = np.nan_to_num(X, posinf=5, neginf=-5).clip(-1e9, 1e9)
    changed = layout(X)
    np.testing.assert_array_equal(explains.of(changed), explains.of(changed.astype(np.float64, order="C")))


def test_a_matrix_of_other_columns_is_refused(deep: tuple[Contributions, np.ndarray]) -> None:
    explains, X = deep
    for wrong in (X[:, :-1], np.column_stack((X, X[:, 0])), X[0]):
        with pytest.raises(ValueError, match="takes 8 columns"):
            explains.of(wrong)


FRESH = """
import sys, lightgbm, numpy
from training.contributions import Contributions
booster = lightgbm.Booster(model_file="model.txt")
assert "numba" not in sys.modules
found = Contributions(booster).of(numpy.load("X.npy"))
from training.contribution_kernels import explain_block, explain_lines
print(sum(sum(kernel.compiled.stats.cache_hits.values()) for kernel in (explain_block, explain_lines)))
numpy.save("found.npy", found)
"""


def in_a_fresh_process(folder: Path) -> str:
    """How many kernels it found kept in folder/cache; it answers as this process does."""
    booster, X = trained(5, 3)
    booster.save_model(folder / "model.txt")
    np.save(folder / "X.npy", X[: BLOCK + 1])
    given = {"PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(folder / "cache"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FRESH], cwd=folder, env=given, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(folder / "found.npy"), Contributions(booster).of(X[: BLOCK + 1]))
    return done.stdout.strip()


def test_what_is_compiled_is_kept_for_the_next_process(tmp_path: Path) -> None:
    """In numba's folder for things of a user, too, which serves where the code cannot be written to."""
    assert [in_a_fresh_process(tmp_path) for _ in range(2)] == ["0", "2"]


def test_what_is_kept_and_damaged_is_compiled_anew(tmp_path: Path) -> None:
    """An index or a kernel that is empty or cut, as a loss of power leaves it."""
    in_a_fresh_process(tmp_path)
    for ending, size in ((".nbi", 0), (".nbc", 100)):
        for path in (tmp_path / "cache").rglob(f"*{ending}"):
            path.write_bytes(path.read_bytes()[:size])
        assert [in_a_fresh_process(tmp_path) for _ in range(2)] == ["0", "2"]


def test_warming_up_leaves_nothing_to_build(monkeypatch: pytest.MonkeyPatch) -> None:
    booster, X = trained(5, 3)
    explains = Contributions(booster)
    explains.warm()
    monkeypatch.setattr(contributions, "read_trees", None)
    assert explains.of(X[:3]).shape == (3, 6)


def test_contributions_add_up_with_missing_values_and_unseen_levels(made_model: DenialModel) -> None:
    table, _ = made_table(500, seed=5)
    odd = FeatureTable(
        table.number_names,
        np.full((3, 3), np.nan),
        {"payer_id": Texts.of(["never seen", None, "P1"]), "code": Texts.of([None, "new", "C03"])},
    )
    for lines in (table, odd):
        X = made_model.matrix(lines)
        assert np.abs(made_model.contributions(X).sum(axis=1) - made_model.raw_score(X)).max() <= 1e-9


def test_the_base_value_is_the_same_for_every_line(made_model: DenialModel) -> None:
    table, _ = made_table(50)
    assert len(set(made_model.contributions(made_model.matrix(table))[:, -1])) == 1


def test_one_line_is_explained_as_among_many(made_model: DenialModel) -> None:
    table, _ = made_table(100, seed=6)
    X = made_model.matrix(table)
    together = made_model.contributions(X)
    assert all((made_model.contributions(X[i : i + 1])[0] == together[i]).all() for i in range(100))


def test_no_lines_no_contributions(made_model: DenialModel) -> None:
    assert made_model.contributions(np.zeros((0, 5))).shape == (0, 6)
