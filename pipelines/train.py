"""The flow that retrains. One day and one state of the store give one run: running it again changes nothing."""

from __future__ import annotations

from datetime import date

from prefect import flow, get_run_logger

from claims.errors import OutOfReachError
from claims.settings import load_settings
from claims.store import Store
from training import registry
from training.run import train


@flow(name="denials-train", log_prints=False, persist_result=False)
def train_flow(home: str, as_of: str | None = None) -> dict[str, str | bool | None]:
    """Train the challenger as of a day (default: today) and, where the site says so, promote what passed the gate."""
    settings = load_settings(home)
    store = Store.open(settings)
    day = date.fromisoformat(as_of) if as_of else settings.today()
    known = registry.find_run(settings, day, store.data_version())
    if known is not None:
        get_run_logger().info("train: version %s is of this day and this data already", known)
        return {"model_version": known, "trained": False, "promoted": False}
    result = train(store, settings, as_of=day)
    get_run_logger().info("train: version %s, gate %s", result.model_version, result.passed)
    if result.run_id is None:
        raise OutOfReachError("; ".join(result.notes))
    promoted = settings.training.promote == "auto" and result.passed
    if promoted:
        registry.promote(settings)
    return {"model_version": result.model_version, "trained": True, "promoted": promoted}
