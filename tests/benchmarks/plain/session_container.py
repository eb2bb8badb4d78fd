"""One test, one worker in a container, one task; run by `bench_session`."""

from __future__ import annotations

import os

import pytest
from plain import ping

from pytest_celery_perf import CeleryPerf


@pytest.mark.celery_worker(
    name="boxed", runtime="container", image=os.environ["CELERY_PERF_TEST_WORKER_IMAGE"], concurrency=2
)
def test_one_task(celery_perf: CeleryPerf) -> None:
    assert celery_perf.run(ping).succeeded == 1
