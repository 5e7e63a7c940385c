"""Contributions add up, and equal path-dependent Shapley values computed by brute force from the dumped trees."""

from itertools import combinations
from math import factorial
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from made_up import made_table

from claims.texts import Texts
from features.table import FeatureTable
from training.contributions import contributions, steps
from training.model import DenialModel


def goes_left(node: dict[str, Any], value: float) -> bool:
    """LightGBM's decision at one split of a model in which nan is its own missing value."""
    if node["decision_type"] == "==":
        return not np.isnan(value) and str(int(value)) in node["threshold"].split("||")
    if np.isnan(value):
        if node["missing_type"] == "NaN":
            return bool(node["default_left"])
        value = 0.0
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


@pytest.fixture(scope="module")
def trees() -> tuple[lgb.Booster, list[dict[str, Any]]]:
    random = np.random.default_rng(0)
    X = np.column_stack([random.integers(0, 9, 1500), random.normal(size=(1500, 3)), random.integers(0, 6, 1500)])
    X[random.random(X.shape) < 0.15] = np.nan
    odds = (
        np.isin(X[:, 0], [1, 4, 5]) + np.nan_to_num(X[:, 1]) - np.isnan(X[:, 2]) + 0.7 * (X[:, 4] == 2) * (X[:, 3] > 0)
    )
    y = (random.random(1500) < 1 / (1 + np.exp(1 - odds))).astype(float)
    settings = {
        "objective": "binary", "num_leaves": 9, "min_data_in_leaf": 10, "min_data_per_group": 10, "cat_smooth": 1,
        "learning_rate": 0.4, "verbosity": -1, "seed": 1, "deterministic": True, "num_threads": 1,
    }  # fmt: skip
    booster = lgb.train(settings, lgb.Dataset(X, y, categorical_feature=[0, 4], params={"verbosity": -1}), 4)
    return booster, [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]


def test_contributions_are_shapley_values(trees: tuple[lgb.Booster, list[dict[str, Any]]]) -> None:
    booster, structures = trees
    assert set.union(*map(decisions, structures)) == {"<=", "=="}
    nan = np.nan
    lines = np.array([
        [1.0, 0.3, -1.0, 0.2, 2.0], [nan, nan, nan, nan, nan], [4.0, nan, 0.5, 1.5, 0.0],
        [8.0, -2.0, nan, -0.1, nan], [77.0, 0.0, 0.0, 0.0, 99.0],
    ])  # fmt: skip
    found = contributions(booster, lines)
    np.testing.assert_allclose(found, [shapley(structures, x) for x in lines], rtol=0, atol=1e-12)


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


def test_steps_are_the_squared_depths_of_all_leaves(made_model: DenialModel) -> None:
    nodes = lgb.Booster(model_str=made_model.booster_text).trees_to_dataframe()
    depths = nodes.loc[nodes["left_child"].isna(), "node_depth"] - 1  # LightGBM counts the root as 1
    assert steps(made_model.booster_text) == (depths**2).sum() > 1000
