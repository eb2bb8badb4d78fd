from __future__ import annotations

from .inner import Inner, Project

APP, SUITE = "plain", "faults"

TOO_SELDOM = "test_too_seldom"
AWAY = """
import pytest
from office import unsafe

@pytest.mark.celery_worker(concurrency=1, prefetch=1)
@pytest.mark.celery_reliable(max_executions=2, workers_alive=False)
def test_away(celery_perf, celery_faults):
    with celery_faults.hold(unsafe) as held:
        for _ in range(3):
            unsafe.delay()
        held.wait()
        celery_faults.when("received", nth=2)
        celery_faults.broker.restart()
    celery_perf.wait(timeout="3s")
"""


def test_every_fault(inner: Inner) -> None:
    assert inner.cases.keys() - {TOO_SELDOM} == inner.passed, inner.text


def test_a_fault_that_does_not_strike_fails_the_test(inner: Inner) -> None:
    said = (
        "celery_faults.soft_time_limit office.limited: soft_time_limit at started 1× (budget = 2×)",
        "publish it 2× or more, or say times=",
    )
    assert inner.lacks(TOO_SELDOM, *said) == [], inner.cases[TOO_SELDOM].message


def test_the_time_that_workers_take_to_reconnect_is_not_the_tasks(plain: Project) -> None:
    plain.write("test_away.py", AWAY)
    inner = plain.run("test_away.py")
    assert {"test_away"} == inner.passed, inner.text
