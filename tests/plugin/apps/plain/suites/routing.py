"""``celery_routing`` on good and on bad code; each test is expected by name in test_routing.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from office import add, misrouted, relaxed, stand, urgent

from pytest_celery_perf import CeleryPerf

ONE_AT_A_TIME = pytest.mark.celery_worker(concurrency=1, prefetch=1, pool="solo")


@pytest.mark.celery_routing(queue="celery")
@pytest.mark.celery_routing(task="office.urgent", priority=3)
def test_everything_is_kept() -> None:
    urgent.delay()


@pytest.mark.celery_routing(queue="reports")
def test_queue() -> None:
    add.delay(1, 2)


@pytest.mark.celery_worker(queues=["celery", "nowhere"])
@pytest.mark.celery_routing(queue="nowhere")
def test_queue_by_decorator() -> None:
    misrouted.delay()


@pytest.mark.celery_routing(priority=0)
def test_priority() -> None:
    relaxed.delay()


@pytest.mark.celery_routing(priority=7)
def test_not_every_priority() -> None:
    relaxed.delay()
    relaxed.apply_async(priority=1)


@ONE_AT_A_TIME
@pytest.mark.celery_routing(order=[urgent, relaxed])
def test_order_is_kept(tmp_path: Path) -> None:
    _in_a_backlog(tmp_path)


@ONE_AT_A_TIME
@pytest.mark.celery_routing(order=["office.relaxed", "office.urgent"])
def test_order(tmp_path: Path) -> None:
    _in_a_backlog(tmp_path)


@pytest.mark.celery_routing(order=[urgent, add])
def test_no_backlog(celery_perf: CeleryPerf) -> None:
    celery_perf.run(urgent)
    celery_perf.run(add, (1, 2))


@pytest.mark.celery_routing(order=[urgent, add])
def test_one_is_missing() -> None:
    urgent.delay()


def _in_a_backlog(folder: Path) -> None:
    """Publish both kinds behind a task that keeps the only worker busy."""
    gate = folder / "gate"
    os.mkfifo(gate)
    stand.delay(str(gate))
    opened = os.open(gate, os.O_WRONLY)  # returns when the task has begun to read
    for _ in range(3):
        relaxed.delay()
        urgent.delay()
    os.close(opened)
