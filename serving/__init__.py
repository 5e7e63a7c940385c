"""Scoring of claims before they are sent: in Python, from files and over HTTP."""

from serving.batch import explain_file, score_file
from serving.score import Scorer

__all__ = ["Scorer", "explain_file", "score_file"]
