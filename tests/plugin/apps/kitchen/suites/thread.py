"""What executions do with their threads; all of these pass under ``--celery-perf-measure=thread``.

What others take of the machine makes times longer, never shorter, and not of every execution: so lower bounds hold for
all, upper ones for one of several, and the line that is to blame is the one that most of them name.
"""

from __future__ import annotations

from collections import Counter

import pytest
from kitchen import burn, freeze, stew, stir, wait

from pytest_celery_perf import CeleryPerf
from pytest_celery_perf.measure.registry import OF_EXECUTION
from pytest_celery_perf.model.figures import ThreadUse

on_gevent = pytest.mark.celery_worker(queues="stove", pool="gevent", concurrency=10)


def used(celery_perf: CeleryPerf, task: object, seconds: float, times: int = 1) -> list[ThreadUse]:
    uses = [each.figures.thread for each in celery_perf.run(task, (seconds,), times=times).history.executions]
    assert len(uses) == times
    return [use for use in uses if use is not None]


def blamed(uses: list[ThreadUse]) -> str | None:
    """Return the function that most of them name, of those that name one."""
    named = Counter(use.where.function for use in uses if use.where is not None)
    return named.most_common(1)[0][0] if named else None


@on_gevent
def test_who_waits_lets_the_others_run(celery_perf: CeleryPerf) -> None:
    executions = celery_perf.run(wait, (0.2,), times=10).history.executions
    uses = [(each.ended_ns - each.started_ns, each.figures.thread) for each in executions]
    assert len(uses) == 10
    assert all(runtime_ns - use.held_ns > 0.19e9 for runtime_ns, use in uses), "it waits without the thread"
    assert min(use.stuck_ns for _, use in uses) < 0.1e9


@on_gevent
def test_who_waits_in_c_keeps_the_thread(celery_perf: CeleryPerf) -> None:
    uses = used(celery_perf, freeze, 0.4, times=3)
    assert all(use.stuck_ns > 0.35e9 for use in uses)
    assert blamed(uses) == "freeze"


@on_gevent
def test_computing_is_not_being_stuck(celery_perf: CeleryPerf) -> None:
    uses = used(celery_perf, burn, 0.2, times=5)
    assert all(use.running_ns > 0.19e9 for use in uses)
    assert min(use.running_ns for use in uses) < 0.3e9
    assert min(use.stuck_ns for use in uses) < 0.1e9


@on_gevent
def test_a_line_that_computes_is_not_to_blame(celery_perf: CeleryPerf) -> None:
    uses = used(celery_perf, stew, 0.3, times=5)
    assert all(use.stuck_ns > 0.25e9 for use in uses)
    assert blamed(uses) == "freeze"


@on_gevent
def test_cpu_time_of_each_greenlet(celery_perf: CeleryPerf) -> None:
    executions = celery_perf.run(stir, (0.1,), times=5).history.executions
    taken_s = [OF_EXECUTION["cpu"](each) for each in executions]
    assert all(each > 0.09 for each in taken_s)
    assert min(taken_s) < 0.2, "that of the others is not its own"


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
    assert 0.19e9 < use.held_ns
    assert use.ready_ns is not None
    assert use.running_ns + use.ready_ns < use.held_ns
