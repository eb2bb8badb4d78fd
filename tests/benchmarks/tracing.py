"""Executes a task that does nothing as a prefork child does, many times; prints the CPU of one, in nanoseconds.

Run by `bench_probe`, with and without a probe in the process (the variable CELERY_PERF_PROBE).
"""

from __future__ import annotations

import time
from uuid import uuid4

from celery import Celery, signals
from celery.app.trace import build_tracer, setup_worker_optimizations
from celery.concurrency.prefork import TaskPool

from pytest_celery_perf.probe import install_from_environment
from pytest_celery_perf.probe.faults import HEADER

EXECUTIONS = 5_000
WARMUP = 500


class Worker:
    """As much of Celery's worker as the probe looks at."""

    pool_cls = TaskPool

    def __init__(self, app: Celery) -> None:
        self.app = app


def main() -> None:
    probed = install_from_environment()
    app = Celery("tracing", broker="memory://", set_as_current=True)
    app.conf.task_ignore_result = True

    @app.task(name="tracing.nothing")
    def nothing() -> None:
        """Do nothing."""

    app.finalize()
    if probed:
        signals.worker_init.send(sender=Worker(app))
    setup_worker_optimizations(app)
    # The registry's: the decorator returns a proxy, which would cost on every look at the task.
    task = app.tasks[nothing.name]
    trace = build_tracer(task.name, task, app.loader, "benchmark", app=app)

    def execute(count: int) -> int:
        """Return the CPU of the executions alone: making a request is not the point."""
        spent_ns = 0
        for _ in range(count):
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

    execute(WARMUP)
    print(execute(EXECUTIONS) / EXECUTIONS)


if __name__ == "__main__":
    main()
