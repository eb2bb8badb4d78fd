"""``celery_drill`` on good and on bad code; each test is expected by name in test_drills.py."""

from __future__ import annotations

import celery
import pytest
from office import bounded, burn, half_safe, limited, safe, unsafe

from pytest_celery_perf import CeleryPerf

drill = pytest.mark.celery_drill
one_slot = pytest.mark.celery_worker(concurrency=1, prefetch=1)


@drill("deploy")
def test_good(celery_perf: CeleryPerf) -> None:
    celery_perf.run(safe, times=8)


@drill("broker_restart", outage="0.2s")
@drill("network_partition", outage="0.2s", overlap=True)
@drill("worker_oom", within="1min")
def test_good_too() -> None:
    safe.delay()


@drill("network_partition", outage="0.2s", reset=False)
def test_good_connections(celery_drill: str) -> None:
    assert celery_drill == "network_partition"
    safe.delay()


@drill("poison_pill")
def test_good_since_given_up_at_once() -> None:
    half_safe.delay()


@pytest.mark.skipif(celery.VERSION < (5, 7), reason="retry_on_worker_lost is new in Celery 5.7")
@drill("poison_pill", max_executions=3)
def test_good_since_bounded() -> None:
    bounded.delay()


@drill("long_task")
@pytest.mark.parametrize("task", [limited, unsafe], ids=["ended_before", "acknowledged_before"])
def test_good_since(task: celery.Task) -> None:
    task.delay()


@drill("eta_beyond_visibility")
def test_good_since_soon_due() -> None:
    safe.apply_async(countdown=600)


@drill
def test_good_in_all(celery_perf: CeleryPerf) -> None:
    assert celery_perf.run(safe).succeeded == 1


@drill("deploy", grace="0.2s")
def test_bad() -> None:
    burn.delay(60)


@one_slot
@drill("broker_restart", outage="0.2s", keep_data=False)
def test_bad_queue() -> None:
    for _ in range(3):
        safe.delay()


@drill("network_partition", outage="0.2s")
@drill("poison_pill")
@drill("long_task")
def test_bad_without_a_lock() -> None:
    safe.delay()


@drill("worker_oom")
@pytest.mark.parametrize("task", [unsafe, half_safe], ids=["early", "not_rejected"])
def test_bad_task(task: celery.Task) -> None:
    task.delay()


@drill("eta_beyond_visibility")
def test_bad_eta() -> None:
    safe.apply_async(countdown=7200)


@drill("deploy")
def test_bad_since_nothing_runs() -> None:
    pass
