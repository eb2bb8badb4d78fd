"""A worker that stands still for a second, seen by an open loop and by a closed one; run by `bench_load`."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from warehouse.celery import pause

from pytest_celery_perf import CeleryPerf

TASK_S = 0.01
TASKS = 600
PART_OF_CAPACITY = 0.8
STALL_AFTER_S = 2.0
STALL_S = 1.0

pytestmark = pytest.mark.celery_worker(name="one", pool="solo")


@contextmanager
def _stalled(pid: int) -> Iterator[None]:
    def stall() -> None:
        time.sleep(STALL_AFTER_S)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(STALL_S)
        os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=stall)
    thread.start()
    yield
    thread.join()


def test_stall(celery_perf: CeleryPerf, record_property: Callable[[str, object], None]) -> None:
    (worker,) = celery_perf.workers
    warm = celery_perf.load(pause, (TASK_S,), count=TASKS, in_flight=2)
    assert warm.throughput is not None
    rate = PART_OF_CAPACITY * warm.throughput
    calm = celery_perf.load(pause, (TASK_S,), rate=rate, count=TASKS)
    with _stalled(worker.pid):
        opened = celery_perf.load(pause, (TASK_S,), rate=rate, count=TASKS)
    with _stalled(worker.pid):
        closed = celery_perf.load(pause, (TASK_S,), count=TASKS, in_flight=2)
    record_property("open_ms", calm.latency.p99 * 1e3)
    record_property("stalled_ms", opened.latency.p99 * 1e3)
    record_property("closed_ms", closed.latency.p99 * 1e3)
    # Both stood still for as long; it is the samples that differ.
    assert min(opened.stall.lasting_s, closed.stall.lasting_s) >= STALL_S * 0.9
