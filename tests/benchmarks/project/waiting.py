"""Tests on a warm pool, timed from inside; run by `bench_waiting`."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from warehouse.celery import pause

from pytest_celery_perf import CeleryPerf

TESTS = 60
PAUSE_S = 0.03


@pytest.mark.parametrize("number", range(TESTS))
def test_pause(celery_perf: CeleryPerf, record_property: Callable[[str, object], None], number: int) -> None:
    run = celery_perf.run(pause, args=(PAUSE_S,))
    noticed_ns = time.monotonic_ns()
    (execution,) = run.history.executions
    # A missing time is the failure that matters: the wait was over before the task was.
    assert execution.body_started_ns is not None
    assert execution.body_ended_ns is not None
    assert execution.ended_ns is not None
    record_property("task_ms", (execution.body_ended_ns - execution.body_started_ns) / 1e6)
    record_property("noticed_ms", (noticed_ns - execution.ended_ns) / 1e6)
