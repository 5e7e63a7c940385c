"""What shapes a model besides its day and its data, as one digest: two runs of the same shape would make one model."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from importlib.metadata import version

from claims.label import load_classes
from claims.settings import Settings
from features import catalog
from rules.ruleset import rules_of
from training.fit import Recipe
from training.matrix import usable
from training.model import Column, digest_of
from training.reason_fit import PARAMETERS as REASONS


def shape_of(settings: Settings, recipe: Recipe | None = None) -> str:
    """A short digest of maturity, classes of adjustment codes, guard, rules, recipe, tuning, features and code.

    recipe: by default that of training. UnreadableFileError when the site's file of classes cannot be read.
    """
    parts = {
        "maturity": settings.maturity.model_dump(),
        "classes": load_classes(settings.ingest.carc_classes).rows(),
        "tune": settings.training.tune,
        "recipe": asdict(recipe or Recipe(seed=settings.training.seed)),
        "reasons": REASONS,
        "features": settings.features.model_dump(),
        "rules": rules_of(settings).version,
        "catalog": digest_of([Column.of(feature) for feature in usable(catalog.CATALOG)]),
        "code": version("denials"),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
