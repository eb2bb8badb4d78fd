"""A worker in a container, watched by its control group."""

from __future__ import annotations

import os

import pytest
from office import burn, hoard, seep

from pytest_celery_perf import CeleryPerf

MIB = 1 << 20

pytestmark = pytest.mark.celery_worker(
    name="box", concurrency=1, runtime="container", image=os.environ.get("OFFICE_IMAGE", "none")
)


def test_memory_and_cpu(celery_perf: CeleryPerf) -> None:
    before = celery_perf.run(burn, (0.01,)).workers["box"].usage
    celery_perf.run(hoard, (120 * MIB, 0.03))
    run = celery_perf.run(burn, (0.5,))
    after = run.workers["box"].usage
    assert {"cgroup"} == {each.source for each in run.history.samples}
    assert before is not None
    assert after is not None
    assert after.peak_bytes is not None
    assert after.peak_bytes - after.rss_bytes > 100 * MIB
    assert (after.cpu_s or 0) - (before.cpu_s or 0) == pytest.approx(0.5, abs=0.4)
    assert after.uss_bytes is None


def test_a_leak(celery_perf: CeleryPerf) -> None:
    growth = celery_perf.run(seep, (MIB, 0.02), times=40, concurrency=1).memory_growth
    assert growth is not None
    assert growth.bytes == pytest.approx(1000 * MIB, rel=0.15)
