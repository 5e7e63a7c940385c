"""Scoring of claims before they are sent: in Python, from files and over HTTP."""

from serving.batch import score_file
from serving.score import Scorer

__all__ = ["Scorer", "score_file"]
