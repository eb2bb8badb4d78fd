"""The causes for which a task may not finish, in order of likelihood."""

from __future__ import annotations

from pytest_celery_perf.judge.causes.base import Cause
from pytest_celery_perf.judge.causes.message import HELD, LOST, MISSING, SCHEDULED, UNHEARD
from pytest_celery_perf.judge.causes.queue import QUEUED, UNCONSUMED, UNREACHABLE, UNREGISTERED
from pytest_celery_perf.judge.causes.worker import DEAD_WORKER, IDLE, PREFETCHED, RUNNING, STALLED

CAUSES: tuple[Cause, ...] = (
    UNREACHABLE,
    UNCONSUMED,
    DEAD_WORKER,
    UNREGISTERED,
    SCHEDULED,
    UNHEARD,
    STALLED,
    PREFETCHED,
    HELD,
    LOST,
    RUNNING,
    QUEUED,
    IDLE,
    MISSING,
)
"""The first one that fits a task is its cause; the last one fits every task."""
