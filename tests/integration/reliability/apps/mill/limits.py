"""Time limits strike; what becomes of each task is told in test_limits.py."""

from __future__ import annotations

from typing import Any

import pytest
from acts import with_gevent
from mill import late, limited, stubborn, total

pytestmark = pytest.mark.celery_reliable(max_executions=2)
one_slot = pytest.mark.celery_worker(concurrency=1, prefetch=1)
each_task = pytest.mark.parametrize("task", [limited, stubborn], ids=lambda task: task.__name__)


@one_slot
@each_task
def test_hard(celery_perf, celery_faults, task: Any) -> None:
    celery_faults.time_limit(task)
    task.delay()
    celery_perf.wait()


@one_slot
@each_task
def test_soft(celery_perf, celery_faults, task: Any) -> None:
    celery_faults.time_limit(task, soft=True)
    task.delay()
    celery_perf.wait()


@one_slot
@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_spared(celery_perf, celery_faults, soft: bool) -> None:
    celery_faults.time_limit(None, soft=soft)
    late.delay()
    celery_perf.wait()


@one_slot
@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_the_limited_one(celery_perf, celery_faults, soft: bool) -> None:
    celery_faults.time_limit(None, soft=soft)
    total.delay([])
    limited.delay()
    celery_perf.wait()


@with_gevent
@pytest.mark.celery_worker(pool="gevent", concurrency=1, prefetch=1)
def test_hard_on_gevent(celery_perf, celery_faults) -> None:
    celery_faults.time_limit(limited)
    limited.delay()
    celery_perf.wait()


@one_slot
def test_again_and_again(celery_perf, celery_faults) -> None:
    celery_faults.time_limit(stubborn, times=99)
    stubborn.delay()
    celery_faults.when("requeued", nth=4)
    celery_perf.wait(timeout=0)
