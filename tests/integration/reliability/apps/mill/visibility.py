"""A visibility timeout of a few seconds passes; what becomes of each task is told in test_visibility.py."""

from __future__ import annotations

import pytest
from acts import holder, looks_often, peers, with_gevent
from mill import hasty, late

reliable = pytest.mark.celery_reliable(max_executions=1)
DEFAULTS = {"visibility_timeout": 1}
LONG_S = 10
"""Longer than the visibility timeout, and until somebody has looked."""


@looks_often
@peers()
def test_peer(celery_perf, celery_faults) -> None:
    _kill_the_holder(celery_perf, celery_faults)


@peers(config={"broker_transport_options": DEFAULTS})
def test_peer_by_default(celery_perf, celery_faults) -> None:
    _kill_the_holder(celery_perf, celery_faults)
    celery_perf.wait(timeout=5)


@with_gevent
@peers(pool="gevent")
def test_gevent_peer(celery_perf, celery_faults) -> None:
    _kill_the_holder(celery_perf, celery_faults)
    celery_perf.wait(timeout=LONG_S)


def _kill_the_holder(celery_perf, celery_faults) -> None:
    with celery_faults.hold(late) as held:
        late.delay()
        holder(celery_perf, held.wait()).kill()


@looks_often
@reliable
@pytest.mark.celery_worker(concurrency=1)
def test_eta(celery_faults) -> None:
    late.apply_async(countdown=LONG_S)
    celery_faults.when("ended", nth=2)


@looks_often
@reliable
@pytest.mark.celery_worker(concurrency=2, prefetch=1)
def test_long_run() -> None:
    hasty.delay(LONG_S)


@looks_often
@reliable
@pytest.mark.celery_worker(concurrency=1, prefetch=1)
def test_long_run_in_the_only_slot(celery_faults) -> None:
    hasty.delay(LONG_S)
    celery_faults.when("ended", nth=2)
