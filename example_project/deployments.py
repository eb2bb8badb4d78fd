"""The workers of the platform and of the registry, with the options that they have in production.

Those of the judge are in ``pyproject.toml``: a project with one topology needs nothing else.
"""

from __future__ import annotations

import pytest

from exams.queues import CPU, IO


def io_worker(name: str = "io", greenlets: int = 100, prefetch: int = 4) -> pytest.MarkDecorator:
    """Return the worker of what waits; it needs a connection to Redis for each of its greenlets, and a few.

    Args:
        name: Of the worker.
        greenlets: How many tasks wait at a time.
        prefetch: How many messages it holds for each of them. With 1 it would stop whenever all are busy, until its
            consumer looks again, which without Celery's event loop is up to 2 s later.

    Source:
        ``celery/worker/loops.py``: ``synloop`` drains events with a timeout of 2 s.
    """
    return pytest.mark.celery_worker(
        name=name,
        queues=IO,
        pool="gevent",
        concurrency=greenlets,
        prefetch=prefetch,
        env={"BROKER_MAX_CONNECTIONS": str(greenlets + 10)},
    )


ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""A process for each core leaves none for the threads that numpy's OpenBLAS starts on import, where they spin."""

CPU_WORKER = pytest.mark.celery_worker(name="cpu", queues=CPU, concurrency=4, prefetch=1, env=ONE_THREAD)
IO_WORKER = io_worker()
EXAMS = (CPU_WORKER, IO_WORKER)

ONE_POOL = pytest.mark.celery_worker(name="all", queues=CPU + IO, concurrency=8, prefetch=1, env=ONE_THREAD)
"""The platform as it was: the same processes for what computes and for what waits."""

RECORDS_QUEUES = ("default", "email", "reports", "analytics", "cleanup")
RECORDS = pytest.mark.celery_worker(name="registry", queues=RECORDS_QUEUES, options="--autoscale=8,2")
