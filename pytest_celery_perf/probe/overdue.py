"""Tells of tasks that a hard time limit has ended where no process ends with them: before 5.7, Celery tells nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_celery_perf.probe import context


def watch(on_failure: Callable[[str, Exception], None]) -> None:
    """Tell of those in greenlets.

    Args:
        on_failure: Takes the task's id and the exception, as handlers of ``task_failure`` do.

    Source:
        ``apply_timeout`` in celery/concurrency/gevent.py; ``celery.worker.request.Request.on_timeout``, which sends
        ``task_failure`` from 5.7 on.
    """
    from billiard.exceptions import TimeLimitExceeded
    from celery.worker.request import Request

    patched: Any = Request
    give_up = patched.on_timeout

    def on_timeout(request: Any, soft: bool, timeout: float) -> None:
        give_up(request, soft, timeout)
        if not soft and context.has_greenlets():
            on_failure(request.id, TimeLimitExceeded(timeout))

    patched.on_timeout = on_timeout
