"""Features: declared in the catalog, made by `build` from lines and the history known before them."""

from features.build import build
from features.catalog import BY_NAME, CATALOG, Feature
from features.history import History
from features.table import FeatureTable

__all__ = ["BY_NAME", "CATALOG", "Feature", "FeatureTable", "History", "build"]
