"""What `denials serve` starts: the service of serving.api, and the manager's page at `/`."""

from __future__ import annotations

import threading

from fastapi import FastAPI
from starlette.responses import HTMLResponse

from claims.errors import DenialsError
from claims.settings import Settings
from claims.store import Store
from dashboard.report import page_of, render
from serving.api import create_app as create_service
from serving.current import Current
from training.model import DenialModel

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
           "X-Frame-Options": "DENY"}  # fmt: skip


class Page:
    """The page as it was last made; made anew when the day, the store or the model in service has changed."""

    def __init__(self, settings: Settings, current: Current) -> None:
        self._settings = settings
        self._current = current
        self._lock = threading.Lock()
        self._stamp: tuple[object, ...] | None = None
        self._text = ""

    def text(self) -> str:
        """The page, as of now. OutOfReachError where the store cannot be read."""
        with self._lock:
            stamp = self._now()  # before the scorer is asked for: what changes after is seen at the next request
            if stamp != self._stamp:
                self._text, self._stamp = self._made(), stamp
            return self._text

    def _now(self) -> tuple[object, ...]:
        champion = self._settings.models / "champion" / "versions.json"
        changed = champion.stat().st_mtime_ns if champion.is_file() else None
        return self._settings.today(), self._data(), changed

    def _data(self) -> str:
        """The state of the store; none is made where there is none yet."""
        return Store.open(self._settings).data_version() if self._settings.store.exists() else ""

    def _made(self) -> str:
        """From the scorer's own history where it is that of the store: to build another takes most of the time."""
        try:
            scorer = self._current.fresh()
        except DenialsError:
            return page_of(self._settings)  # which says what is wrong with the model
        known = scorer.history.snapshot
        if known.data_version != self._data():  # an older scorer goes on serving because no new one could be made
            return page_of(self._settings)
        model = scorer.model if isinstance(scorer.model, DenialModel) else None
        return render(known, self._settings, model=model, history=scorer.history)


def create_app(settings: Settings) -> FastAPI:
    """The whole web service of a site: that of serving.api, which loads the champion as it starts, and the page."""
    app = create_service(settings)
    page = Page(settings, app.state.current)

    @app.get("/", include_in_schema=False)
    def dashboard() -> HTMLResponse:
        """The manager's page."""
        return HTMLResponse(page.text(), headers=HEADERS)

    return app
