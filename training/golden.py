"""Claims with the risks that a model must give them before it may serve: synthetic, fixed in time, without any history.

They come from a file of requests (data/synthetic/sample). A claim without submitted_date gets the model's own as_of.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from claims.errors import ModelMismatchError, UsageError
from claims.read import read_claims
from claims.settings import Settings
from features.build import build
from features.history import History
from training.model import DenialModel

SAMPLE = Path(__file__).parents[1] / "data" / "synthetic" / "sample" / "score_request.json"
CLOSE = 1e-9  # in probability: another machine may differ in the last bits


def read_golden(path: Path) -> list[dict[str, Any]]:
    """Claims of a request file, {"claims": [...]} or one claim a line. UsageError when it is neither."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".jsonl":
            return [json.loads(row) for row in text.splitlines()]
        return list(json.loads(text)["claims"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path.name} holds no golden claims ({type(error).__name__})") from error


def risks(model: DenialModel, claim: dict[str, Any]) -> list[float]:
    """Risk of each line of one claim that could be read, against an empty history."""
    with (
        tempfile.TemporaryDirectory() as home
    ):  # the key of the patients is of no matter here, and must not be the site's
        lines = read_claims([claim], Settings(home=Path(home))).lines
    if not len(lines):
        return []
    X = model.matrix(build(lines, History.empty()))
    return [float(p) for p in model.risk(model.raw_score(X), X)]


def make_golden(model: DenialModel, claims: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Rows of golden.jsonl: {claim, risks}, claims of which no line can be read left out."""
    dated = [claim | {"submitted_date": claim.get("submitted_date") or str(model.as_of)} for claim in claims]
    scored = [{"claim": claim, "risks": risks(model, claim)} for claim in dated]
    return tuple(row for row in scored if row["risks"])


def check_golden(model: DenialModel) -> int:
    """Score the golden claims anew and return how many there are. ModelMismatchError when any risk has changed."""
    wrong = [
        number
        for number, row in enumerate(model.golden, start=1)
        if not _same(risks(model, row["claim"]), row["risks"])
    ]
    if wrong:
        raise ModelMismatchError(
            f"model {model.version} no longer gives {len(wrong)} of its {len(model.golden)} golden claims their risks: "
            f"the code has changed since {model.versions.get('code_version')}; train anew (denials train)"
        )
    return len(model.golden)


def _same(found: list[float], expected: list[float]) -> bool:
    return len(found) == len(expected) and bool(np.allclose(found, expected, rtol=0, atol=CLOSE))
