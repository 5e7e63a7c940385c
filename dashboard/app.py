"""What `denials serve` starts: the service of serving.api, and the manager's page at `/`."""

from __future__ import annotations

import threading
from collections.abc import Callable

from fastapi import FastAPI
from starlette.responses import HTMLResponse

from claims.settings import Settings
from claims.store import Store
from dashboard.report import page_of
from serving.api import create_app as create_service

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
           "X-Frame-Options": "DENY"}  # fmt: skip


class Page:
    """The page as it was last made; made anew when the day, the store or the champion has changed."""

    def __init__(self, settings: Settings, make: Callable[[Settings], str] = page_of) -> None:
        self._settings = settings
        self._make = make
        self._lock = threading.Lock()
        self._stamp: tuple[object, ...] | None = None
        self._text = ""

    def text(self) -> str:
        """The page, as of now. OutOfReachError where the store cannot be read."""
        with self._lock:
            stamp = self._now()
            if stamp != self._stamp:
                self._text, self._stamp = self._make(self._settings), stamp
            return self._text

    def _now(self) -> tuple[object, ...]:
        champion = self._settings.models / "champion" / "versions.json"
        changed = champion.stat().st_mtime_ns if champion.is_file() else None
        return self._settings.today(), Store.open(self._settings).data_version(), changed


def create_app(settings: Settings) -> FastAPI:
    """The whole web service of a site."""
    app, page = create_service(settings), Page(settings)

    @app.get("/", include_in_schema=False)
    def dashboard() -> HTMLResponse:
        """The manager's page."""
        return HTMLResponse(page.text(), headers=HEADERS)

    return app
