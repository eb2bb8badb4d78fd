"""``celery_latency`` on good and on bad code; each test is expected by name in test_latency.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from office import add, burn, growing, stand

from pytest_celery_perf import CeleryPerf


@pytest.mark.celery_latency(p50="1min", p95="1min", max="1min")
@pytest.mark.celery_latency(phase="queue", p50="1min")
@pytest.mark.celery_latency(phase="prefetch", p50="1min")
@pytest.mark.celery_latency(phase="end_to_end", p50="1min", max=60)
def test_everything_is_kept(celery_perf: CeleryPerf) -> None:
    celery_perf.run(add, (1, 2), times=20)


@pytest.mark.celery_latency(max="1ms")
def test_runtime() -> None:
    burn.delay(0.05)


@pytest.mark.celery_latency(p50="1ns")
def test_median(celery_perf: CeleryPerf) -> None:
    celery_perf.run(burn, (0.01,), times=5)


@pytest.mark.celery_latency(p95="1min", p99="1min")
def test_not_enough_samples(celery_perf: CeleryPerf) -> None:
    celery_perf.run(add, (1, 2), times=6)


@pytest.mark.celery_worker(concurrency=1, prefetch=1, pool="solo")
@pytest.mark.celery_latency(task=add, phase="queue", max="1ms")
def test_queue(tmp_path: Path) -> None:
    _behind_another(tmp_path)


@pytest.mark.celery_worker(concurrency=1, prefetch=4)
@pytest.mark.celery_latency(task=add, phase="prefetch", max="1ms")
def test_prefetch(tmp_path: Path) -> None:
    _behind_another(tmp_path)


@pytest.mark.celery_latency(phase="end_to_end", max="1ms")
def test_end_to_end(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(growing, times=1)
    growing.delay()


@pytest.mark.celery_latency(max="1min")
def test_nothing_published() -> None:
    pass


def _behind_another(folder: Path) -> None:
    """Publish a task behind one that waits until it was published."""
    gate = folder / "gate"
    os.mkfifo(gate)
    stand.delay(str(gate))
    opened = os.open(gate, os.O_WRONLY)  # returns when the task has begun to read
    add.delay(1, 2)
    burn(0.05)
    os.close(opened)
