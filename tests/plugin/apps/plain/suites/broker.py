"""A broker that goes away; each test is expected by name in test_diagnosis.py."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import redis
from kombu.exceptions import OperationalError
from office import add, stand

from pytest_celery_perf import CeleryPerf


@pytest.mark.celery_worker(name="narrow", concurrency=1, prefetch=1, pool="solo")
def test_does_not_answer(celery_perf: CeleryPerf, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    stand.delay(str(tmp_path / "gate"))
    opened = os.open(tmp_path / "gate", os.O_WRONLY)  # returns when the task has begun to read
    add.delay(1, 2)
    assert celery_perf.broker.pid is not None
    os.kill(celery_perf.broker.pid, signal.SIGKILL)
    celery_perf.wait(timeout=2)
    os.close(opened)


def test_the_next_one(celery_perf: CeleryPerf) -> None:
    celery_perf.run(add, (1, 2))


@pytest.mark.celery_latency(max="1min")
def test_dies_after_its_tasks(celery_perf: CeleryPerf) -> None:
    celery_perf.run(add, (1, 2))
    _kill(celery_perf)


@pytest.mark.celery_latency(max="1min")
def test_has_the_same_workers() -> None:
    add.delay(1, 2)


@pytest.mark.celery_latency(max="1min")
def test_publishes_nothing_without_it(celery_perf: CeleryPerf) -> None:
    _kill(celery_perf)
    with pytest.raises(OperationalError):
        add.apply_async((1, 2), retry=False)


@pytest.mark.celery_latency(max="1min")
def test_publishes_what_no_serializer_knows() -> None:
    with pytest.raises(Exception, match="not JSON serializable"):
        add.delay(object(), 2)


def _kill(celery_perf: CeleryPerf) -> None:
    """Kill the broker behind the plugin's back, be it this process's or that of all xdist workers."""
    with redis.Redis.from_url(celery_perf.broker.url()) as client:
        os.kill(client.info("server")["process_id"], signal.SIGKILL)
    while celery_perf.broker.ping():
        pass
