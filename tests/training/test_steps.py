"""What DEN011 counts."""

from __future__ import annotations

import lightgbm as lgb

from training.model import DenialModel
from training.steps import steps


def test_steps_are_the_squared_depths_of_all_leaves(made_model: DenialModel) -> None:
    nodes = lgb.Booster(model_str=made_model.booster_text).trees_to_dataframe()
    depths = nodes.loc[nodes["left_child"].isna(), "node_depth"] - 1  # LightGBM counts the root as 1
    assert steps(made_model.booster_text) == (depths**2).sum() > 1000
