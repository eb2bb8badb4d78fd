"""A Celery app and nothing else, as in pytest-celery's containers."""

from __future__ import annotations

from celery import Celery

app = Celery("plain", broker="redis://127.0.0.1:6379/0")
app.conf.task_ignore_result = True


@app.task(name="plain.ping")
def ping() -> str:
    """Answer."""
    return "pong"
