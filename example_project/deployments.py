"""The workers of the platform and of the registry, with the options that they have in production.

Those of the judge are in ``pyproject.toml``: a project with one topology needs nothing else.
"""

from __future__ import annotations

import pytest

from exams.queues import CPU, IO

CPU_WORKER = pytest.mark.celery_worker(name="cpu", queues=CPU, concurrency=4, prefetch=1)
IO_WORKER = pytest.mark.celery_worker(name="io", queues=IO, pool="gevent", concurrency=100, prefetch=1)
IO_WORKER_BEFORE = pytest.mark.celery_worker(name="io", queues=IO, concurrency=8, prefetch=1)
"""As the platform had it: processes that wait."""
EXAMS = (CPU_WORKER, IO_WORKER)

RECORDS = pytest.mark.celery_worker(
    name="registry", queues="default,email,reports,analytics,cleanup", options="--autoscale=8,2"
)
