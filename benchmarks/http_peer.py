"""The script that MLflow runs to serve the peer of benchmarks.http_speed: the same booster, explained by shap."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import shap
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext


class Explained(PythonModel):
    """A booster behind MLflow's interface."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the booster that was logged with the model."""
        self.booster = lgb.Booster(model_file=context.artifacts["booster"])
        self.explainer = shap.TreeExplainer(self.booster)

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """(lines, 1 + features) the risk of each line, then what moved it."""
        X = np.ascontiguousarray(model_input, dtype=np.float64)
        return pd.DataFrame(np.column_stack([self.booster.predict(X), self.explainer.shap_values(X)]))


set_model(Explained())
