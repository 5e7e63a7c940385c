"""The flow that retrains. One day and one state of the store give one run: running it again changes nothing."""

from __future__ import annotations

from datetime import date

from prefect import flow, get_run_logger

from claims.errors import OutOfReachError
from claims.settings import Settings, load_settings
from claims.store import Store
from training import registry
from training.promotion import promote_unasked
from training.run import train


@flow(name="denials-train", log_prints=False, persist_result=False)
def train_flow(home: str, as_of: str | None = None) -> dict[str, str | bool | None]:
    """Train the challenger as of a day (default: today) and, where the site says so, promote what passed the gate."""
    settings = load_settings(home)
    store = Store.open(settings)
    day = date.fromisoformat(as_of) if as_of else settings.today()
    version = _known(settings, store, day)
    trained = version is None
    if version is None:
        result = train(store, settings, as_of=day)
        if result.trouble:
            raise OutOfReachError(result.trouble)
        version = result.model_version
        get_run_logger().info("train: version %s, gate %s", version, "passed" if result.passed else "failed")
    else:
        get_run_logger().info("train: version %s is of this day and this data already", version)
    return {"model_version": version, "trained": trained, "promoted": promote_unasked(settings, version, day)}


def _known(settings: Settings, store: Store, day: date) -> str | None:
    """The version of this day and this data; none where the runs cannot be reached: training keeps its folder then."""
    try:
        return registry.find_run(settings, day, store.data_version())
    except OutOfReachError:
        return None
