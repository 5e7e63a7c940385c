"""What is said where too little is known: of a line without evidence, and of a practice without a trained model."""

from __future__ import annotations

import numpy as np

from claims.settings import Settings
from serving.explain import Driver
from training.evidence import LOW, NONE
from training.starting import Model, StartingModel


def abstaining(drivers: list[list[Driver]], grade: np.ndarray, model: Model) -> list[list[Driver]]:
    """The drivers of lines, told of those without evidence that there is not enough history.

    It stands on the last driver, `other`, which has no sentence of its own; a full list of drivers has none.
    """
    starting = isinstance(model, StartingModel)
    for line, known in zip(drivers, grade.tolist(), strict=True):
        if line and line[-1]["feature"] == "other" and (known == NONE or starting):
            line[-1]["sentence"] = sentence(known, starting)
    return drivers


def sentence(grade: int, starting: bool) -> str:
    """Why a risk is not to be relied on. grade: a place in training.evidence.GRADES."""
    if grade == LOW:
        return "No model is trained yet: this rests on published rates, broken rules and the few outcomes known so far."
    rest = "published rates and broken rules" if starting else "what holds for other claims"
    return (
        "There is not enough recent history of this payer, or of such services, to judge this line by: "
        f"its risk rests on {rest}. Review it by hand."
    )


def notice(model: StartingModel, settings: Settings) -> str:
    """What a reader of the starting model's answers must know first."""
    lines = model.calibration.lines
    learned = (
        f"{lines:,} mature lines of the practice" if lines else "no outcome of the practice, as none is mature yet"
    )
    return (
        "No trained model serves: the starting model answers, from published denial rates, broken rules and "
        f"{learned}. Its evidence is low at best. Train one (denials train, then denials promote) once "
        f"{settings.training.min_lines:,} lines are mature."
    )
