"""The script that MLflow runs to serve a model folder (models from code): matrix in, raw score and risk out.

Input: (lines, features) float64 in the model's order (an array, or a frame: MLflow drops its names). Equal to
DenialModel to the last bit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from training.model import DenialModel


class DenialPyfunc(PythonModel):
    """DenialModel behind MLflow's interface."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the folder that was logged with the model."""
        self.model = DenialModel.load(Path(context.artifacts["denial"]))

    def predict(
        self, context: PythonModelContext, model_input: np.ndarray, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Columns raw_score and denial_risk, one row a line."""
        X = np.ascontiguousarray(model_input, dtype=np.float64)
        raw = self.model.raw_score(X)
        return pd.DataFrame({"raw_score": raw, "denial_risk": self.model.risk(raw, X)})


set_model(DenialPyfunc())
