"""Settings, the Celery app and the routes of the judge."""

from __future__ import annotations

from config.celery import app as celery_app

__all__ = ["celery_app"]
