"""What a suite does with a broker: pass, fail, retry, crash; expected by name in test_external.py."""

from __future__ import annotations

import pytest
from celery import chord, group
from till import add, lost, pay, total


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_many(celery_perf, number: int) -> None:
    assert celery_perf.run(add, (1, number), times=10).succeeded == 10


def test_results(celery_perf) -> None:
    chord(group(add.s(1, number) for number in range(4)), total.s()).delay()
    assert celery_perf.wait().succeeded == 5
    assert add.delay(1, 2).get(timeout=60) == 3


@pytest.mark.celery_recovery(kill="child", at="started", within="1min")
def test_child_dies() -> None:
    pay.delay(1)


@pytest.mark.celery_recovery(kill="worker", at="started", within="1min")
def test_worker_dies() -> None:
    pay.delay(1)


@pytest.mark.celery_recovery(kill="worker", at="received", max_executions=1)
def test_worker_dies_with_a_backlog() -> None:
    for amount in range(6):
        pay.delay(amount)


@pytest.mark.celery_worker(concurrency=2, config={"worker_deduplicate_successful_tasks": True})
@pytest.mark.celery_recovery(kill="worker", at="finished", max_executions=1)
def test_worker_dies_and_the_task_is_not_run_again() -> None:
    pay.delay(1)


@pytest.mark.celery_routing(task=lost, queue="nowhere")
def test_left_in_a_queue(celery_perf) -> None:
    lost.delay()
    celery_perf.wait(timeout=1)
