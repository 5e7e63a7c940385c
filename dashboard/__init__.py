"""The manager's page: denials over time, by payer, service and reason; what drives the risk; the model."""

from dashboard.app import create_app
from dashboard.report import render, write_report

__all__ = ["create_app", "render", "write_report"]
