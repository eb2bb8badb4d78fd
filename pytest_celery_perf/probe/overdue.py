"""Tells of tasks that a hard time limit has ended where no process ends with them: before 5.7, Celery tells nobody."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import context, wire
from pytest_celery_perf.probe.attempt import describe_error
from pytest_celery_perf.probe.callsite import is_user_file

if TYPE_CHECKING:
    from pytest_celery_perf.probe.journal import Journal


def watch(journal: Journal) -> None:
    """Note it of tasks in greenlets.

    Args:
        journal: Where the records go.

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
            error = describe_error(TimeLimitExceeded(timeout), is_user_file)
            journal.write(wire.Failed(time.monotonic_ns(), request.id, "failed", error))
            journal.ring()

    patched.on_timeout = on_timeout
