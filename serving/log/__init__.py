"""The score log: what was said of each claim, and what the biller then did."""

from claims.errors import DecisionError, JournalError, UnknownScoreError
from serving.log.score_log import ScoreLog

__all__ = ["DecisionError", "JournalError", "ScoreLog", "UnknownScoreError"]
