"""The HTTP service: `create_app` makes it."""

from serving.api.app import create_app

__all__ = ["create_app"]
