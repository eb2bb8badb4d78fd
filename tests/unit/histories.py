"""Builds the records that the unit tests of measuring, judging and reporting start from.

Times are given in milliseconds after the beginning of a test, as a person thinks of them.
What is not given is what an undisturbed task on a prefork worker would have left behind.
"""

from __future__ import annotations

from typing import Any

from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import (
    Execution,
    Frame,
    Outcome,
    Publication,
    QueryUse,
    TaskError,
    TaskOptions,
    WorkerInfo,
)

NS_PER_MS = 1_000_000
BEGINNING_NS = 5_000 * NS_PER_MS
"""The clock at the beginning of the test: not zero, so that nothing can mistake a time for a duration."""

NAME = "shop.tasks.charge"
BOOT = "boot-1"


def at(ms: float) -> int:
    """Return the clock's reading that many milliseconds after the beginning."""
    return BEGINNING_NS + round(ms * NS_PER_MS)


def publication(task_id: str = "t1", *, ms: float = 0, **fields: Any) -> Publication:
    """Build a message, published by the test."""
    defaults = {
        "root_id": task_id,
        "parent_id": None,
        "name": NAME,
        "retries": 0,
        "published_ns": at(ms),
        "queue": "celery",
        "priority": None,
    }
    return Publication(task_id=task_id, **{**defaults, **fields})


def execution(
    task_id: str = "t1",
    *,
    received: float | None = 1,
    started: float | None = 2,
    body: float = 10,
    ended: bool = True,
    **fields: Any,
) -> Execution:
    """Build an execution that succeeded, with late acknowledgment.

    Args:
        task_id: Its task.
        received: When the worker received it.
        started: When a process began to run it; None if none did.
        body: How long its body ran, in milliseconds; the body starts at once.
        ended: Whether its end was recorded; if not, it has no outcome either.
        fields: Fields of `Execution` that differ from the defaults.
    """
    end = None if started is None or not ended else at(started + body)
    defaults: dict[str, Any] = {
        "root_id": task_id,
        "parent_id": None,
        "name": NAME,
        "retries": 0,
        "delivery": 1,
        "redelivered": False,
        "queue": "celery",
        "priority": None,
        "worker": "main@host",
        "boot": BOOT,
        "pool": "prefork",
        "tag": f"tag-{task_id}",
        "received_ns": None if received is None else at(received),
        "pid": None if started is None else 811,
        "started_ns": None if started is None else at(started),
        "body_started_ns": None if started is None else at(started),
        "body_ended_ns": end,
        "ended_ns": end,
        "acknowledged_ns": end,
        "outcome": Outcome.SUCCEEDED if end else None,
    }
    return Execution(task_id=task_id, **{**defaults, **fields})


def again(**fields: Any) -> Execution:
    """The second delivery, to the worker that took the dead one's place."""
    defaults = {"delivery": 2, "redelivered": True, "received": 150, "started": 160, "pid": 900, "boot": "boot-2"}
    return execution(**{**defaults, **fields})


def crashed(task_id: str = "t1", **fields: Any) -> Execution:
    """Build an execution whose process died in it, with its message still unacknowledged."""
    return execution(task_id, ended=False, **fields)


def retried(task_id: str = "t1", *, countdown_s: float | None, **fields: Any) -> Execution:
    """Build an execution that asked to be tried again."""
    defaults = {"outcome": Outcome.RETRIED, "error": error(), "countdown_s": countdown_s}
    return execution(task_id, **{**defaults, **fields})


def failed(task_id: str = "t1", **fields: Any) -> Execution:
    """Build an execution that raised."""
    return execution(task_id, **{"outcome": Outcome.FAILED, "error": error(), **fields})


def error(type_: str = "builtins.ConnectionError", message: str = "refused") -> TaskError:
    """Build the exception that ended an execution."""
    return TaskError(type=type_, message=message, where=Frame(path="/app/shop/tasks.py", line=30, function="charge"))


def options(name: str = NAME, **fields: Any) -> TaskOptions:
    """Build the options of a task that Celery would not lose and would try again."""
    defaults: dict[str, Any] = {
        "acks_late": True,
        "reject_on_worker_lost": True,
        "ignore_result": False,
        "max_retries": 3,
        "default_retry_delay_s": 180.0,
        "autoretry": True,
        "retry_backoff": 1.0,
        "retry_backoff_max_s": 600.0,
        "retry_jitter": False,
        "time_limit_s": None,
        "soft_time_limit_s": None,
        "defined": Frame(path="/app/shop/tasks.py", line=20, function="charge"),
    }
    return TaskOptions(name=name, **{**defaults, **fields})


def worker(boot: str = BOOT, **fields: Any) -> WorkerInfo:
    """Build a worker on this machine."""
    defaults: dict[str, Any] = {
        "name": "main@host",
        "pid": 800,
        "pool": "prefork",
        "concurrency": 2,
        "queues": ("celery",),
        "registered": frozenset({NAME}),
        "ready_ns": at(-100),
        "comparable_clock": True,
        "visibility_timeout_s": 3600.0,
        "restore_delay_s": 100.0,
    }
    return WorkerInfo(boot=boot, **{**defaults, **fields})


def fault(kind: str = "kill-worker", *, ms: float = 5, **fields: Any) -> Fault:
    """Build a fault that hit the process which ran ``t1``."""
    defaults: dict[str, Any] = {"point": "started", "task_id": "t1", "pid": 811, "boot": BOOT}
    return Fault(kind=kind, at_ns=at(ms), **{**defaults, **fields})


def query(count: int = 1, *, ms: float = 1, **fields: Any) -> QueryUse:
    """Build a statement as one execution used it."""
    defaults: dict[str, Any] = {
        "alias": "default",
        "sql": "SELECT * FROM shop_order WHERE id = %s",
        "phase": "body",
        "many": 0,
        "slow": 0,
        "slowest_ns": round(ms * NS_PER_MS),
        "library": "django",
        "stacks": (),
    }
    return QueryUse(count=count, time_ns=round(ms * NS_PER_MS), **{**defaults, **fields})


def history(*executions: Execution, **fields: Any) -> History:
    """Put executions into a history.

    Where nothing else is given, each attempt was published by the test one millisecond
    before its first receipt, and the options are those of `options`.
    """
    published: dict[tuple[str, int], Publication] = {}
    for each in executions:
        message = Publication(
            task_id=each.task_id,
            root_id=each.root_id,
            parent_id=each.parent_id,
            name=each.name,
            retries=each.retries,
            published_ns=(each.received_ns or at(1)) - NS_PER_MS,
            queue=each.queue,
            priority=each.priority,
        )
        published.setdefault((each.task_id, each.retries), message)
    defaults: dict[str, Any] = {
        "publications": tuple(published.values()),
        "tasks": {name: options(name) for name in sorted({each.name for each in executions})},
        "workers": (worker(),),
    }
    return History(executions=executions, **{**defaults, **fields})
