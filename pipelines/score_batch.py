"""The flow that scores a file of claims before they are sent. The same file and model write the same answer again."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, get_run_logger

from claims.settings import load_settings
from serving import Scorer
from serving.batch import score_file
from serving.explain import Explain


@flow(name="denials-score-batch", log_prints=False, persist_result=False)
def score_batch_flow(path: str, out: str, home: str, explain: Explain | None = None) -> int:
    """Score the claims of one file with what serves. Returns the number of lines, never content."""
    scorer = Scorer.load(settings=load_settings(home))
    if scorer.notice:
        get_run_logger().warning("score_batch: %s", scorer.notice)
    lines = score_file(scorer, Path(path), Path(out), explain=explain).rows
    get_run_logger().info("score_batch: %s lines", lines)
    return lines
