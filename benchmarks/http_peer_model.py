"""What `mlflow models serve` runs for benchmarks/http_speed.py: a booster that predicts and explains."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import shap
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel


class Explained(PythonModel):
    """(rows, features) in, raw scores and what moved them out."""

    def load_context(self, context: Any) -> None:
        """The booster of the artifact."""
        self._booster = lgb.Booster(model_file=context.artifacts["booster"])
        self._explainer = shap.TreeExplainer(self._booster)

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        """Plain lists."""
        X = np.asarray(model_input, dtype=np.float64)
        raw = self._booster.predict(X, raw_score=True)
        return {"raw_score": raw.tolist(), "shap": self._explainer.shap_values(X).tolist()}


set_model(Explained())
