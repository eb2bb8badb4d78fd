"""Whatever the pool, its worker comes back after the network does."""

from __future__ import annotations

import pytest
from listeners import await_end_of, await_listeners
from post import sort

from pytest_celery_perf import CeleryNetwork, CeleryPerf


@pytest.mark.celery_reliable
def test_reset(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    celery_perf.run(sort, ("a",))
    before = await_listeners(celery_perf)
    assert celery_network.reset() > 0
    await_listeners(celery_perf, but=before)
    celery_perf.run(sort, ("b",))


@pytest.mark.celery_reliable
def test_cut(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    celery_perf.run(sort, ("a",))
    before = await_listeners(celery_perf)
    with celery_network.cut():
        await_end_of(celery_perf, before)
        sort.delay("b")
    celery_perf.wait()
    assert len(celery_perf.history.executions) == 2
