"""Executes tasks that do nothing as a prefork child does, with the probe and without; prints the CPU of one of each.

In nanoseconds, the probed one first. Run by `bench_probe`, which sets CELERY_PERF_PROBE: a probe in the process.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from celery import Celery, Task, signals
from celery.app.trace import build_tracer, setup_worker_optimizations
from celery.concurrency.prefork import TaskPool

from pytest_celery_perf.probe import install_from_environment
from pytest_celery_perf.probe.orders import HEADER

BATCHES = 60
EXECUTIONS = 100
"""Of each kind in a batch: a few milliseconds, so that whatever slows the machine down slows both."""
WARMUP = 5


class Worker:
    """As much of Celery's worker as the probe looks at."""

    pool_cls = TaskPool

    def __init__(self, app: Celery) -> None:
        self.app = app


def main() -> None:
    install_from_environment()
    app = Celery("tracing", broker="memory://", set_as_current=True)
    app.conf.task_ignore_result = True
    app.task(name="tracing.probed")(nothing)
    app.finalize()
    signals.worker_init.send(sender=Worker(app))
    # Unknown to the probe: it was not there when the worker looked at its tasks.
    app.task(name="tracing.bare")(nothing)
    setup_worker_optimizations(app)
    # The registry's: the decorator returns a proxy, which would cost on every look at the task.
    probed, bare = app.tasks["tracing.probed"], app.tasks["tracing.bare"]
    probed.__trace__ = tracer(app, probed)
    traces = probed.__trace__, tracer(app, bare)
    spent = [[batch_ns(trace) for trace in traces] for _ in range(WARMUP + BATCHES)][WARMUP:]
    print(*(statistics.median(batches) / EXECUTIONS for batches in zip(*spent, strict=True)))


def nothing() -> None:
    """Do nothing."""


def tracer(app: Celery, task: Task[..., None]) -> Callable[..., Any]:
    """Return what executes a task in a worker."""
    trace: Callable[..., Any] = build_tracer(task.name, task, app.loader, "benchmark", app=app)
    return trace


def batch_ns(trace: Callable[..., Any]) -> int:
    """Return the CPU of the executions alone: making a request is not the point."""
    spent_ns = 0
    for _ in range(EXECUTIONS):
        task_id = str(uuid4())
        request = {
            "id": task_id,
            "root_id": task_id,
            "retries": 0,
            "is_eager": False,
            "delivery_info": {"routing_key": "celery"},
            HEADER: {"t": "benchmark", "received": time.monotonic_ns()},
        }
        began_ns = time.thread_time_ns()
        trace(task_id, [], {}, request)
        spent_ns += time.thread_time_ns() - began_ns
    return spent_ns


if __name__ == "__main__":
    main()
