"""Whatever the pool, its worker comes back after the network does."""

from __future__ import annotations

import pytest
from post import sort

from pytest_celery_perf import CeleryNetwork, CeleryPerf


@pytest.mark.celery_reliable
def test_reset(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    celery_perf.run(sort, ("a",))
    assert celery_network.reset() > 0
    celery_perf.run(sort, ("b",))


@pytest.mark.celery_reliable
def test_cut(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    celery_perf.run(sort, ("a",))
    with celery_network.cut():
        sort.delay("b")
    celery_perf.wait()
    assert len(celery_perf.history.executions) == 2
