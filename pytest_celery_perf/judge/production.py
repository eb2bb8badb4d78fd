"""What a recovery would take in production, where nobody brings the waiting forward."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_celery_perf.measure.lives import Life
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.units import format_duration_s

NOTICE_S = 5.0
"""When Celery looks for dead children at the latest; mostly it is told at once, but it may look too early.

Source:
    ``_event_process_exit`` and ``timers`` in celery/concurrency/asynpool.py.
"""

AS_HERE = "as here"
"""What `wait_in_production` says where nothing was brought forward."""


def in_production(history: History, recovered: Iterable[Life]) -> Iterator[str]:
    """Say for how long production would wait where this test did not.

    Args:
        history: Of the test.
        recovered: The tasks that came to their end after a fault.
    """
    lives = list(recovered)
    yield from _redelivery(history, lives)
    yield from _notice(history, lives)


def _redelivery(history: History, recovered: list[Life]) -> Iterator[str]:
    if history.visibility_timeout_s is None or not any(fault.kind == "restored" for fault in history.faults):
        return
    waits = f"the visibility timeout, {format_duration_s(history.visibility_timeout_s)}"
    if history.restore_delay_s:
        waits += f", and up to {format_duration_s(history.restore_delay_s)} more until a worker looks"
    idle = any(life.concluding is not None and life.concluding.pool == "gevent" for life in recovered)
    never = "; an idle gevent worker never looks" if idle else ""
    yield f"in production: Redis delivers again only after {waits}{never} (brought forward here)"


def _notice(history: History, recovered: list[Life]) -> Iterator[str]:
    killed = {fault.pid for fault in history.faults if fault.kind == "kill-child"}
    executions = [execution for life in recovered for execution in life.executions]
    if any(execution.pool == "prefork" and execution.pid in killed for execution in executions):
        latest = format_duration_s(NOTICE_S)
        yield f"in production: Celery may notice only up to {latest} later that a child is dead (noticed at once here)"


def wait_in_production(history: History, recovered: Iterable[Life]) -> str:
    """Say in short how long production would wait: ``up to 1.03h``, ``never``, `AS_HERE`.

    Args:
        history: Of the test.
        recovered: The tasks that came to their end after a fault.
    """
    lives = list(recovered)
    if history.visibility_timeout_s is not None and any(fault.kind == "restored" for fault in history.faults):
        if any(life.concluding is not None and life.concluding.pool == "gevent" for life in lives):
            return "never, while gevent workers are idle"
        return f"up to {format_duration_s(history.visibility_timeout_s + history.restore_delay_s)}"
    return f"up to {format_duration_s(NOTICE_S)}" if any(True for _ in _notice(history, lives)) else AS_HERE
