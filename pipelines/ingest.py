"""The flow that takes in what lies in the inbox. Running it twice changes nothing: the store knows what it has seen."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, get_run_logger

from claims.ingest import ingest
from claims.settings import load_settings


@flow(name="denials-ingest", log_prints=False, persist_result=False)
def ingest_flow(inbox: str, home: str) -> dict[str, int]:
    """Files of a folder into the store of `home`. Returns counts, never content."""
    settings = load_settings(home)
    report = ingest([Path(inbox)], settings)
    counts = {
        "files": len(report.files),
        "unread": len(report.unread),
        "accepted": sum(file.accepted for file in report.files),
        "rejected": sum(file.rejected for file in report.files),
        "new": sum(file.new for file in report.files),
        "matched": sum(file.matched for file in report.files),
        "unmatched": sum(file.unmatched for file in report.files),
    }
    get_run_logger().info("ingest: %s", counts)
    report.raise_for_faults(settings)
    return counts
