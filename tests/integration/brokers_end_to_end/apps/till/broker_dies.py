"""``kill="broker"`` on every pool; each test is expected by name in test_broker_dies.py."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from till import pay, queue_up, tip

dies = pytest.mark.celery_recovery(kill="broker", at="started", within="1min")


@dies
@pytest.mark.celery_worker(pool="prefork", concurrency=1)
def test_prefork_busy() -> None:
    pay.delay(1)


@dies
@pytest.mark.celery_worker(pool="prefork", concurrency=1, prefetch=1)
def test_prefork_busy_with_a_backlog() -> None:
    for amount in range(5):
        pay.delay(amount)


@pytest.mark.celery_recovery(kill="broker", at="finished", within="1min")
@pytest.mark.celery_worker(pool="prefork", concurrency=1, prefetch=4)
def test_prefork_with_prefetched_tasks(celery_perf, tmp_path: Path) -> None:
    """Those that were received and not begun are forgotten by the worker, and held by the broker."""
    gate = tmp_path / "gate"
    queue_up.delay(str(gate))
    pay.delay(1)
    pay.delay(2)
    deadline_s = time.monotonic() + 60
    while len(celery_perf.history.executions) < 3:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    gate.touch()


@dies
@pytest.mark.celery_worker(pool="prefork", concurrency=2)
def test_prefork_with_a_free_slot() -> None:
    pay.delay(1)


@dies
@pytest.mark.celery_worker(pool="solo")
def test_solo() -> None:
    pay.delay(1)


@dies
@pytest.mark.celery_worker(pool="threads", concurrency=2)
def test_threads() -> None:
    pay.delay(1)


@dies
@pytest.mark.celery_worker(pool="prefork", concurrency=1)
def test_acknowledged_early() -> None:
    tip.delay(1)


@pytest.mark.celery_recovery(kill="broker", at="received")
@pytest.mark.celery_worker(pool="prefork", concurrency=1)
def test_received() -> None:
    pay.delay(1)


@pytest.mark.celery_recovery(kill="broker", at="finished")
@pytest.mark.celery_worker(pool="prefork", concurrency=1)
def test_finished() -> None:
    pay.delay(1)
