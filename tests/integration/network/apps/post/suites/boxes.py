"""A worker in a container reaches the broker over a proxy, too."""

from __future__ import annotations

import os

import pytest
from post import sort

from pytest_celery_perf import CeleryNetwork, CeleryPerf

pytestmark = pytest.mark.celery_worker(runtime="container", image=os.environ["POST_IMAGE"], concurrency=1)


@pytest.mark.celery_reliable
def test_reset(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    celery_perf.run(sort, ("a",))
    assert celery_network.reset() > 0
    celery_perf.run(sort, ("b",))


@pytest.mark.celery_reliable
def test_black_hole(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    with celery_network.black_hole():
        sort.delay("a")
    celery_perf.wait()
    [execution] = celery_perf.history.executions
    [healed] = [fault for fault in celery_perf.history.faults if fault.kind == "network-healed"]
    assert execution.received_ns > healed.at_ns
