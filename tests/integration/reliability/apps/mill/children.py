"""A child of a prefork pool dies; what becomes of each task is told in test_children.py."""

from __future__ import annotations

from typing import Any

import pytest
from mill import bounded, early, early_rejecting, late, safe

pytestmark = pytest.mark.celery_worker(concurrency=2)
dies = pytest.mark.celery_recovery(kill="child", at="started")
always_dies = pytest.mark.celery_recovery(kill="child", at="started", times=999, max_executions=4)


@dies
@pytest.mark.parametrize("task", [early, early_rejecting, late], ids=lambda task: task.__name__)
def test_lost(celery_perf, task: Any) -> None:
    result = task.delay()
    celery_perf.wait()
    assert result.state == "FAILURE"


@dies
def test_safe() -> None:
    safe.delay()


@always_dies
def test_poison(celery_perf, celery_faults) -> None:
    safe.delay()
    celery_faults.when("started", nth=7)
    celery_perf.wait(timeout=0)


@always_dies
def test_poison_with_a_bound() -> None:
    bounded.delay()
