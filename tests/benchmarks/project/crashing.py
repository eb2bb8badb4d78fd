"""Crash tests, and tests that would wait for long; run by `bench_crash`, which takes their times from JUnit."""

from __future__ import annotations

import pytest
from warehouse.celery import count, move, order

from pytest_celery_perf import CeleryPerf

TESTS = 8
POINTS = 20
many = pytest.mark.parametrize("number", range(TESTS))
few = pytest.mark.parametrize("number", range(3))


@many
def test_nothing(celery_perf: CeleryPerf, number: int) -> None:
    assert celery_perf.run(move).succeeded == 1


@many
@pytest.mark.celery_recovery(kill="child")
def test_child(number: int) -> None:
    move.delay()


@many
@pytest.mark.celery_recovery(kill="worker")
def test_worker(number: int) -> None:
    move.delay()


@many
@pytest.mark.celery_retries(attempts=13, backoff="exponential", max_countdown=600, final="failed")
def test_backoff(celery_perf: CeleryPerf, number: int) -> None:
    celery_perf.fail(order, times=13)
    order.delay()


@few
@pytest.mark.django_db(transaction=True)
@pytest.mark.celery_crash_sweep(task=count)
def test_sweep(number: int) -> None:
    count.delay(POINTS - 2)  # besides its queries, its start and its end
