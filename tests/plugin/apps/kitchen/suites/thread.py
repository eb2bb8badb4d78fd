"""What executions do with their threads; all of these pass under ``--celery-perf-measure=thread``."""

from __future__ import annotations

import pytest
from kitchen import burn, freeze, stew, stir, wait

from pytest_celery_perf import CeleryPerf
from pytest_celery_perf.measure.registry import OF_EXECUTION
from pytest_celery_perf.model.figures import ThreadUse

on_gevent = pytest.mark.celery_worker(queues="stove", pool="gevent", concurrency=10)


def used(celery_perf: CeleryPerf, task: object, seconds: float, times: int = 1) -> list[ThreadUse]:
    uses = [each.figures.thread for each in celery_perf.run(task, (seconds,), times=times).history.executions]
    return [use for use in uses if use is not None]


@on_gevent
def test_who_waits_lets_the_others_run(celery_perf: CeleryPerf) -> None:
    uses = used(celery_perf, wait, 0.2, times=10)
    assert len(uses) == 10
    assert all((use.stuck_ns or 0) < 0.1e9 for use in uses)
    assert all(use.running_ns < 0.1e9 for use in uses)


@on_gevent
def test_who_waits_in_c_keeps_the_thread(celery_perf: CeleryPerf) -> None:
    for use in used(celery_perf, freeze, 0.2, times=3):
        assert (use.stuck_ns or 0) > 0.15e9
        assert use.running_ns < 0.1e9
        assert use.where is not None
        assert use.where.function == "freeze"


@on_gevent
def test_computing_is_not_being_stuck(celery_perf: CeleryPerf) -> None:
    (use,) = used(celery_perf, burn, 0.2)
    assert 0.19e9 < use.running_ns < 0.3e9
    assert (use.stuck_ns or 0) < 0.1e9


@on_gevent
def test_a_line_that_computes_is_not_to_blame(celery_perf: CeleryPerf) -> None:
    for use in used(celery_perf, stew, 0.2, times=3):
        assert (use.stuck_ns or 0) > 0.15e9
        assert use.where is not None
        assert use.where.function == "freeze"


@on_gevent
def test_cpu_time_of_each_greenlet(celery_perf: CeleryPerf) -> None:
    executions = celery_perf.run(stir, (0.1,), times=5).history.executions
    assert all(0.09 < (OF_EXECUTION["cpu"](each) or 0) < 0.2 for each in executions)


@pytest.mark.parametrize(
    "pool",
    [
        pytest.param(pool, marks=pytest.mark.celery_worker(queues="stove", pool=pool))
        for pool in ("prefork", "threads", "solo")
    ],
)
def test_elsewhere_it_is_its_own(celery_perf: CeleryPerf, pool: str) -> None:
    (use,) = used(celery_perf, stir, 0.1)
    assert (use.stuck_ns, use.where) == (None, None)
    assert 0.09e9 < use.running_ns
    assert 0.2e9 <= use.held_ns
    assert use.ready_ns is not None
    assert use.running_ns + use.ready_ns < use.held_ns
