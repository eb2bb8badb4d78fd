"""``celery_perf.pools`` on tasks of every temper; test_pools.py expects each by name."""

from __future__ import annotations

import pytest
from kitchen import alarm, bounded, burn, freeze, serve, sip, stir, wait

from pytest_celery_perf import CeleryPerf, ConfigurationError
from pytest_celery_perf.errors import WorkerError

pytestmark = pytest.mark.celery_worker(queues="stove", concurrency=1)


def test_who_waits(celery_perf: CeleryPerf) -> None:
    found = celery_perf.pools(wait, (0.5,), pools="prefork:2,gevent:20")
    assert found.kind == "I/O-bound"
    assert found.advice.plan == found["gevent:20"].plan
    assert found.advice.obstacles == ()
    assert found["gevent:20"].parallel > 2 * found["prefork:2"].parallel
    assert found["prefork:2"].succeeded == 20
    assert found["gevent:20"].succeeded == 80


def test_who_computes(celery_perf: CeleryPerf) -> None:
    found = celery_perf.pools(burn, pools="gevent:4,prefork:2", tasks=20)
    assert found.kind == "CPU-bound"
    assert found.advice.plan.pool == "prefork"
    assert found["gevent:4"].cpu_s == pytest.approx(0.05, rel=0.5)
    assert found["gevent:4"].stuck_s < 0.05


def test_who_does_both(celery_perf: CeleryPerf) -> None:
    found = celery_perf.pools(stir, (0.2,), pools="threads:4,prefork:4", tasks=8)
    assert found.kind == "mixed"
    assert found.advice.plan.pool == "prefork"


def test_who_waits_in_c(celery_perf: CeleryPerf) -> None:
    found = celery_perf.pools(freeze, (0.3,), pools="gevent:10,threads:10", tasks=20)
    assert found.kind == "I/O-bound"
    assert found.advice.plan == found["threads:10"].plan
    (obstacle,) = found.advice.obstacles
    assert "gevent:10: each task keeps the thread that all of them share for 3" in obstacle
    assert "without computing (kitchen.py:40 freeze): what it waits for there does not yield to gevent" in obstacle


def test_who_waits_in_c_for_a_moment_in_too_many_slots(celery_perf: CeleryPerf) -> None:
    found = celery_perf.pools(sip, pools="gevent:40,threads:20", tasks=40)
    assert found.kind == "I/O-bound"
    assert found.advice.plan.pool == "threads"
    (obstacle,) = found.advice.obstacles
    assert obstacle.startswith("gevent:40: each task keeps the thread that all of them share for ")
    assert "without computing (kitchen.py:72 sip): what it waits for there does not yield to gevent" in obstacle


def test_who_fails_on_a_pool(celery_perf: CeleryPerf) -> None:
    found = celery_perf.pools(alarm, pools="threads:4,prefork:2", tasks=5)
    assert found.advice.plan.pool == "prefork"
    assert found["threads:4"].failed == 5
    (obstacle,) = found.advice.obstacles
    assert "threads:4: 5 of 5 tasks failed: 5 × ValueError: signal only works in main thread" in obstacle


def test_limits_that_a_pool_does_not_enforce(celery_perf: CeleryPerf) -> None:
    found = celery_perf.pools(bounded, pools="gevent:10", tasks=10)
    assert found.advice.obstacles == ("gevent: the task's soft_time_limit=20 is not enforced on this pool",)


def test_the_test_has_tasks_of_its_own(celery_perf: CeleryPerf) -> None:
    wait.delay(0.01)
    celery_perf.pools("kitchen.wait", (0.01,), pools="solo", tasks=20)
    wait.delay(0.01)
    run = celery_perf.wait()
    assert (run.tasks, run.succeeded) == (2, 2)


def test_mistakes(celery_perf: CeleryPerf) -> None:
    with pytest.raises(ConfigurationError, match=r"celery_perf.pools: pools: 'gevent' is neither solo nor prefork"):
        celery_perf.pools(wait, pools="gevent")
    with pytest.raises(ConfigurationError, match=r"args=\[\] and kwargs=\{\}: missing a required argument: 'table'"):
        celery_perf.pools(serve)
    with pytest.raises(ConfigurationError, match=r"celery_perf.pools: kwargs=7: expected a dict of arguments by name"):
        celery_perf.pools(serve, kwargs=7)
    with pytest.raises(ConfigurationError, match=r"task=<built-in function print> is neither a task, its name nor"):
        celery_perf.pools(print)
    with pytest.raises(WorkerError, match=r"kitchen.wait does not run: 6 × TypeError"):
        celery_perf.pools(wait, ("long",))
