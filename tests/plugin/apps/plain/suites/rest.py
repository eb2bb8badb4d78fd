"""When drills strike; each test is expected by name in test_drills.py."""

from __future__ import annotations

import pytest
from office import safe

from pytest_celery_perf import CeleryPerf


@pytest.mark.celery_worker(concurrency=2)
@pytest.mark.celery_drill("deploy")
def test_all_slots_are_taken(celery_perf: CeleryPerf) -> None:
    celery_perf.run(safe, times=4)
    assert _before(celery_perf, "stop-worker", "started_ns") == 2


@pytest.mark.celery_worker(concurrency=1, prefetch=3)
@pytest.mark.celery_drill("broker_restart", outage="0.2s")
@pytest.mark.celery_drill("network_partition", outage="0.2s", overlap=True)
def test_all_is_received_for_which_there_is_room(celery_perf: CeleryPerf, celery_drill: str) -> None:
    for _ in range(4):
        safe.delay()
    celery_perf.wait()
    strike = {"broker_restart": "kill-broker", "network_partition": "network-black-hole"}[celery_drill]
    assert _before(celery_perf, strike, "received_ns") == 3


def _before(celery_perf: CeleryPerf, kind: str, event: str) -> int:
    """Return how many executions had come to something when a fault struck."""
    struck_ns = next(fault.at_ns for fault in celery_perf.history.faults if fault.kind == kind)
    return sum((getattr(each, event) or struck_ns) < struck_ns for each in celery_perf.history.executions)
